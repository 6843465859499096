# SPDX-License-Identifier: Apache-2.0
"""The sendmail command: what it says, how it ends, and what leaves the system is as with stock Postfix."""

import re

import pytest
from support.instance import Stock
from support.side_by_side import make_pair, new_messages

HELLO = "Subject: hello\n\nbody\n"

# arguments, input, messages that leave
SUBMISSIONS = {
    "plain": (["a@b.example"], HELLO, 1),
    "sender": (["-f", "me@c.example", "a@b.example"], HELLO, 1),
    "sender in one word": (["-fme@c.example", "a@b.example"], HELLO, 1),
    "old sender option": (["-r", "me@c.example", "a@b.example"], HELLO, 1),
    "sender with name": (["-f", "Name <me@c.example>", "a@b.example"], HELLO, 1),
    "null sender": (["-f", "<>", "a@b.example"], HELLO, 1),
    "empty sender": (["-f", "", "a@b.example"], HELLO, 1),
    "full name": (["-F", "Full \"Q\" Name", "-f", "me@c.example", "a@b.example"], HELLO, 1),
    "dot ends": (["a@b.example"], "Subject: x\n\nbefore\n.\nafter\n", 1),
    "dot does not end": (["-i", "a@b.example"], "Subject: x\n\nbefore\n.\nafter\n", 1),
    "dot does not end, old option": (["-oi", "a@b.example"], "Subject: x\n\nbefore\n.\nafter\n", 1),
    "line ends of DOS": (["-i", "a@b.example"], "Subject: x\r\n\r\nline\r\n.\r\nline\r\n", 1),
    "no last line end": (["a@b.example"], "Subject: x\n\nbody", 1),
    "a dot and no last line end": (["a@b.example"], "Subject: x\n\nbody\n.", 1),
    "a dot and a CR and no last line end": (["a@b.example"], "Subject: x\n\nbody\n.\r", 1),
    "a dot and no last line end, taken": (["-i", "a@b.example"], "Subject: x\n\nbody\n.", 1),
    "a dot alone": (["a@b.example"], ".", 1),
    "a line of a dot alone": (["a@b.example"], ".\n", 1),
    "two dots and no last line end": (["a@b.example"], "Subject: x\n\nbody\n..", 1),
    "a dot behind a long line": (["a@b.example"], "Subject: x\n\n" + "x" * 32768 * 2 + ".\n.", 1),
    "a dot after mailbox lines": (["a@b.example"], "From x\n.\nSubject: x\n\nbody\n", 1),
    "a last mailbox line": (["a@b.example"], "From x", 1),
    "CR alone at the end": (["a@b.example"], "Subject: x\n\nbody\r", 1),
    "CR CR LF": (["a@b.example"], "Subject: x\n\nbody\r\r\nnext\n", 1),
    "a line of blanks in the header": (["a@b.example"], "Subject: x\n \nX-Y: z\n\t\n\nbody\n", 1),
    "a line of blanks at once": (["a@b.example"], " \nX-Y: z\n\nbody\n", 1),
    "a NUL": (["a@b.example"], "Subject: x\n\nbo\0dy\nnext\n", 1),
    "mailbox lines": (["a@b.example"], "From x Sat Jan 1\n>From y\nSubject: x\n\nFrom here\n", 1),
    "no header": (["a@b.example"], "just text\nmore text\n", 1),
    "empty": (["a@b.example"], "", 1),
    "from the header": (["-t"], "To: A <a@b.example>, c@b.example\nCc: d@b.example\nBcc: e@b.example\n\nx\n", 1),
    "from the header and words": (["-t", "z@b.example"], "To: a@b.example\n\nx\n", 1),
    "blanks between addresses": (["-t"], "To: a@b.example c@b.example\n\nx\n", 1),
    "source route": (["@a,@b:u@c.example"], HELLO, 1),
    "source route in brackets": (["<@a,@b:u@c.example>"], HELLO, 1),
    "quoted source route": (['"@a:u"@c.example'], HELLO, 1),
    "a colon and no semicolon": (["a:u@c.example"], HELLO, 1),
    "a group": (["g: u@c.example, x@y.example;"], HELLO, 1),
    "unclosed literal": (["u@[192.0.2.1"], HELLO, 1),
    "source routes in the header": (["-t"], "To: @a:r@c.example\nCc: <@a,@b:s@c.example>, a:t@c.example\n\nx\n", 1),
    "resent": (["-t"], "Resent-To: a@b.example\nTo: old@b.example\nSubject: x\n\nx\n", 1),
    "many words": (["a@b.example", "c@b.example,d@b.example", "Name <e@b.example>"], HELLO, 1),
    "ignored options": (["-oem", "-om", "-odb", "-OErrorMode=m", "-h", "3", "-L", "tag", "-U", "-x", "-e",
                         "m", "-p", "r:s", "-m", "-G", "a@b.example"], HELLO, 1),
    "body type": (["-B8BITMIME", "a@b.example"], "Subject: x\n\n\u00e9\n", 1),
    "8-bit": (["a@b.example"], "Subject: x\n\n\u00e9\n", 1),
    "two senders": (["-f", "a b", "a@b.example"], HELLO, 1),
    "a comment as sender": (["-f", "(c)", "a@b.example"], HELLO, 1),
    "two dashes": (["-i", "--", "a@b.example"], HELLO, 1),
}

