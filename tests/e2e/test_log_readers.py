# SPDX-License-Identifier: Apache-2.0
"""What reads Postfix's log reads ours: fail2ban's own filter, and pflogsumm, beside the log of Postfix for the same sessions."""

import re
import shutil
import subprocess

import pytest
from support.side_by_side import make_pair
from support.smtp_client import Disconnected


MAIN = {
    "syslog_name": "postfix",
    "mynetworks": "192.0.2.250/32",
    "smtpd_authorized_xclient_hosts": "127.0.0.1",
    "smtpd_helo_restrictions": "check_helo_access inline:{{refused.example = REJECT not you}}, reject_invalid_helo_hostname",
    "smtpd_client_restrictions": "check_client_access inline:{ {192.0.2.9 = REJECT go away} {192.0.2.10 = 450 come later} }",
    "smtpd_sender_restrictions": "reject_non_fqdn_sender, check_sender_access inline:{{bad@example.com = REJECT no}}",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_recipient_restrictions": "reject_non_fqdn_recipient, check_recipient_access inline:{ {held@example.test = HOLD} {later@example.test = DEFER} "
                                    "{gone@example.test = 550 5.1.1 gone} {warned@example.test = WARN look} }, permit",
    "smtpd_data_restrictions": "check_sender_access inline:{{data@example.com = REJECT no data}}",
    "smtpd_hard_error_limit": "3",
    "smtpd_error_sleep_time": "0",
    "smtpd_forbidden_commands": "CONNECT GET POST",
    "local_recipient_maps": "inline:{ held=x later=x gone=x warned=x root=x }",
    "virtual_alias_domains": "alias.test",
    "relay_domains": "relay.test",
    "relay_recipient_maps": "inline:{ known@relay.test=x }",
    "smtpd_peername_lookup": "no",
}

HELLO = "EHLO c.example"
SESSIONS = [
    (HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<x@far.example>", "QUIT"),
    (HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<nosuch@example.test>", "QUIT"),
    (HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<nosuch@alias.test>", "RCPT TO:<nosuch@relay.test>", "QUIT"),
    (HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<later@example.test>", "RCPT TO:<gone@example.test>", "RCPT TO:<warned@example.test>"),
    (HELLO, "MAIL FROM:<bad@example.com>", "RCPT TO:<root@example.test>", "QUIT"),
    (HELLO, "MAIL FROM:<short>", "RCPT TO:<root@example.test>", "QUIT"),
    (HELLO, "MAIL FROM:<data@example.com>", "RCPT TO:<root@example.test>", "DATA", "QUIT"),
    ("EHLO refused.example", "MAIL FROM:<s@example.com>", "RCPT TO:<root@example.test>", "QUIT"),
    ("EHLO -bad-", "MAIL FROM:<s@example.com>", "RCPT TO:<root@example.test>", "QUIT"),
    ("XCLIENT ADDR=192.0.2.9 NAME=nine.example", HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<root@example.test>", "QUIT"),
    ("XCLIENT ADDR=192.0.2.10 NAME=[UNAVAILABLE]", HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<root@example.test>", "QUIT"),
    ("XCLIENT ADDR=192.0.2.11 NAME=eleven.example", "FOO", "BAR", "BAZ", "QUX"),
    ("XCLIENT ADDR=192.0.2.12 NAME=twelve.example", "GET / HTTP/1.0"),
    ("XCLIENT ADDR=192.0.2.13 NAME=thirteen.example", HELLO, "AUTH PLAIN AGEAYg=="),
    ("XCLIENT ADDR=192.0.2.14 NAME=fourteen.example", HELLO, "MAIL FROM:<s@example.com>", "RCPT TO:<held@example.test>", "DATA",
     "Subject: x\r\n\r\nx\r\n.", "QUIT"),
]


def play(mail):
    for session in SESSIONS:
        client = mail.smtp()
        try:
            for line in session:
                client.command(line)
        except (Disconnected, ConnectionError):
            pass
        client.socket.close()
    mail.wait_log(r"disconnect from", count=len(SESSIONS))


@pytest.fixture(scope="module")
def logs():
    """The logs of Postfix and Merpati, in that order, for the same sessions."""
    sides = make_pair(MAIN)
    try:
        for side in sides:
            play(side.instance)
        yield [side.instance.log for side in sides]
    finally:
        for side in sides:
            side.finish()


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def banned(log, mode):
    """What fail2ban takes for a failure: the lines as it matched them, without time, process and what differs by chance."""
    told = run("fail2ban-regex", "--print-all-matched", str(log), f"postfix[mode={mode}]")
    matched = told.split("|- Matched line(s):", 1)[1] if "Matched line(s):" in told else ""
    lines = re.findall(r"\|  (.*)", matched)
    return sorted(re.sub(r"^.*?(/smtpd)\[\d+\]: ", r"\1: ", re.sub(r"\b[0-9A-F]{9,12}: ", "ID: ", line)) for line in lines)


@pytest.mark.parametrize("mode, least", [("more", 6), ("normal", 6), ("rbl", 0), ("ddos", 1), ("extra", 6), ("errors", 1), ("aggressive", 9)])
def test_fail2ban_finds_what_it_finds_in_the_log_of_postfix(logs, mode, least):
    if not shutil.which("fail2ban-regex"):
        pytest.skip("fail2ban is not installed")
    expected, ours = (banned(log, mode) for log in logs)
    assert ours == expected
    assert len(ours) >= least


def test_pflogsumm_reads_what_it_reads_in_the_log_of_postfix(logs):
    if not shutil.which("pflogsumm"):
        pytest.skip("pflogsumm is not installed")
    expected, ours = (run("pflogsumm", "--problems-first", "--verbose-msg-detail", str(log)) for log in logs)
    normal = [re.sub(r"\d\d\d\d-\d\d-\d\d|\b\d+:\d+:\d+\b|\d\d00-\d\d00.*|bytes.*|version .*", "", text) for text in (expected, ours)]
    assert normal[1] == normal[0]
    assert "message reject detail" in ours and "Relay access denied" in ours and "User unknown in local recipient table" in ours
