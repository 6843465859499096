# SPDX-License-Identifier: Apache-2.0
"""postmap and postalias: what they print, warn of and leave behind, beside what stock Postfix does."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.instance import SOURCE

VECTORS = SOURCE.parent / "shared" / "vectors" / "postfix-tables"

SOURCE_TEXT = """\
# comment
foo bar
  baz
\ttab lead
"key with space" value x
"k\\"q" v2
onlykey
colon: value
foo second
UPPER Case

x y\x20\x20
"unbalanced v
"""

ALIAS_TEXT = """\
# comment
postmaster: root
Foo : bar, baz
  qux
"quoted name": "|cmd x"
a@b: x
dup: 1
dup: 2
novalue:
nocolon
list: :include:/tmp/x, /file/name, user@dom
two words: x
"""

REGEXP_TEXT = """\
/a(b/ x
/a/xyz x
/ab x
foo
/(a)/ $2
/(a)(b)?c/ [$1][$2]
!/z/ no$1
if /a/
   /b/ c
endif x
ENDIF
if
if a
/abc/
IF !/foo/
/x/ y
ENDIF
/foo/bar/ x
+foo+i bar
if !/x
/[[:foo:]]/ a
/$x/ ${1
/^[]a-c\\d.]+$/ set
/\\<word\\>/ word
"""


@pytest.fixture
def both(make_merpati, make_stock):
    """Runs one command with each and returns the two results, made comparable."""
    ours, stock = make_merpati(), make_stock()

    def run(command, *words, input=None, files=()):
        results = []
        for mail in (stock, ours):
            directory = mail.path("tables")
            directory.mkdir(exist_ok=True)
            for name, text in files:
                (directory / name).write_text(text)
            done = mail.command(command, *words, input=input, check=False, directory=directory)
            results.append((done.returncode, done.stdout, done.stderr))
        return results

    run.directories = [stock.path("tables"), ours.path("tables")]
    return run


def without_noise(result, sort=False):
    status, out, err = result
    out = re.sub(r"YP_(LAST_MODIFIED|MASTER_NAME):\t.*\n", "", out)
    err = err.replace(" -- ignoring this line", "").replace("[-bfFhijmn", "[-bfFhimn")
    err = re.sub(r"unbalanced '\"' in '.*'", "unbalanced '\"'", err)
    # Ours says what to do, too.
    err = re.sub(r"(unsupported dictionary type: \w+): install the package merpati-\w+", r"\1", err)
    return (status, sorted(out.splitlines()) if sort else out, sorted(err.splitlines()))


@pytest.mark.parametrize("kind", ["hash", "btree", "cdb", "lmdb"])
def test_building_and_listing(both, kind):
    stock, ours = both("postmap", f"{kind}:t", files=[("t", SOURCE_TEXT)])
    assert without_noise(ours) == without_noise(stock)
    if kind == "cdb":
        one, other = (d / "t.cdb" for d in both.directories)
        assert one.read_bytes() == other.read_bytes()
        return
    stock, ours = both("postmap", "-s", f"{kind}:t")
    assert without_noise(ours) == without_noise(stock)


def test_building_aliases(both):
    stock, ours = both("postalias", "hash:t", files=[("t", ALIAS_TEXT)])
    assert without_noise(ours) == without_noise(stock)
    stock, ours = both("postalias", "-s", "hash:t")
    assert without_noise(ours, sort=True) == without_noise(stock, sort=True)


@pytest.mark.parametrize("kind", ["hash", "btree", "cdb"])
def test_each_reads_what_the_other_made(both, kind):
    both("postmap", f"{kind}:t", files=[("t", "a b\nc d\n")])
    suffix = "cdb" if kind == "cdb" else "db"
    one, other = (d / f"t.{suffix}" for d in both.directories)
    swap = one.with_suffix(".swap")
    shutil.move(one, swap)
    shutil.move(other, one)
    shutil.move(swap, other)
    for result in both("postmap", "-q", "a", f"{kind}:t"):
        assert result[:2] == (0, "b\n")
    for options in (["-n"], ["-N"]):
        both("postmap", *options, f"{kind}:t")
        for result in both("postmap", "-q", "c", f"{kind}:t"):
            assert result[:2] == (0, "d\n")


QUERIES = [
    ["-q", "foo", "hash:t"],
    ["-q", "FOO", "hash:t"],
    ["-q", "nope", "hash:t"],
    ["-q", "", "hash:t"],
    ["-fq", "UPPER", "hash:t"],
    ["-q", "foo", "texthash:t"],
    ["-q", "x", "inline:{x=y, z=a}"],
    ["-q", "z", "inline:{x=y, {z = a b}}"],
    ["-q", "z", "inline:{}"],
    ["-q", "z", "inline:z=a"],
    ["-q", "x", "static:{ foo bar }"],
    ["-q", "x", "static:"],
    ["-q", "x", "fail:y"],
    ["-q", "root", "unix:passwd.byname"],
    ["-q", "root", "unix:group.byname"],
    ["-q", "no-such-user-here", "unix:passwd.byname"],
    ["-q", "a", "unix:foo"],
    ["-q", "a", "pipemap:{inline:{a=b},inline:{b=d}}"],
    ["-q", "A", "pipemap:{inline:{a=B},inline:{b=d}}"],
    ["-q", "a", "pipemap:{inline:{a=b},fail:x}"],
    ["-q", "a", "pipemap:{}"],
    ["-q", "a", "pipemap:{foo}"],
    ["-q", "a", "unionmap:{inline:{a=b},fail:x}"],
    ["-q", "a", "unionmap:{inline:{a=b} pcre:{{/A/ X}}}"],
    ["-q", "a", "unionmap:{inline:{a=b},nonesuch:x}"],
    ["-q", "a", "unionmap:{inline:{a=b}}x"],
    ["-q", "a", "randmap:{one}"],
    ["-q", "a", "randmap:{}"],
    ["-q", "a", "randmap:{a,b"],
    ["-q", "a", "inline:{a=}"],
    ["-fq", "MAIL_CONFIG_ABSENT", "environ:x"],
    ["-q", "a", "internal:x"],
    ["-s", "internal:x"],
    ["-s", "environ:x"],
    ["-s", "pipemap:{inline:{a=b}}"],
    ["-s", "randmap:{a}"],
    ["-s", "tcp:127.0.0.1:1"],
    ["-q", "a", "cdb:nowhere"],
    ["-q", "a", "sdbm:x"],
    ["-q", "a", "dbm:x"],
    ["-q", "a", "nosuch:x"],
    ["-q", "a", "socketmap:unix:x"],
    ["-q", "a", "socketmap:inet:x"],
    ["-q", "a", "socketmap:foo:bar:baz"],
    ["-q", "a", "unionmap:{inline:{a=b},inline:{a=d}}"],
    ["-q", "a", "unionmap:{texthash:nowhere,inline:{a=d}}"],
    ["-q", "abc", "regexp:{ {/^(a)(b)/ $2-${1}-$(2)x$$ } , {/c/ d} }"],
    ["-q", "x", "foo:t"],
    ["-q", "x", "regexp:nowhere"],
    ["-q", "x", "hash:nowhere"],
    ["-s", "regexp:empty"],
    ["-s", "inline:{x=y,a=b}"],
    ["-d", "a", "hash:nowhere"],
    ["-d", "a", "static:f"],
    ["-d", "a", "environ:f"],
    ["-d", "a", "cidr:nowhere"],
    ["-d", "a", "texthash:t"],
    ["-d", "a", "tcp:127.0.0.1:1"],
    ["-d", "a", "socketmap:unix:x:y"],
    ["-d", "a", "pipemap:{inline:{a=b}}"],
    ["-d", "a", "inline:{a=b}"],
    ["-d", "a", "unix:passwd.byname"],
    ["-d", "a", "nonesuch:x"],
    ["tcp:t"],
    ["pcre:t"],
    ["-q", "a", "-d", "b", "hash:t"],
    ["-q", "a", "-q", "b", "hash:t"],
    ["hash:nowhere"],
    ["texthash:t"],
    [],
]


def test_asking(both):
    both("postmap", "hash:t", files=[("t", "foo bar\nUPPER Case\n"), ("empty", "")])
    # Side by side: stock sleeps for a second each time it fails.
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda words: both("postmap", *words), QUERIES))
    for words, (stock, ours) in zip(QUERIES, answers):
        assert without_noise(ours, sort=True) == without_noise(stock, sort=True), words


def test_keys_from_standard_input(both):
    both("postmap", "hash:t", files=[("t", "foo bar\nx y\n")])
    for words, input in [
        (["-q", "-"], "foo\nnope\nX\n"),
        (["-q", "-"], "nope\n"),
        (["-d", "-"], "foo\nnope\n"),
        (["-s"], None),
        (["-d", "-"], "nope\n"),
        (["-i"], "n m\nx z\n"),
        (["-i", "-r"], "x r\n"),
        (["-i", "-w"], "x w\n"),
        (["-s"], None),
    ]:
        stock, ours = both("postmap", *words, "hash:t", input=input)
        assert without_noise(ours) == without_noise(stock), words
    stock, ours = both("postmap", "-i", "hash:new", input="a b\n")
    assert ours == stock


MESSAGE = "Received: from a\n\tby b\nSubject: hello\nTo: x@y\n\nbody line 1\n\nbody line 3\n"


def test_headers_and_bodies_as_keys(both):
    rules = "/^Subject: (.*)/ s=$1\n/^Received:.*by/ r\n/body line/ B\n"
    for option in ("-h", "-b"):
        stock, ours = both("postmap", option, "-q", "-", "pcre:rules", input=MESSAGE, files=[("rules", rules)])
        assert ours == stock


MIME_MESSAGE = """\
Received: from a
\tby b
Subject : outer
Content-Type: multipart/mixed; boundary="one"

preamble
--one
Content-Type: text/plain
X-Part: 1

text one
--one
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/alternative; boundary=two

--two

no headers here
--two
Content-Type: text/html
not a header
--two--
inner epilogue
--one
X-Part: 3

aGVsbG8=
--one--
epilogue
"""


@pytest.mark.parametrize("options", ["-h", "-b", "-bh", "-hm", "-bm", "-bhm"])
def test_headers_and_bodies_of_parts(both, options):
    stock, ours = both("postmap", options, "-q", "-", "pcre:rules", input=MIME_MESSAGE, files=[("rules", "/./s K\n")])
    assert ours == stock


def test_values_that_are_files(both):
    """-F: kept as base64, shown as what they are; tables of text name the files."""
    files = [("one", "hello"), ("two", "wor\nld\n"), ("t", "k one two\nlost nofile\nl one, two\n"), ("v", "k x\nok aGVsbG8=\nsp aGVs bG8=\n"),
             ("texts", "k one two\n")]  # fmt: skip
    both("postmap", "hash:v", files=files)
    for words, input in [
        (["-F", "hash:t"], None), (["-s", "hash:t"], None), (["-F", "-s", "hash:t"], None), (["-F", "-q", "k", "hash:t"], None),
        (["-F", "-q", "-", "hash:t"], "k\nnope\n"), (["-F", "-q", "k", "hash:v"], None), (["-F", "-q", "ok", "hash:v"], None),
        (["-F", "-q", "sp", "hash:v"], None), (["-F", "-s", "hash:v"], None), (["-F", "-q", "x", "static:one"], None),
        (["-F", "-q", "k", "texthash:texts"], None), (["-F", "-q", "a", "inline:{a=one}"], None),
    ]:  # fmt: skip
        stock, ours = both("postmap", *words, input=input)
        assert without_noise(ours, sort=True) == without_noise(stock, sort=True), words


def test_keys_and_values_are_utf8(both):
    text = b"a\xe9 x\nb y\xe9\nok \xc3\xa9\n".decode("utf-8", "surrogateescape")
    bad = "\udce9"
    for directory in both.directories:
        directory.mkdir(exist_ok=True)
        (directory / "t").write_bytes(text.encode("utf-8", "surrogateescape"))
    for words, input in [
        (["hash:t"], None), (["-s", "hash:t"], None), (["-u", "hash:t"], None), (["-s", "hash:t"], None), (["-q", "b", "hash:t"], None),
        (["-u", "-q", "b", "hash:t"], None), (["-q", "-", "hash:t"], f"a{bad}\nok\n"), (["-u", "-q", "-", "hash:t"], f"a{bad}\nok\n"),
        (["-i", "hash:t"], f"new {bad}\n"), (["-h", "-q", "-", "pcre:{{/./ K}}"], f"S: {bad}\n\n"),
        (["-hU", "-q", "-", "pcre:{{/./ K}}"], f"S: {bad}\n\n"), (["-hu", "-q", "-", "pcre:{{/./ K}}"], f"S: {bad}\n\n"),
    ]:  # fmt: skip
        stock, ours = both("postmap", *words, input=input)
        assert without_noise(ours, sort=True) == without_noise(stock, sort=True), words


USES = [
    ["-b", "-q", "x", "hash:t"], ["-m", "hash:t"], ["-m", "-q", "-", "hash:t"], ["-h", "hash:t"], ["-b", "-s", "hash:t"],
    ["-U", "-q", "a", "hash:t"], ["-i", "-q", "a", "hash:t"], ["-N", "-n", "hash:t"], ["-p", "hash:t"], ["-s", "-i", "hash:t"],
]  # fmt: skip


def test_options_together(both):
    both("postmap", "hash:t", files=[("t", "a b\n")])
    for words in USES:
        stock, ours = both("postmap", *words, input="a\n")
        assert without_noise(ours) == without_noise(stock), words
    for words in (["-F", "hash:t"], ["-b", "hash:t"], ["-m", "hash:t"], ["-U", "hash:t"], ["-h", "hash:t"]):
        stock, ours = both("postalias", *words)
        assert ours[0] == stock[0] == 1
        assert ours[2].splitlines()[0].split(": ")[-1] == stock[2].splitlines()[0].split(": ")[-1]


def test_tables_as_json(make_merpati):
    """-j, which Postfix has since 3.11: an object a line."""
    mail = make_merpati()
    path = mail.write("t", 'a b "c" \\ d\n\u00e9 x\n')
    mail.command("postmap", f"hash:{path}")
    shown = mail.command("postmap", "-js", f"hash:{path}").stdout.splitlines()
    assert sorted(map(json.loads, shown), key=str) == [{"a": 'b "c" \\ d'}, {"\u00e9": "x"}]
    assert json.loads(mail.command("postmap", "-jq", "a", f"hash:{path}").stdout) == {"a": 'b "c" \\ d'}
    assert json.loads(mail.command("postmap", "-jq", "-", f"hash:{path}", input="a\n").stdout) == {"a": 'b "c" \\ d'}
    aliases = mail.write("aliases", "root: someone\n")
    mail.command("postalias", f"hash:{aliases}")
    assert json.loads(mail.command("postalias", "-jq", "root", f"hash:{aliases}").stdout) == {"root": "someone"}


@pytest.mark.parametrize("kind", ["regexp", "pcre"])
def test_rules_good_and_bad(both, kind):
    text = REGEXP_TEXT if kind == "regexp" else REGEXP_TEXT.replace("\\<", "\\b").replace("\\>", "\\b").replace("[]a-c\\d", "[]a-c\\\\d")
    for key in ("abc", "q", "xx", "foo", "a]d.", "a word here", "swords"):
        stock, ours = both("postmap", "-q", key, f"{kind}:rules", files=[("rules", text)])
        assert ours[:2] == stock[:2], key
        assert ours[2].splitlines() == [x for x in stock[2].splitlines() if "truncated macro reference" not in x]


def test_the_mode_of_what_is_made(both):
    files = [("closed", "a b\n"), ("open", "a b\n")]
    both("postmap", "static:x", files=files)
    for directory in both.directories:
        (directory / "closed").chmod(0o600)
        (directory / "open").chmod(0o644)
    both("postmap", "hash:closed", "hash:open")
    modes = [[oct((d / f"{n}.db").stat().st_mode & 0o7777) for n in ("closed", "open")] for d in both.directories]
    assert modes[0] == modes[1] == ["0o600", "0o644"]


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_the_owner_of_the_source_makes_the_table(make_merpati, account):
    mail = make_merpati()
    source = mail.write("t", "a b\n")
    shutil.chown(source, account)
    mail.directory.chmod(0o777)
    mail.command("postmap", f"hash:{source}")
    assert Path(f"{source}.db").owner() == account
    Path(f"{source}.db").unlink()
    mail.command("postmap", "-o", f"hash:{source}")
    assert Path(f"{source}.db").owner() == "root"


def test_readers_find_the_old_table_or_the_new(make_merpati):
    """While a table is rebuilt again and again, every query finds its key."""
    mail = make_merpati()
    path = mail.write("t", "".join(f"key{n} value{n}\n" for n in range(5000)))
    mail.command("postmap", f"hash:{path}")
    builder = subprocess.Popen(
        ["sh", "-c", f"while :; do {mail.command_directory}/postmap -c {mail.config} hash:{path} || exit 1; done"]
    )
    try:
        for number in range(60):
            done = mail.command("postmap", "-q", f"key{number * 83}", f"hash:{path}")
            assert done.stdout == f"value{number * 83}\n"
        assert builder.poll() is None
    finally:
        builder.kill()
        builder.wait()


def test_an_interrupted_build_leaves_the_old_table(make_merpati):
    mail = make_merpati()
    path = mail.write("t", "a b\n")
    mail.command("postmap", f"hash:{path}")
    mail.write("t", "".join(f"key{n} value{n}\n" for n in range(300000)))
    for delay in (0.05, 0.1, 0.2):
        builder = subprocess.Popen([mail.command_directory / "postmap", "-c", mail.config, f"hash:{path}"])
        time.sleep(delay)
        builder.send_signal(signal.SIGKILL)
        builder.wait()
        old = mail.command("postmap", "-q", "a", f"hash:{path}", check=False).stdout
        new = mail.command("postmap", "-q", "key299999", f"hash:{path}", check=False).stdout
        assert (old, new) in (("b\n", ""), ("", "value299999\n"))


def vector_cases():
    cases = VECTORS / "cases.jsonl"
    return [json.loads(line) for line in cases.read_text().splitlines()] if cases.exists() else []


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not here")
def test_vectors(make_merpati):
    mail = make_merpati()
    shutil.copytree(VECTORS, mail.path("vectors"))
    mail.directory = mail.path("vectors")
    for case in vector_cases():
        done = mail.command("postmap", "-q", case.get("key", "zzz"), f"{case['type']}:{case['map']}", check=False)
        if "load_warnings" in case:
            assert [line.split(": ", 1)[1] for line in done.stderr.splitlines()] == case["load_warnings"]
        else:
            assert (done.stdout[:-1] if done.returncode == 0 else None) == case["expect"], case
    mail.directory = mail.directory.parent


def test_a_pattern_that_runs_away_is_told_and_no_answer(both):
    """Stock warns and goes on to the next rule, as if this one did not match."""
    stock, ours = both("postmap", "-q", "a" * 60 + "b", "pcre:t", files=[("t", "/^(a+)+$/ REJECT\n/./ OK\n")])
    assert stock == (0, "OK\n", "postmap: warning: pcre map t, line 1: match limit exceeded\n")
    assert ours == (1, "", "postmap: warning: pcre:t, line 1: cannot match: match limit exceeded\npostmap: fatal: table pcre:t: query error\n")


def test_debug_tells_of_each_lookup(make_merpati):
    mail = make_merpati()
    for table, key, line in [
        ("debug:inline:{a=b}", "A", '"a" = "b"'),
        ("debug:inline:{a=b}", "x", '"x" is not found'),
        ("debug:fail:x", "a", '"a" has no answer: table fail:x: query error: Application error'),
    ]:
        done = mail.command("postmap", "-q", key, table, check=False)
        assert done.stderr.startswith(f"postmap: {table} lookup: {line}\n"), done.stderr
