# SPDX-License-Identifier: Apache-2.0
"""What becomes of a delivery when the queue manager or the agent dies in the middle of it."""

import collections
import re
import threading
import time

import pytest

from support.waiting import HOLD, PATIENCE, wait_until


def start(make_merpati, server):
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    mail.start()
    return mail


def send(mail, recipient):
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@example.test", recipient, "Subject: x\n\nhello\n").code == 250


def test_an_outcome_outlives_the_queue_manager(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        reached.set()
        go.wait(HOLD)

    server = sink(replies={"DOT": hold})
    mail = start(make_merpati, server)
    send(mail, "u@away.example")
    assert reached.wait(PATIENCE)
    assert mail.kill("qmgr") == 1
    go.set()
    mail.wait_log(r"/smtp\[.*to=<u@away\.example>.*status=sent")
    # The new queue manager hears of it in the census, and does not send the message again.
    mail.wait_log(r"/qmgr\[.*: removed")
    mail.wait_empty()
    assert len(server.messages) == 1


def test_an_outcome_outlives_master(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        reached.set()
        go.wait(HOLD)

    server = sink(replies={"DOT": hold})
    mail = start(make_merpati, server)
    send(mail, "u@away.example")
    assert reached.wait(PATIENCE)
    qmgr = mail.pids("qmgr")
    assert mail.kill("master") == 1
    wait_until(lambda: not mail.pids("pickup"), "the end of who has nothing in hand")
    go.set()
    mail.wait_log(r"/smtp\[.*to=<u@away\.example>.*status=sent")
    mail.wait_log(rf"/qmgr\[{qmgr[0]}\]: .*: removed")
    mail.wait_for_end()
    assert len(server.messages) == 1


def test_a_delivery_whose_agent_dies_is_tried_again(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        if not reached.is_set():
            reached.set()
            go.wait(HOLD)

    server = sink(replies={"RCPT": hold})
    mail = start(make_merpati, server)
    send(mail, "u@away.example")
    assert reached.wait(PATIENCE)
    assert mail.kill("smtp") >= 1
    go.set()

    def arrived():
        mail.command("postqueue", "-f")
        return server.messages

    wait_until(arrived, lambda: f"the message after the agent's death; log:\n{mail.tail()}")
    mail.wait_empty()


HUNDREDS = 300


class Hands:
    """Answers DOT by the recipient's name, once it may; counts what it was sent by recipient."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seen = collections.Counter()
        self.early, self.late = threading.Event(), threading.Event()

    def __call__(self, session, line):
        name = re.search(r"<([^@]*)@", [said for said in session.lines if said.startswith("RCPT")][-1]).group(1)
        kind, number = name.split("-")
        with self.lock:
            self.seen[name] += 1
            is_first = self.seen[name] == 1
        (self.early if int(number) % 2 else self.late).wait(HOLD)
        if kind == "bad":
            return "550 5.7.1 never"
        return "450 4.7.1 not now" if kind == "later" and is_first else None


def end_queue_manager(mail, how):
    if how == "killed":
        assert mail.kill("qmgr") == 1
    else:
        mail.reload()
        mail.wait_log("going with deliveries in hand")


@pytest.mark.parametrize("how", ["killed", "replaced"])
def test_what_is_in_hand_is_left_alone_while_other_mail_goes_on(make_merpati, sink, account, how):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        reached.set()
        go.wait(HOLD)

    server = sink(replies={"DOT": hold})
    mail = make_merpati(main={"transport_maps": f"inline:{{away.example=smtp:[127.0.0.1]:{server.port}}}"})
    mail.start()
    send(mail, "u@away.example")
    assert reached.wait(PATIENCE)
    end_queue_manager(mail, how)
    send(mail, f"{account}@localhost")
    mail.wait_mailbox(account)
    go.set()
    mail.wait_empty(timeout=PATIENCE * 2)
    assert len(server.messages) == 1


@pytest.mark.parametrize("how", ["killed", "replaced"])
def test_hundreds_in_hand_outlive_the_queue_manager(make_merpati, sink, account, how):
    """What agents finish for a queue manager that has gone is kept: nothing that arrived or failed is sent again."""
    hands = Hands()
    server = sink(replies={"DOT": hands})
    mail = make_merpati(
        main={
            "relayhost": f"[127.0.0.1]:{server.port}", "default_process_limit": "800",
            "initial_destination_concurrency": "400", "default_destination_concurrency_limit": "400",
        }
    )
    mail.start()
    names = [f"{kind}-{number}" for number in range(HUNDREDS // 3) for kind in ("ok", "bad", "later")]
    with mail.smtp() as client:
        client.hello()
        for name in names:
            reply = client.deliver(f"{account}@localhost", f"{name}@away.example", f"Subject: {name}\n\nhello\n")
            assert reply.code == 250, reply
    wait_until(lambda: len(hands.seen) == HUNDREDS, lambda: f"all in hand, not {len(hands.seen)}; {mail.tail()}")
    end_queue_manager(mail, how)
    hands.early.set()
    # The other half ends when the next queue manager has long asked who has what in hand.
    wait_until(lambda: mail.pids("qmgr"), "the next queue manager")
    mail.wait_log(r"to=<.*status=(sent|bounced|deferred)", count=HUNDREDS // 2)
    wait_until(lambda: len(mail.queue_ids()) <= HUNDREDS, "an answer of the next queue manager")
    mail.command("postqueue", "-f")
    hands.late.set()
    mail.wait_empty(timeout=PATIENCE * 2)
    again = {name: count for name, count in hands.seen.items() if count > 1 and not name.startswith("later")}
    assert again == {}
    assert all(hands.seen[name] >= 2 for name in names if name.startswith("later"))
    arrived = collections.Counter(message.recipients[0].split("@")[0] for message in server.messages)
    assert arrived == {name: 1 for name in names if not name.startswith("bad")}
    returned = re.findall(r"(?m)^Final-Recipient: rfc822; *(\S+)@away", "\n".join(mail.wait_mailbox(account, HUNDREDS // 3)))
    assert sorted(returned) == sorted(name for name in names if name.startswith("bad"))
    assert "5.7.1 never" in mail.mailbox(account)[0]


def test_a_recipient_delivered_before_the_kill_is_not_sent_again_when_the_other_is_deferred(make_merpati, sink):
    """The ledger alone knows of the first recipient; the file that the message becomes must know it, too."""
    go = threading.Event()
    first, second = sink(), sink(replies={"DOT": lambda session, line: go.wait(HOLD) and "450 4.7.1 not now"})
    mail = make_merpati(
        main={
            "transport_maps": f"inline:{{ {{a.example=smtp:[127.0.0.1]:{first.port}}}, "
            f"{{b.example=smtp:[127.0.0.1]:{second.port}}} }}",
            "minimal_backoff_time": "1000s", "maximal_backoff_time": "1000s",
        }
    )
    mail.start()
    with mail.smtp() as client:
        client.hello()
        reply = client.deliver("s@example.test", ["u@a.example", "u@b.example"], "Subject: x\n\nhello\n")
        assert reply.code == 250
    first.wait_for(1)
    mail.wait_log(r"to=<u@a\.example>.*status=sent")
    wait_until(lambda: any(b"\0" * 32 not in ledger.read_bytes()[64:96] and ledger.stat().st_size > 64
                           for ledger in (mail.queue / "journal").glob("ledger-*")), "a record of it")
    assert mail.kill("qmgr") == 1
    go.set()
    mail.wait_log(r"to=<u@b\.example>.*status=deferred", count=2)
    wait_until(lambda: list((mail.queue / "deferred").rglob("?????*")), lambda: f"a deferred file; {mail.tail()}")
    second.replies.clear()
    mail.command("postqueue", "-f")
    mail.wait_empty()
    assert len(first.messages) == 1 and len(second.messages) == 1


def test_a_queue_manager_that_retires_with_deliveries_in_hand(make_merpati, sink):
    """They end while the old one goes and the next one comes: each is sent once, and neither of them aborts."""
    number, rounds = 60, 3
    in_hand, go = [], threading.Event()

    def end_one_after_the_other(session, line):
        in_hand.append(session)
        place = len(in_hand) % number
        go.wait(HOLD)
        # Over twice the time that a queue manager which retires waits for what is in hand.
        time.sleep(2.0 * place / number)

    server = sink(replies={"DOT": end_one_after_the_other})
    mail = make_merpati(
        main={
            "relayhost": f"[127.0.0.1]:{server.port}", "default_process_limit": "200",
            "initial_destination_concurrency": "100", "default_destination_concurrency_limit": "100",
        }
    )
    mail.start()
    for turn in range(1, rounds + 1):
        go.clear()
        with mail.smtp() as client:
            client.hello()
            for place in range(number):
                name = f"u{turn}-{place}@away.example"
                assert client.deliver("s@example.test", name, "Subject: x\n\nhello\n").code == 250
        wait_until(lambda: len(in_hand) == turn * number, lambda: f"all in hand, not {len(in_hand)}; {mail.tail()}")
        old = mail.pids("qmgr")
        mail.control("reload")
        go.set()
        wait_until(lambda: set(old).isdisjoint(mail.pids("qmgr")) and mail.pids("qmgr"), "the next queue manager")
        mail.wait_empty(timeout=PATIENCE * 2)
    arrived = collections.Counter(message.recipients[0] for message in server.messages)
    assert arrived == {f"u{turn}-{place}@away.example": 1 for turn in range(1, rounds + 1) for place in range(number)}
    assert len(in_hand) == rounds * number
    assert not mail.log_lines(r"killed by signal|exit status")
