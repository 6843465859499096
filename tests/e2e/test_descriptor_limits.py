# SPDX-License-Identifier: Apache-2.0
"""
A program has no descriptor left (EMFILE at whatever comes next: a connection, a file, a pipe), for as long as it takes to see. Mail is
refused for now, deferred, or waits; when the limit is raised again, the same processes or the next ones deliver it all.
"""

import contextlib
import itertools
import os
import pathlib
import re
import subprocess

import pytest
from support.smtp_client import Disconnected
from support.waiting import free_port, wait_until

EACH = 3


def set_limit(pid, number):
    """By its own user: even root needs a right of its own for others'."""
    ids = dict(re.findall(r"(?m)^([UG]id):\t(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()))
    words = ["prlimit", f"--nofile={number}:", "--pid", str(pid)]
    if os.geteuid() != int(ids["Uid"]):
        words = ["setpriv", f"--reuid={ids['Uid']}", f"--regid={ids['Gid']}", "--clear-groups", "--", *words]
    return subprocess.run(words, capture_output=True).returncode == 0


def limit(mail, name):
    """No process of that name can open anything more; their limits as they were."""
    before = {}
    for pid in mail.pids(name):
        with contextlib.suppress(OSError):
            used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
            lowest_free = next(fd for fd in itertools.count() if fd not in used)
            text = pathlib.Path(f"/proc/{pid}/limits").read_text()
            soft = int(re.search(r"(?m)^Max open files\s+(\d+)", text).group(1))
            if set_limit(pid, lowest_free):
                before[pid] = soft
    return before


def raise_again(before):
    for pid, number in before.items():
        if os.path.exists(f"/proc/{pid}"):
            set_limit(pid, number)


def offer(mail, account, token, patience=None):
    """True when it was acknowledged; a refusal is for now."""
    recipient = f"{account}@localhost" if token.startswith("mailbox") else "someone@relayed.test"
    try:
        with mail.smtp(timeout=patience) as client:
            client.hello()
            reply = client.deliver("s@example.test", recipient, f"Subject: {token}\n\n" + "x" * 70 + "\n")
    except (OSError, Disconnected):
        return False
    assert reply.code == 250 or 400 <= reply.code < 500, reply
    return reply.code == 250


@pytest.mark.parametrize("name", ["smtpd", "cleanup", "qmgr", "spill", "local", "smtp", "bounce", "trivial-rewrite", "showq", "master"])
def test_a_program_without_descriptors_comes_back(make_merpati, account, sink, name):
    target = sink()
    dead = free_port()
    mail = make_merpati(main={
        "transport_maps": f"inline:{{ {{ relayed.test = smtp:[127.0.0.1]:{target.port} }}, {{ dead.test = smtp:[127.0.0.1]:{dead} }} }}",
        "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s", "transport_retry_time": "5s",
        "smtpd_error_sleep_time": "0", "service_throttle_time": "1s",
    })
    mail.start()
    tokens = [f"{kind}-{number}." for number in range(EACH) for kind in ("mailbox", "relayed")]
    acknowledged = set()
    # All of them are there before: what is started anew has a limit of its own.
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@example.test", ["someone@dead.test", f"{account}@localhost"], "Subject: x\n\nx\n").code == 250
        assert client.deliver(f"{account}@localhost", "nobody-at-all@relayed.test", "Subject: first-0.\n\nx\n").code == 250
    mail.wait_log("status=deferred")
    mail.wait_mailbox(account)
    mail.command("postqueue", "-p")
    before = limit(mail, name)
    try:
        for token in tokens:
            if offer(mail, account, token, patience=1):
                acknowledged.add(token)
        # It waits for showq, as long as that has none.
        with contextlib.suppress(subprocess.TimeoutExpired):
            mail.command("postqueue", "-p", check=False, timeout=1)
    finally:
        raise_again(before)

    def is_taken(token):
        return token in acknowledged or offer(mail, account, token)

    for token in tokens:
        wait_until(lambda: is_taken(token), lambda: f"{token} taken; log:\n{mail.tail()}")

    def seen():
        text = "".join(mail.mailbox(account) + [message.text for message in list(target.messages)])
        return {token for token in tokens if f"Subject: {token}\n" in text}

    wait_until(lambda: seen() == set(tokens), lambda: f"{set(tokens) - seen()} of {acknowledged}; log:\n{mail.tail()}", 60)
    assert not list((mail.queue / "corrupt").glob("*"))
    assert before or name in ("bounce", "showq"), f"no {name} was there"
