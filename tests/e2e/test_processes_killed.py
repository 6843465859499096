# SPDX-License-Identifier: Apache-2.0
"""
A process ends right behind its nth write or sync, told to nobody, or is killed with a final reply unread; counted by message: what was
acknowledged comes, and comes once, but for what the dead one alone knew (docs/queue.md, "What a crash costs").
"""

import collections
import os
import re
import signal

import pytest
from support.instance import IMPORT_ENVIRONMENT
from support.smtp_client import Disconnected
from support.waiting import PATIENCE, wait_until

EACH = 6
IS_WHOLE = os.environ.get("MERPATI_FAULT_CAMPAIGN") == "whole"
# program, operation, steps, steps of the whole campaign, destination where a message may come twice
POINTS = [
    # Between the sync of a group and its notice, among others.
    ("cleanup", "sync", (4, 5, 6, 7), 30, None),
    ("spill", "sync", (1,), 10, None),
    ("spill", "write", (2,), 10, None),
    ("qmgr", "write", (2, 4), 30, None),
    ("qmgr", "sync", (1,), 20, None),
    ("local", "write", (2,), 12, "mailbox"),
    ("local", "sync", (1,), 8, "mailbox"),
]


def make_mail(make_merpati, target, **environment):
    mail = make_merpati(main={
        "transport_maps": f"inline:{{ {{ relayed.test = smtp:[127.0.0.1]:{target.port} }} }}",
        "import_environment": IMPORT_ENVIRONMENT + " MERPATI_FAULTS MERPATI_FAULTS_LOG",
        "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s", "transport_retry_time": "5s",
        "smtpd_error_sleep_time": "0", "service_throttle_time": "1s",
    })
    log = mail.path("struck")
    log.touch()
    log.chmod(0o666)
    jailed = mail.queue / str(log).lstrip("/")
    jailed.parent.mkdir(parents=True)
    os.link(log, jailed)
    mail.environment.update(environment, MERPATI_FAULTS_LOG=str(log))
    return mail


def offer(mail, kind, recipient):
    """Until it is acknowledged, each time under a token of its own; that token."""
    attempts = iter(range(100))

    def is_taken():
        token = f"{kind}-{next(attempts)}."
        try:
            with mail.smtp() as client:
                client.hello()
                reply = client.deliver("s@example.test", recipient, f"Subject: {token}\n\nhello\n")
        except (OSError, Disconnected):
            return None
        assert reply.code == 250 or 400 <= reply.code < 500, reply
        return token if reply.code == 250 else None

    return wait_until(is_taken, lambda: f"an acknowledgement; log:\n{mail.tail()}")


def count(mail, account, target):
    texts = mail.mailbox(account) + [message.text for message in list(target.messages)]
    return collections.Counter(re.findall(r"(?m)^Subject: (\w+-\d+-\d+\.)", "".join(texts)))


def cases():
    for program, operation, steps, limit, twice in POINTS:
        for step in range(1, limit + 1) if IS_WHOLE else steps:
            yield pytest.param(program, operation, step, twice, id=f"{program}-{operation}-{step}")


@pytest.mark.parametrize("program, operation, step, twice", cases())
def test_a_process_that_ends_behind_a_call(make_merpati, account, sink, program, operation, step, twice):
    target = sink(replies={"RCPT": ["450 4.2.0 not now", "250 2.1.5 Ok"]})
    mail = make_mail(make_merpati, target, MERPATI_FAULTS=f"{program}/{operation}:{step}!:exit-after")
    mail.start()
    acknowledged = []
    for number in range(EACH):
        acknowledged.append(offer(mail, f"relayed-{number}", "someone@relayed.test"))
        acknowledged.append(offer(mail, f"mailbox-{number}", f"{account}@localhost"))
    wait_until(lambda: set(acknowledged) <= set(count(mail, account, target)),
               lambda: f"{set(acknowledged) - set(count(mail, account, target))}; log:\n{mail.tail()}", PATIENCE * 2)
    mail.wait_empty(is_told=False)
    again = {token: times for token, times in count(mail, account, target).items() if times > 1}
    assert all(twice is not None and token.startswith(twice) for token in again), f"{again}; log:\n{mail.tail(200)}"
    assert IS_WHOLE or mail.path("struck").read_text(), "the step is not reached: take another one"


def test_an_agent_that_is_killed_with_the_final_reply_unread(make_merpati, sink):
    """What it had in hand comes again, and nothing else: not what it had delivered before."""
    stopped = []

    def stop_and_answer(session, line):
        if not stopped and any(said.startswith("MAIL FROM:<last@") for said in session.lines):
            stopped.append(mail.kill("smtp", signal.SIGSTOP))

    target = sink(replies={"DOT": stop_and_answer})
    mail = make_mail(make_merpati, target)
    mail.start()
    tokens = [offer(mail, f"first-{number}", "someone@relayed.test") for number in range(EACH)]
    target.wait_for(EACH)
    mail.wait_empty(is_told=False)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("last@example.test", "someone@relayed.test", "Subject: last-0-0.\n\nhello\n").code == 250
    target.wait_for(EACH + 1)
    assert stopped and mail.kill("smtp") >= 1
    mail.command("postqueue", "-f")
    target.wait_for(EACH + 2)
    mail.wait_empty(is_told=False)
    found = collections.Counter(re.findall(r"(?m)^Subject: (\w+-\d+-\d+\.)", "".join(message.text for message in target.messages)))
    assert found == {**{token: 1 for token in tokens}, "last-0-0.": 2}
