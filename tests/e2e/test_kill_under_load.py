# SPDX-License-Identifier: Apache-2.0
"""
kill -9 of every daemon, again and again, while messages come in: each message that was acknowledged is delivered
at least once, returned, or still in the queue. MERPATI_TEST_MESSAGES says how many are sent (10000).
"""

import itertools
import os
import re
import time

import pytest
from support.load import Senders, find_delivered
from support.waiting import PATIENCE, wait_until

MESSAGES = int(os.environ.get("MERPATI_TEST_MESSAGES", "10000"))
DAEMONS = ["cleanup", "qmgr", "smtpd", "local", "trivial-rewrite", "smtp", "spill", "proxymap", "bounce", "pickup", "showq", "error", "discard",
           "postlogd"]


def kill_by_turns(mail, goes_on):
    """Each daemon dies every sixth second at most: master starts a service anew at once unless it dies thrice in ten."""
    kills = 0
    for name in itertools.cycle(DAEMONS):
        if not goes_on():
            return kills
        kills += mail.kill(name)
        time.sleep(0.4)


@pytest.mark.timeout(900)
def test_no_acknowledged_message_is_lost(make_merpati, account, sink):
    target = sink()
    mail = make_merpati(main={
        "smtp_destination_concurrency_limit": "10",
        "minimal_backoff_time": "2s", "maximal_backoff_time": "4s", "queue_run_delay": "2s",
        "transport_maps": "inline:{ relayed.test=smtp:[127.0.0.1]:" + str(target.port) + " }",
        "import_environment": "MAIL_CONFIG TZ LANG=C MERPATI_FAULTS MERPATI_FAULTS_LOG",
    })
    mail.start()
    senders = Senders(mail, [f"{account}@localhost", "someone@relayed.test"], MESSAGES)
    senders.start()
    kills = kill_by_turns(mail, senders.is_running)
    assert kills > 0 and len(senders.acknowledged) == MESSAGES

    def is_settled():
        delivered = find_delivered(mail, account, target)
        missing = set(senders.acknowledged) - delivered
        return not missing or (not set(mail.queue_ids()) and time.monotonic() > deadline)

    deadline = time.monotonic() + PATIENCE
    wait_until(is_settled, lambda: f"{MESSAGES} deliveries; log:\n{mail.tail()}", PATIENCE * 6)
    delivered = find_delivered(mail, account, target)
    returned = set(re.findall(r"load-\d+", "".join(mail.mailbox("root"))))
    queued = set(mail.queue_ids())
    lost = {
        token: queue_id for token, queue_id in senders.acknowledged.items()
        if token not in delivered and token not in returned and queue_id not in queued
    }
    assert not lost, f"{len(lost)} of {MESSAGES} acknowledged messages are nowhere: {sorted(lost.items())[:10]}"
