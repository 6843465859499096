# SPDX-License-Identifier: Apache-2.0
"""
The disk fails, or a process ends, at the nth write, sync, rename, link, open … of a daemon while mail is accepted,
queued, delivered and returned. What was acknowledged is delivered or returned in the end, by the same system, without a word from
its keeper; what was refused can be offered again.

A few steps are taken each time; MERPATI_FAULT_CAMPAIGN=whole steps through all of them (scripts/deep-check).
"""

import os
import re

import pytest
from support.instance import IMPORT_ENVIRONMENT
from support.smtp_client import Disconnected
from support.waiting import free_port, wait_until

IS_WHOLE = os.environ.get("MERPATI_FAULT_CAMPAIGN") == "whole"
# program, operation, the steps of the short campaign, how far the whole one goes
POINTS = [
    ("cleanup", "open", (3,), 12),
    ("cleanup", "create", (1,), 6),
    ("cleanup", "write", (1, 4), 30),
    ("cleanup", "sync", (1, 3), 20),
    ("cleanup", "rename", (1,), 6),
    ("spill", "open", (1,), 10),
    ("spill", "create", (2,), 6),
    ("spill", "write", (1, 3), 20),
    ("spill", "sync", (1,), 10),
    ("qmgr", "open", (2,), 30),
    ("qmgr", "create", (1,), 10),
    ("qmgr", "write", (1, 3), 40),
    ("qmgr", "sync", (1,), 20),
    ("qmgr", "rename", (1, 2), 12),
    ("qmgr", "unlink", (1,), 12),
    ("local", "open", (1,), 10),
    ("local", "create", (1,), 8),
    ("local", "write", (1, 2), 20),
    ("local", "sync", (1,), 6),
    ("local", "unlink", (1,), 4),
    ("pickup", "open", (1,), 6),
    ("pickup", "unlink", (1,), 4),
]
ERRORS = ["EIO", "ENOSPC", "exit"]
TRIES = 10  # a message that is refused is offered again so often


def cases():
    """The short campaign takes turns with what goes wrong, so that each point meets one of them."""
    turn = 0
    for program, operation, steps, limit in POINTS:
        for step in range(1, limit + 1) if IS_WHOLE else steps:
            for error in ERRORS if IS_WHOLE else [ERRORS[turn % len(ERRORS)]]:
                yield pytest.param(program, operation, step, error, id=f"{program}-{operation}-{step}-{error}")
            turn += 1


class Campaign:
    """Sends messages that take every way through the system, and knows which were acknowledged."""

    def __init__(self, mail, account, target):
        self.mail, self.account, self.targets = mail, account, [target]
        self.acknowledged = {}  # token to queue id, or None where the sender is not told
        self.refused = 0

    def offer(self, token, recipient, size=0):
        """Again after a refusal, as a client would. Each attempt has a token of its own."""
        content = "y" * 70 + "\n"
        for attempt in range(TRIES):
            name = f"{token}.{attempt}"
            text = f"Message-Id: <{name}@client.example>\nSubject: {name}\n\n" + content * (size // 71 + 1)
            try:
                with self.mail.smtp() as client:
                    client.hello()
                    reply = client.deliver(f"{self.account}@localhost", recipient, text)
            except (OSError, Disconnected):
                self.refused += 1
                continue
            if reply.code == 250:
                self.acknowledged[name] = reply.text.rsplit(" ", 1)[1]
                return
            self.refused += 1
            assert 400 <= reply.code < 500, f"{token} had a permanent answer: {reply}"

    def submit(self, token):
        done = self.mail.sendmail("-f", self.account, f"{self.account}@localhost", input=f"Subject: {token}\n\nhi\n", check=False)
        if done.returncode == 0:
            self.acknowledged[token] = None
        else:
            self.refused += 1

    def seen(self):
        """Tokens of what was delivered or returned; a notification has the returned message's header."""
        relayed = [message.text for target in self.targets for message in list(target.messages)]
        texts = self.mail.mailbox(self.account) + relayed
        return set(re.findall(r"Subject: (\S+)", "".join(texts)))

    def wait_for_all_but(self, word=None):
        """Until all that was acknowledged is seen, but for the tokens of word."""

        def missing():
            return {token for token in set(self.acknowledged) - self.seen() if not token.startswith(f"{word}.")}

        wait_until(
            lambda: not missing(),
            lambda: f"{missing()} of {self.acknowledged}; struck: {struck(self.mail)}; "
            f"queue {self.mail.queue_ids()}; log:\n{self.mail.tail(120)}",
        )


def struck(mail):
    return mail.path("struck").read_text()


def make_mail(make_merpati, target, dead_port, fault):
    mail = make_merpati(main={
        "transport_maps": f"inline:{{ {{ relayed.test = smtp:[127.0.0.1]:{target.port} }}, "
        f"{{ waits.test = smtp:[127.0.0.1]:{dead_port} }} }}",
        "import_environment": IMPORT_ENVIRONMENT + " MERPATI_FAULTS MERPATI_FAULTS_LOG",
        "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s",
        "transport_retry_time": "5s", "local_recipient_maps": "", "smtpd_error_sleep_time": "0",
        "service_throttle_time": "1s",
    })
    log = mail.path("struck")
    log.touch()
    log.chmod(0o666)
    # The same file under the same name within the jail.
    jailed = mail.queue / str(log).lstrip("/")
    jailed.parent.mkdir(parents=True)
    os.link(log, jailed)
    mail.environment.update(MERPATI_FAULTS=fault, MERPATI_FAULTS_LOG=str(log))
    return mail


@pytest.mark.parametrize("program, operation, step, error", cases())
def test_what_was_acknowledged_survives(make_merpati, account, sink, program, operation, step, error):
    target, dead_port = sink(replies={"RCPT": ["451 4.3.0 not now", "250 2.1.5 Ok"]}), free_port()
    mail = make_mail(make_merpati, target, dead_port, f"{program}/{operation}:{step}!:{error}")
    mail.start()
    campaign = Campaign(mail, account, target)
    campaign.offer("mailbox", f"{account}@localhost")
    campaign.offer("waits", "someone@waits.test")
    campaign.offer("relayed", "someone@relayed.test")
    campaign.offer("large", f"{account}@localhost", 200_000)
    campaign.offer("nobody", "nobody-at-all@localhost")
    campaign.submit("submitted")
    assert len(campaign.acknowledged) >= 5
    campaign.wait_for_all_but("waits")

    # What waits for its host goes through a stop and a start.
    mail.control("stop", check=False)
    mail.wait_for_end()
    campaign.targets.append(sink(port=dead_port))
    mail.start()
    mail.command("postqueue", "-f")
    campaign.wait_for_all_but()
    assert not list((mail.queue / "corrupt").glob("*")), "a fault of the disk was taken for a damaged file"
    assert IS_WHOLE or struck(mail), "the step is not reached: take another one"
