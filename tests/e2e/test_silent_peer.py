# SPDX-License-Identifier: Apache-2.0
"""A server that takes a connection and then says nothing holds up neither a reload nor a stop."""

import pytest

from support.smtp_sink import STALL
from support.waiting import PATIENCE, wait_until


@pytest.fixture
def held(make_merpati, sink):
    """Starts an instance with a delivery that hangs for the five minutes of smtp_helo_timeout: (instance, its peer)."""
    def start(**main):
        silent = sink(replies={"GREETING": STALL})
        mail = make_merpati(main={"transport_maps": "inline:{silent.example=smtp:[127.0.0.1]:%d}" % silent.port, **main})
        mail.start()
        mail.sendmail("-f", "a@example.com", "x@silent.example", input="Subject: held\n\nx\n")
        wait_until(lambda: silent.sessions, "a delivery to the silent peer")
        return mail, silent

    return start


def test_a_reload_goes_on_delivering_beside_a_delivery_that_hangs(held, account):
    mail, silent = held()
    for turn in range(2):
        mail.reload()
        with mail.smtp() as client:
            client.hello()
            assert client.deliver("a@example.com", f"{account}@localhost", f"Subject: {turn}\n\nx\n").code == 250
        mail.wait_mailbox(account, turn + 1)
        assert not silent.sessions[0].is_left()
    assert "x@silent.example" in mail.command("postqueue", "-p").stdout


@pytest.mark.parametrize("sessions, all_steps", [("1s", "1h"), ("1h", "1s")])
def test_a_stop_does_not_wait_for_a_delivery_that_hangs(held, sessions, all_steps):
    mail, silent = held(service_stop_session_limit=sessions, service_stop_limit=all_steps)
    mail.control("stop", timeout=PATIENCE / 2)
    assert silent.sessions[0].is_left()
    assert "x@silent.example" in mail.command("postqueue", "-p").stdout
