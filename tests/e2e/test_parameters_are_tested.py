# SPDX-License-Identifier: Apache-2.0
"""Every parameter that a program acts on is named in a test, and what is not acted on belongs to what is still to come."""

import re
import subprocess

from support.instance import BUILD, SOURCE

POSTCONF = BUILD / "bin" / "postconf"
# What is known, does nothing yet, and is called so by "merpati check".
TO_COME = [
    r"requiretls_.*|(smtp|lmtp)_requiretls_policy|tls_required_enable|(smtp|lmtp)_tlsrpt_.*",
    r"(smtp|lmtp)_log_tls_feature_status|.*_tls_loglevel_maps",
    r"tcp_windowsize|daemon_table_open_error_is_fatal|non_empty_end_of_header_action",
]


def test_every_parameter_that_is_acted_on_is_named_in_a_test():
    rows = subprocess.run([POSTCONF, "-R"], capture_output=True, text=True, check=True).stdout.splitlines()
    names = {row.split("\t")[1] for row in rows}
    assert len(names) > 400
    words = set()
    for path in [*SOURCE.glob("src/**/*_test.c"), *SOURCE.glob("tests/**/*.py"), *SOURCE.glob("tests/**/*.case")]:
        words.update(re.findall(r"\w+", path.read_text("utf-8", "replace")))
    patterns = {name: re.compile(re.escape(name).replace(r"\*service\*", r"\w+") + "$") for name in names}
    untested = [name for name in sorted(names) if name not in words and not any(map(patterns[name].match, words))]
    assert not untested, "no test names " + ", ".join(untested)


def test_what_is_not_acted_on_yet_is_to_come(make_merpati):
    mail = make_merpati()
    listed = mail.command("postconf", "-c", mail.config, "-d").stdout.splitlines()
    known = {line.split(" =")[0] for line in listed} - {"process_name", "process_id", "service_name"}
    assert len(known) > 850
    # With a value that nobody has a quarrel with, as far as there is one.
    (mail.config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in mail.main.items()) + "".join(
        f"{line}\n" for line in listed if line.split(" =")[0] in known - set(mail.main)))
    told = mail.command("postconf", "-c", mail.config, "-W", check=False).stderr
    named = set(re.findall(r"(?m)line \d+: (\S+) = .*: this version does not act on the parameter yet$", told))
    later = re.compile("|".join(f"(?:{family})" for family in TO_COME))
    assert not {name for name in named if not later.fullmatch(name)}
    assert len(named) > 10
