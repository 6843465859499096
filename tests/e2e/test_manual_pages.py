# SPDX-License-Identifier: Apache-2.0
"""Every program, file and table type has a manual page, and what the pages say is there: options, parameters, other pages, commands."""

import re
import shlex
import shutil
import subprocess

import pytest
from support.instance import BUILD, SOURCE

PAGES = sorted((SOURCE / "man").glob("*.[158]"))
LINKS = dict(re.findall(r"merpati_install_link\(share/man/man\d (\S+?\.\d)(?:merpati)? (\S+?\.\d)(?:merpati)?\)",
                        (SOURCE / "cmake/install.cmake").read_text()))
# What packages beside ours bring.
FOREIGN = {"ldap_search 3", "regex 7", "saslauthd 8", "uuxqt 8"}
ids = {"ids": lambda page: page.name}


def rows(page, macro):
    """What follows a macro, wherever it stands on a line."""
    return re.findall(rf"(?m)^\.(?:.* )?{macro} (.*)$", page.read_text())


def page_of(name, sections):
    for section in sections:
        path = SOURCE / "man" / LINKS.get(f"{name}.{section}", f"{name}.{section}")
        if path.exists():
            return path
    return None


def letters_of(program):
    """What the program's parser takes: {letter: whether a value follows}."""
    name = {"postalias": "postmap"}.get(program, program)
    folder = SOURCE / "src/commands" / name if (SOURCE / "src/commands" / name).is_dir() else SOURCE / "src" / name
    source = "".join(path.read_text() for path in sorted(folder.glob("*.c")))
    if name == "sendmail":
        return {letter: argument != "NO_ARGUMENT" for letter, argument in re.findall(r"\{ '(\w)', (\w*ARGUMENT\w*),", source)}
    found = re.search(r'is_postalias \? "(?P<postalias>[^"]*)" : "(?P<postmap>[^"]*)"', source)
    text = found[program] if found else re.search(r'getopt\(argc, argv, "([^"]*)"', source)[1]
    return {letter: colon == ":" for letter, colon in re.findall(r"([\w#])(:?)", text)}


def verbs():
    """The commands of merpati, as it lists them itself."""
    return re.findall(r"(?m)^  ([\w-]+) ", subprocess.run([BUILD / "bin/merpati"], capture_output=True, text=True).stderr)


PROGRAMS = sorted(path.name for folder in ("bin", "libexec") for path in (BUILD / folder).iterdir())
COMMANDS = [name for name in PROGRAMS if (SOURCE / "src/commands" / name).is_dir() or name in ("postalias", "master")]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_has_a_page(program):
    page = page_of(program, "18")
    assert page, f"man/{program}.1 or man/{program}.8 is missing"
    assert re.search(rf"(?m)^\.Nm {program}( ,)?$", page.read_text()), f"{page.name} does not name {program}"


@pytest.mark.parametrize("page", PAGES, **ids)
def test_pages_are_well_formed(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not here")
    found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True).stdout
    assert found == ""


@pytest.mark.parametrize("program", COMMANDS)
def test_a_page_tells_the_options_that_the_program_takes(program):
    text = page_of(program, "18").read_text()
    # A page for two programs says which option is whose: ".It Fl f No (postmap)".
    told = {}
    for letter, rest in re.findall(r"(?m)^\.It Fl ([\w#])(.*)$", text):
        if "No (" not in rest or f"({program})" in rest:
            told[letter] = "Ar " in rest
    assert told == letters_of(program)
    synopsis = "".join(re.findall(r"\bFl ([\w#]+)", text.split(".Sh SYNOPSIS")[1].split(".Sh ")[0]))
    assert set(synopsis) <= set(told)


def test_the_page_of_merpati_tells_its_commands():
    told = re.findall(r"(?m)^\.It Cm (?:\\&)?([a-z-]+)$", page_of("merpati", "1").read_text())
    assert len(told) > 10 and sorted(told) == sorted(verbs())


