# SPDX-License-Identifier: Apache-2.0
"""The scheduler at work: in what order deliveries go, how many at a time, and what a hop in trouble costs. Order and
counts are looked at, never how long something took."""

import collections
import re
import threading

import pytest
from support.waiting import HOLD, PATIENCE, wait_until

# One delivery at a time to the one hop: the order of deliveries is the order of slots.
ONE_BY_ONE = {"smtp_destination_concurrency_limit": "1", "smtp_destination_recipient_limit": "2"}


class Gate:
    """Lets nothing through until it is opened; what waits meanwhile is queued behind the first."""

    def __init__(self):
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, session, line):
        self.reached.set()
        self.go.wait(HOLD)


def send(mail, sender, *names, domain="away.example"):
    with mail.smtp() as client:
        client.hello()
        recipients = [f"{name}@{domain}" for name in names]
        assert client.deliver(f"{sender}@example.test", recipients, "Subject: x\n\nhello\n").code == 250


def wait_active(mail, count):
    mail.wait_log(r"/qmgr\[.*queue active", count=count)


def order(server):
    return "".join(message.sender[0] for message in server.messages)


def start_at_gate(make, server, gate, **main):
    """An instance whose first delivery (of "x") waits at the gate."""
    mail = make(main={"relayhost": f"[127.0.0.1]:{server.port}", **main})
    mail.start()
    send(mail, "x", "first")
    assert gate.reached.wait(PATIENCE)
    return mail


def preempt(make, sink, **main):
    gate = Gate()
    server = sink(replies={"DOT": gate})
    mail = start_at_gate(make, server, gate, **ONE_BY_ONE, **main)
    send(mail, "m", *[f"m{n}" for n in range(40)])
    wait_active(mail, 2)
    for n, sender in enumerate("abcd"):
        send(mail, sender, "one")
        wait_active(mail, 3 + n)
    gate.go.set()
    mail.wait_empty()
    return order(server)


@pytest.mark.parametrize("which", ["merpati", "stock"])
def test_small_messages_overtake_a_large_one_slot_by_slot(make_merpati, make_stock, sink, which):
    """Postfix and Merpati deliver in the same order: a small message for each five deliveries of the large one."""
    make = make_merpati if which == "merpati" else make_stock
    seen = preempt(make, sink)
    assert seen.replace("m", "") == "xabcd"
    assert re.fullmatch(r"xm?am{5}bm{5}cm{5}dm{4,5}", seen), seen


def test_no_cost_no_overtaking(make_merpati, sink):
    assert preempt(make_merpati, sink, smtp_delivery_slot_cost="0") == "x" + "m" * 20 + "abcd"


def test_a_cost_of_two_lets_one_overtake_for_each_two(make_merpati, sink):
    assert preempt(make_merpati, sink, default_delivery_slot_cost="2") == "xammbmmcmmd" + "m" * 14


class Counter:
    """How many deliveries a hop has at one time."""

    def __init__(self, wanted):
        self.lock = threading.Condition()
        self.now = self.most = 0
        self.wanted = wanted
        self.go = threading.Event()

    def __call__(self, session, line):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.lock.notify_all()
        self.go.wait(HOLD)
        with self.lock:
            self.now -= 1

    def wait_full(self):
        with self.lock:
            assert self.lock.wait_for(lambda: self.now >= self.wanted, PATIENCE), self.now


def test_a_window_begins_small_and_has_a_limit(make_merpati, sink):
    counter = Counter(3)
    server = sink(replies={"DOT": counter})
    mail = make_merpati(main={
        "relayhost": f"[127.0.0.1]:{server.port}",
        "smtp_initial_destination_concurrency": "3",
        "smtp_destination_concurrency_limit": "4",
    })
    mail.start()
    for number in range(12):
        send(mail, "s", f"u{number}")
    wait_active(mail, 12)
    counter.wait_full()
    assert counter.most == 3
    counter.go.set()
    mail.wait_empty()
    assert len(server.messages) == 12
    assert counter.most <= 4


