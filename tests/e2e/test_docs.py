# SPDX-License-Identifier: Apache-2.0
"""
What the guides show works. The blocks of a page are run in their order, where the page's system is this machine's own (/etc/merpati, in a
mount namespace): "sh" is shell, "console" is commands behind "$ " and what they print ("…": anything). Blocks of other kinds show what others write;
a kind that is not known here fails. Pages that install packages are run by tests/package/documented.
"""

import os
import re
import shutil
import subprocess

import pytest
from support.instance import IS_ROOT, SOURCE

PAGES = {str(path.relative_to(SOURCE)): path.read_text() for path in [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]}
RUN_HERE = ["docs/guide.md", "docs/tls-howto.md", "docs/milters.md", "docs/dane.md", "docs/tuning.md", "docs/security.md", "docs/troubleshooting.md", "docs/filters.md", "docs/sasl.md"]
# The kinds of blocks: how they are tried.
KINDS = {
    "sh": "run in the order of the page",
    "console": "run, and what is printed compared",
    "main.cf": "written into main.cf, which then has no unknown name",
    "master.cf": "written behind master.cf, and merpati check has nothing to say of it",
    "dovecot": "read by doveconf, without a word of it",
    "smtp": "played to a smtpd: lines with a code are its answers",
    "text": "shows words, no input",
    "sh package": "run in a root with the package: tests/package/documented; of docs/import.md: tests/package/from-postfix",
    "sh build": "what the project's own checks run: scripts/run, scripts/test, cmake presets",
    "sh elsewhere": "needs hosts of others (posttls-finger to a real domain, an archive of packages, Postfix and the package of Merpati on one host: tests/e2e/test_import_queue.py) or a second machine",
}
# Pages with kinds of their own, and the tests that read them.
OWN_KINDS = {"docs/virtual-domains-in-databases.md": "tests/e2e/test_databases_documented.py"}
# Where dialogues are played: as whom, and what the page's system has in main.cf.
PLAYED = {
    "README.md": ("you", {"myhostname": "host.example"}),
    "docs/getting-started.md": ("ana", {"myhostname": "mail.example.com", "smtpd_banner": "$myhostname ESMTP $mail_name (Debian/GNU)"}),
}
SETUP = """set -e
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
mount -t tmpfs none /var/mail
mkdir -p /etc/merpati
mount --bind {config} /etc/merpati
merpati start
"""


