# SPDX-License-Identifier: Apache-2.0
"""A message with more recipients than may be in memory is read and delivered in portions, and ends as one."""

import re
import threading

import pytest
from support.waiting import HOLD, PATIENCE, wait_until

COUNT = 2600

# Few in memory, so that several portions are needed, and more than one at a time.
SMALL_MEMORY = {
    "qmgr_message_recipient_limit": "200",
    "qmgr_message_recipient_minimum": "10",
    "default_recipient_limit": "300",
    "default_extra_recipient_limit": "50",
    "default_recipient_refill_limit": "100",
    "smtpd_recipient_limit": "5000",
    "spool_inline_limit": "4096",
}


def start(make_merpati, server, **main):
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", **SMALL_MEMORY, **main})
    mail.start()
    return mail


def send(mail, names, sender="s@example.test"):
    with mail.smtp() as client:
        client.hello()
        assert client.command(f"MAIL FROM:<{sender}>").code == 250
        for name in names:
            assert client.command(f"RCPT TO:<{name}@away.example>").code == 250
        assert client.command("DATA").code == 354
        reply = client.command("Subject: x\r\n\r\nhello\r\n.")
        assert reply.code == 250


def recipients(server):
    return [re.sub(r"@.*", "", address) for message in server.messages for address in message.recipients]


def names(count=COUNT):
    return [f"u{number}" for number in range(count)]


def test_every_recipient_gets_it_once(make_merpati, sink):
    server = sink()
    mail = start(make_merpati, server)
    send(mail, names())
    mail.wait_log(rf"/qmgr\[.*nrcpt={COUNT} \(queue active\)")
    mail.wait_log(r"/qmgr\[.*: removed")
    mail.wait_empty()
    assert sorted(recipients(server)) == sorted(names())
    # It is active once, however many portions there are.
    assert len(mail.log_lines(r"queue active")) == 1


def test_other_mail_goes_while_a_large_message_is_under_way(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        if "RCPT TO:<small@" not in " ".join(session.lines[-4:]):
            reached.set()
            go.wait(HOLD)

    server = sink(replies={"DOT": hold})
    mail = start(make_merpati, server)
    send(mail, names())
    assert reached.wait(PATIENCE)
    send(mail, ["small"])
    mail.wait_log(r"to=<small@away\.example>.*status=sent")
    assert len([name for name in recipients(server) if name != "small"]) <= 400
    go.set()
    mail.wait_empty()
    assert sorted(recipients(server)) == sorted(names() + ["small"])


@pytest.mark.sanitized
def test_failures_come_back_in_one_notification_and_the_rest_is_deferred(make_merpati, sink, account):
    def answer(session, line):
        number = int(re.search(r"<u(\d+)@", line).group(1))
        if number % 100 == 7:
            return "550 5.1.1 no such user"
        if number % 100 == 8:
            return "450 4.2.0 try later"
        return None

    server = sink(replies={"RCPT": answer})
    mail = start(make_merpati, server)
    send(mail, names(), sender=f"{account}@localhost")
    notification = mail.wait_mailbox(account)[0]
    failed = sorted(set(re.findall(r"^Final-Recipient: rfc822; *(u\d+)@", notification, re.M)))
    assert failed == sorted(name for name in names() if int(name[1:]) % 100 == 7)
    mail.wait_log(r"/qmgr\[.*: removed")
    deferred = sorted(name for name in names() if int(name[1:]) % 100 == 8)
    listing = mail.command("postqueue", "-p").stdout
    assert sorted(re.findall(r"(u\d+)@away", listing)) == deferred
    assert "try later" in listing
    # The next attempt is for those alone, and then it is finished.
    server.replies["RCPT"] = None
    mail.command("postqueue", "-f")
    mail.wait_empty()
    expected = [name for name in names() if int(name[1:]) % 100 != 7]
    assert sorted(recipients(server)) == sorted(expected)
    assert len(mail.mailbox(account)) == 1


def test_a_kill_in_the_middle_neither_loses_nor_repeats(make_merpati, sink):
    reached = threading.Event()

    def count(session, line):
        if len(server.messages) >= 10:
            reached.set()

    server = sink(replies={"DOT": count})
    mail = start(make_merpati, server)
    send(mail, names())
    assert reached.wait(PATIENCE)
    assert mail.kill("qmgr") == 1
    mail.wait_log(r"/qmgr\[.*: removed", timeout=60)
    mail.wait_empty(is_told=False)
    assert sorted(set(recipients(server))) == sorted(names())
    assert len(recipients(server)) == COUNT


def test_a_stop_in_the_middle_leaves_the_rest_for_the_next_start(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        if len(server.messages) >= 4:
            reached.set()
            go.wait(HOLD)

    server = sink(replies={"DOT": hold})
    mail = start(make_merpati, server)
    send(mail, names())
    assert reached.wait(PATIENCE)
    stopping = threading.Thread(target=mail.stop)
    stopping.start()
    wait_until(lambda: mail.listening().keys().isdisjoint(mail.pids("smtp")), "the agents to be told of the stop")
    go.set()
    stopping.join()
    done = len(recipients(server))
    assert done < COUNT
    mail.start()
    wait_until(lambda: len(recipients(server)) >= COUNT, "the rest")
    mail.wait_empty()
    assert sorted(recipients(server)) == sorted(names())


def test_a_message_of_the_journal_becomes_a_file_when_memory_is_short(make_merpati, sink):
    server = sink()
    mail = start(make_merpati, server, spool_inline_limit="65536")
    send(mail, names(900))
    mail.wait_log(r"/qmgr\[.*nrcpt=900 \(queue active\)")
    mail.wait_empty()
    assert sorted(recipients(server)) == sorted(names(900))


def hold_after(server, count, reached, go):
    def hold(session, line):
        if len(server.messages) >= count:
            reached.set()
            go.wait(HOLD)

    return hold


def test_one_that_is_deleted_on_the_way_goes_no_further(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()
    server = sink()
    server.replies["DOT"] = hold_after(server, 4, reached, go)
    mail = start(make_merpati, server)
    send(mail, names())
    assert reached.wait(PATIENCE)
    (queue_id,) = mail.queue_ids()
    mail.command("postsuper", "-d", queue_id)
    go.set()
    mail.wait_log(rf"/qmgr\[.*{queue_id}: removed")
    mail.wait_empty(is_told=False)
    assert len(recipients(server)) < COUNT


def test_one_that_is_held_on_the_way_goes_on_when_it_is_released(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()
    server = sink()
    server.replies["DOT"] = hold_after(server, 4, reached, go)
    mail = start(make_merpati, server)
    send(mail, names())
    assert reached.wait(PATIENCE)
    (queue_id,) = mail.queue_ids()
    mail.command("postsuper", "-h", queue_id)
    go.set()
    wait_until(lambda: f"{queue_id}!" in mail.command("postqueue", "-p").stdout, "the message on hold")
    assert len(recipients(server)) < COUNT
    mail.command("postsuper", "-H", queue_id)
    mail.wait_empty()
    assert sorted(recipients(server)) == sorted(names())


def test_one_whose_time_is_over_comes_back_with_all_that_is_left(make_merpati, sink, account):
    server = sink(replies={"RCPT": "450 4.2.0 try later"})
    mail = start(make_merpati, server, maximal_queue_lifetime="0")
    send(mail, names(700), sender=f"{account}@localhost")
    notification = mail.wait_mailbox(account)[0]
    assert sorted(set(re.findall(r"^Final-Recipient: rfc822; *(u\d+)@", notification, re.M))) == sorted(names(700))
    mail.wait_empty()
    assert len(mail.mailbox(account)) == 1
