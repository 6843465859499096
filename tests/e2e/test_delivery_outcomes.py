# SPDX-License-Identifier: Apache-2.0
"""What becomes of a delivery when the queue manager or the agent dies in the middle of it."""

import threading

from support.waiting import wait_until


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
        go.wait(20)

    server = sink(replies={"DOT": hold})
    mail = start(make_merpati, server)
    send(mail, "u@away.example")
    assert reached.wait(10)
    assert mail.kill("qmgr") == 1
    go.set()
    mail.wait_log(r"/smtp\[.*to=<u@away\.example>.*status=sent")
    # The new queue manager hears of it in the census, and does not send the message again.
    mail.wait_log(r"/qmgr\[.*: removed")
    mail.wait_empty()
    assert len(server.messages) == 1


def test_a_delivery_whose_agent_dies_is_tried_again(make_merpati, sink):
    reached, go = threading.Event(), threading.Event()

    def hold(session, line):
        if not reached.is_set():
            reached.set()
            go.wait(20)

    server = sink(replies={"RCPT": hold})
    mail = start(make_merpati, server)
    send(mail, "u@away.example")
    assert reached.wait(10)
    assert mail.kill("smtp") >= 1
    go.set()

    def arrived():
        mail.command("postqueue", "-f")
        return server.messages

    wait_until(arrived, lambda: f"the message after the agent's death; log:\n{mail.tail()}")
    mail.wait_empty()
