# SPDX-License-Identifier: Apache-2.0
"""Reload after reload while messages come in: no session is dropped, no message is lost or comes twice."""

import threading

from support.waiting import PATIENCE, wait_until

MESSAGES_EACH = 100
SENDERS = 5
RELOADS = 6


def test_reloads_drop_no_session_and_no_message(merpati, account):
    mail = merpati()
    failures = []
    sent = []

    def send(sender):
        try:
            with mail.smtp() as client:
                client.hello()
                for number in range(MESSAGES_EACH):
                    token = f"reload-{sender}-{number}"
                    reply = client.deliver("a@example.test", f"{account}@localhost", f"Subject: {token}\n\nx\n")
                    assert reply.code == 250, str(reply)
                    sent.append(token)
                assert client.command("QUIT").code == 221
        except Exception as trouble:  # noqa: BLE001: whatever it is, the test shall show it
            failures.append(repr(trouble))

    threads = [threading.Thread(target=send, args=(n,), daemon=True) for n in range(SENDERS)]
    for thread in threads:
        thread.start()
    for count in range(1, RELOADS + 1):
        # The next one may come while this one is under way.
        mail.control("reload")
        mail.wait_log(r"master\[\d+\]: reload -- version", count=count)
    for thread in threads:
        thread.join(PATIENCE * 3)
    assert failures == []
    wait_until(lambda: len(mail.mailbox(account)) >= len(sent), lambda: f"{len(sent)} messages; log:\n{mail.tail()}")
    subjects = sorted(line[9:] for text in mail.mailbox(account) for line in text.split("\n") if line.startswith("Subject: "))
    assert subjects == sorted(sent)
