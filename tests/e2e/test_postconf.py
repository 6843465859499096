# SPDX-License-Identifier: Apache-2.0
"""postconf against what stock Postfix's prints: its own regression cases, and configurations of real sites."""

import json
import os
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.instance import BUILD, SOURCE

VECTORS = SOURCE.parent / "shared" / "vectors"
POSTCONF = BUILD / "bin" / "postconf"

def cases():
    path = VECTORS / "postfix-postconf" / "cases.json"
    return json.loads(path.read_text()) if path.exists() else []


def postconf(*words, cwd, check=False):
    return subprocess.run([POSTCONF, *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=check)


def in_order_of_text(text):
    """Stock prints its warnings in the order of a hash table."""
    return sorted(line.replace("./postconf: ", "postconf: ") for line in text.splitlines())


def main_cf_of_answer(text):
    """One case copies a main.cf that we do not have; its answer tells what stood in it."""
    lines = [line.replace("./postconf: warning: ./main.cf: unused parameter: ", "") for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines if not line.startswith("config_directory"))


def shell(command, cwd):
    """postconf is the first one found."""
    environment = dict(os.environ, PATH=f"{POSTCONF.parent}:{os.environ['PATH']}")
    return subprocess.run(command, shell=True, cwd=cwd, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60).stdout


def run_raw_step(step, case, cwd):
    """What cannot be said as data; comparisons with files of answers we do ourselves."""
    if step["raw"].startswith("cp test77-main.cf"):
        (cwd / "main.cf").write_text(main_cf_of_answer(case["expect"]))
    elif "diff" not in step["raw"] and not step["raw"].startswith("#"):
        shell(step["raw"], cwd)
    produced = re.search(r">\s*(test\d+\.tmp)", step["raw"])
    if "2>" in step["raw"] and produced:
        return (cwd / produced[1]).read_text()
    return ""


def run_step(step, case, cwd):
    for name in step.get("create", []):
        (cwd / name).touch()
    if "append" in step:
        with open(cwd / step["append"], "a") as file:
            file.write(step["line"].replace("`pwd`", str(cwd)) + "\n")
    if "raw" in step:
        return run_raw_step(step, case, cwd)
    if "run" not in step:
        return ""
    done = subprocess.run([POSTCONF, *step["run"][1:]], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    text = done.stdout
    if step.get("filter") and "diff" not in step["filter"]:
        text = subprocess.run(step["filter"], shell=True, input=text, stdout=subprocess.PIPE, text=True).stdout
    return text


# In stock a name that exists for this one case.
TEST_ONLY = ("support for parameter deleted-test-only has been removed; instead, do not specify",
             "unused parameter: deleted-test-only=whatever")


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in cases() if c["expect"] is not None])
def test_stock_regression_case(case, tmp_path):
    output = "".join([run_step(step, case, tmp_path) for step in case["steps"]])
    if case["compare"] == "master.cf":
        assert (tmp_path / "master.cf").read_text() == case["expect"]
    else:
        assert in_order_of_text(output) == in_order_of_text(case["expect"].replace(*TEST_ONLY))


def test_case_of_unknown_parameters_in_tables_files(tmp_path):
    case = next((c for c in cases() if c["name"] == "test68"), None) or pytest.skip("no cases")
    output = "".join([run_step(step, case, tmp_path) for step in case["steps"]])
    assert in_order_of_text(output) == [
        f"postconf: warning: {kind}:{tmp_path}/test68.cf: unused parameter: junk=junk"
        for kind in ("ldap", "memcache", "mysql", "pgsql", "sqlite")
    ]


def test_each_service_is_seen_with_all_parameters(tmp_path):
    configure(tmp_path, "", "foo unix - n n - 0 foo\nbar unix - n n - 0 bar\n -o mynetworks=127.0.0.1\n -o x=y\n")
    plain = postconf("-c.", cwd=tmp_path).stdout
    text = postconf("-c.", "-PP", "foo", cwd=tmp_path).stdout.replace("foo/unix/", "")
    apart = re.compile("^(process_id|process_name|service_name) =.*\n", re.M)
    assert apart.sub("", text) == apart.sub("", plain) != ""
    assert postconf("-c.", "-PP", "bar/unix/mynetworks", "foo/*/always_bcc", cwd=tmp_path).stdout == (
        "foo/unix/always_bcc =\nbar/unix/mynetworks = 127.0.0.1\n")
    assert "service_name = bar\n" in postconf("-c.", "-PP", "bar", cwd=tmp_path).stdout


