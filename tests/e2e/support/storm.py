# SPDX-License-Identifier: Apache-2.0
"""
Mail under full load while processes die by kill -9, and the account of it: what came how often, and which death explains it.

Each message has a token of its own, also when it is offered again; so only what was acknowledged under that token
counts. A death is known by how much each destination had received before it and when the process was gone: a message that came twice
came once before and once after the death of its agent, as the last one on its connection, or of everything; or nothing explains it.
"""

import collections
import os
import re
import signal
import threading
import time
from dataclasses import dataclass

from .smtp_client import Disconnected
from .waiting import wait_until

SENDERS = 10
EVERYTHING = "everything"
RESTARTS = {"master", EVERYTHING}
# Whose death may bring a message again: the agent had delivered it and nobody had heard of it, or, without a master, had waited for it
# no longer (docs/queue.md, "What a crash costs").
EXPLAINS = {"relayed": {"smtp", "master", EVERYTHING}, "mailbox": {"local", "master", EVERYTHING}}
# A notification is durable before it is recorded that there is one (docs/queue.md, "returned").
EXPLAINS_NOTICE = {"local", "master", "qmgr", "bounce", "cleanup", EVERYTHING}


@dataclass
class Death:
    round: int
    name: str
    processes: int
    before: dict  # messages there, by destination, before the first of them was killed
    relayed: int = 0  # when all of them were gone, and what they had sent was counted
    mailbox: int = 0
    offered: int = 0  # number of the last message that had begun

    def __str__(self):
        return f"round {self.round}: {self.name} ({self.processes}) after {self.before['relayed']} to {self.relayed} relayed, {self.before['mailbox']} to {self.mailbox} in the mailbox"

    def is_between(self, where, first, second):
        """It may have come after the first of both and before the second."""
        return first < getattr(self, where) and self.before[where] <= second


class Storm:
    def __init__(self, mail, account, target):
        self.mail, self.account, self.target = mail, account, target
        self.kinds = [f"{account}@localhost", "someone@relayed.test", "someone@relayed.test", "no-such-user@localhost"]
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = {}  # token to queue id
        self.deaths = []
        self.is_over = False
        self.threads = [threading.Thread(target=self.send, daemon=True) for _ in range(SENDERS)]

    # --- the load ----------------------------------------------------------------------------------------------

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def take(self):
        with self.lock:
            self.next += 1
            return self.next

    def send(self):
        client = None
        while not self.is_over:
            try:
                if client is None:
                    client = self.mail.smtp()
                    client.hello()
                client = self.send_one(client, self.take())
            except (OSError, Disconnected, IndexError, ValueError, AssertionError):
                client = None
                time.sleep(0.02)

    def send_one(self, client, number):
        token = f"storm-{number}."
        body = "x" * 60 + "\n"
        # One in fifty is a file of its own from the start.
        text = f"Message-Id: <{token}id@example.test>\nSubject: {token}\n\n" + body * (2000 if number % 50 == 0 else 1)
        reply = client.deliver(f"{self.account}@localhost", self.kinds[number % len(self.kinds)], text)
        if reply.code == 250:
            with self.lock:
                self.acknowledged[token] = reply.text.rsplit(" ", 1)[1]
            # So that the load lasts while processes die.
            time.sleep(0.02)
            return client
        assert 400 <= reply.code < 500, f"{token} had a permanent answer: {reply}"
        time.sleep(0.02)
        if reply.code == 421:
            return None
        client.command("RSET")
        return client

    # --- the deaths --------------------------------------------------------------------------------------------

    def counts(self):
        return {"relayed": len(self.target.messages), "mailbox": len(self.mailbox())}

    def strike(self, number, name):
        before, sessions = self.counts(), list(self.target.sessions)
        pids = self.mail.all_pids() if name == EVERYTHING else self.mail.pids(name)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not any(is_alive(pid) for pid in pids), f"the death of {name}")
        if name in RESTARTS:
            # What master started while the others died; what ends by itself without a master.
            self.mail.wait_for_end()
        if name in EXPLAINS["relayed"]:
            # What they had sent may not have been read yet.
            wait_until(lambda: all(session.socket.fileno() < 0 for session in sessions), "the end of the sessions of who died")
        death = Death(number, name, len(pids), before, **self.counts())
        # Those that began while they died may be theirs, too, with a message each that is still being read.
        death.relayed += len(self.target.sessions) - len(sessions)
        death.offered = self.next
        self.deaths.append(death)
        if name in RESTARTS:
            self.mail.start()

    def wait_for_progress(self):
        """Whatever died is back: mail is accepted and delivered again."""
        accepted, delivered = len(self.acknowledged) + 30, len(self.target.messages) + 10
        wait_until(
            lambda: len(self.acknowledged) >= accepted and len(self.target.messages) >= delivered,
            lambda: f"{accepted} accepted, not {len(self.acknowledged)}, {delivered} relayed, not {len(self.target.messages)}, "
            f"after {self.deaths[-1]}; log:\n{self.mail.tail()}", 60,
        )

    # --- the account -------------------------------------------------------------------------------------------

    def mailbox(self):
        return self.mail.mailbox(self.account)

    def places(self):
        """By token, the places where it is: (destination, index)."""
        found = collections.defaultdict(list)
        for index, message in enumerate(list(self.target.messages)):
            for token in re.findall(r"(?m)^Subject: (storm-\d+\.)$", message.text)[:1]:
                found[token].append(("relayed", index))
        for index, text in enumerate(self.mailbox()):
            # A notification has the token in the returned part.
            for token in re.findall(r"(?m)^Subject: (storm-\d+\.)$", text)[:1]:
                found[token].append(("mailbox", index))
        return found

    def missing(self):
        return set(self.acknowledged) - set(self.places())

    def is_unfinished(self, path):
        """
        A large message whose arrival a death cut short: the file's content frame, which is written last, is not there, and nobody
        was told 250. It goes to corrupt/ (docs/queue.md, "arriving").
        """
        return path.name not in self.acknowledged.values() and not path.read_bytes()[64:112].strip(b"\0")

    def deaths_of_notice(self, number, last):
        """The first of them may have been queued before the death and come after it: from the message's beginning on."""
        return [
            death for death in self.deaths
            if death.name in EXPLAINS_NOTICE and number <= death.offered and death.before["mailbox"] <= last
        ]

    def has_gone_on(self, index):
        """
        The connection on which it came was used again: who made it lived, and had told the queue manager that it was
        delivered. So its death explains nothing; that of everything does, when it comes before this was recorded.
        """
        messages = list(self.target.messages)
        return any(later.connection == messages[index].connection for later in messages[index + 1 :])

    def explain(self):
        """Lines about what came more than once, and those of them that no death explains."""
        said, unexplained = [], []
        for token, places in sorted(self.places().items()):
            for (where, first), (_where, second) in zip(places, places[1:]):
                number = int(token[6:-1])
                if number % len(self.kinds) == 3:
                    between = self.deaths_of_notice(number, second)
                else:
                    names = EXPLAINS[where] - {"smtp"} if where == "relayed" and self.has_gone_on(first) else EXPLAINS[where]
                    between = [death for death in self.deaths if death.name in names and death.is_between(where, first, second)]
                line = f"{token} {where} {first} and {second}: {'; '.join(map(str, between)) or 'no death explains it'}"
                said.append(line)
                if not between:
                    unexplained.append(f"{line}\n" + "\n".join(self.mail.log_lines(self.acknowledged.get(token, token))))
        return said, unexplained


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