@pytest.mark.parametrize("program", sorted(set(path.name for path in (BUILD / "libexec").iterdir()) - {"master", "postlogd"}))
def test_a_page_of_a_service_tells_who_it_is_and_whom_it_calls(program):
    described = subprocess.run([BUILD / "libexec" / program, "--describe"], capture_output=True, text=True, check=True).stdout
    user, profile, calls = described.rstrip("\n").split("\t")[2:]
    text = page_of(program, "8").read_text().split(".Sh SECURITY CONSIDERATIONS")[1]
    assert re.search(rf"(?m)^It runs as {user}|^It runs as\n\.Va {user}\b", text)
    assert profile == "-" or f".Cm {profile} " in text
    services = {"rewrite": "trivial-rewrite", "proxywrite": "proxymap", "defer": "bounce", "trace": "bounce"}
    called = {services.get(name, name) for name in calls.split(", ")} - {"-", program}
    told = re.findall(r"^\.Xr (\S+) 8", text.split("It may call\n")[1], re.M) if called else []
    assert set(told[:len(called)]) == called


MODULES = sorted(path.stem for path in (SOURCE / "debian/dynamicmaps").glob("*.cf"))


def test_every_type_of_table_has_a_page_or_a_place_in_the_overview(tmp_path):
    (tmp_path / "main.cf").write_text("")
    types = subprocess.run([BUILD / "bin/postconf", "-c", tmp_path, "-m"], capture_output=True, text=True, check=True).stdout.split()
    overview = re.findall(r"(?m)^\.It .*$", page_of("merpati-tables", "5").read_text())
    told = set(re.findall(r"Cm (?:\\&)?(\w+)", "\n".join(overview)))
    assert len(types) > 15 and len(MODULES) > 5
    assert set(types) | set(MODULES) <= told


def test_the_packages_have_each_page_once():
    """A module's page comes with the module, all others of section 5 with merpati."""
    installed = {}
    for path in (SOURCE / "debian").glob("*.install"):
        for page in re.findall(r"(?m)^usr/share/man/man5/(\S+)", path.read_text()):
            assert page not in installed, f"{page} is in {installed[page]} and {path.stem}"
            installed[page] = path.stem
    wanted = {page.name: "merpati" for page in PAGES if page.suffix == ".5"}
    wanted |= {f"{name}_table.5": f"merpati-{name}" for name in MODULES}
    wanted |= {link: "merpati" for link in LINKS if link.endswith(".5")}
    assert installed == wanted


@pytest.mark.parametrize("page", PAGES, **ids)
def test_other_pages_that_a_page_names_are_there(page):
    for reference in rows(page, "Xr"):
        name, section = reference.split()[:2]
        assert page_of(name, section) or f"{name} {section}" in FOREIGN, f"{page.name}: {name}({section}) is not there"


# What the code has a table of, the page tells: rows of the table, and how its entries look there.
LISTS = [
    ("access.5", "src/smtpd/restriction_action.c", r'\{ "([A-Z_]+)", act_'),
    ("header_checks.5", "src/lib/checks/checks.c", r'\{ "([A-Z_]+)", CHECKS_'),
    ("merpati-restrictions.5", "src/lib/config/restriction_names.c", r'\] = "(\w+)"'),
    ("pcre_table.5", "src/lib/table/regex_table.c", r"\{ '(\w)', (?:PCRE2_|0)"),
    ("pipe.8", "src/lib/delivery/command_arguments.c", r'\{ "(\w+)", put_'),
    ("pipe.8", "src/lib/delivery/command_attributes.c", r"\{ '(.)', COMMAND_"),
    ("smtpd.8", "src/smtpd/command.c", r'\{ "([A-Z]+)", verb_(?!unknown)'),
    ("merpati-tls.1", "src/commands/merpati/tls.c", r'\{ "([a-z-]+)", tls_'),
    ("postmulti.1", "src/commands/postmulti/life.c", r'\{ "([a-z]+)", \w+, \{'),
    ("postlog.1", "src/commands/postlog/main.c", r'\{ "([a-z]+)", LOG_LEVEL'),
    ("redis_table.5", "src/drivers/redis.c", r'"(\w+)"(?=[^{}]*, NULL,?\s*\})'),
    ("mysql_table.5", "src/drivers/mysql.c", r'"(\w+)"(?=[^{}]*, +NULL,?\s*\})'),
    ("ldap_table.5", "src/drivers/ldap.c", r'"(\w+)"(?=[^{}]*, +NULL,?\s*\})'),
    ("memcache_table.5", "src/lib/table/memcache_table.c", r'"(\w+)"(?=[^{}]*, +NULL,?\s*\})'),
]


