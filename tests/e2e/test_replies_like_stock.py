# SPDX-License-Identifier: Apache-2.0
"""Every reply, and every log line of smtpd, is stock Postfix's, word for word."""

import re

import pytest
from support import dialogues
from support.instance import Merpati, Stock
from support.waiting import wait_until

# Dialogues whose log lines differ on purpose.
OWN_LOG = {
    "access missing table": "the table's name and the reason in one line",
    "insufficient space": "names queue_minfree where that is the reason",
    "dsn parameters": "stock also logs the bad NOTIFY value",
}


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    account = "merpati-test"
    made = []
    try:
        for kind, main in ((Stock, dialogues.STOCK_MAIN), (Merpati, {})):
            instance = kind(main=main)
            made.append(instance)
            instance.dialogue_ports = dialogues.equip(instance, dialogues.ALL, account)
            instance.start()
            instance.wait_log(r"disconnect from")
        yield (*made, account)
    finally:
        for instance in made:
            instance.finish()


def session_log(instance, dialogue, account):
    """Plays and returns transcript and the log lines of that session, told from others by the process."""
    before = len(instance.log_text())
    transcript = dialogues.play(instance, dialogue.steps, account, port=instance.dialogue_ports[dialogue.name])

    def ended():
        found = re.findall(r"(?m)smtpd\[(\d+)\]: (.*)$", instance.log_text()[before:])
        process = next((pid for pid, line in found if line.startswith("disconnect from")), None)
        return process and [line for pid, line in found if pid == process]

    lines = wait_until(ended, lambda: f"the disconnect line; log:\n{instance.tail()}")
    start = next(i for i, line in enumerate(lines) if line.startswith("connect from"))
    return transcript, [dialogues.normalized(line, instance) for line in lines[start:]]


@pytest.mark.parametrize("dialogue", dialogues.ALL, ids=lambda d: d.name)
def test_same_words(pair, dialogue):
    stock, merpati, account = pair
    expected, expected_log = session_log(stock, dialogue, account)
    found, found_log = session_log(merpati, dialogue, account)
    assert found == expected
    if dialogue.name not in OWN_LOG:
        assert found_log == expected_log