def repeated_services(site):
    text = (site / "expect.postconf-M.out").read_text()
    names = ["/".join(line.split()[:2]) for line in text.splitlines()]
    return tuple(f"{name}/" for name in names if names.count(name) > 1)


def without(services, text):
    return [line for line in text.splitlines() if not services or not line.startswith(services)]


def warnings_of(site, option):
    """Where a table has a file, stock reads main.cf again, and then each entry overrides what the last one left."""
    text = (site / f"expect.postconf-{option}.err").read_text().replace("/usr/sbin/", "")
    once = (site / "expect.postconf-M.err").read_text().replace("/usr/sbin/", "").splitlines()
    return {line for line in text.splitlines() if "overriding" not in line or line in once}


def sites():
    return sorted(path.parent for path in (VECTORS / "real-configs").glob("*/main.cf"))


@pytest.mark.parametrize("option", ["n", "nf", "M", "Mf", "P"])
@pytest.mark.parametrize("site", [pytest.param(s, id=s.name) for s in sites()])
def test_configuration_of_a_real_site(site, option):
    done = postconf("-c.", f"-{option}", cwd=site)
    assert done.returncode == 0
    expected = (site / f"expect.postconf-{option}.out").read_text()
    if option == "P":
        # Of a service that comes twice, stock shows with both entries what both of them have together.
        twice = repeated_services(site)
        assert without(twice, done.stdout) == without(twice, expected)
    else:
        assert done.stdout == expected
    # That names will go is told since 3.9; these answers are 3.7's.
    told = {line for line in done.stderr.splitlines() if "support for parameter" not in line and "README" not in line}
    assert told == warnings_of(site, option)


@pytest.mark.parametrize("site", [pytest.param(s, id=s.name) for s in sites()])
def test_what_is_not_acted_on_is_named(site):
    """-W is what merpati check runs; it names parameters by file and line and never crashes."""
    done = postconf("-c.", "-W", cwd=site)
    assert done.returncode in (0, 1)
    lines = (site / "main.cf").read_text().splitlines()
    told = re.findall(r"main\.cf, line (\d+):? ([A-Za-z]\w*)\b.*: this version does not act on", done.stderr)
    for number, name in told:
        assert re.match(rf"{name}\s*=", lines[int(number) - 1])


def configure(tmp_path, main, master=""):
    (tmp_path / "main.cf").write_text(main)
    (tmp_path / "master.cf").write_text(master)


def test_editing_keeps_all_else_as_it_is(tmp_path):
    text = "# first\na = 1\n  continued\n# inside\n  more\n\nmyhostname = a.b\na = 2\n# last\n"
    configure(tmp_path, text)
    done = postconf("-c.", "-e", "a = 3", "b=4", "mydomain =", cwd=tmp_path)
    assert done.stderr == 'postconf: warning: ./main.cf: multiple entries for "a"\n'
    changed = (tmp_path / "main.cf").read_text()
    assert changed == "# first\na = 3\n# inside\n\nmyhostname = a.b\na = 3\n# last\nb = 4\nmydomain =\n"
    postconf("-c.", "-#", "myhostname", "b", cwd=tmp_path)
    postconf("-c.", "-X", "a", cwd=tmp_path)
    changed = (tmp_path / "main.cf").read_text()
    assert changed == "# first\n# inside\n\n#myhostname = a.b\n# last\n#b = 4\nmydomain =\n"


@pytest.mark.parametrize("words, reason", [
    (["-e", "foo"], "missing '=' after attribute name: \"foo\""),
    (["-e"], "-e requires name=value argument"),
    (["-X"], "missing service argument"),
    (["-M#"], "missing service argument"),
    (["-e", "=x"], 'missing attribute name: "=x"'),
    (["-e", "-X", "x"], "specify one of -e -X"),
    (["-c/nonexistent", "-n"], "open /nonexistent/main.cf: No such file or directory"),
])
def test_wrong_use_is_told(tmp_path, words, reason):
    configure(tmp_path, "a = 1\n")
    done = postconf("-c.", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"postconf: fatal: {reason}\n")
    assert (tmp_path / "main.cf").read_text() == "a = 1\n"


