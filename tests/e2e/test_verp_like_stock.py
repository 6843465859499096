# SPDX-License-Identifier: Apache-2.0
"""XVERP and sendmail -XV: each recipient's copy has a sender of its own, as stock Postfix makes it."""

import os
import re
import smtplib

import pytest
from support.instance import Stock
from support.side_by_side import make_pair
from support.waiting import wait_until

ACCOUNT = "merpati-test"


def answer_rcpt(session, line):
    return "550 5.1.1 no such user" if "rejected" in line else None


MAIN = {
    "smtpd_authorized_verp_clients": "127.0.0.1",
    "recipient_delimiter": "+",
    "virtual_alias_maps": "inline:{ {many@alias.example = one@x.example, two@x.example} }",
    "notify_classes": "bounce",
    "bounce_notice_recipient": f"{ACCOUNT}+copy",
    "smtp_connection_cache_on_demand": "no",
}


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair(MAIN, {"RCPT": answer_rcpt})
    yield sides
    for side in sides:
        side.finish()


def send(side, option, recipients, mark, sender=f"{ACCOUNT}+list@localhost"):
    with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
        client.ehlo("c.example")
        assert client.has_extn("xverp")
        code, reply = client.mail(sender, [option])
        assert code == 250, reply
        for recipient in recipients:
            code, reply = client.rcpt(recipient)
            assert code == 250, reply
        code, reply = client.data(f"Subject: {mark}\n\nbody\n")
        assert code == 250, reply


def copies(side, mark, count):
    def found():
        messages = [m for m in side.sink.messages if mark in m.text]
        return messages if len(messages) >= count else None

    messages = wait_until(found, lambda: f"{count} copies of {mark}; log:\n{side.instance.tail()}")
    return sorted((m.sender, tuple(m.recipients)) for m in messages)


@pytest.mark.parametrize("option", ["XVERP", "XVERP=-=", "xverp"])
def test_each_recipient_has_a_sender_of_its_own(pair, option):
    mark = f"mark-{option}."
    for side in pair:
        send(side, option, ["a@x.example", "b@x.example", "many@alias.example"], mark)
    seen = [copies(side, mark, 4) for side in pair]
    assert seen[1] == seen[0]
    assert len({sender for sender, _ in seen[0]}) == 3 and all(len(r) == 1 for _, r in seen[0])


@pytest.mark.parametrize("words", [("-XV",), ("-XV-=",), ("-X", "V+-")])
def test_sendmail_asks_for_it_too(pair, words):
    mark = f"mark-{'-'.join(words)}."
    for side in pair:
        side.instance.sendmail(*words, "-f", f"{ACCOUNT}+list@localhost", "a@x.example", "b@x.example",
                               input=f"Subject: {mark}\n\nbody\n")
    seen = [copies(side, mark, 2) for side in pair]
    assert seen[1] == seen[0] and len({sender for sender, _ in seen[0]}) == 2


@pytest.mark.parametrize("line", [
    "MAIL FROM:<a@b> XVERP=xy", "MAIL FROM:<a@b> XVERP=+", "MAIL FROM:<a@b> XVERP=", "MAIL FROM:<a@b> XVERP=+=+",
    "MAIL FROM:<> XVERP", "MAIL FROM:<> XVERP=xy", "MAIL FROM:<a@b> XVERP XVERP=-=", "MAIL FROM:<a@b> XVERPX",
])
def test_the_answers_are_those_of_stock(pair, line):
    replies = []
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("c.example")
            replies.append(client.docmd(line))
    assert replies[1] == replies[0]


def test_ehlo_says_it_in_the_same_place(pair):
    keywords = []
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            lines = client.ehlo("c.example")[1].decode().split("\n")
            keywords.append([line.split()[0] for line in lines[1:] if line.split()[0] not in ("ETRN", "STARTTLS")])
    assert keywords[1] == keywords[0] and "XVERP" in keywords[0]


@pytest.mark.parametrize("words", [("-XVab",), ("-XV+",), ("-XV", "-f", "")])
def test_a_bad_wish_is_refused_by_sendmail(pair, words):
    told = []
    for side in pair:
        done = side.instance.sendmail(*words, "c@x.example", input="Subject: x\n\n", check=False)
        told.append((done.returncode, re.sub(r"^.*fatal: (.*?\(\d+\): )?", "", done.stderr.strip())))
    assert told[1][0] != 0 and told[1][1] == told[0][1]


def bounces(side, mark, count):
    def found():
        notices = [m.rstrip("\n") + "\n" for m in side.instance.mailbox(ACCOUNT)
                   if "\nSubject: Undelivered Mail Returned to Sender\n" in m and mark in m]
        return notices if len(notices) >= count else None

    return wait_until(found, lambda: f"{count} bounces of {mark}; log:\n{side.instance.tail()}")


def test_each_failure_comes_back_to_the_sender_of_its_copy(pair):
    texts = []
    for side in pair:
        send(side, "XVERP", ["rejected1@x.example", "rejected2@x.example"], "mark-bounced")
        texts.append(sorted(side.normal(m) for m in bounces(side, "mark-bounced", 2)))
    assert [t.split("\n") for t in texts[1]] == [t.split("\n") for t in texts[0]]
    assert "+list+rejected1=x.example@" in texts[0][0]


@pytest.mark.skipif(os.geteuid() != 0, reason="delivers with another's rights")
def test_one_notification_for_all_when_the_others_are_off(either, sink):
    server = sink(replies={"RCPT": answer_rcpt})
    mail = either(main={**MAIN, "relayhost": f"[127.0.0.1]:{server.port}", "smtp_host_lookup": "native",
                        "disable_verp_bounces": "yes"})
    mail.start()

    class Side:
        instance = mail

    send(Side, "XVERP", ["rejected1@x.example", "rejected2@x.example"], "mark-together")
    notices = bounces(Side, "mark-together", 1)
    assert len(notices) == 1 and "rejected1@" in notices[0] and "rejected2@" in notices[0]


def test_other_clients_may_not(either):
    mail = either(main={"smtpd_authorized_verp_clients": "192.0.2.1"})
    mail.start()
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.ehlo("c.example")
        assert not client.has_extn("xverp")
        code, reply = client.mail("a@b.example", ["XVERP"])
        assert (code, reply) == (555, b"5.5.4 Unsupported option: XVERP")
