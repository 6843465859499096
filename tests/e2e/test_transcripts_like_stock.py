# SPDX-License-Identifier: Apache-2.0
"""notify_classes: the postmaster gets what was said in a session with errors, in the form of stock Postfix."""

import re
import smtplib
import socket

import pytest
from support.instance import Stock
from support.side_by_side import make_pair
from support.waiting import wait_until

ACCOUNT = "merpati-test"
LONG = "a-rather-long-name-of-a-client-that-goes-on-and-on-until-the-line-is-full.example"


def answer_rcpt(session, line):
    for word, reply in {"grammar": "501 5.5.4 syntax", "unknown": "550 5.1.1 no", "later": "450 4.2.0 wait",
                        "option": "555 5.5.4 what", "denied": "554 5.7.1 no"}.items():
        if f"<mark-{word}@" in line:
            return reply
    return None


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    main = {
        "notify_classes": "bounce, policy, protocol, resource, software, data",
        "bounce_notice_recipient": f"{ACCOUNT}+bounce",
        "2bounce_notice_recipient": f"{ACCOUNT}+double",
        "error_notice_recipient": f"{ACCOUNT}+error",
        "recipient_delimiter": "+",
        "smtpd_banner": "mail.example.com ESMTP",
        "smtpd_discard_ehlo_keywords": "ETRN, STARTTLS",
        "smtpd_recipient_restrictions":
            "check_recipient_access inline:{ {refused@x.example = 554 5.7.1 not this one},"
            " {bad@x.example = OK-bogus} }, permit_mynetworks, reject",
        "smtpd_helo_restrictions": "check_helo_access inline:{ {bad.example = REJECT} }",
        "smtp_connection_cache_on_demand": "no",
        "smtpd_timeout": "60s",
        "smtpd_error_sleep_time": "0",
        "smtpd_hard_error_limit": "3",
        "message_size_limit": "1000000",
    }
    sides = make_pair(main, {"RCPT": answer_rcpt})
    yield sides
    for side in sides:
        side.finish()


def transcripts(side, mark, count=1):
    def found():
        matching = [m.rstrip("\n") + "\n" for m in side.instance.mailbox(ACCOUNT)
                    if "\nTranscript of session follows.\n" in m and mark in m and "mail logfile" in m]
        return matching if len(matching) >= count else None

    return wait_until(found, lambda: f"a transcript with {mark}; log:\n{side.instance.tail()}")


def normal(side, text):
    text = side.normal(text)
    text = re.sub(r"\bPostfix\b|\bMerpati\b", "NAME", text)
    # Stock's header names the recipient of errors, whoever gets it.
    text = re.sub(r"(\nTo: Postmaster <.*)\+(error|bounce)@", r"\1+SOME@", text)
    return re.sub(r"queued as [0-9A-F]+", "queued as ID", text)


def talk(side, lines, hangs_up=False):
    """Each line is sent when the one before has been answered."""
    with socket.create_connection(("127.0.0.1", side.instance.port), timeout=60) as client:
        stream = client.makefile("rwb")

        def answer():
            while stream.readline()[3:4] == b"-":
                pass

        answer()
        for line in lines:
            stream.write(line.encode() + b"\r\n")
            stream.flush()
            answer()
        if hangs_up:
            client.shutdown(socket.SHUT_RDWR)