def test_defaults_are_stock_ones_but_for_our_names(tmp_path):
    """Every default that stock Postfix 3.7 prints, but for names, places, and what later versions changed."""
    stock = Path("/usr/sbin/postconf")
    if not stock.exists():
        pytest.skip("no stock postconf")
    configure(tmp_path, "")
    ours = dict(line.split(" =", 1) for line in postconf("-c.", "-d", cwd=tmp_path).stdout.splitlines())
    text = subprocess.run([stock, "-c.", "-d"], cwd=tmp_path, capture_output=True, text=True).stdout
    differing = {}
    for line in text.splitlines():
        name, value = line.split(" =", 1)
        if ours.get(name) != value:
            differing[name] = ours.get(name)
    allowed = {
        "alias_maps", "config_directory", "daemon_directory", "data_directory", "html_directory", "mail_name",
        "mail_owner", "mail_release_date", "mail_version", "meta_directory", "process_id", "queue_directory",
        "readme_directory", "sample_directory", "shlib_directory", "smtp_tls_security_level", "syslog_name",
        "address_verify_map", "postscreen_cache_map", "smtpd_forbid_bare_newline", "smtpd_forbid_unauth_pipelining",
        "import_environment", "milter_default_action", "proxy_read_maps", "smtp_tls_dane_insecure_mx_policy", "tls_export_cipherlist",
        "tls_high_cipherlist", "tls_low_cipherlist", "tls_medium_cipherlist", "tls_null_cipherlist", "tlsproxy_client_policy_maps",
        "tlsproxy_client_security_level",
    }
    assert set(differing) <= allowed, differing


def test_table_types_are_listed(tmp_path):
    listed = postconf("-m", cwd=tmp_path, check=True).stdout.splitlines()
    assert listed == sorted(listed) and {"cidr", "hash", "lmdb", "pcre", "texthash"} <= set(listed)


FORMS_MAIN = """
myhostname = a.example.com
mine = x y  z
mydestination = $myhostname, a.example.com
relay_domains =
   ldap:users
   proxy:pgsql:more
users_server_host = db.example.com
nobodys = 1
"""
FORMS_MASTER = """# first
foo unix - n n - 0 other -v -o zed=1 -o aaa=b -o { mid = c d } -o zed=2
smtp inet n - y 30? 5 smtpd
  -o smtpd_banner=$myhostname
  -o mynetworks=$mine,$smtpd_banner
  -oalways_bcc=
# of the next
bar unix - n n - 0 pipe flags=R user=x argv={ a b } ${recipient} { c d }
smtp unix - - n - - smtp
spooky unix - n n - 0 spawn user=nobody argv=/bin/true
"""
FORMS = """
-n; -nf; -nh; -nH; -nx; -xn mine mydestination; -p mine; -pn; mine; mine nosuch; -h mine myhostname; -H mine; -d mine
-x mydestination; -d append_at_myorigin; -hd append_at_myorigin; -C user; -C user,service -H; -C bogus; -nd; -Hh mine
-f relay_domains; -C service -n; -C user -d; spooky_time_limit; -d spooky_time_limit; -o mine=q -x mine; -o mine=q mine
-M; -Mf; -Mx; -M smtp; -M smtp/inet; -M */unix; -M nosuch; -M smtp/nosuch; -M nosuch foo; -Mn; -Md; -Mh; -MH
-F; -Ff; -FH; -Fx; -F smtp; -F smtp/inet; -F */unix/command; -F */*/wakeup; -F */*/type foo/unix/chroot; -F smtp/inet/nofield
-F nosuch; -F smtp/foo; -Fh smtp; -Fn; -Fd; -F smtp/inet -d; -FX smtp/inet/chroot; -F# smtp/inet/chroot
-P; -Pf; -Ph; -PH; -Px; -P smtp; -P */unix/zed; -P smtp/inet/always_bcc foo/unix/aaa; -P nosuch/x/y
-P smtp/inet/nosuch; -Pn; -Pd; -P#; -P foo -x; -Po mine=1 -x smtp
-MP; -FM; -FP; -Mp; -pF; -aA; -lm; -bM; -tF; -bn; -tn; -mn; -ln; -an; -bt; -pl; -aM; -Al; -lT run-version
-nX; -de; -e; -X; -eX; -X#; -eX a; -X a=b; -# a=b; -n a=b; -d a=b; -f a=b; -x a=b; -h a=b; -H a=b; -o x=y a=b; -e a
-e =x; -e #x=y; -MX; -M# smtp; -MX foo/unix/x/; -Me; -M foo=bar; -PX; -PX smtp; -PX smtp/inet; -F smtp=y; -F =y; -Fe
-F smtp/inet/maxproc=7; -F smtp/inet/process_limit=zz; -F smtp/inet/wakeup; -P nosuch/inet/x=y; -F nosuch/inet/chroot=y
-PX smtp/inet/x=y; -P smtp/inet=y; -PX smtp/inet/*; -F smtp/inet/*=n; -a; -A; -l; -T public-key-algorithms; -T run-version
"""


