# SPDX-License-Identifier: Apache-2.0
"""What people set most has an effect here, or the guide for those who come from Postfix says why it has none."""

import fnmatch
import re
import subprocess

import pytest
from support.instance import BUILD, SOURCE

POSTCONF = BUILD / "bin" / "postconf"
GUIDE = SOURCE / "docs" / "from-postfix.md"
USAGE = SOURCE.parent / "shared" / "reference" / "param-usage.tsv"
NAMES = SOURCE.parent / "shared" / "reference" / "parameter-names.txt"
MOST_USED = 141


def named_in_guide(heading):
    """Names in backticks of the first column of a chapter; "smtp_*" means all of them."""
    chapter = GUIDE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    text = "\n".join(line.split(" | ")[0] for line in chapter.splitlines())
    return [name for name in re.findall(r"`([^`]+)`", text) if re.fullmatch(r"[\w*]+", name)]


def is_named(name, names):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in names)


@pytest.fixture(scope="module")
def parameters():
    if not USAGE.exists():
        pytest.skip("the list of what people use is not here")
    rows = [line.split("\t") for line in USAGE.read_text().splitlines() if not line.startswith("#")]
    return [row[0] for row in rows]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Every name at its default, or with a word where there is none: what the check says of it."""
    folder = tmp_path_factory.mktemp("all")
    (folder / "main.cf").write_text("")
    (folder / "master.cf").write_text("")
    listed = subprocess.run([POSTCONF, "-c", folder, "-d"], capture_output=True, text=True).stdout.splitlines()
    values = dict(re.split(" = ?", f"{line} ", maxsplit=1) for line in listed)
    names = NAMES.read_text().split() if NAMES.exists() else sorted(values)
    (folder / "main.cf").write_text("".join(f"{name} = {values.get(name, 'x')}\n" for name in names))
    done = subprocess.run([POSTCONF, "-c", folder, "-W"], capture_output=True, text=True)
    return {
        "moot": set(re.findall(r"(?m)line \d+: (\S+) = .* has nothing to do here", done.stderr)),
        "later": set(re.findall(r"(?m)line \d+: (\S+) = .*: this version does not act on", done.stderr)),
        "unused": set(re.findall(r"unused parameter: (\w+)=", done.stderr)),
    }


def test_what_is_used_most_is_acted_on_or_explained(parameters, told):
    without_effect = (told["later"] | told["moot"]) & set(parameters[:MOST_USED])
    explained = named_in_guide("Parameters that have nothing to do here")
    assert not told["later"] & set(parameters[:MOST_USED])
    assert not [name for name in without_effect if not is_named(name, explained)]


def test_all_names_of_postfix_are_known(told):
    if not NAMES.exists():
        pytest.skip("the list of names is not here")
    assert told["unused"] == set()


@pytest.mark.parametrize("kind, heading", [("moot", "Parameters that have nothing to do here"),
                                           ("later", "Parameters that are not acted on yet")])
def test_the_guide_says_what_the_check_says(told, kind, heading):
    guide = named_in_guide(heading)
    # Names that are shown and not set; and what stands for any transport's name.
    others = {"process_id", "process_name", "service_name", "transport_time_limit", "domain_to_ascii",
              "tls_trust_server_ccerts", "socketmap_max_query_size", "tls_trace_rate_limit"}
    assert {name for name in told[kind] - others if not is_named(name, guide)} == set()
    # A pattern may cover names that are acted on all the same; a plain name must not.
    assert {name for name in guide if "*" not in name} - told[kind] - {"postscreen_tls_security_level", "extract_recipient_limit"} == set()
