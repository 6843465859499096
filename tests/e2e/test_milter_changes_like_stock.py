# SPDX-License-Identifier: Apache-2.0
"""
What a milter wants changed at the end of a message, and what it says of its content: stock Postfix and Merpati ask the same scripted
milters about the same mail; the next hop, the client and the log must see the same.
"""

import re

import pytest

from support.instance import Merpati, Stock
from support.milter import ACCEPT, CLOSE, CONTINUE, DISCARD, REJECT, SKIP, TEMPFAIL, Milter, Raw, quarantine, reply
from support.milter_requests import (
    add_header,
    add_recipient,
    change_header,
    change_sender,
    delete_header,
    delete_recipient,
    insert_header,
    replace_body,
)
from support.side_by_side import Side
from support.waiting import wait_until

MESSAGE = """\
Received: from far
Subject: one
To: r@x.test
From: s@y.test
Message-Id: <fixed@id.test>
Date: Sun, 22 Nov 2026 18:00:00 +0000
Subject: two
X-Bare:value
X-Folded: a
 b
\tc

body
line 2
"""

CHECKS = """\
/^X-Reject:(.*)/ REJECT 5.7.9 no$1
/^X-Refuse/ REJECT
/^X-Warn/ WARN words
/^X-Info/ INFO words
/^X-Hold/ HOLD words
/^X-Discard/ DISCARD words
/^X-Redirect/ REDIRECT elsewhere@x.test
/^X-Bcc/ BCC copy@x.test
/^X-Ignore/ IGNORE
/^X-Strip/ STRIP words
/^X-Replace/ REPLACE X-New: replaced
/^X-Dunno/ DUNNO
"""


class Pair(Side):
    """One of the two, with two milters."""

    def __init__(self, kind):
        self.milters = [Milter(), Milter()]
        places = " ".join(m.place for m in self.milters)
        super().__init__(
            kind,
            {"smtpd_sender_restrictions": "check_sender_access inline:{{s@prepends.test=PREPEND X-Rule: one}}", "smtpd_milters": places, "non_smtpd_milters": places, "milter_command_timeout": "30s", "milter_default_action": "tempfail"},
            extensions=["8BITMIME", "DSN"],
            prepare=self.prepare,
        )

    @staticmethod
    def prepare(side):
        side.instance.write("checks", CHECKS)
        side.instance.write("aliases-of-others", "alias@y.test v1@x.test, v2@x.test\n")
        side.instance.main["milter_header_checks"] = f"regexp:{side.instance.path('checks')}"
        side.instance.main["virtual_alias_maps"] = f"texthash:{side.instance.path('aliases-of-others')}"
        side.instance.main["canonical_maps"] = "inline:{old@z.test=new@z.test}"

    def lines(self, since):
        """What cleanup has said of milters since then, without what differs."""
        found = []
        for line in self.instance.log_text()[since:].splitlines():
            if re.search(r"/cleanup\[\d+\]: .*([Mm]ilter|SMFI|NOTIFY|warning)", line):
                line = re.sub(r"^.*?\[\d+\]: ", "", line)
                # Stock has only the words of the system's last error for it, whatever that was.
                line = re.sub(r"(reply packet header: ).*", r"\1closed", line)
                line = re.sub(r"^(warning: )?[0-9A-F]{8,}: ", r"\1ID: ", line)
                for number, milter in enumerate(self.milters):
                    line = line.replace(milter.place, f"MILTER{number}")
                found.append(line)
        return found

    def play(self, row):
        self.milters[0].forget(**row.first)
        self.milters[1].forget(**row.second)
        since, before = len(self.instance.log_text()), len(self.sink.messages)
        answer = self.submit(row) if row.is_submitted else self.deliver(row)
        wait_until(lambda: len(self.lines(since)) >= row.lines, lambda: f"{row.lines} lines; log:\n{self.instance.tail()}")
        wait_until(lambda: len(self.sink.messages) >= before + row.messages,
                   lambda: f"{row.messages} messages; log:\n{self.instance.tail()}")
        came = [(m.mail_line, sorted(m.recipient_lines), self.normal(self.own_words(m.text))) for m in self.sink.messages[before:]]
        return {"answer": re.sub("queued as .*", "queued", answer), "log": self.lines(since), "messages": came}

    @staticmethod
    def own_words(text):
        """Of a report what is not the returned message: how much of that comes back is not the milter's matter."""
        return text.partition("\nContent-Description: Undelivered Message")[0]

    def deliver(self, row):
        with self.instance.smtp() as client:
            client.hello()
            return str(client.deliver(row.sender, row.recipients, row.content))

    def submit(self, row):
        self.instance.sendmail("-f", "s@y.test", *row.recipients, input=row.content)
        return ""

    def finish(self):
        super().finish()
        for milter in self.milters:
            milter.stop()


