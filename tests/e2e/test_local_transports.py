# SPDX-License-Identifier: Apache-2.0
"""mailbox_transport, fallback_transport and their tables: the same recipients reach the same transport as in stock Postfix."""

import os
import re

import pytest
from support.smtp_sink import SmtpSink
from support.waiting import wait_until

ACCOUNT = "merpati-test"
OTHER = "merpati-map"

CONFIGURATIONS = {
    "mailbox": {"mailbox_transport": "smtp:[127.0.0.1]:PORT"},
    "fallback": {"fallback_transport": "smtp:[127.0.0.1]:PORT"},
    "mailbox table": {"mailbox_transport_maps": f"inline:{{{ACCOUNT}=smtp:[127.0.0.1]:PORT}}", "mailbox_transport": "error:none"},
    "fallback table": {"fallback_transport_maps": "inline:{nobody1=smtp:[127.0.0.1]:PORT}"},
    "table of unknown": {"mailbox_transport_maps": "inline:{nobody1=smtp:[127.0.0.1]:PORT}", "fallback_transport": "error:5.1.1 none"},
    "error": {"fallback_transport": "error:5.1.6 moved"},
}

RECIPIENTS = [ACCOUNT, f"{ACCOUNT}+ext", "nobody1", "nobody2"]


def play(make, main, recipients=RECIPIENTS, aliases=""):
    sink = SmtpSink()
    mail = make(main={**{name: value.replace("PORT", str(sink.port)) for name, value in main.items()},
                      "recipient_delimiter": "+", "smtp_host_lookup": "native", "local_recipient_maps": ""})
    try:
        if aliases:
            mail.set(alias_maps=mail.aliases(aliases))
        mail.start()
        for recipient in recipients:
            mail.sendmail("-f", "s@example.com", f"{recipient}@example.test", input="Subject: x\n\nhello\n")
        wait_until(lambda: len(mail.log_lines(r": from=<s@example.com>, .*queue active")) >= len(recipients), mail.tail)
        mail.wait_empty()
        lines = set(re.findall(r"(to=<.*), relay=(\w*).*(dsn=.*, status=\w+)", mail.log_text()))
        copies = sorted((message.recipients, re.findall(r"(?m)^(?:X-Original-To|Delivered-To).*", message.text))
                        for message in sink.messages)
        return lines, copies, len(mail.mailbox(ACCOUNT))
    finally:
        sink.stop()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_recipient_goes_where_stock_sends_it(make_stock, make_merpati, name):
    results = [play(make, CONFIGURATIONS[name]) for make in (make_stock, make_merpati)]
    assert results[1] == results[0]


def test_members_of_an_alias_reach_the_transport_too(make_stock, make_merpati):
    results = [play(make, CONFIGURATIONS["mailbox"], ["pair"], f"pair: {ACCOUNT}, {OTHER}\n") for make in (make_stock, make_merpati)]
    # One message for each in stock, one for all here: as to whom it goes they agree.
    reached = [sorted(sum((recipients for recipients, _ in copies), [])) for _, copies, _ in results]
    assert reached[1] == reached[0] == [f"{OTHER}@example.test", f"{ACCOUNT}@example.test"]


@pytest.mark.skipif(os.geteuid() != 0, reason="delivers with another's rights")
def test_a_transport_that_is_local_again_is_no_loop(merpati):
    mail = merpati(main={"mailbox_transport": "local"})
    mail.sendmail("-f", "s@example.com", f"{ACCOUNT}@example.test", input="Subject: x\n\nhello\n")
    mail.wait_log(r"mail transports hand the message to each other: local:")
    wait_until(lambda: mail.queue_ids(), "the message in the queue")
