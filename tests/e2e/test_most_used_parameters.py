# SPDX-License-Identifier: Apache-2.0
"""Parameters that most sites set and that no other test sees change something: each with two values, on two entrances."""

import time

import pytest
from support.instance import Merpati
from support.side_by_side import options
from support.smtp_client import SmtpClient
from support.waiting import free_port

ENTRANCES = {
    "plain": {},
    "strict": {"strict_rfc821_envelopes": "yes"},
    "slow": {"smtpd_error_sleep_time": "2s", "smtpd_soft_error_limit": "1"},
    "class": {"mynetworks_style": "class"},
}


@pytest.fixture(scope="module")
def mail():
    instance = Merpati(main={"mynetworks_style": "host"})
    del instance.main["mynetworks"]
    instance.ports = {name: free_port() for name in ENTRANCES}
    instance.services += [f"127.0.0.1:{instance.ports[name]} inet n - y - - smtpd{options(own)}" for name, own in ENTRANCES.items()]
    instance.write_config()
    instance.start()
    yield instance
    instance.finish()


@pytest.fixture
def come(mail):
    clients = []

    def connect(entrance, **how):
        clients.append(SmtpClient(mail.ports[entrance], **how))
        clients[-1].hello()
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.mark.parametrize("command", ["MAIL FROM:a@example.com", "MAIL FROM:<a@example.com (Ann)>"])
def test_strict_rfc821_envelopes(come, command):
    assert come("plain").command(command).text == "250 2.1.0 Ok"
    assert come("strict").command(command).text == "501 5.1.7 Bad sender address syntax"


def test_mynetworks_style(come):
    """Who comes from another address of this machine's class, and may send to everybody or not."""
    answers = [come(entrance, source="127.9.9.9").commands("MAIL FROM:<a@example.com>", "RCPT TO:<b@else.test>")[1] for entrance in ("plain", "class")]
    assert answers == ["454 4.7.1 <b@else.test>: Relay access denied", "250 2.1.5 Ok"]
    assert come("plain").commands("MAIL FROM:<a@example.com>", "RCPT TO:<b@else.test>")[1] == "250 2.1.5 Ok"


def test_smtpd_error_sleep_time(come):
    client = come("slow")
    client.commands("FOO", "FOO")
    begun = time.monotonic()
    assert client.command("FOO").code == 500
    assert time.monotonic() - begun > 1.9