class Row:
    """first, second: what the milters say at which command. lines: of the log, to wait for. messages: that reach the next hop."""

    def __init__(self, name, first, second=None, lines=0, messages=1, recipients=("r@x.test",), content=MESSAGE, is_submitted=False, sender="s@y.test"):
        self.name, self.first, self.second = name, first, second or {}
        self.lines, self.messages, self.recipients, self.content = lines, messages, list(recipients), content
        self.is_submitted, self.sender = is_submitted, sender


GO_ON = CONTINUE[0]


def end(name, *requests, **options):
    return Row(name, {"E": [*requests, *CONTINUE]}, **options)


HEADERS = [
    Row("nothing", {}),
    end("insert-0", insert_header(0, "I", "a")),
    end("insert-1", insert_header(1, "I", "a")),
    end("insert-2", insert_header(2, "I", "a")),
    end("insert-many", insert_header(3, "I3", "a\n b"), insert_header(0, "I0", "x"), insert_header(1, "I1", "y"), insert_header(100, "L", "z")),
    end("add", add_header("A", "v"), add_header("A", " v2"), add_header("B", ""), add_header("C", "a\n\tb")),
    end("change", change_header(1, "subject", "new1"), change_header(2, "SUBJECT", " new2"), change_header(3, "Subject", "new3")),
    end("change-0", change_header(0, "subject", "zero"), change_header(9, "Nope", "nine"), change_header(1, "received", "R")),
    end("delete", delete_header(1, "subject"), delete_header(2, "subject"), delete_header(0, "to"), delete_header(1, "nope"),
        delete_header(1, "Received")),
    end("delete-all-of-a-name", delete_header(2, "subject"), delete_header(1, "subject"), change_header(1, "Subject", "again"),
        delete_header(1, "Subject"), delete_header(1, "Received"), delete_header(1, "Received")),
    end("insert-then-change", insert_header(1, "Subject", "first"), change_header(1, "Subject", "changed"), delete_header(3, "Subject")),
    end("8-bit", add_header("X-Eight", "ä")),
    end("without-header", add_header("X", "y"), content="\nonly a body\n"),
    end("no-body", add_header("X", "y"), content="Subject: x\n"),
    end("long", add_header("X-Long", "x" * 3000)),
]
BODIES = [
    end("body", replace_body("new\r\nbody\r\n"), replace_body("more\r"), replace_body("\nno end")),
    end("body-empty", replace_body("")),
    end("body-and-headers", change_header(1, "Subject", "before"), replace_body("new\r\n"), insert_header(0, "After", "x")),
    end("body-large", *[replace_body(b"0123456789\r\n" * 5000)] * 5),
    end("large-stays", change_header(1, "Subject", "other"), content="Subject: x\n\n" + "a line of text\n" * 20000),
    end("large-body-replaced", replace_body("small\r\n"), content="Subject: x\n\n" + "a line of text\n" * 20000),
    end("large-by-large", *[replace_body(b"0123456789\r\n" * 5000)] * 5, add_header("X", "y"),
        content="Subject: x\n\n" + "a line of text\n" * 20000),
    Row("large-untouched", {}, content="Subject: x\n\n" + "a line of text\n" * 20000),
]
ENVELOPES = [
    end("sender", change_sender("<new@z.test>")),
    end("sender-mapped", change_sender("old@z.test")),
    end("sender-arguments", change_sender("n@z.test", "RET=HDRS ENVID=abc FOO=x"), lines=1),
    end("sender-null", change_sender("<>")),
    end("sender-incomplete", change_sender("local")),
    end("sender-quoted", change_sender('<"a b"@z.test>')),
    end("add-recipients", add_recipient("<b@x.test>"), add_recipient("c@x.test")),
    end("add-alias", add_recipient("alias@y.test")),
    end("add-with-arguments", add_recipient("<b@x.test>", "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;orig@x.test"),
        add_recipient("d@x.test", "FOO=1"), add_recipient("e@x.test", "NOTIFY=NEVER"), add_recipient("<>"), lines=2),
    end("add-several-at-once", add_recipient("b@x.test, c@x.test"), lines=1),
    end("delete-recipient", delete_recipient("<r@x.test>"), delete_recipient("nobody@x.test"), recipients=["r@x.test", "q@x.test"]),
    end("delete-by-letter-case", delete_recipient("<R@X.test>"), recipients=["r@x.test", "q@x.test"]),
    end("delete-and-add-again", delete_recipient("r@x.test"), add_recipient("r@x.test"), recipients=["r@x.test", "q@x.test"]),
    end("delete-what-an-alias-became", delete_recipient("alias@y.test"), recipients=["alias@y.test", "q@x.test"]),
    end("delete-one-that-an-alias-became", delete_recipient("v1@x.test"), recipients=["alias@y.test", "q@x.test"]),
]
VERDICTS = [
    Row("reject", {"E": [replace_body("x\r\n"), *REJECT]}, lines=1, messages=0),
    Row("reject-many", {"E": REJECT}, lines=1, messages=0, recipients=["r@x.test", "q@x.test"]),
    Row("tempfail", {"E": TEMPFAIL}, lines=1, messages=0),
    Row("discard", {"E": [add_header("X", "y"), *DISCARD]}, lines=1, messages=0),
    Row("accept", {"E": [add_header("X", "y"), *ACCEPT]}),
    Row("own-words", {"E": reply("450 4.7.1 later")}, lines=1, messages=0),
    Row("quarantine", {"E": [quarantine("bad"), *CONTINUE]}, lines=1, messages=0),
    Row("quarantine-and-discard", {"E": [quarantine("bad"), *DISCARD]}, lines=1, messages=0),
    Row("quarantine-and-reject", {"E": [quarantine("bad"), *REJECT]}, lines=1, messages=0),
    Row("progress", {"E": [b"p", b"p", *ACCEPT]}),
    Row("connection-failure", {"E": [b"f"]}, lines=2, messages=0),
    Row("unknown-answer", {"E": [b"z"]}, lines=2, messages=0),
    Row("half-a-body", {"E": [replace_body("half"), CLOSE]}, lines=2, messages=0),
] + [
    Row(f"{name}-at-{letter}", {letter: answer}, lines=lines, messages=messages)
    for letter in "LNB"
    for name, answer, lines, messages in [
        ("reject", REJECT, 1, 0), ("tempfail", TEMPFAIL, 1, 0), ("discard", DISCARD, 1, 0), ("accept", ACCEPT, 0, 1),
        ("words", reply("550 5.1.1 no way"), 1, 0), ("hold", [quarantine("early"), *CONTINUE], 1, 0),
        ("request", [add_header("a", "b"), *CONTINUE], 2, 0), ("close", [CLOSE], 2, 0),
    ]
]
CHECKED = [
    end(f"checks-{name}", add_header(f"X-{name}", "v"), lines=lines, messages=messages)
    for name, lines, messages in [
        ("Reject", 1, 0), ("Refuse", 1, 0), ("Warn", 1, 1), ("Info", 1, 1), ("Hold", 1, 0), ("Discard", 1, 0), ("Redirect", 1, 1),
        ("Bcc", 1, 1), ("Ignore", 0, 1), ("Strip", 1, 1), ("Replace", 1, 1), ("Dunno", 0, 1),
    ]
] + [
    end("redirect-then-recipient", add_header("X-Redirect", "v"), add_recipient("add@x.test"), lines=1),
    end("recipient-then-redirect", add_recipient("add@x.test"), add_header("X-Redirect", "v"), lines=1),
    end("checks-of-inserted", insert_header(1, "X-Replace", "w"), change_header(1, "X-Bare", "v"), lines=1),
    end("checks-of-changed", change_header(1, "X-Replace", "v"), change_header(1, "X-Strip", "v"), lines=2),
]
SECOND = [
    Row("second-sees-the-first", {"E": [change_header(1, "Subject", "by the first"), replace_body("first\r\n"), *CONTINUE]},
        {"E": [delete_header(2, "Subject"), add_header("Second", "x"), *CONTINUE]}),
    Row("second-counts", {"E": [insert_header(0, "I0", "a"), *CONTINUE]},
        {"E": [insert_header(0, "J0", "b"), insert_header(1, "J1", "c"), insert_header(2, "J2", "d"), *CONTINUE]}),
    Row("second-changes-what-is-in-front", {"E": [insert_header(0, "I0", "a"), insert_header(0, "Received", "mine"), *CONTINUE]},
        {"E": [change_header(1, "I0", "changed"), change_header(1, "Received", "first"), *CONTINUE]}),
    Row("second-refuses", {"E": [add_header("X", "y"), *CONTINUE]}, {"E": REJECT}, lines=1, messages=0),
    Row("first-accepts", {"E": ACCEPT}, {"E": [add_header("Second", "x"), *CONTINUE]}),
]
# Mail without a session. It stands before the checks of headers: a stock cleanup that has once obeyed their DISCARD forgets that of milters.
SUBMITTED = [
    Row("submitted", {}, is_submitted=True),
    end("submitted-changed", insert_header(0, "I0", "a"), insert_header(1, "I1", "b"), change_header(1, "Received", "x"),
        change_sender("<n@z.test>"), add_recipient("add@x.test"), delete_recipient("r@x.test"), replace_body("new\r\n"), is_submitted=True),
    Row("submitted-discarded", {"E": DISCARD}, lines=1, messages=0, is_submitted=True),
    Row("submitted-held", {"E": [quarantine("x"), *CONTINUE]}, lines=1, messages=0, is_submitted=True),
    Row("submitted-discarded-at-mail", {"M": DISCARD}, lines=1, messages=0, is_submitted=True),
    Row("submitted-accepted-at-connect", {"C": ACCEPT}, is_submitted=True),
    Row("submitted-accepted-at-rcpt", {"R": ACCEPT}, is_submitted=True),
    Row("submitted-rejected-at-the-end", {"E": REJECT}, lines=1, messages=1, is_submitted=True),
    Row("submitted-rejected-at-header", {"L": reply("550 5.1.1 no way")}, lines=1, messages=1, is_submitted=True),
    Row("submitted-rejected-at-connect", {"C": REJECT}, lines=1, messages=1, is_submitted=True),
    Row("submitted-rejected-at-mail", {"M": REJECT}, lines=1, messages=1, is_submitted=True),
]


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = []
    try:
        for kind in (Stock, Merpati):
            sides.append(Pair(kind))
        yield sides
    finally:
        for side in sides:
            side.finish()


