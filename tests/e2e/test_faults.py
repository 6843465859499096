# SPDX-License-Identifier: Apache-2.0
"""
The disk fails, or a process ends, at the nth read, write, sync, rename, link, open … of each program while mail is accepted,
queued, listed, held, requeued, delivered and returned. What was acknowledged is delivered or returned in the end, by the same
system, without a word from its keeper; what was refused can be offered again, and a command that failed can be typed again.

A few steps are taken each time. MERPATI_FAULT_CAMPAIGN=whole takes every step of each point, with each error that the operation may
meet, until a step is not reached any more (scripts/deep-check).
"""

import itertools
import os
import pwd
import re
import shutil
import time

import pytest
from support.instance import IMPORT_ENVIRONMENT, IS_ROOT
from support.mailboxes import maildir_messages
from support.smtp_client import Disconnected
from support.waiting import PATIENCE, free_port, wait_until

IS_WHOLE = os.environ.get("MERPATI_FAULT_CAMPAIGN") == "whole"
# program, operation, the steps of the short campaign
POINTS = [
    ("cleanup", "open", (3,)), ("cleanup", "create", (1,)), ("cleanup", "write", (1, 4)), ("cleanup", "sync", (1, 3)),
    ("cleanup", "rename", (1,)), ("cleanup", "read", (4,)),
    ("qmgr", "open", (2,)), ("qmgr", "create", (1,)), ("qmgr", "write", (1, 3)), ("qmgr", "sync", (1,)),
    ("qmgr", "rename", (1, 2)), ("qmgr", "unlink", (1,)), ("qmgr", "read", (8,)), ("qmgr", "mode", (1,)),
    ("spill", "open", (1,)), ("spill", "create", (2,)), ("spill", "write", (1, 3)), ("spill", "sync", (1,)),
    ("spill", "read", (5,)), ("spill", "mode", (1,)),
    ("local", "open", (1,)), ("local", "create", (1,)), ("local", "write", (1, 2)), ("local", "sync", (1,)),
    ("local", "unlink", (1,)), ("local", "read", (5,)),
    ("virtual", "create", (1,)), ("virtual", "write", (1,)), ("virtual", "sync", (1,)), ("virtual", "rename", (1,)),
    ("smtp", "open", (3,)), ("smtp", "read", (5,)), ("bounce", "open", (2,)), ("bounce", "read", (2,)),
    ("pickup", "open", (1,)), ("pickup", "unlink", (1,)), ("pickup", "read", (5,)),
    ("postdrop", "open", (1,)), ("postdrop", "create", (1,)), ("postdrop", "write", (1,)), ("postdrop", "sync", (1,)),
    ("postdrop", "mode", (1,)), ("postdrop", "read", (3,)), ("sendmail", "read", (3,)), ("sendmail", "write", (2,)),
    ("smtpd", "open", (2,)), ("smtpd", "read", (2,)), ("trivial-rewrite", "open", (1,)), ("trivial-rewrite", "read", (1,)),
    ("showq", "open", (3,)), ("showq", "read", (4,)), ("postqueue", "open", (1,)), ("postqueue", "read", (3,)),
    ("postsuper", "open", (1,)), ("postsuper", "read", (2,)), ("postsuper", "write", (1,)),
    ("master", "open", (1,)), ("master", "create", (1,)), ("master", "write", (1,)), ("master", "sync", (1,)),
    ("master", "truncate", (1,)), ("master", "mode", (1,)), ("master", "read", (2,)), ("master", "unlink", (2,)),
    ("merpati", "open", (1,)), ("merpati", "create", (1,)), ("merpati", "read", (3,)), ("merpati", "write", (1,)),
    ("postlogd", "open", (1,)), ("postlogd", "create", (1,)), ("postlogd", "read", (1,)), ("postlogd", "write", (2,)),
]
ERRORS = {
    "open": ["EIO", "EMFILE", "exit"],
    "create": ["ENOSPC", "EDQUOT", "EMFILE", "exit"],
    "write": ["EIO", "short", "EDQUOT", "exit"],
    "sync": ["EIO", "ENOSPC", "exit"],
    "rename": ["EIO", "ENOSPC", "exit"],
    "link": ["EIO", "EDQUOT", "exit"],
    "unlink": ["EIO", "exit"],
    "truncate": ["EIO", "exit"],
    "mode": ["EIO", "exit"],
    "read": ["EIO", "exit"],
    "map": ["ENOMEM", "exit"],
}
TRIES = 10  # what does not start is started again so often
FARTHEST = 40  # step of the whole campaign