def forms():
    return [form.strip() for line in FORMS.splitlines() for form in line.split(";") if form.strip()]


def answer(program, form, directory, **options):
    done = subprocess.run([program, "-c.", *form.split(" ")], cwd=directory, capture_output=True, text=True, **options)
    return done.returncode, done.stdout, sorted(done.stderr.replace("/usr/sbin/", "").splitlines())


def test_each_form_answers_as_stock_does(tmp_path):
    stock = Path("/usr/sbin/postconf")
    if not stock.exists():
        pytest.skip("no stock postconf")
    configure(tmp_path, FORMS_MAIN, FORMS_MASTER)
    differing = []
    with ThreadPoolExecutor(64) as pool:  # Stock waits for a second before it dies.
        answers = list(pool.map(lambda form: answer(stock, form, tmp_path), forms()))
    for form, expected in zip(forms(), answers):
        ours = answer(POSTCONF, form, tmp_path)
        if form == "-Fh smtp":  # Stock lets the first option run into a short command.
            expected = (expected[0], expected[1].replace("\nsmtpd-o", "\nsmtpd -o"), expected[2])
        if expected != ours:
            differing.append(form)
            print(form, expected, ours, sep="\n")
    assert differing == []
    assert (tmp_path / "main.cf").read_text() == FORMS_MAIN and (tmp_path / "master.cf").read_text() == FORMS_MASTER


EDITS = [
    ["-F", "smtp/inet/chroot=n", "foo/unix/command=qq -o x=y z"],
    ["-F", "smtp/inet/type=unix"],
    ["-F", "smtp/inet/service=smtps", "foo/unix/wakeup=30?"],
    ["-P", "smtp/inet/new=x", "foo/unix/zed=9"],
    ["-P", "smtp/inet/smtpd_banner="],
    ["-PX", "smtp/inet/smtpd_banner", "foo/unix/zed"],
    ["-PX", "smtp/inet/nosuch"],
    ["-M", "foo/unix=foo unix - n n - 0 q"],
    ["-M", "new/unix=new unix - n n - - x -o a=b"],
    ["-M", "foo/unix=bar unix - n n - 0 q"],
    ["-MX", "foo/unix"],
    ["-M#", "smtp/*"],
    ["-MX", "nosuch/unix"],
    ["-Me", "*/unix=foo unix - - - - - q"],
    ["-Me", "smtp/inet=smtp inet n - - - - q", "smtp/inet=smtp inet n - - - - q"],
]
EDITED_MASTER = """# first
foo unix - n n - 0 other -v -o zed=1 -o aaa=b -o { mid = c d } -o zed=2
smtp inet n - y 30? 5 smtpd
  -o smtpd_banner=$myhostname
  -o mynetworks=$mine,$smtpd_banner
  -oalways_bcc=
"""


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for words in EDITS])
def test_each_edit_of_master_cf_is_as_stock_makes_it(tmp_path, words):
    stock = Path("/usr/sbin/postconf")
    if not stock.exists():
        pytest.skip("no stock postconf")
    results = []
    for name, program in (("stock", stock), ("ours", POSTCONF)):
        (tmp_path / name).mkdir()
        configure(tmp_path / name, "", EDITED_MASTER)
        done = subprocess.run([program, "-c.", *words], cwd=tmp_path / name, capture_output=True, text=True)
        results.append((done.returncode, done.stdout, done.stderr, (tmp_path / name / "master.cf").read_text()))
    assert results[0] == results[1]