def blocks(text):
    """(kind, content) of each fenced block."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)


def commands(content):
    """(command, what it prints) of a console block."""
    parts = re.split(r"(?m)^\$ ", content)
    assert not parts[0].strip(), "a console block begins with a command"
    return [tuple(part.split("\n", 1)) for part in parts[1:]]


def script_of(page):
    """The page as one script of bash, and what its console blocks shall print."""
    script, expected = [], []
    for kind, content in blocks(PAGES[page]):
        if kind == "sh":
            script.append(content)
        elif kind == "console":
            for command, output in commands(content):
                script.append(f"echo @begin; {{ {command}\n}} 2>&1; echo @end")
                expected.append((command, output))
        elif kind in ("main.cf", "master.cf"):
            script.append(f"cat >> /etc/merpati/{kind} <<'END-OF-BLOCK'\n{content}END-OF-BLOCK\nmerpati check")
        elif kind == "dovecot":
            script.append(f"doveconf -c <(cat <<'END-OF-BLOCK'\n{content}END-OF-BLOCK\n) >/dev/null; wait $!")
    return "\n".join(script), expected


def is_like(printed, wanted):
    pattern = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", wanted.strip()))
    return re.fullmatch(pattern, printed.strip(), re.S)


@pytest.mark.skipif(not IS_ROOT, reason="a mount namespace of its own: root alone makes one")
@pytest.mark.parametrize("page", RUN_HERE)
def test_what_a_page_shows_works(page, make_merpati):
    mail = make_merpati(main={"default_database_type": "hash", "maillog_file_permissions": "0644"})
    script, expected = script_of(page)
    whole = SETUP.format(config=mail.config) + script + "\necho @over\npostconf -n >/dev/null\nmerpati check\nmerpati stop\n"
    environment = {name: value for name, value in os.environ.items() if name != "MAIL_CONFIG"}
    environment["PATH"] = f"{mail.command_directory}:{environment['PATH']}"
    try:
        done = subprocess.run(["unshare", "--mount", "bash", "-e"], input=whole, capture_output=True, text=True, env=environment, timeout=120)
    finally:
        if (mail.queue / "pid" / "master.pid").exists():
            mail.control("stop", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "@over" in done.stdout, said
    assert "unused parameter" not in said and "unknown parameter" not in said and "no parameter of" not in said, said
    printed = re.findall(r"(?ms)^@begin\n(.*?)^@end$", done.stdout)
    assert len(printed) == len(expected)
    for (command, wanted), got in zip(expected, printed):
        assert is_like(got, wanted), f"{command}: {got!r} instead of {wanted!r}"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_block_is_of_a_kind_that_is_tried(page):
    if page in OWN_KINDS:
        return
    kinds = [kind for kind, _ in blocks(PAGES[page])]
    assert not [kind for kind in kinds if kind not in KINDS]
    assert page in RUN_HERE or not {"sh", "console", "main.cf", "master.cf", "dovecot"} & set(kinds)
    assert page in PLAYED or "smtp" not in kinds
    fenced_out = re.sub(r"(?ms)^```.*?^```$", "", PAGES[page])
    assert not re.search(r"(?m)^\n    \S", fenced_out), "an indented block has no kind"


@pytest.mark.parametrize("page", PLAYED)
def test_a_dialogue_that_is_shown_is_had(page, make_merpati):
    user, main = PLAYED[page]
    mail = make_merpati(main={**main, "local_transport": "discard", "local_recipient_maps": f"inline:{{ {user}=x }}"})
    client = mail.start().smtp()
    answer = client.greeting
    shown = [content for kind, content in blocks(PAGES[page]) if kind == "smtp"]
    assert shown
    in_message = False
    for part in re.findall(r"(?m)(?:^(?:\d{3}[ -]|…).*\n)+|^.*\n", "".join(shown)):
        if re.match(r"\d{3}[ -]|…", part):
            assert is_like(str(answer), part), f"{answer} instead of {part}"
            in_message = answer.code == 354
        else:
            client.line(part.rstrip("\n"))
            in_message = in_message and part != ".\n"
            answer = answer if in_message else client.reply()
    mail.wait_log(rf"to=<{user}@localhost>.*status=sent")


def test_each_page_of_differences_is_named():
    named = set(re.findall(r"\((decisions/[^)]*)\)", PAGES["docs/from-postfix.md"]))
    there_are = {f"decisions/{path.name}" for path in (SOURCE / "docs/decisions").glob("*.md")}
    assert there_are - named == {"decisions/0001-delivery-above-daemon.md"}  # how the source is laid out


def test_the_page_of_security_has_each_program_with_its_user():
    rows = re.findall(r"(?m)^\| (\S+) \| [^|]* \| [^|]* \| (\w+) \| (\S+) \|", (SOURCE / "docs/reference/services.md").read_text())
    shown = [line for line in PAGES["docs/security.md"].splitlines() if re.match(r"\| (`\w+_owner`|root)", line)]
    for name, user, profile in [row for row in rows if row[0] != "program"]:
        assert [line.split("|")[1].strip(" `").split("`")[0] for line in shown if f"`{name}`" in line] == [user], name
        if profile == "-":
            assert re.search(rf"seccomp profile.* all but .*`{name}`", PAGES["docs/security.md"]), name


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", PAGES[page])
    assert not [link for link in links if "://" not in link and not ((SOURCE / page).parent / link).exists()]


def test_importing_as_shown_is_what_the_test_of_the_package_does():
    shown = "".join(content for kind, content in blocks(PAGES["docs/import.md"]) if kind == "sh package")
    done = (SOURCE / "tests/package/from-postfix").read_text()
    imports = re.findall(r"merpati import [^\n]*", shown)
    assert imports and not [line for line in imports if line not in done]


def test_what_is_like_something_is_seen():
    assert is_like("a b c", "a … c") and is_like("x\n", "x") and not is_like("a", "b") and not is_like("ab", "a")


def test_shell_that_is_shown_has_no_mistake_of_syntax():
    if not shutil.which("bash"):
        pytest.skip("there is no bash")
    for page, text in PAGES.items():
        for kind, content in blocks(text):
            if kind.split()[:1] == ["sh"]:
                done = subprocess.run(["bash", "-n"], input=content, capture_output=True, text=True)
                assert done.returncode == 0, (page, content, done.stderr)


def test_what_troubleshooting_quotes_is_what_programs_say():
    sources = "\n".join(path.read_text() for path in (SOURCE / "src").rglob("*.c") if not path.name.endswith("_test.c"))
    said = re.sub(r'"\s*(PRI\w+\s*)?"', "", sources)
    # What is put together of parts is what other tests see come out.
    said += "\n".join(path.read_text() for path in (SOURCE / "tests/e2e").glob("test_*.py") if path.name != "test_docs.py").replace("\\", "")
    system = {os.strerror(number) for number in range(1, 134)}
    quoted = []
    for line in PAGES["docs/troubleshooting.md"].splitlines():
        cell = line.split(" | ")[0]
        if line.startswith("| `"):
            quoted += re.findall(r"`([^`]+)`", cell)
    assert len(quoted) > 30
    assert not [part for text in quoted for part in text.strip().split(": ") if part not in said and part not in system]
