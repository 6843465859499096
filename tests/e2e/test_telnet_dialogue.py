# SPDX-License-Identifier: Apache-2.0
"""The five-minute tour: a message typed by hand into telnet lies in the mailbox a moment later."""

import os
import pty
import re
import shutil
import socket
import subprocess

import pytest
from support import mailboxes
from support.waiting import PATIENCE

LINES = [
    ("ehlo localhost", "250 CHUNKING"),
    ("mail from:afau@localhost", "250 2.1.0 Ok"),
    ("rcpt to:fauzan@localhost", "250 2.1.5 Ok"),
    ("Data", "354 End data with <CR><LF>.<CR><LF>"),
    ("Subject: Halo", None),
    ("", None),
    ("Apa kabar?", None),
    (".", re.compile(r"250 2\.0\.0 Ok: queued as [0-9A-F]{10,12}$")),
    ("Quit", "221 2.0.0 Bye"),
]


def lines_of(terminal):
    rest = b""
    while True:
        try:
            got = terminal.read(4096)
        except OSError:
            return
        *whole, rest = (rest + got).split(b"\n")
        yield from (line.decode() for line in whole)


def read_until(stream, wanted):
    """Lines up to the one that is wanted."""
    for raw in stream:
        line = raw.rstrip("\r\n")
        if isinstance(wanted, str) and line == wanted:
            return line
        if not isinstance(wanted, str) and wanted.match(line):
            return line
        assert not re.match(r"[45]\d\d", line), line
    raise AssertionError(f"the server closed; wanted {wanted}")


@pytest.mark.sanitized
def test_message_typed_by_hand(make_merpati, run_as, account):
    if shutil.which("telnet") is None:
        pytest.skip("no telnet")
    mail = make_merpati(run_as=run_as)
    user = run_as or account
    mail.set(alias_maps=mail.aliases(f"fauzan: {user}\n"))
    mail.start()
    ours, theirs = pty.openpty()
    typed = subprocess.Popen(["telnet", "127.0.0.1", str(mail.port)], stdin=theirs, stdout=theirs)
    os.close(theirs)
    with open(ours, "r+b", buffering=0) as terminal:
        seen = lines_of(terminal)
        read_until(seen, f"220 {mail.main['myhostname']} ESMTP Merpati")
        for line, wanted in LINES:
            terminal.write(line.encode() + b"\n")
            answer = read_until(seen, wanted) if wanted else None
            if line == ".":
                queue_id = answer.split()[-1]
        typed.wait(PATIENCE)

    message = mail.wait_mailbox(user)[0]
    assert message.startswith("From afau@localhost  "), message
    head = [name for name, _ in mailboxes.headers(message)]
    assert head[:3] == ["Return-Path", "X-Original-To", "Delivered-To"]
    assert mailboxes.header(message, "Return-Path") == "<afau@localhost>"
    assert mailboxes.header(message, "X-Original-To") == "fauzan@localhost"
    assert queue_id in mailboxes.header(message, "Received")
    assert mailboxes.header(message, "Subject") == "Halo"
    assert queue_id in mailboxes.header(message, "Message-Id")
    assert mailboxes.header(message, "Date")
    assert mailboxes.header(message, "From") == "afau@localhost"
    assert mailboxes.header(message, "To") == "undisclosed-recipients:;"
    assert mailboxes.body(message).startswith("Apa kabar?\n")
    mail.wait_log(rf"{queue_id}: removed")


def test_host_has_a_name_for_the_tests():
    """The dialogue speaks of localhost; without that name nothing here means anything."""
    assert socket.gethostbyname("localhost").startswith("127.")