def test_feedback_is_told_as_postfix_tells_it(make_merpati, sink):
    server = sink()
    mail = make_merpati(main={
        "relayhost": f"[127.0.0.1]:{server.port}",
        "destination_concurrency_feedback_debug": "yes",
        "smtp_destination_concurrency_positive_feedback": "1/concurrency",
    })
    mail.start()
    send(mail, "s", "u")
    mail.wait_log(r"/qmgr\[.*: smtp: smtp_destination_concurrency_positive_feedback feedback type 1 value at 5: 0\.2$")
    mail.wait_log(r"/qmgr\[.*: smtp: smtp_destination_concurrency_negative_feedback feedback type 0 value at 5: 1$")
    mail.wait_log(r"/qmgr\[.*: qmgr_queue_unthrottle: feedback 0\.2$")
    mail.wait_log(rf"/qmgr\[.*: qmgr_queue_unthrottle: queue \[127\.0\.0\.1\]:{server.port}: "
                  r"limit 20 window 5 success 0\.2 failure 0 fail_cohorts 0$")


def test_a_formula_that_is_none_is_reported_and_the_default_holds(make_merpati, sink):
    server = sink()
    mail = make_merpati(main={
        "relayhost": f"[127.0.0.1]:{server.port}",
        "smtp_destination_concurrency_negative_feedback": "2/concurrency",
    })
    mail.start()
    send(mail, "s", "u")
    mail.wait_log(r"/qmgr\[.*warning: smtp_destination_concurrency_negative_feedback: "
                  r"ignoring malformed or unreasonable feedback: 2/concurrency$")
    mail.wait_empty()


def test_a_dead_hop_gets_one_window_of_attempts_and_costs_the_others_nothing(make_merpati, sink):
    refused = collections.Counter()

    def refuse(session, line):
        refused["greeting"] += 1
        return "421 4.3.2 not now"

    dead, well = sink(replies={"GREETING": refuse}), sink()
    mail = make_merpati(main={"defer_transports": "smtp", "smtp_initial_destination_concurrency": "3"})
    mail.start()
    table = mail.table("transport", f"dead.example smtp:[127.0.0.1]:{dead.port}\n"
                                    f"well.example smtp:[127.0.0.1]:{well.port}\n")
    mail.set(transport_maps=table)
    mail.reload()
    for number in range(20):
        send(mail, "s", f"u{number}", domain="dead.example")
        send(mail, "s", f"u{number}", domain="well.example")
    mail.wait_log(r"status=deferred \(deferred transport\)", count=40)
    mail.command("postqueue", "-f")
    mail.wait_log(r"to=<u\d+@dead\.example>.*status=deferred \((?!deferred transport)", count=20)
    well.wait_for(20)
    # Three were under way; the other seventeen were deferred without an attempt.
    assert refused["greeting"] <= 3
    assert len(mail.log_lines(r"dead\.example>.*delivery temporarily suspended")) >= 17
    assert len(well.messages) == 20


def test_a_refused_recipient_does_not_narrow_the_window(make_merpati, sink):
    server = sink(replies={"RCPT": "450 4.2.0 try later"})
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_initial_destination_concurrency": "1"})
    mail.start()
    for number in range(10):
        send(mail, "s", f"u{number}")
    mail.wait_log(r"status=deferred", count=10)
    assert not mail.log_lines(r"temporarily suspended")
    tried = {re.search(r"<(u\d+)@", line).group(1) for line in server.lines() if line.startswith("RCPT")}
    assert len(tried) == 10


def test_deferred_transports_wait_for_a_flush(make_merpati, sink):
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "defer_transports": "smtp"})
    mail.start()
    send(mail, "s", "u")
    mail.wait_log(r"dsn=4\.3\.2, status=deferred \(deferred transport\)")
    assert server.messages == []
    (queue_id,) = wait_until(lambda: mail.queue_ids() if mail.command("postqueue", "-p").stdout.count("deferred")
                             else None, "the deferred message")
    mail.command("postqueue", "-f")
    mail.wait_empty()
    assert len(server.messages) == 1


