# SPDX-License-Identifier: Apache-2.0
"""RET, ENVID, NOTIFY and ORCPT (RFC 3461): what is answered, handed on and reported is what stock Postfix does."""

import re
import smtplib

import pytest
from support.instance import Stock
from support.side_by_side import make_pair
from support.waiting import wait_until

ACCOUNT = "merpati-test"
ME = f"{ACCOUNT}@localhost"


def answer_rcpt(session, line):
    if "rejected" in line:
        return "550 5.1.1 no such user"
    return "450 4.2.0 come back" if "later" in line else None


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    main = {
        "recipient_delimiter": "+",
        "smtp_connection_cache_on_demand": "no",
        "delay_warning_time": "1s",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "1s",
        "queue_run_delay": "1s",
        "canonical_maps": "inline:{ {old@x.example = new@x.example} }",
        "virtual_alias_maps": "inline:{ {many@alias.example = one@x.example, two@x.example},"
                              " {one@alias.example = solo@x.example}, {self@x.example = self@x.example, third@x.example} }",
        "alias_maps": "inline:{ {away = there@x.example} }",
    }
    sides = make_pair(main, {"RCPT": answer_rcpt})
    yield sides
    for side in sides:
        side.finish()


@pytest.mark.parametrize("line", [
    "MAIL FROM:<a@b> RET=FULL RET=HDRS", "MAIL FROM:<a@b> RET=SOME", "MAIL FROM:<a@b> RET=", "MAIL FROM:<a@b> RET",
    "MAIL FROM:<a@b> ENVID=", "MAIL FROM:<a@b> ENVID=a ENVID=b", "MAIL FROM:<a@b> ENVID=+2", "MAIL FROM:<a@b> ENVID=+zz",
    "MAIL FROM:<a@b> ENVID=a+00b", "MAIL FROM:<a@b> ENVID=a=b", "MAIL FROM:<a@b> ENVID=" + "x" * 100,
    "MAIL FROM:<a@b> ENVID=" + "x" * 101, "MAIL FROM:<a@b> ret=hdrs envid=x", "MAIL FROM:<> RET=FULL",
    "RCPT TO:<c@x.example> NOTIFY=NEVER,SUCCESS", "RCPT TO:<c@x.example> NOTIFY=", "RCPT TO:<c@x.example> NOTIFY",
    "RCPT TO:<c@x.example> NOTIFY=SUCCESS NOTIFY=DELAY", "RCPT TO:<c@x.example> NOTIFY=SUCCESS,,DELAY",
    "RCPT TO:<c@x.example> notify=success,failure,delay", "RCPT TO:<c@x.example> NOTIFY=OFTEN",
    "RCPT TO:<c@x.example> ORCPT=c@x.example", "RCPT TO:<c@x.example> ORCPT=rfc822;", "RCPT TO:<c@x.example> ORCPT=;x",
    "RCPT TO:<c@x.example> ORCPT=rfc822;a+2Bb ORCPT=rfc822;a", "RCPT TO:<c@x.example> ORCPT=rfc822;a+",
    "RCPT TO:<c@x.example> ORCPT=x400;a", "RCPT TO:<c@x.example> ORCPT=rfc 822;a", "RCPT TO:<c@x.example> ORCPT=rfc822;a+20b",
])
def test_the_answers_are_those_of_stock(pair, line):
    replies = []
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("c.example")
            if line.startswith("RCPT"):
                client.mail("a@b.example")
            replies.append(client.docmd(line))
    assert replies[1] == replies[0]


def send(side, recipients, mark, mail_options=(), rcpt_options=(), sender=ME):
    with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
        client.ehlo("c.example")
        code, reply = client.mail(sender, mail_options)
        assert code == 250, reply
        for recipient in recipients:
            code, reply = client.rcpt(recipient, rcpt_options)
            assert code == 250, reply
        code, reply = client.data(f"Subject: {mark}\nMessage-ID: <{mark}@c.example>\n\nbody\n")
        assert code == 250, reply


