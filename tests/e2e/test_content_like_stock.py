# SPDX-License-Identifier: Apache-2.0
"""What lies in the mailbox is what stock Postfix puts there, byte for byte but for ids and dates."""

import re

import pytest
from support import dialogues
from support.dialogues import READ
from support.instance import Merpati, Stock

HEAD = b"Subject: t\r\nFrom: f@example.com\r\nTo: t@example.com\r\nDate: Sun, 22 Nov 2026 02:00:00 +0000\r\nMessage-Id: <m@example.com>\r\n\r\n"
CONTENTS = {
    "plain": HEAD + b"hello\r\n",
    "no header but a body": b"hello\r\n",
    "empty": b"",
    "empty line first": b"\r\nbody\r\n",
    "header only": b"Subject: x\r\n",
    "missing headers": b"Subject: x\r\n\r\nbody\r\n",
    "unix mailbox line": b"From someone Sun Nov 22\r\nSubject: x\r\n\r\nbody\r\n",
    "quoted mailbox line": b">From someone Sun Nov 22\r\nSubject: x\r\n\r\nbody\r\n",
    "mailbox line in the body": HEAD + b"From me to you\r\n>From\r\nfrom\r\n",
    "dots": HEAD + b"..\r\n...\r\n..a\r\n",
    "dot between bare newlines": HEAD + b"a\n.\nb\r\n",
    "dot behind a bare newline": HEAD + b"a\n.\r\nb\r\n",
    "dot before a bare newline": HEAD + b"a\r\n.\nb\r\n",
    "two dots and bare newlines": HEAD + b"a\r\n..\nb\n..\r\nc\r\n",
    "stray returns": HEAD + b"a\r\r\nb\rc\r\n\r.\r\n",
    "NUL": HEAD + b"a\0b\r\n",
    "8-bit": HEAD + b"\xff\xfe8bit \xc3\xa9\r\n",
    "long lines": HEAD + b"x" * 2047 + b"\r\n" + b"x" * 2048 + b"\r\n" + b"x" * 2049 + b"\r\n" + b".." + b"y" * 70000 + b"\r\nend\r\n",
    "return path and bcc": b"Return-Path: <x@y>\r\nBcc: secret@example.com\r\nContent-Length: 5\r\n" + HEAD + b"x\r\n",
    "folded headers": b"Subject: a\r\n b\r\n\tc\r\nTo: a@example.com,\r\n b@example.com\r\n\r\nbody\r\n",
    "resent": b"Resent-From: r@example.com\r\nResent-To: q@example.com\r\n" + HEAD + b"x\r\n",
    "mime": b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n" + HEAD + b"--b\r\n\r\nx\r\n--b--\r\n",
}
CHUNKS = {
    "bare newlines in a chunk": HEAD + b"a\nb\n.\r\nc\r",
    "dots in a chunk": HEAD + b".x\r\n..y\r\n.\r\n",
    "unfinished line in a chunk": HEAD + b"abc",
}


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = []
    main = {"smtpd_forbid_bare_newline_exclusions": "", "smtpd_error_sleep_time": "0"}
    try:
        for instance in (Stock(main={**main, **dialogues.STOCK_MAIN}), Merpati(main=main)):
            made.append(instance)
            instance.set(undisclosed_recipients_header="To: undisclosed-recipients:;")
            instance.start()
        yield made
    finally:
        for instance in made:
            instance.finish()


def delivered(instance, steps):
    """Plays, and returns the new message with ids and dates taken out."""
    before = len(instance.mailbox("merpati-test"))
    transcript = dialogues.play(instance, steps, "merpati-test")
    assert transcript[-1][1].startswith("250 2.0.0"), transcript
    text = instance.wait_mailbox("merpati-test", before + 1)[-1]
    text = re.sub(r"^From (.+)  [A-Z][a-z]{2} .*", r"From \1  DATE", text)
    text = re.sub(r"[A-Z][a-z]{2}, [ \d]\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)", "DATE", text)
    text = re.sub(r"\b\d{14}\.[0-9A-F]{10,12}@", "ID@", text)
    return re.sub(r"\bid [0-9A-F]{10,12}\b", "id ID", text)


def same(pair, steps):
    expected, found = (delivered(instance, steps) for instance in pair)
    assert found.split("\n") == expected.split("\n")


@pytest.mark.parametrize("name", CONTENTS)
def test_data(pair, name):
    same(pair, [*dialogues.TAKES_RCPT, "DATA", CONTENTS[name] + b".\r\n", READ])


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks(pair, name):
    content = CHUNKS[name]
    same(pair, [*dialogues.TAKES_RCPT, b"BDAT %d LAST\r\n" % len(content) + content, READ])


def test_line_end_split_over_chunks(pair):
    same(pair, [*dialogues.TAKES_RCPT, b"BDAT 15\r\nSubject: t\r\n\r\na", READ, b"BDAT 1\r\n\r", READ, b"BDAT 1 LAST\r\n\n", READ])


ENVELOPES = {
    "helo": ["HELO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
    "no helo": ["MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
    "two recipients": ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", "RCPT TO:<x@elsewhere.test>"],
    "null sender": ["EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ACCOUNT@localhost>"],
    "bare recipient": ["EHLO c.example", "MAIL FROM:<s>", "RCPT TO:<ACCOUNT>"],
    "upper case": ["EHLO C.Example", "MAIL FROM:<S@Example.COM>", "RCPT TO:<ACCOUNT@LocalHost>"],
    "quoted sender": ["EHLO c.example", 'MAIL FROM:<"a b"@example.com>', "RCPT TO:<ACCOUNT@localhost>"],
    "utf8": ["EHLO c.example", "MAIL FROM:<s@example.com> SMTPUTF8", "RCPT TO:<ACCOUNT@localhost>"],
    "address as helo": ["EHLO [127.0.0.1]", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
    "client name as helo": ["EHLO localhost", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
    "helo with odd bytes": ["EHLO a(b)\\c\"d<e>", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelope(pair, name):
    same(pair, [*ENVELOPES[name], "DATA", HEAD + b"x\r\n.\r\n", READ])
