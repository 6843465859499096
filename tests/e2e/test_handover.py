# SPDX-License-Identifier: Apache-2.0
"""What a queue manager that ends with deliveries in hand leaves to the next one: the limits hold across both."""

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
