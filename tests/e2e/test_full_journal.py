# SPDX-License-Identifier: Apache-2.0
"""A journal that is full and cannot empty: clients are told to come later, what is made inside still goes, nothing is lost."""

import re
import threading

from support.instance import IMPORT_ENVIRONMENT
from support.smtp_client import Disconnected
from support.waiting import HOLD, free_port, wait_until

SEGMENT = 1048576
EACH = 10


def offer(mail, sender, recipient, token, size=300):
    """The reply, or None if the server hung up."""
    try:
        with mail.smtp() as client:
            client.hello()
            return client.deliver(sender, recipient, f"Subject: {token}\n\n" + ("x" * 70 + "\n") * (size // 71))
    except (OSError, Disconnected):
        return None


def fill(mail, recipient="someone@dead.test"):
    """Tokens that were acknowledged until 20 in a row were not."""
    acknowledged, in_a_row, number = [], 0, 0
    while in_a_row < 20:
        number += 1
        assert number < 1000, "the journal does not fill up"
        reply = offer(mail, "s@example.test", recipient, f"dead-{number}.", 20_000)
        assert reply is not None and (reply.code == 250 or str(reply).startswith("452 4.3.1")), reply
        in_a_row = 0 if reply.code == 250 else in_a_row + 1
        if reply.code == 250:
            acknowledged.append(f"dead-{number}.")
    return acknowledged


def tokens(texts):
    return set(re.findall(r"Subject: (\w+-\d+\.)", "\n".join(texts)))


def test_at_a_dead_smarthost_clients_wait_and_inside_mail_goes(make_merpati, sink, account):
    dead, refuse = free_port(), threading.Event()
    refusing = sink(replies={"RCPT": lambda session, line: refuse.wait(HOLD) and "550 5.1.1 nobody here"})
    elsewhere = sink()
    mail = make_merpati(main={
        "transport_maps": f"inline:{{ {{ dead.test = smtp:[127.0.0.1]:{dead} }}, "
        f"{{ refusing.test = smtp:[127.0.0.1]:{refusing.port} }}, {{ elsewhere.test = smtp:[127.0.0.1]:{elsewhere.port} }} }}",
        "alias_maps": "inline:{ { forwards = someone@elsewhere.test } }",
        "spool_segment_size": SEGMENT, "spool_journal_limit": 6 * SEGMENT, "spool_journal_reserve": 2 * SEGMENT,
        "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s", "transport_retry_time": "5s",
        "smtpd_error_sleep_time": "0", "defer_transports": "local", "message_size_limit": "200000",
        "import_environment": IMPORT_ENVIRONMENT + " MERPATI_FAULTS",
    })
    # No queue file can be written: what is deferred stays in the journal, and the journal stays full.
    mail.environment["MERPATI_FAULTS"] = "spill/create:1+:ENOSPC"
    mail.start()
    returned = {f"returned-{number}." for number in range(EACH)}
    forwarded = {f"forwarded-{number}." for number in range(EACH)}
    for number in range(EACH):
        assert offer(mail, f"{account}@localhost", "nobody@refusing.test", f"returned-{number}.").code == 250
        assert offer(mail, "s@example.test", "forwards@localhost", f"forwarded-{number}.").code == 250
    acknowledged = fill(mail)
    assert acknowledged

    mail.set(defer_transports=None)
    mail.reload()
    # What the agents have in hand ends now: the one queue manager carries it to the next.
    mail.wait_log("going with deliveries in hand")
    refuse.set()
    mail.command("postqueue", "-f")
    wait_until(lambda: tokens(mail.mailbox(account)) == returned,
               lambda: f"{returned} returned, not {tokens(mail.mailbox(account))}; log:\n{mail.tail()}", 60)
    wait_until(lambda: tokens(message.text for message in elsewhere.messages) == forwarded,
               lambda: f"{forwarded} forwarded; log:\n{mail.tail()}", 60)
    # All that time there was no room for a client's mail.
    reply = offer(mail, "s@example.test", "someone@elsewhere.test", "late-1.", 20_000)
    assert str(reply).startswith("452 4.3.1"), reply
    assert not mail.log_lines(r"killed by signal|exit status")
    # That no file can be written is said now and then, not for each message and attempt; nothing else is said of it.
    said = mail.log_lines(r"No space left on device")
    assert all("cannot write queue files" in line for line in said), said[:10]
    assert 1 <= len(said) <= 20, said

    # A stop cannot write files either; what stays in the journal goes on from there when the host is back.
    mail.control("stop", check=False)
    mail.wait_for_end()
    mail.environment.clear()
    target = sink(port=dead)
    mail.start()
    mail.command("postqueue", "-f")
    mail.wait_empty(60)
    assert sorted(tokens(message.text for message in target.messages)) == sorted(acknowledged)
    assert len(target.messages) == len(acknowledged)
    assert len(elsewhere.messages) == EACH and len(mail.mailbox(account)) == EACH
    assert offer(mail, "s@example.test", "someone@elsewhere.test", "after-1.").code == 250
    elsewhere.wait_for(EACH + 1)
