# SPDX-License-Identifier: Apache-2.0
"""postconf against what stock Postfix's prints: its own regression cases, and configurations of real sites."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.instance import BUILD, SOURCE

VECTORS = SOURCE.parent / "shared" / "vectors"
POSTCONF = BUILD / "bin" / "postconf"

# What is not there yet: -P -F -j -p and the rest of postconf.
NOT_YET = {
    "test58": "warnings about the braces of tables within tables",
    "test71": "the warning about # in the middle of a value",
}
REST_OF_POSTCONF = re.compile(r"-\w*[PFjabltTpAD]")


def cases():
    path = VECTORS / "postfix-postconf" / "cases.json"
    return json.loads(path.read_text()) if path.exists() else []


def is_due(case):
    runs = [step["run"] for step in case["steps"] if "run" in step]
    options = [word for run in runs for word in run[1:] if word.startswith("-")]
    return runs and not any("raw" in s for s in case["steps"]) and not any(map(REST_OF_POSTCONF.match, options))


def postconf(*words, cwd, check=False):
    return subprocess.run([POSTCONF, *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=check)


def in_order_of_text(text):
    """Stock prints its warnings in the order of a hash table."""
    return sorted(line.replace("./postconf: ", "postconf: ") for line in text.splitlines())


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in cases() if is_due(c)])
def test_stock_regression_case(case, tmp_path):
    if case["name"] in NOT_YET:
        pytest.skip(NOT_YET[case["name"]])
    output = ""
    for step in case["steps"]:
        for name in step.get("create", []):
            (tmp_path / name).touch()
        if "append" in step:
            with open(tmp_path / step["append"], "a") as file:
                file.write(step["line"] + "\n")
        if "run" in step:
            done = subprocess.run([POSTCONF, *step["run"][1:]], cwd=tmp_path, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            text = done.stdout
            if step.get("filter"):
                text = subprocess.run(step["filter"], shell=True, input=text, stdout=subprocess.PIPE, text=True).stdout
            output += text
    if case["compare"] == "master.cf":
        assert (tmp_path / "master.cf").read_text() == case["expect"]
    else:
        assert in_order_of_text(output) == in_order_of_text(case["expect"])


def sites():
    return sorted(path.parent for path in (VECTORS / "real-configs").glob("*/main.cf"))


@pytest.mark.parametrize("option", ["n", "nf", "M", "Mf"])
@pytest.mark.parametrize("site", [pytest.param(s, id=s.name) for s in sites()])
def test_configuration_of_a_real_site(site, option):
    done = postconf("-c.", f"-{option}", cwd=site)
    assert done.returncode == 0
    assert done.stdout == (site / f"expect.postconf-{option}.out").read_text()
    expected = (site / f"expect.postconf-{option}.err").read_text().replace("/usr/sbin/", "")
    for line in done.stderr.splitlines():
        assert line in expected.splitlines()


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
    (["-X"], "missing parameter or service argument"),
    (["-M#"], "missing parameter or service argument"),
    (["-e", "=x"], 'missing attribute name: "=x"'),
    (["-e", "-X", "x"], "specify one of -e -X -#"),
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
    }
    assert set(differing) <= allowed, differing


def test_table_types_are_listed(tmp_path):
    listed = postconf("-m", cwd=tmp_path, check=True).stdout.splitlines()
    assert listed == sorted(listed) and {"cidr", "hash", "lmdb", "pcre", "texthash"} <= set(listed)
