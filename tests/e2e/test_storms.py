# SPDX-License-Identifier: Apache-2.0
"""
kill -9 of each daemon and of all at once, again and again, under full load. Each acknowledged message is delivered, returned
or queued; what comes twice is explained by a death between both, of an agent that had it in hand. MERPATI_STORM_ROUNDS says how many
rounds (23, each victim); scripts/deep-check takes a hundred.
"""

import itertools
import os

import pytest
from support.storm import EVERYTHING, Storm
from support.waiting import PATIENCE, wait_until

ROUNDS = int(os.environ.get("MERPATI_STORM_ROUNDS", "23"))
VICTIMS = ["qmgr", "smtp", EVERYTHING, "cleanup", "local", "spill", "bounce", EVERYTHING, "smtpd", "qmgr", "trivial-rewrite", "smtp",
           EVERYTHING, "pickup", "local", "proxymap", "cleanup", EVERYTHING, "showq", "postlogd", "qmgr", "spill", "master"]


def sometimes_later():
    """Each fifth transaction is deferred at RCPT: files are written, and read again, all the time."""
    count = itertools.count(1)
    return lambda session, line: "450 4.2.0 not now" if next(count) % 5 == 0 else None


@pytest.mark.timeout(300 + 30 * ROUNDS)
def test_storms_lose_nothing(make_merpati, account, sink):
    target = sink(replies={"RCPT": sometimes_later()})
    mail = make_merpati(main={
        "transport_maps": f"inline:{{ {{ relayed.test = smtp:[127.0.0.1]:{target.port} }} }}",
        "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s", "transport_retry_time": "5s",
        "local_recipient_maps": "", "smtpd_error_sleep_time": "0", "service_throttle_time": "1s",
        "spool_segment_size": "1048576", "mailbox_size_limit": "0",
    })
    mail.start()
    storm = Storm(mail, account, target)
    storm.start()
    try:
        storm.wait_for_progress()
        for number, name in zip(range(1, ROUNDS + 1), itertools.cycle(VICTIMS)):
            storm.strike(number, name)
            storm.wait_for_progress()
    finally:
        storm.end()

    def is_settled():
        mail.command("postqueue", "-f", check=False)
        return not storm.missing() or not mail.queue_ids()

    wait_until(is_settled, lambda: f"the end of {len(storm.missing())} messages; log:\n{mail.tail()}", PATIENCE * 3)
    queued, missing = set(mail.queue_ids()), storm.missing()
    lost = {token: storm.acknowledged[token] for token in missing if storm.acknowledged[token] not in queued}
    assert not lost, f"{len(lost)} of {len(storm.acknowledged)} are nowhere: {sorted(lost.items())[:10]}\n" + "\n".join(map(str, storm.deaths))
    wait_until(lambda: not mail.queue_ids(), lambda: f"an empty queue, not {mail.queue_ids()}; log:\n{mail.tail()}", PATIENCE * 3)
    corrupt = [path.name for path in (mail.queue / "corrupt").iterdir() if not storm.is_unfinished(path)]
    assert not corrupt, f"{corrupt}\n" + "\n".join(map(str, storm.deaths)) + "\n" + "\n".join(line for name in corrupt for line in mail.log_lines(name))
    said, unexplained = storm.explain()
    print(f"{len(storm.acknowledged)} messages, {len(storm.deaths)} deaths, {len(said)} came more than once", *said, sep="\n")
    assert not unexplained, "\n".join(unexplained + list(map(str, storm.deaths)))