@pytest.mark.parametrize("row", HEADERS + BODIES + ENVELOPES + VERDICTS + SECOND + SUBMITTED + CHECKED, ids=lambda row: row.name)
def test_milters_change_mail_as_with_stock(pair, row):
    stock, ours = (side.play(row) for side in pair)
    assert ours["answer"] == stock["answer"]
    assert ours["log"] == stock["log"]
    assert ours["messages"] == stock["messages"]


def test_a_second_milter_hears_what_the_first_has_made_of_it(pair):
    heard = []
    row = Row("", {"E": [change_header(1, "Subject", "by the first"), insert_header(1, "I", "x"), replace_body("first\r\n"), *CONTINUE]})
    for side in pair:
        side.play(row)
        session = side.milters[1].sessions[-1]
        heard.append((session.of("L"), session.of("B")))
    assert heard[1] == heard[0]
    assert heard[1][1] == [b"first\r\n"]


def test_what_the_first_put_in_front_is_heard_as_with_stock(pair):
    for index in (0, 1):
        heard = []
        for side in pair:
            side.play(Row("", {"E": [insert_header(index, "Received", "mine"), insert_header(index, "I", "x"), *CONTINUE]}))
            heard.append([re.sub(rb"id [0-9A-F]+|[A-Z][a-z]{2}, .*", b"", data) for data in side.milters[1].sessions[-1].of("L")])
        assert heard[1] == heard[0]


def test_what_a_restriction_puts_in_front_is_heard_and_the_received_field_behind_it_is_not(pair):
    heard = []
    for side in pair:
        row = Row("", {"E": [insert_header(1, "I", "x"), change_header(1, "Received", "changed"), *CONTINUE]}, sender="s@prepends.test")
        heard.append((side.play(row)["messages"], side.milters[0].sessions[-1].of("L")))
    assert heard[1] == heard[0]
    assert heard[1][1][:2] == [b"X-Rule\0one\0", b"Received\0from far\0"]


def test_milters_hear_all_of_a_large_message(pair):
    body = b"".join(b"line %d of many\r\n" % n for n in range(20000))
    for side in pair:
        side.play(Row("", {}, content="Subject: x\n\n" + body.decode().replace("\r", "")))
        pieces = side.milters[1].sessions[-1].of("B")
        assert b"".join(pieces) == body
        assert max(map(len, pieces)) <= 65535