@pytest.mark.parametrize("page, source, row", LISTS, ids=lambda value: value if value.endswith((".c", ".1", ".5", ".8")) else "")
def test_a_page_tells_all_that_the_code_has(page, source, row):
    names = set(re.findall(row, (SOURCE / source).read_text()))
    text = (SOURCE / "man" / page).read_text().split(".Sh PARAMETERS")[0]
    assert len(names) > 5
    assert {name for name in names if not re.search(rf'[. &{{("]{re.escape(name)}(?!\w)', text)} == set()


@pytest.fixture(scope="module")
def parameters(tmp_path_factory):
    folder = tmp_path_factory.mktemp("none")
    (folder / "main.cf").write_text("")
    (folder / "master.cf").write_text("dovecot unix - n n - - pipe\nlmtp unix - - n - - lmtp\nsmtp unix - - n - - smtp\n")
    listed = subprocess.run([BUILD / "bin/postconf", "-c", folder, "-d"], capture_output=True, text=True, check=True).stdout
    acted_on = subprocess.run([BUILD / "bin/postconf", "-R"], capture_output=True, text=True, check=True).stdout
    return {line.split(" =")[0] for line in listed.splitlines()} | {line.split("\t")[1] for line in acted_on.splitlines()}


@pytest.mark.parametrize("page", PAGES, **ids)
def test_parameters_that_a_page_names_are_known(page, parameters):
    """.Va marks parameters and nothing else; "transport_..." and "*service*_..." are those of any transport or service."""
    patterns = [name.replace("*service*", "") for name in parameters if "*" in name]
    for line in re.findall(r"(?m)^\..*$", page.read_text()):
        for name in re.findall(r"[. ]Va ([\w*]+)", line):
            is_any = re.match(r"(transport|service)_", name) and any(name.endswith(pattern) for pattern in patterns)
            assert name in parameters or is_any, f"{page.name}: {name} is no parameter"


@pytest.mark.parametrize("page", PAGES, **ids)
def test_settings_in_examples_are_known(page, parameters):
    """Lines of main.cf and words of postconf -e and -o."""
    for block in re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed$", page.read_text()):
        names = re.findall(r"(?m)^([a-z]\w+_\w+) = |(?: -o |postconf -e \"?)(\w+)=", block)
        for name in filter(None, sum(names, ())):
            if not page.name.endswith("_table.5") and not name.endswith("_template"):
                assert name in parameters, f"{page.name}: {name} is no parameter"


# Of which type the tables are that the pages show; the command warns of what is wrong in a line.
SHOWN = {"access.5": "hash", "aliases.5": "hash", "canonical.5": "hash", "cidr_table.5": "cidr", "generic.5": "hash", "header_checks.5": "pcre",
         "pcre_table.5": "pcre", "regexp_table.5": "regexp", "relocated.5": "hash", "transport.5": "hash", "virtual.5": "hash"}


