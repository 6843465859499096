# SPDX-License-Identifier: Apache-2.0
"""Notifications: parts, fields and words are those of stock Postfix."""

import re
import smtplib

import pytest
from support.instance import Stock
from support.side_by_side import make_pair
from support.waiting import wait_until

ACCOUNT = "merpati-test"
LONG = "550 5.7.1 this is a rather long answer of a host that explains at great length why it does not want this message"


def answer_rcpt(session, line):
    for part, reply in {
        "rejected": "550 5.1.1 no such user",
        "wordy": LONG,
        "lines": "550-5.1.1 first line\n550 5.1.1 second line",
        "later": "450 4.2.0 come back",
        "chain1": "550 5.1.1 " + " ".join(["x"] * 100),
        "chain2": "550 5.1.1 " + " ".join(["xx"] * 60),
        "chain3": "550 5.1.1 " + " ".join(["xxx"] * 50),
    }.items():
        if part in line:
            return reply
    return None


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    main = {
        "notify_classes": "resource, software, bounce, 2bounce, delay",
        "bounce_notice_recipient": f"{ACCOUNT}+copy",
        "2bounce_notice_recipient": f"{ACCOUNT}+double",
        "delay_notice_recipient": f"{ACCOUNT}+delay",
        "recipient_delimiter": "+",
        "bounce_size_limit": "3000",
        "delay_warning_time": "1s",
        "smtp_connection_cache_on_demand": "no",
        "alias_maps": f"inline:{{ {{alone = nosuchuser-one}}, {{team = {ACCOUNT}, fine@x.example}}, "
                      f"{{gone = nosuchuser-one, {ACCOUNT}, nosuchuser-two}} }}",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "1s",
        "queue_run_delay": "1s",
        "virtual_alias_maps": "inline:{ {many@alias.example = rejected1@x.example, rejected2@x.example} }",
    }
    sides = make_pair(main, {"RCPT": answer_rcpt})
    yield sides
    for side in sides:
        side.finish()


def send(side, sender, recipients, text, mail_options=(), rcpt_options=()):
    with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
        client.ehlo("c.example")
        client.mail(sender, mail_options)
        for recipient in recipients:
            code, reply = client.rcpt(recipient, rcpt_options)
            assert code == 250, reply
        code, reply = client.data(text)
        assert code == 250, reply


def notices(side, subject, mark, count=1):
    """The notices with that subject that are about the message with that mark."""

    def found():
        # Whole ones: the mailbox may be written at this moment.
        matching = [m.rstrip("\n") + "\n" for m in side.instance.mailbox(ACCOUNT)
                    if f"\nSubject: {subject}" in m and mark in m and m.rstrip("\n").endswith("--")]
        return matching if len(matching) >= count else None

    return wait_until(found, lambda: f"{subject} about {mark}; log:\n{side.instance.tail()}")


def compare(pair, subject, mark, act):
    texts = []
    for side in pair:
        act(side)
        texts.append(side.normal(notices(side, subject, mark)[0]))
    assert texts[1].split("\n") == texts[0].split("\n")
    return texts[0]


RETURNED = "Undelivered Mail Returned to Sender"
ME = f"{ACCOUNT}@localhost"


def test_rejected_by_the_peer(pair):
    compare(pair, RETURNED, "mark-1", lambda s: send(s, ME, ["rejected@x.example"], "Subject: mark-1\n\nbody\n"))


def test_long_answers_are_folded(pair):
    compare(pair, RETURNED, "mark-2", lambda s: send(s, ME, ["wordy@x.example"], "Subject: mark-2\n\nbody\n"))


@pytest.mark.parametrize("recipient", ["chain1", "longerchain1", "chain2", "chain3"])
def test_lines_are_as_wide_as_stock_ones(pair, recipient):
    mark = f"mark-of-{recipient}."
    compare(pair, RETURNED, mark, lambda s: send(s, ME, [f"{recipient}@x.example"], f"Subject: {mark}\n\nbody\n"))


def test_answers_of_several_lines(pair):
    compare(pair, RETURNED, "mark-3", lambda s: send(s, ME, ["lines@x.example"], "Subject: mark-3\n\nbody\n"))


def test_several_recipients_of_an_alias(pair):
    compare(pair, RETURNED, "mark-4", lambda s: send(s, ME, ["many@alias.example"], "Subject: mark-4\n\nbody\n"))


def test_header_only_when_asked(pair):
    text = compare(pair, RETURNED, "mark-5", lambda s: send(
        s, ME, ["rejected@x.example"], "Subject: mark-5\n\nsecret\n", ["RET=HDRS", "ENVID=abc+2Bdef"],
        ["ORCPT=rfc822;orig+2Btag@old.example"]))
    assert "secret" not in text and "Original-Envelope-Id: abc+def" in text


def test_header_only_of_a_large_message(pair):
    text = compare(pair, RETURNED, "mark-6", lambda s: send(
        s, ME, ["rejected@x.example"], "Subject: mark-6\n\n" + "large\n" * 1000))
    assert "large" not in text


def test_an_envelope_id_of_the_command_line(pair):
    text = compare(pair, RETURNED, "mark-19", lambda s: s.instance.sendmail(
        "-V", "a+b +2Bc", "-f", ME, "rejected@x.example", input="Subject: mark-19\n\nbody\n"))
    assert "\nOriginal-Envelope-Id: a+b +2Bc\n" in text


def test_unknown_local_user(pair):
    for side in pair:
        side.instance.sendmail("-f", ME, "nosuchuser-merpati@localhost", input="Subject: mark-7\n\nbody\n")
    texts = [side.normal(notices(side, RETURNED, "mark-7")[0]) for side in pair]
    assert texts[1].split("\n") == texts[0].split("\n")


