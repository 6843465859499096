# SPDX-License-Identifier: Apache-2.0
"""Messages with numbers, sent while daemons die, and what became of them."""

import re
import threading
import time

from .smtp_client import Disconnected

SENDERS = 10


class Senders:
    """Threads that send numbered messages and remember which were acknowledged: so many, or on until they are told to end."""

    def __init__(self, mail, recipients, count=None):
        self.mail, self.recipients, self.count = mail, recipients, count
        self.is_enough = False
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = {}
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(SENDERS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.is_enough = True

    def is_running(self):
        return any(thread.is_alive() for thread in self.threads)

    def take(self):
        with self.lock:
            if self.is_enough or self.next == self.count:
                return None
            self.next += 1
            return self.next

    def run(self):
        """At most 70 a second from each, so that the load lasts while daemons die."""
        client = None
        number = self.take()
        while number is not None:
            try:
                if client is None:
                    client = self.mail.smtp()
                    client.hello()
                token = f"load-{number}"
                reply = client.deliver(
                    "sender@example.test", self.recipients[number % len(self.recipients)],
                    f"Message-Id: <{token}@example.test>\nSubject: {token}\n\n" + "x" * 60 + "\n",
                )
                if reply.code == 250:
                    with self.lock:
                        self.acknowledged[token] = reply.text.rsplit(" ", 1)[1]
                    number = self.take()
                    time.sleep(0.014)
                elif reply.code == 421:
                    client = None
                else:
                    client.command("RSET")
                    time.sleep(0.05)
            except (OSError, Disconnected, IndexError, ValueError):
                client = None
                time.sleep(0.05)


def find_delivered(mail, account, target):
    text = "".join(mail.mailbox(account)) + "".join(message.text for message in list(target.messages))
    return set(re.findall(r"Subject: (load-\d+)", text))