def cases():
    """
    The short campaign takes turns with what goes wrong, so that each point meets one of them. A mailbox over quota
    is no fault: the message is returned, and a notification is not.
    """
    turn = 0
    for program, operation, steps in POINTS:
        errors = [error for error in ERRORS[operation] if (program, error) not in (("local", "EDQUOT"), ("virtual", "EDQUOT"))]
        if IS_WHOLE:
            for error in errors:
                yield pytest.param(program, operation, None, error, id=f"{program}-{operation}-{error}")
            continue
        for step in steps:
            error = errors[turn % len(errors)]
            turn += 1
            yield pytest.param(program, operation, step, error, id=f"{program}-{operation}-{step}-{error}")


def tries():
    """Numbers of attempts: ever slower, and none after the usual patience."""
    deadline, pause = time.monotonic() + PATIENCE, 0.01
    for number in itertools.count():
        yield number
        if time.monotonic() > deadline:
            return
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


class Campaign:
    """Sends messages that take every way through the system, and knows which were acknowledged."""

    def __init__(self, mail, account, target):
        self.mail, self.account, self.targets = mail, account, [target]
        self.acknowledged = {}  # token to queue id, or None where the sender is not told
        self.is_stopped = False

    def start(self):
        """As a keeper would: what does not start, or ends while it does, is started again."""
        self.is_stopped = False
        for _ in range(TRIES):
            if self.mail.control("start", check=False).returncode == 0:
                self.mail.is_running = True
                if wait_until(lambda: self.listens() or not self.mail.pids("master") and "ended", "a listener") != "ended":
                    return
        raise AssertionError(f"it does not start; log:\n{self.mail.tail()}")

    def listens(self):
        try:
            self.mail.smtp(greet=False).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.is_stopped = True
        for _ in tries():
            if self.mail.control("stop", check=False).returncode == 0 or not self.mail.pids("master"):
                break
        self.mail.wait_for_end()

    def keep(self):
        if not self.is_stopped and not self.mail.pids("master"):
            self.mail.wait_for_end()
            self.start()

    def offer(self, token, recipient, size=0):
        """Again after a refusal, as a client would. Each attempt has a token of its own."""
        content = "y" * 70 + "\n"
        for attempt in tries():
            name = f"{token}.{attempt}"
            text = f"Message-Id: <{name}@client.example>\nSubject: {name}\n\n" + content * (size // 71 + 1)
            try:
                with self.mail.smtp() as client:
                    client.hello()
                    reply = client.deliver(f"{self.account}@localhost", recipient, text)
            except (OSError, Disconnected):
                self.keep()
                continue
            if reply.code == 250:
                self.acknowledged[name] = reply.text.rsplit(" ", 1)[1]
                return
            assert 400 <= reply.code < 500, f"{token} had a permanent answer: {reply}"
        raise AssertionError(f"{token} is never taken; log:\n{self.mail.tail()}")

    def submit(self, token):
        for attempt in tries():
            name = f"{token}.{attempt}"
            words = ["-f", self.account, f"{self.account}@localhost"]
            if self.mail.sendmail(*words, input=f"Subject: {name}\n\nhi\n", check=False).returncode == 0:
                self.acknowledged[name] = None
                return
        raise AssertionError(f"{token} is never taken; log:\n{self.mail.tail()}")

    def type(self, *words):
        """A command that fails says so and is typed again."""
        for _ in tries():
            done = self.mail.command(*words, check=False)
            if done.returncode == 0:
                return done.stdout
            self.keep()
        raise AssertionError(f"{words} fails: {done.stderr}; log:\n{self.mail.tail()}")

    def seen(self):
        """Tokens of what was delivered or returned; a notification has the returned message's header."""
        relayed = [message.text for target in self.targets for message in list(target.messages)]
        texts = self.mail.mailbox(self.account) + maildir_messages(self.mail.path("boxes") / "box") + relayed
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
        "alias_maps": "inline:{ { forwards = someone@relayed.test } }",
        "import_environment": IMPORT_ENVIRONMENT + " MERPATI_FAULTS MERPATI_FAULTS_LOG",
        "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s",
        "transport_retry_time": "5s", "local_recipient_maps": "", "smtpd_error_sleep_time": "0",
        "service_throttle_time": "1s",
    })
    # Where postdrop cannot wake it, pickup finds the mail by itself.
    mail.master, count = re.subn(r"(?m)^(pickup\s.*\s)60(\s)", r"\g<1>1\2", mail.master)
    assert count == 1
    mail.write_config()
    log = mail.path("struck")
    log.touch()
    log.chmod(0o666)
    # The same file under the same name within the jail.
    jailed = mail.queue / str(log).lstrip("/")
    jailed.parent.mkdir(parents=True)
    os.link(log, jailed)
    mail.environment.update(MERPATI_FAULTS=fault, MERPATI_FAULTS_LOG=str(log))
    return mail


