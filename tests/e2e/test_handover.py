# SPDX-License-Identifier: Apache-2.0
"""What a queue manager that ends with deliveries in hand leaves to the next one: the limits hold across both."""

import socket
import threading

import pytest
from support.waiting import wait_until

LIMIT = 2


class Hands:
    """Holds each delivery before its final reply until it may go; counts those under way, and the most at one time."""

    def __init__(self):
        self.lock, self.go = threading.Lock(), threading.Event()
        self.now = self.most = 0

    def __call__(self, session, line):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.wait(120)
        with self.lock:
            self.now -= 1


def send(mail, *recipients):
    with mail.smtp() as client:
        client.hello()
        for recipient in recipients:
            assert client.deliver("s@example.test", recipient, "Subject: x\n\nhello\n").code == 250


def replace(mail, how):
    """Ends the queue manager; returns when the next one delivers."""
    before = mail.pids("qmgr")
    if how == "killed":
        assert mail.kill("qmgr") == 1
    else:
        mail.reload()
    wait_until(lambda: set(mail.pids("qmgr")) - set(before), lambda: f"the next queue manager; log:\n{mail.tail()}")


@pytest.mark.parametrize("kind", ["domain", "recipient"])
@pytest.mark.parametrize("how", ["killed", "replaced"])
def test_a_limit_counts_what_an_earlier_queue_manager_has_in_hand(make_merpati, sink, how, kind):
    hands = Hands()
    held, other = sink(replies={"DOT": hands}), sink()
    mail = make_merpati(
        main={
            "transport_maps": f"inline:{{ {{held.test = smtp:[127.0.0.1]:{held.port}}}, "
            f"{{other.test = smtp:[127.0.0.1]:{other.port}}} }}",
            "smtp_destination_concurrency_limit": str(LIMIT),
            "smtp_destination_recipient_limit": "1" if kind == "recipient" else "50",
        }
    )
    mail.start()
    names = ["u@held.test"] * 6 if kind == "recipient" else [f"u{number}@held.test" for number in range(6)]
    send(mail, *names)
    wait_until(lambda: hands.now == LIMIT, lambda: f"the limit in hand, not {hands.now}; log:\n{mail.tail()}")
    for turn in range(1, 3):
        replace(mail, how)
        # Behind those that wait for the held one: when it has gone, they had their chance.
        send(mail, "u@other.test")
        other.wait_for(turn)
        assert hands.now == LIMIT
    hands.go.set()
    mail.wait_empty(timeout=60)
    assert hands.most == LIMIT
    assert sorted(message.recipients[0] for message in held.messages) == sorted(names)


@pytest.mark.parametrize("how", ["killed", "replaced"])
def test_a_success_that_was_asked_for_is_told_of_what_was_in_hand(make_merpati, sink, account, how):
    """The next hop says nothing of DSN, so the report is ours. One recipient was reached before, the other one later."""
    hands = Hands()
    plain = ["PIPELINING", "8BITMIME"]
    held, open_ = sink(replies={"DOT": hands}, extensions=plain), sink(extensions=plain)
    mail = make_merpati(
        main={
            "transport_maps": f"inline:{{ {{held.test = smtp:[127.0.0.1]:{held.port}}}, "
            f"{{open.test = smtp:[127.0.0.1]:{open_.port}}} }}",
        }
    )
    mail.start()
    with mail.smtp() as client:
        client.hello()
        assert client.command(f"MAIL FROM:<{account}@localhost> ENVID=here").code == 250
        for name in ("first@open.test", "later@held.test"):
            assert client.command(f"RCPT TO:<{name}> NOTIFY=SUCCESS,FAILURE").code == 250
        assert client.command("RCPT TO:<quiet@held.test> NOTIFY=FAILURE").code == 250
        assert client.command("DATA").code == 354
        client.send(b"Subject: x\r\n\r\nhello\r\n.\r\n")
        assert client.reply().code == 250
    open_.wait_for(1)
    mail.wait_log(r"to=<first@open\.test>.*status=sent")
    wait_until(lambda: hands.now == 1, lambda: f"a delivery in hand; log:\n{mail.tail()}")
    replace(mail, how)
    hands.go.set()
    reports = "".join(mail.wait_mailbox(account))
    mail.wait_empty()
    assert "Final-Recipient: rfc822; later@held.test" in reports
    assert "Action: relayed" in reports and "Original-Envelope-Id: here" in reports
    # What is in the ledger alone when a queue manager is killed is delivered, and not told of.
    assert ("first@open.test" in reports) == (how == "replaced")
    assert "quiet@held.test" not in reports
    assert len(held.messages) == len(open_.messages) == 1


FAR = {"minimal_backoff_time": "10000s", "maximal_backoff_time": "10000s", "queue_run_delay": "10000s"}


def start_with_one_deferred(make_merpati, server, **main):
    mail = make_merpati(
        main={"transport_maps": f"inline:{{away.test=smtp:[127.0.0.1]:{server.port}}}", **FAR, **main}
    )
    mail.start()
    send(mail, "deferred@away.test")
    mail.wait_log(r"to=<deferred@away\.test>.*status=deferred")
    wait_until(lambda: list((mail.queue / "deferred").rglob("?????*")), lambda: f"a deferred file; log:\n{mail.tail()}")
    return mail


def test_a_flush_that_is_not_through_at_a_reload_counts(make_merpati, sink):
    """The active queue is full, so that what the flush made due waits until the queue manager has gone."""
    hands = Hands()
    server = sink(replies={"RCPT": ["450 4.2.0 not now", "250 2.1.5 Ok"], "DOT": [hands, None]})
    mail = start_with_one_deferred(make_merpati, server, qmgr_message_active_limit="1")
    send(mail, "held@away.test")
    wait_until(lambda: hands.now == 1, lambda: f"a delivery in hand; log:\n{mail.tail()}")
    mail.command("postqueue", "-f")
    replace(mail, "replaced")
    wait_until(lambda: server.messages, lambda: f"the flushed message; log:\n{mail.tail()}")
    assert server.messages[0].recipients == ["deferred@away.test"] and hands.now == 1
    hands.go.set()
    mail.wait_empty()


@pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "busy"])
def test_a_flush_that_reaches_a_queue_manager_which_leaves_counts(make_merpati, sink, is_busy):
    """Postfix's byte on a connection that it accepted while it stayed."""
    hands = Hands()
    server = sink(replies={"RCPT": ["450 4.2.0 not now", "250 2.1.5 Ok"], "DOT": [hands, None] if is_busy else None})
    mail = start_with_one_deferred(make_merpati, server)
    if is_busy:
        send(mail, "held@away.test")
        wait_until(lambda: hands.now == 1, lambda: f"a delivery in hand; log:\n{mail.tail()}")
    with socket.socket(socket.AF_UNIX) as trigger:
        trigger.connect(str(mail.queue / "public" / "qmgr"))
        # Answered by the one that accepts in turn: it has accepted the other one, too.
        mail.command("postqueue", "-i", "0123456789AB", check=False)
        replace(mail, "replaced")
        trigger.sendall(b"F")
        wait_until(lambda: server.messages, lambda: f"the flushed message; log:\n{mail.tail()}")
    assert server.messages[0].recipients == ["deferred@away.test"]
    hands.go.set()
    mail.wait_empty()