def shown(page, kind):
    """The displays of a page that are commands, lines of main.cf or master.cf, or else a table."""
    text = "\n\n".join(re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed$", page.read_text()))
    for block in re.split(r"\n\n+", re.sub(r"(?m)^\\&", "", text).replace("\\e", "\\").rstrip("\n")):
        block = block.rstrip("\n") + "\n"
        if re.match(r"[#$] ", block):
            is_kind = kind == "command"
        elif re.match(r"\S+ +(unix|inet|pass|unix-dgram) ", block):
            is_kind = kind == "master.cf"
        else:
            is_kind = kind == ("main.cf" if re.match(r"\w+ = ", block) else "table")
        if is_kind:
            yield block


def run_quietly(folder, *words):
    done = subprocess.run([BUILD / "bin" / words[0], "-c", folder, *words[1:]], capture_output=True, text=True, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def bare(tmp_path):
    (tmp_path / "main.cf").write_text("")
    (tmp_path / "master.cf").write_text("")
    return tmp_path


@pytest.mark.parametrize("name", SHOWN)
def test_tables_in_pages_can_be_made_and_asked(name, bare):
    blocks = list(shown(SOURCE / "man" / name, "table"))
    assert blocks
    for block in blocks:
        (bare / "table").write_text(block)
        if SHOWN[name] == "hash":
            run_quietly(bare, "postalias" if name == "aliases.5" else "postmap", "hash:table")
            assert run_quietly(bare, "postmap", "-s", "hash:table").count("\n") >= block.count("\n")
        else:
            done = subprocess.run([BUILD / "bin/postmap", "-c", bare, "-q", "192.0.2.1", f"{SHOWN[name]}:table"], capture_output=True, text=True, cwd=bare)
            assert done.stderr == ""


@pytest.mark.parametrize("page", [page for page in PAGES if any(shown(page, "master.cf"))], **ids)
def test_services_in_pages_are_lines_of_master_cf(page, bare):
    text = "".join(shown(page, "master.cf"))
    (bare / "master.cf").write_text(text)
    listed = run_quietly(bare, "postconf", "-M").splitlines()
    assert len([line for line in listed if line[0] != " "]) == len(re.findall(r"(?m)^\S", text))


# Those of tables are not main.cf's; those of postconf(5) are alternatives: test_manual_parameters.py tries each.
OTHERS = ("sql_table.5", "lite_table.5", "ldap_table.5", "redis_table.5", "bounce.5", "postconf.5")


@pytest.mark.parametrize("page", [page for page in PAGES if any(shown(page, "main.cf")) and not page.name.endswith(OTHERS)], **ids)
def test_settings_in_pages_are_lines_of_main_cf(page, bare):
    text = "".join(shown(page, "main.cf"))
    (bare / "main.cf").write_text(text)
    names = [line.split(" = ")[0] for line in run_quietly(bare, "postconf", "-n").splitlines()]
    assert set(names) - {"config_directory"} == set(re.findall(r"(?m)^\w+", text))


def test_the_template_in_the_page_of_bounce_is_one(bare):
    text = (SOURCE / "man/bounce.5").read_text()
    (bare / "bounce.cf").write_text(re.search(r"(?s)\.Bd -literal[^\n]*\n(failure_template = .*?)\.Ed\n", text)[1])
    assert "expanded_failure_text" in run_quietly(bare, "postconf", "-b", "bounce.cf")


def own_commands(page):
    """The lines of examples that call one of ours: ("postmap", ["-q", "key", "hash:/etc/x"])."""
    for block in re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed$", page.read_text()):
        for line in re.findall(r"(?m)^[#$] (.*)$", block.replace("\\e\n", " ")):
            words = list(shlex.shlex(line.replace("\\e", "\\"), posix=True, punctuation_chars="|;&<>"))
            while words:
                end = next((i for i, word in enumerate(words) if set(word) <= set("|;&")), len(words))
                name = words[0] if words else ""
                if name in PROGRAMS + ["postfix", "mailq", "newaliases"]:
                    yield name, words[1:end]
                words = words[end + 1:]


@pytest.mark.parametrize("page", PAGES, **ids)
def test_examples_use_options_and_commands_that_exist(page):
    for name, words in own_commands(page):
        name = {"postfix": "merpati", "mailq": "sendmail", "newaliases": "sendmail"}.get(name, name)
        known, words = letters_of(name), list(words)
        while words and words[0].startswith("-") and words[0] not in ("-", "--"):
            word = words.pop(0)[1:]
            for place, letter in enumerate(word):
                assert letter in known, f"{page.name}: {name} has no option -{letter}"
                if known[letter]:
                    if place + 1 == len(word) and not (name == "sendmail" and letter in "qA"):
                        words.pop(0)
                    break
        assert name != "merpati" or words[0] in verbs(), f"{page.name}: merpati {words[0]} is not there"