def test_internationalized_mail(pair):
    texts = []
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("c.example")
            client.sendmail(ME, ["rejectedö@x.example"], "Subject: mark-15 ñ\n\nbödy\n".encode(), ["SMTPUTF8", "BODY=8BITMIME"])
        texts.append(side.normal(notices(side, RETURNED, "mark-15")[0]))
    assert texts[1].split("\n") == texts[0].split("\n")
    assert "message/global-delivery-status" in texts[0]


def test_delay_warning(pair):
    subject = "Delayed Mail (still being retried)"
    texts = []
    for side in pair:
        send(side, ME, ["later@x.example"], "Subject: mark-8\n\nbody\n")
        texts.append(side.normal(notices(side, subject, "mark-8")[0]))
        notices(side, "Postmaster Warning: Delayed Mail", "mark-8")
    assert texts[1].split("\n") == texts[0].split("\n")


def test_success_report(pair):
    compare(pair, "Successful Mail Delivery Report", "mark-9", lambda s: send(
        s, ME, [ME], "Subject: mark-9\n\nbody\n", ["RET=FULL"], ["NOTIFY=SUCCESS"]))


def test_success_at_a_server_that_reports_itself(pair):
    text = compare(pair, "Successful Mail Delivery Report", "mark-16", lambda s: send(
        s, ME, ["fine@x.example", ME], "Subject: mark-16\n\nbody\n", [], ["NOTIFY=SUCCESS"]))
    assert "fine@x.example" not in text


def test_success_at_a_server_that_does_not_report(pair):
    for side in pair:
        side.sink.extensions = ["PIPELINING", "8BITMIME"]
    text = compare(pair, "Successful Mail Delivery Report", "mark-17", lambda s: send(
        s, ME, ["fine@x.example"], "Subject: mark-17\n\nbody\n", [], ["NOTIFY=SUCCESS"]))
    assert "\nAction: relayed\n" in text


def test_report_of_a_relay(pair):
    text = compare(pair, "Mail Delivery Status Report", "mark-18", lambda s: s.instance.sendmail(
        "-v", "-f", ME, "fine@x.example", input="Subject: mark-18\n\nbody\n"))
    assert "\nAction: relayed\n" in text


def test_success_at_an_alias_is_that_it_was_expanded(pair):
    text = compare(pair, "Successful Mail Delivery Report", "mark-20", lambda s: send(
        s, ME, ["team@localhost"], "Subject: mark-20\n\nbody\n", [], ["NOTIFY=SUCCESS"]))
    assert "\nAction: expanded\n" in text
    # What it was expanded to brings no second report.
    for side in pair:
        found = side.instance.wait_log(r"smtp\[\d+\]: (\w+): to=<fine@x\.example>, orig_to=<team@localhost>.*status=sent")
        side.instance.wait_log(rf"qmgr\[\d+\]: {found[1]}: removed")
        assert not re.search(rf"{found[1]}: sender delivery status", side.instance.log_text())


def test_failure_of_what_an_alias_stands_for(pair):
    text = compare(pair, RETURNED, "mark-21", lambda s: send(s, ME, ["alone@localhost"], "Subject: mark-21\n\nbody\n"))
    assert "\nFinal-Recipient: rfc822; nosuchuser-one@" in text


def test_failures_of_several_members_are_all_told(pair):
    for side in pair:
        send(side, ME, ["gone@localhost"], "Subject: mark-22\n\nbody\n")
        text = notices(side, RETURNED, "mark-22")[0]
        assert "<nosuchuser-one@" in text and "<nosuchuser-two@" in text


def test_no_report_when_never_is_asked(pair):
    for side in pair:
        send(side, ME, ["rejected@x.example"], "Subject: mark-10\nX: 1\n\nbody\n", [], ["NOTIFY=NEVER"])
        side.instance.wait_log(r"to=<rejected@x.example>.*status=bounced")
        send(side, ME, ["rejected@x.example"], "Subject: mark-11\n\nbody\n")
        notices(side, RETURNED, "mark-11")
        assert not [m for m in side.instance.mailbox(ACCOUNT) if f"Subject: {RETURNED}" in m and "mark-10" in m]


def test_report_of_a_delivery(pair):
    texts = []
    for side in pair:
        side.instance.sendmail("-v", "-f", ME, ME, "rejected@x.example", input="Subject: mark-14\n\nbody\n")
        text = side.normal(notices(side, "Mail Delivery Status Report", "mark-14")[0])
        head, separator, tail = text.partition("The mail system\n")
        # The order of the recipients is that of their delivery.
        texts.append((head, sorted(part.strip() for part in tail.split("\n\n"))))
    assert texts[1] == texts[0]


def test_double_bounce_reaches_the_postmaster(pair):
    compare(pair, "Postmaster Copy: Undelivered Mail", "mark-12", lambda s: send(
        s, "", ["rejected@x.example"], "Subject: mark-12\n\nbody\n"))


def test_copy_for_the_postmaster(pair):
    compare(pair, "Postmaster Copy: Undelivered Mail", "mark-13", lambda s: send(
        s, ME, ["rejected@x.example"], "Subject: mark-13\n\nbody\n"))


def test_log_lines(pair):
    wanted = ["sender non-delivery notification", "sender delay notification", "sender delivery status notification",
              "postmaster non-delivery notification", "postmaster delay notification"]
    for side in pair:
        for words in wanted:
            side.instance.wait_log(rf"bounce\[\d+\]: [0-9A-F]+: {words}: [0-9A-F]+$")
