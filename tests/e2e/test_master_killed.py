# SPDX-License-Identifier: Apache-2.0
"""
kill -9 of master while messages come in: its processes end by themselves, the next start takes the lock and goes on,
and each message that was acknowledged is delivered or still in the queue.
"""

import os
import re
import signal
from pathlib import Path

from support.load import Senders, find_delivered
from support.waiting import PATIENCE, wait_until

MESSAGES = int(os.environ.get("MERPATI_TEST_MASTER_MESSAGES", "1500"))
KILLS = 3


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def names(pids):
    return [(pid, Path(f"/proc/{pid}/comm").read_text().strip()) for pid in pids if not is_gone(pid)]


def kill_master(mail):
    """The processes that it leaves behind."""
    master = mail.master_pid()
    children = [pid for pid in mail.all_pids() if pid != master]
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: is_gone(master), "master to be gone")
    return children


def test_a_killed_master_loses_nothing_and_the_next_start_goes_on(make_merpati, account, sink):
    target = sink()
    mail = make_merpati(main={
        "minimal_backoff_time": "2s", "maximal_backoff_time": "4s", "queue_run_delay": "2s",
        "transport_maps": "inline:{ relayed.test=smtp:[127.0.0.1]:" + str(target.port) + " }",
    })
    mail.start()
    senders = Senders(mail, [f"{account}@localhost", "someone@relayed.test"])
    senders.start()
    for _turn in range(KILLS):
        enough = len(senders.acknowledged) + MESSAGES // (KILLS + 2)
        wait_until(lambda: len(senders.acknowledged) >= enough, lambda: f"{enough} messages; log:\n{mail.tail()}")
        left = kill_master(mail)
        assert left
        mail.start()
        wait_until(lambda: all(is_gone(pid) for pid in left), lambda: f"the old master's processes to end: {names(left)}")
    enough = max(MESSAGES, len(senders.acknowledged) + MESSAGES // (KILLS + 2))
    wait_until(lambda: len(senders.acknowledged) >= enough, lambda: f"{enough} messages; log:\n{mail.tail()}", PATIENCE * 3)
    senders.end()
    wait_until(lambda: not senders.is_running(), lambda: f"an answer to all; log:\n{mail.tail()}", PATIENCE * 3)
    wait_until(lambda: set(senders.acknowledged) <= find_delivered(mail, account, target) or not mail.queue_ids(),
               lambda: f"{len(senders.acknowledged)} deliveries; log:\n{mail.tail()}", PATIENCE * 3)
    delivered = find_delivered(mail, account, target)
    queued = set(mail.queue_ids())
    lost = {
        token: queue_id for token, queue_id in senders.acknowledged.items()
        if token not in delivered and queue_id not in queued
    }
    assert not lost, f"{len(lost)} of {len(senders.acknowledged)} acknowledged messages are nowhere: {sorted(lost.items())[:10]}"
    assert len(re.findall(r"master\[\d+\]: daemon started", mail.log_text())) == KILLS + 1