def test_a_delay_between_deliveries_lets_other_hops_go_on(make_merpati, sink):
    slow, other = sink(), sink()
    mail = make_merpati(main={"smtp_destination_rate_delay": "1h"})
    mail.start()
    table = mail.table("transport", f"slow.example smtp:[127.0.0.1]:{slow.port}\n"
                                    f"other.example smtp:[127.0.0.1]:{other.port}\n")
    mail.set(transport_maps=table)
    mail.reload()
    send(mail, "a", "u", domain="slow.example")
    send(mail, "b", "u", domain="slow.example")
    send(mail, "c", "u", domain="other.example")
    slow.wait_for(1)
    other.wait_for(1)
    wait_active(mail, 3)
    # The second waits for its hour in the active queue.
    wait_until(lambda: len(mail.queue_ids()) == 1, "one message that waits")
    assert order(slow) == "a"
    assert "*" in mail.command("postqueue", "-p").stdout


def test_a_delay_of_a_short_time_ends(make_merpati, sink):
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_destination_rate_delay": "1s",
                              "smtp_transport_rate_delay": "1s"})
    mail.start()
    for sender in "abc":
        send(mail, sender, "u")
    mail.wait_empty()
    assert order(server) == "abc"


def test_a_hop_that_clogs_the_active_queue_is_told(make_merpati, sink):
    gate = Gate()
    server = sink(replies={"DOT": gate})
    limits = {"qmgr_message_active_limit": "200", "qmgr_clog_warn_time": "1s"}
    quiet = start_at_gate(make_merpati, server, gate, helpful_warnings="no", **limits)
    mail = start_at_gate(make_merpati, server, gate, **limits)
    sent = 0

    def told():
        nonlocal sent
        if sent < 180:
            send(quiet, "s", f"u{sent}")
            send(mail, "s", f"u{sent}")
            sent += 1
        return mail.log_lines(r"is using up")

    wait_until(told, "the warning")
    assert not quiet.log_lines(r"is using up")
    mail.wait_log(r"to turn off these warnings")
    hop = re.escape(f"[127.0.0.1]:{server.port}")
    lines = [re.sub(r".*/qmgr\[\d+\]: ", "", line) for line in mail.log_lines(r"/qmgr\[.*warning: ")]
    assert re.fullmatch(rf"warning: mail for {hop} is using up \d+ of \d+ active queue entries", lines[0])
    assert lines[1:9] == [f"warning: {text}" for text in (
        "you may need to reduce smtp connect and helo timeouts",
        "so that Merpati quickly skips unavailable hosts",
        "you may need to increase the main.cf minimal_backoff_time and maximal_backoff_time",
        "so that Merpati wastes less time on undeliverable mail",
        "you may need to increase the master.cf smtp process limit",
        "please avoid flushing the whole queue when you have",
        "lots of deferred mail, that is bad for performance",
        "to turn off these warnings specify: qmgr_clog_warn_time = 0",
    )]
    gate.go.set()
    mail.wait_empty()


def test_new_mail_does_not_wait_for_a_backlog(make_merpati, sink):
    """Sixty deferred messages come up together, one delivery at a time; new mail is next but one."""
    gate = Gate()
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_destination_concurrency_limit": "1",
                              "defer_transports": "smtp"})
    mail.start()
    for _ in range(60):
        send(mail, "d", "u")
    mail.wait_log(r"status=deferred \(deferred transport\)", count=60)
    server.replies["DOT"] = gate
    mail.set(defer_transports="")
    mail.reload()
    # A flush that comes while the queue managers change goes to the one that leaves.
    wait_until(lambda: mail.command("postqueue", "-f") and gate.reached.wait(1), "the first of the backlog")
    wait_until(lambda: mail.command("postqueue", "-f") and mail.command("postqueue", "-p").stdout.count("*") == 60,
               "the backlog in the active queue")
    before = len(mail.log_lines("queue active"))
    for n, sender in enumerate("abc"):
        send(mail, sender, "u")
        wait_active(mail, before + 1 + n)
    gate.go.set()
    mail.wait_empty()
    seen = order(server)
    assert len(seen) == 63
    assert seen.index("a") <= 3 and seen.index("c") <= 6, seen