def add_virtual_mailbox(mail, account):
    entry = pwd.getpwnam(account)
    boxes = mail.path("boxes")
    boxes.mkdir()
    if IS_ROOT:
        shutil.chown(boxes, account)
    mail.set(virtual_mailbox_domains="boxes.test", virtual_mailbox_base=boxes, virtual_mailbox_maps="static:box/",
             virtual_uid_maps=f"static:{entry.pw_uid}", virtual_gid_maps=f"static:{entry.pw_gid}", virtual_minimum_uid="1")


def play(make_merpati, account, sink, fault):
    """The whole scenario on a system with this fault in it; what struck."""
    target, dead_port = sink(replies={"RCPT": ["451 4.3.0 not now", "250 2.1.5 Ok"]}), free_port()
    mail = make_mail(make_merpati, target, dead_port, fault)
    add_virtual_mailbox(mail, account)
    campaign = Campaign(mail, account, target)
    campaign.start()
    campaign.offer("virtual", "someone@boxes.test")
    campaign.offer("mailbox", f"{account}@localhost")
    campaign.offer("waits", "someone@waits.test")
    campaign.offer("relayed", "someone@relayed.test")
    campaign.offer("forwarded", "forwards@localhost")
    campaign.offer("large", f"{account}@localhost", 200_000)
    campaign.offer("nobody", "nobody-at-all@localhost")
    campaign.submit("submitted")
    campaign.type("postqueue", "-p")
    campaign.wait_for_all_but("waits")

    # What waits for its host is held, released and requeued, and goes through a stop and a start.
    for option in ("-h", "-H", "-r"):
        campaign.type("postsuper", option, "ALL")
    campaign.stop()
    campaign.type("postqueue", "-p")
    campaign.targets.append(sink(port=dead_port))
    campaign.start()
    campaign.type("postqueue", "-f")
    campaign.wait_for_all_but()
    assert not list((mail.queue / "corrupt").glob("*")), "a fault of the disk was taken for a damaged file"
    found = struck(mail)
    mail.finish()
    return found


@pytest.mark.timeout(3600 if IS_WHOLE else 600)
@pytest.mark.parametrize("program, operation, step, error", cases())
def test_what_was_acknowledged_survives(make_merpati, account, sink, program, operation, step, error):
    if step is not None:
        found = play(make_merpati, account, sink, f"{program}/{operation}:{step}!:{error}")
        assert found, "the step is not reached: take another one"
        return
    unreached, failed = 0, []
    for step in range(1, FARTHEST + 1):
        fault = f"{program}/{operation}:{step}!:{error}"
        try:
            unreached = 0 if play(make_merpati, account, sink, fault) else unreached + 1
        except AssertionError as problem:
            failed.append(f"{fault}: {problem}")
        # What is done twice depends on who was faster: one step that is not reached is no proof of the end.
        if unreached == 2:
            break
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("stays", ["", " cleanup/unlink:1+:EIO"], ids=["removed", "not-removed"])
def test_a_large_message_that_is_refused_does_not_come(make_merpati, account, sink, stays):
    """At each sync that cleanup makes, whether its file can be removed or not: what was refused is offered again, and comes once."""
    mailed, refused = [], 0
    for step in range(1, 8):
        mail = make_mail(make_merpati, sink(), free_port(), f"cleanup/sync:{step}!:EIO{stays}")
        mail.start()
        for attempt in ("first", "second"):
            with mail.smtp() as client:
                client.hello()
                text = f"Subject: {step}-{attempt}\n\n" + ("x" * 70 + "\n") * 3000
                reply = client.deliver("s@example.test", f"{account}@localhost", text)
            if reply.code == 250:
                mailed.append(f"{step}-{attempt}")
                break
            assert 450 <= reply.code <= 452, reply
            refused += 1
        assert reply.code == 250, reply
        mail.wait_empty()
        came = re.findall(r"(?m)^Subject: (\S+)", "".join(mail.mailbox(account)))
        assert came == mailed[-1:], f"step {step}: {came}; log:\n{mail.tail()}"
        is_reached = struck(mail)
        mail.finish()
        if not is_reached:
            break
    assert refused >= 2