def test_what_an_edit_does_not_mean_stays_where_it_is(tmp_path):
    """Stock moves comments, and loses braces; a value with white space it refuses."""
    text = ("a unix - n n - 0 pipe\n  user=x { argv = /bin/sh -c }\n# inside\n   { b c }\n# of the next\n\n"
            "b unix  -  n n - 0 smtp # -o x=y\n# last\n")
    configure(tmp_path, "", text)
    postconf("-c.", "-F", "a/unix/chroot=y", cwd=tmp_path, check=True)
    changed = ("# inside\na          unix  -       n       y       -       0       pipe user=x\n"
               "    {argv = /bin/sh -c} {b c}\n# of the next\n\nb unix  -  n n - 0 smtp # -o x=y\n# last\n")
    assert (tmp_path / "master.cf").read_text() == changed
    postconf("-c.", "-P", "b/unix/syslog_name=two words", cwd=tmp_path, check=True)
    assert "b          unix  -       n       n       -       0       smtp" in (tmp_path / "master.cf").read_text()
    assert postconf("-c.", "-P", cwd=tmp_path).stdout == "b/unix/syslog_name = two words\n"
    for wrong in (["-F", "a/unix/command="], ["-F", "a/unix/chroot="], ["-P", "a/unix/*=x"]):
        before = (tmp_path / "master.cf").read_text()
        assert postconf("-c.", *wrong, cwd=tmp_path).returncode == 1
        assert (tmp_path / "master.cf").read_text() == before


def test_json_can_be_read_by_others(tmp_path):
    configure(tmp_path, 'myhostname = a.example.com\nmine = say "x\\y"\n  z\nq = $mine\n',
              "foo unix - n n - 0 foo { a\tb }\n")
    objects = [json.loads(line) for line in postconf("-c.", "-nj", cwd=tmp_path).stdout.splitlines()]
    assert {"mine": 'say "x\\y" z'} in objects and {"config_directory": "."} in objects
    assert json.loads(postconf("-c.", "-Mj", cwd=tmp_path).stdout) == {"foo/unix": "foo unix - n n - 0 foo {a\tb}"}
    assert len(postconf("-c.", "-j", cwd=tmp_path).stdout.splitlines()) > 800
    assert postconf("-c.", "-jf", cwd=tmp_path).stderr == "postconf: fatal: specify one of -f -j\n"