DIALOGUES = {
    "syntax": ["EHLO mark-syntax", "MAIL x", "QUIT"],
    "unknown command": ["EHLO mark-unknown", "FROB", "QUIT"],
    "policy": ["EHLO mark-policy", "MAIL FROM:<a@b.example>", "RCPT TO:<refused@x.example>", "QUIT"],
    "unknown user": ["EHLO mark-user", "MAIL FROM:<a@b.example>", "RCPT TO:<nosuchuser-merpati@localhost>", "QUIT"],
    "misconfigured": ["EHLO mark-misconfigured", "MAIL FROM:<a@b.example>", "RCPT TO:<bad@x.example>", "QUIT"],
    "too large": ["EHLO mark-large", "MAIL FROM:<a@b.example> SIZE=2000000", "QUIT"],
    "out of order": ["HELO mark-order", "RCPT TO:<a@b>", "DATA", "QUIT"],
    "long line": [f"HELO {LONG}", f"MAIL FROM:<mark-long@{LONG}> FOO=bar BAR=baz", "QUIT"],
    "too many": ["EHLO mark-many", "FROB", "FROB", "FROB"],
    "bad helo": ["EHLO bad.example", "MAIL FROM:<mark-helo@b.example>", "RCPT TO:<a@x.example>", "QUIT"],
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_session_with_errors_is_sent(pair, name):
    lines = DIALOGUES[name]
    mark = re.search(r"mark-\w+", " ".join(lines))[0]
    texts = []
    for side in pair:
        talk(side, lines)
        texts.append(normal(side, transcripts(side, mark)[0]))
    assert texts[1].split("\n") == texts[0].split("\n")


def test_a_lost_connection_is_told(pair):
    texts = []
    for side in pair:
        talk(side, ["EHLO mark-lost", "MAIL x"], hangs_up=True)
        texts.append(normal(side, transcripts(side, "mark-lost")[0]))
    assert texts[1].split("\n") == texts[0].split("\n")
    assert "lost connection" in texts[0]


def test_a_message_that_is_taken_forgives_what_went_before(pair):
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("mark-forgiven")
            client.docmd("FROB")
            client.sendmail("a@b.example", ["c@x.example"], "Subject: x\n\nbody\n")
        talk(side, ["EHLO mark-after", "FROB", "QUIT"])
        transcripts(side, "mark-after")
        assert not [m for m in side.instance.mailbox(ACCOUNT) if "mark-forgiven" in m]


def test_only_the_wanted_classes(either, account):
    mail = either(main={"error_notice_recipient": account, "bounce_notice_recipient": account,
                        "notify_classes": "policy"})
    mail.start()

    class Side:
        instance = mail

    talk(Side, ["EHLO mark-protocol", "FROB", "QUIT"])
    talk(Side, ["EHLO mark-user", "MAIL FROM:<a@b.example>", "RCPT TO:<nosuchuser-merpati@localhost>", "QUIT"])
    talk(Side, ["EHLO mark-last", "MAIL FROM:<a@b.example> SIZE=1999999999", "QUIT"])
    mail.wait_mailbox(account)
    seen = [mark for mark in ("mark-protocol", "mark-user", "mark-last") if any(mark in m for m in mail.mailbox(account))]
    assert seen == ["mark-last"]


@pytest.mark.parametrize("word", ["grammar", "option"])
def test_a_server_that_does_not_understand_us_is_told_of(pair, word):
    texts = []
    for side in pair:
        side.instance.sendmail("-f", f"{ACCOUNT}@localhost", f"mark-{word}@x.example", input="Subject: x\n\nbody\n")
        text = normal(side, transcripts(side, f"mark-{word}")[0])
        text = re.sub(r" SIZE=\d+", "", text)
        # How the session ends is each one's own.
        texts.append(re.split(r"\n Out: (?:RSET|QUIT)\n", text)[0])
    assert texts[1].split("\n") == texts[0].split("\n")
    assert "\nUnexpected response from " in texts[0]


def test_plain_refusals_of_a_server_are_not(pair):
    for side in pair:
        side.instance.sendmail("-f", f"{ACCOUNT}@localhost", "mark-unknown@x.example", "mark-denied@x.example",
                               "mark-later@x.example", input="Subject: x\n\nbody\n")
        side.instance.wait_log(r"to=<mark-later@x.example>.*status=deferred")
        side.instance.sendmail("-f", f"{ACCOUNT}@localhost", "mark-grammar@y.example", input="Subject: x\n\nbody\n")
        transcripts(side, "mark-grammar@y")
        told = [m for m in side.instance.mailbox(ACCOUNT) if "Transcript of session" in m]
        assert not [m for m in told if "mark-unknown@" in m or "mark-denied@" in m or "mark-later@" in m]


def test_what_went_before_is_left_out_of_a_long_session(either, account):
    """smtpd_history_flush_threshold: at RSET, EHLO and the end of a message, what is longer is forgotten."""
    mail = either(main={"notify_classes": "protocol", "error_notice_recipient": account, "smtpd_history_flush_threshold": "4"}).start()
    with mail.smtp() as client:
        client.commands("EHLO forgotten.example", "NOOP", "NOOP forgotten", "RSET", "VRFY", "NOOP kept", "UNKNOWN", "QUIT")
    text = mail.wait_mailbox(account)[0]
    transcript = text[text.index("Transcript of session follows."):]
    assert "forgotten" not in transcript
    assert "In:  NOOP kept" in transcript and "In:  UNKNOWN" in transcript