WISHES = [
    ((), ()),
    (("RET=HDRS", "ENVID=abc+2Bdef"), ("NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;orig+2Btag@old.example")),
    (("RET=FULL",), ("NOTIFY=NEVER",)),
    (("ENVID=with=equals",), ("NOTIFY=FAILURE",)),
    ((), ("ORCPT=x400;/a+3Db/",)),
    ((), ("NOTIFY=SUCCESS",)),
]
RECIPIENTS = ["c@x.example", "one@alias.example", "many@alias.example", "self@x.example", "old@x.example", "away@localhost"]


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_wishes_are_handed_on_as_stock_does(pair, recipient):
    seen = []
    for side in pair:
        for number, (mail, rcpt) in enumerate(WISHES):
            send(side, [recipient], f"mark-{recipient}-{number}.", mail, rcpt)
        lines = []
        for number in range(len(WISHES)):
            mark = f"mark-{recipient}-{number}."

            def found(side=side, mark=mark):
                return [m for m in side.sink.messages if f"Subject: {mark}" in m.text and "multipart/report" not in m.text]

            wait_until(found, lambda side=side: f"{mark} at the sink; log:\n{side.instance.tail()}")
            lines.append(sorted((re.sub(r" SIZE=\d+", "", m.mail_line), tuple(sorted(m.recipient_lines))) for m in found()))
        seen.append(lines)
    assert seen[1] == seen[0]


def notice(side, subject, mark):
    def found():
        matching = [m.rstrip("\n") + "\n" for m in side.instance.mailbox(ACCOUNT)
                    if f"\nSubject: {subject}\n" in m and mark in m and m.rstrip("\n").endswith("--")]
        return matching[0] if matching else None

    return side.normal(wait_until(found, lambda: f"{subject} about {mark}; log:\n{side.instance.tail()}"))


@pytest.mark.parametrize("subject, recipient, mail, rcpt", [
    ("Undelivered Mail Returned to Sender", "rejected@x.example", ["RET=HDRS", "ENVID=a+2Bb"], ["ORCPT=x400;/a+3Db/"]),
    ("Undelivered Mail Returned to Sender", "rejected@x.example", ["RET=FULL"], ["NOTIFY=FAILURE,SUCCESS"]),
    ("Delayed Mail (still being retried)", "later@x.example", ["ENVID=z"], ["NOTIFY=DELAY", "ORCPT=rfc822;o@p.example"]),
    ("Successful Mail Delivery Report", ME, ["RET=FULL", "ENVID=z"], ["NOTIFY=SUCCESS", "ORCPT=rfc822;o@p.example"]),
])
def test_reports_say_what_was_asked(pair, subject, recipient, mail, rcpt):
    mark = f"mark-report-{recipient}-{len(mail)}."
    texts = []
    for side in pair:
        send(side, [recipient], mark, mail, rcpt)
        texts.append(notice(side, subject, mark))
    assert texts[1].split("\n") == texts[0].split("\n")


def test_without_dsn_announced_the_wishes_are_refused(either):
    mail = either(main={"smtpd_discard_ehlo_keywords": "dsn, silent-discard"})
    mail.start()
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.ehlo("c.example")
        assert not client.has_extn("dsn")
        assert client.docmd("MAIL FROM:<a@b.example> RET=FULL")[0] == 501
        assert client.docmd("MAIL FROM:<a@b.example> ENVID=x")[0] == 501


@pytest.mark.parametrize("recipient", ["one@alias.example", "many@alias.example", "self@x.example"])
@pytest.mark.parametrize("size", [1, 200000])
def test_an_expanded_alias_is_reported_once(pair, recipient, size):
    mark = f"mark-expanded-{recipient}-{size}."
    texts = []
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("c.example")
            client.mail(ME, ["ENVID=z", "RET=FULL"])
            client.rcpt(recipient, ["NOTIFY=SUCCESS,FAILURE"])
            code, reply = client.data(f"Subject: {mark}\n\n" + "body\n" * size)
            assert code == 250, reply
        texts.append(notice(side, "Successful Mail Delivery Report", mark))
    assert texts[1].split("\n") == texts[0].split("\n")
    assert "Action: expanded" in texts[0]