def drop_in(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_files_of_main_cf_d_outrank_main_cf_in_order_of_their_names(tmp_path):
    configure(tmp_path, "a = main\nb = $a\nmydestination = $a $b $c\n")
    drop_in(tmp_path, "main.cf.d/20-site.cf", "a = second\n# c\nc =\n  continued\n")
    drop_in(tmp_path, "main.cf.d/10-package.cf", "a = first\nb = ten\n")
    for ignored in (".30-hidden.cf", "40-old.cf.dpkg-old", "50-backup.cf~", "README"):
        drop_in(tmp_path, f"main.cf.d/{ignored}", "no = such thing")
    (tmp_path / "main.cf.d" / "60-folder.cf").mkdir()
    done = postconf("-c.", "-hx", "mydestination", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("second ten continued\n", "")
    done = postconf("-c.", "-n", cwd=tmp_path)
    assert done.stdout.startswith("a = second\nb = ten\nc = continued\n")


def test_mistakes_in_files_of_main_cf_d_are_told_with_their_place(tmp_path):
    configure(tmp_path, "", "")
    drop_in(tmp_path, "main.cf.d/x.cf", "a = 1\na = 2\nmydestination = $none\n")
    assert postconf("-c.", "-n", cwd=tmp_path).stderr.splitlines() == [
        "postconf: warning: ./main.cf.d/x.cf, line 2: overriding earlier entry: a=1",
        "postconf: warning: ./main.cf.d/x.cf: undefined parameter: none",
        "postconf: warning: ./main.cf.d/x.cf: unused parameter: a=2",
    ]
    drop_in(tmp_path, "main.cf.d/y.cf", "\nnothing\n")
    done = postconf("-c.", "-n", cwd=tmp_path)
    assert done.returncode == 1 and "./main.cf.d/y.cf, line 2: missing '=' after attribute name" in done.stderr
    drop_in(tmp_path, "main.cf.d/y.cf", "")
    drop_in(tmp_path, "master.cf.d/z.cf", "\nfoo unix\n")
    done = postconf("-c.", "-M", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "postconf: fatal: file ./master.cf.d/z.cf: line 2: bad field count\n")


def test_a_setting_is_changed_where_the_one_in_force_stands(tmp_path):
    configure(tmp_path, "a = main\nb = main\n")
    drop_in(tmp_path, "main.cf.d/1.cf", "a = one\nc = one\n")
    drop_in(tmp_path, "main.cf.d/2.cf", "a = two\n")
    postconf("-c.", "a=new", "b=new", "c=new", "d=new", cwd=tmp_path, check=True)
    files = ["main.cf", "main.cf.d/1.cf", "main.cf.d/2.cf"]
    assert [(tmp_path / name).read_text() for name in files] == [
        "a = main\nb = new\nd = new\n", "a = one\nc = new\n", "a = new\n"]
    postconf("-c.", "-X", "a", cwd=tmp_path, check=True)
    postconf("-c.", "-#", "c", cwd=tmp_path, check=True)
    assert [(tmp_path / name).read_text() for name in files] == ["b = new\nd = new\n", "#c = new\n", ""]


def test_of_two_requests_for_one_name_the_last_one_counts(tmp_path):
    configure(tmp_path, "a = 0\nc = 0\n", "smtp inet n - y - - smtpd\nsmtp inet n - y - 2 smtpd\n")
    done = postconf("-c.", "-e", "a=1", "b=2", "a=3", cwd=tmp_path, check=True)
    assert done.stderr == "postconf: warning: ignoring earlier request: 'a = 1'\n"
    postconf("-c.", "-X", " c ", cwd=tmp_path, check=True)
    assert (tmp_path / "main.cf").read_text() == "a = 3\nb = 2\n"
    postconf("-c.", "-Me", "smtp/inet=smtp inet n - - - - q", "smtp/inet=smtp inet n - - - - r", cwd=tmp_path, check=True)
    assert (tmp_path / "master.cf").read_text() == "smtp       inet  n       -       -       -       -       r\n"


def test_a_file_that_is_changed_keeps_its_place_owner_and_mode(tmp_path):
    configure(tmp_path, "", "")
    (tmp_path / "main.cf").unlink()
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "real.cf"
    real.write_text("a = 1\n")
    real.chmod(0o640)
    (tmp_path / "main.cf").symlink_to("elsewhere/real.cf")
    if os.getuid() == 0:
        os.chown(real, 7, 8)
    before = real.stat()
    postconf("-c.", "-e", "a=2", cwd=tmp_path, check=True)
    assert (tmp_path / "main.cf").is_symlink() and real.read_text() == "a = 2\n"
    after = real.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "main.cf", "master.cf"]
    (tmp_path / "main.cf").unlink()
    (tmp_path / "main.cf").symlink_to("nowhere")
    done = postconf("-c.", "-e", "a=3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "postconf: fatal: open ./main.cf: No such file or directory\n")


def test_services_of_master_cf_d_replace_and_add(tmp_path):
    configure(tmp_path, "", "smtp inet n - n - - smtpd\nqmgr unix n - n - - qmgr\n")
    drop_in(tmp_path, "master.cf.d/a.cf", "smtps inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n")
    drop_in(tmp_path, "master.cf.d/b.cf", "smtp inet n - n - 1 postscreen\n")
    assert [line.split()[0::7] for line in postconf("-c.", "-M", cwd=tmp_path).stdout.splitlines()] == [
        ["smtp", "postscreen"], ["qmgr", "qmgr"], ["smtps", "smtpd"]]
    postconf("-c.", "-F", "smtp/inet/process_limit=7", "*/*/chroot=y", cwd=tmp_path, check=True)
    postconf("-c.", "-P", "smtps/inet/syslog_name=x", cwd=tmp_path, check=True)
    postconf("-c.", "-M", "new/unix=new unix - - - - - pipe", cwd=tmp_path, check=True)
    assert (tmp_path / "master.cf").read_text() == (
        "smtp inet n - n - - smtpd\n"
        "qmgr       unix  n       -       y       -       -       qmgr\n"
        "new        unix  -       -       -       -       -       pipe\n")
    assert (tmp_path / "master.cf.d/a.cf").read_text() == (
        "smtps      inet  n       -       y       -       -       smtpd\n"
        "    -o smtpd_tls_wrappermode=yes\n    -o syslog_name=x\n")
    assert (tmp_path / "master.cf.d/b.cf").read_text() == (
        "smtp       inet  n       -       y       -       7       postscreen\n")
    postconf("-c.", "-MX", "smtp/inet", cwd=tmp_path, check=True)
    assert "smtp/inet/" not in postconf("-c.", "-F", cwd=tmp_path).stdout


def test_changes_of_many_at_one_time_are_all_made(tmp_path):
    configure(tmp_path, "")
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: postconf("-c.", f"n{number}=x", cwd=tmp_path, check=True), range(40)))
    assert sorted((tmp_path / "main.cf").read_text().splitlines()) == sorted(f"n{number} = x" for number in range(40))