# sendmail_fix_line_endings, arguments, input
LINE_ENDINGS = {
    "always, within": ("always", [], "S: x\n\nline\r\nmore\r\r\nb\r\r\r\n.\r\r\nafter\n"),
    "strict, and none to mend": ("strict", [], "S: x\n\nline\r\nmore\r\r\n.\r\nafter\n"),
    "strict, and all to mend": ("strict", [], "S: x\r\n\r\nl\nm\r\n.\nafter\r\n"),
    "strict, a mailbox line first": ("strict", [], "From y\nS: x\n\nl\r\nm\n"),
    "never": ("never", [], "S: x\r\n\nline\r\n.\r\nafter\r\n"),
    "never, a dot": ("never", [], "S: x\n\nline\r\n.\nafter\r\n"),
}

VERBOSE = {
    "nobody named": [],
    "a sender": ["-f", "me@c.example"],
    "a sender with a name": ["-f", "Name <me@c.example>"],
    "no sender": ["-f", ""],
}

REFUSED = {
    "nobody": ([], HELLO),
    "nobody in the header": (["-t"], HELLO),
    "unknown mode": (["-bz", "a@b.example"], HELLO),
    "bad body type": (["-Bx", "a@b.example"], HELLO),
    "option not supported": (["-n", "a@b.example"], HELLO),
    **{f"a recipient for {mode}": ([mode, "a@b.example"], HELLO)
       for mode in ("-q", "-qRx", "-qIABCDEF", "-bp", "-bi", "-bs", "-bd", "-I")},
    "too big": (["a@b.example"], "Subject: x\n\n" + "x" * 200000 + "\n"),
}


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair({"message_size_limit": "100000", "mydestination": "", "mailbox_size_limit": "0"})
    yield sides
    for side in sides:
        side.finish()


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_submission(pair, name):
    words, text, count = SUBMISSIONS[name]
    outcomes = []
    for side in pair:
        received = new_messages(side, count, lambda: side.instance.sendmail(*words, input=text))
        outcomes.append(sorted((sorted(m.recipients), m.sender, side.normal(m.text)) for m in received))
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("name", LINE_ENDINGS)
def test_line_endings(pair, name):
    how, words, text = LINE_ENDINGS[name]
    outcomes = []
    for side in pair:
        side.instance.set(sendmail_fix_line_endings=how)
        try:
            received = new_messages(side, 1, lambda: side.instance.sendmail(*words, "a@b.example", input=text))
        finally:
            side.instance.set(sendmail_fix_line_endings="always")
        outcomes.append([side.normal(m.text) for m in received])
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("name", VERBOSE)
def test_the_place_that_a_report_goes_to(pair, name):
    said = []
    for side in pair:
        # A report on a message from nobody goes nowhere.
        count = 1 if name == "no sender" else 2
        words = ["-v", *VERBOSE[name], "a@b.example"]
        new_messages(side, count, lambda: said.append(side.instance.sendmail(*words, input=HELLO).stdout))
    assert said[1] == said[0]


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(pair, name):
    words, text = REFUSED[name]
    outcomes = []
    for side in pair:
        done = side.instance.sendmail(*words, input=text, check=False)
        fatal = re.findall(r"(?m)^sendmail: fatal: .*$", done.stderr)
        outcomes.append((done.returncode, fatal))
    assert outcomes[1] == outcomes[0]


def test_log_lines_of_a_submission(pair):
    for side in pair:
        new_messages(side, 1, lambda: side.instance.sendmail("-f", "me@c.example", "a@b.example", input=HELLO))
        side.instance.wait_log(r"pickup\[\d+\]: [0-9A-F]+: uid=\d+ from=<me@c.example>$")
        side.instance.wait_log(r"cleanup\[\d+\]: [0-9A-F]+: message-id=<\d{14}\.[0-9A-F]+@\S+>$")