WORDS = ["-o a=b", "-oa=b", "-v", "-voa=b", "-o { x = y z }", "{ a b }", "a=b", "flags=R", "x", "{{ q } r}", "${x}", "# c",
         "a={ b }", "{}", "{ }", "-o {{ab}}", "{{ab}}", "-", "argv={ c }d"]


def test_an_edited_entry_means_what_it_meant(tmp_path):
    chance = random.Random(5)
    for _ in range(60):
        text = ""
        for number in range(chance.randint(1, 4)):
            text += f"{chance.choice(['a', 'b/c', '127.0.0.1:25'])}{number} {chance.choice(['unix', 'inet'])} n - n - - cmd"
            for _ in range(chance.randint(0, 6)):
                text += chance.choice([" ", "\n  ", "\n# com\n\t", "\n\n "]) + chance.choice(WORDS)
            text += chance.choice(["\n", "\n# after\n\n"])
        configure(tmp_path, "", text)
        before = postconf("-c.", "-Mj", cwd=tmp_path, check=True).stdout
        postconf("-c.", "-F", "*/*/chroot=y", cwd=tmp_path, check=True)
        assert postconf("-c.", "-Mj", cwd=tmp_path, check=True).stdout == before.replace(" n - n - - ", " n - y - - "), text
    configure(tmp_path, "", "a unix n - n - - cmd -o a=b # c\n")
    postconf("-c.", "-F", "a/unix/chroot=y", cwd=tmp_path, check=True)
    assert postconf("-c.", "-hF", "a/unix/command", cwd=tmp_path).stdout == "cmd -o a=b # c\n"
    configure(tmp_path, "", "a unix n - n - - cmd { x\nb unix n - n - - cmd\n")
    postconf("-c.", "-F", "b/unix/chroot=y", cwd=tmp_path, check=True)
    done = postconf("-c.", "-F", "a/unix/chroot=y", cwd=tmp_path)
    assert done.returncode == 1 and "file ./master.cf: line 1: master.cf: missing '}' in" in done.stderr


def test_lines_that_end_in_cr_lf_and_a_last_one_that_does_not_end(tmp_path):
    (tmp_path / "main.cf").write_bytes(b"a = 1\r\nb = 2\r\n# c\r\nd = 4")
    (tmp_path / "master.cf").write_bytes(b"# x\r\na unix n - n - - cmd\r\n  b\r\nc unix n - n - - cmd\r\n")
    postconf("-c.", "-e", "b=3", "e=5", cwd=tmp_path, check=True)
    postconf("-c.", "-F", "a/unix/chroot=y", cwd=tmp_path, check=True)
    assert (tmp_path / "main.cf").read_bytes() == b"a = 1\r\nb = 3\n# c\r\nd = 4\ne = 5\n"
    assert (tmp_path / "master.cf").read_bytes() == (
        b"# x\r\na          unix  n       -       y       -       -       cmd b\nc unix n - n - - cmd\r\n")
