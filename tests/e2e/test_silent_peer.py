# SPDX-License-Identifier: Apache-2.0
"""A server that takes a connection and then says nothing holds up neither a reload nor a stop."""

import time

from support.smtp_sink import STALL


def start_with_silent_peer(make_merpati, sink, **main):
    silent = sink(replies={"GREETING": STALL})
    mail = make_merpati(main={"transport_maps": "inline:{silent.example=smtp:[127.0.0.1]:%d}" % silent.port, **main})
    mail.start()
    mail.sendmail("-f", "a@example.com", "x@silent.example", input="Subject: held\n\nx\n")
    mail.wait_log(r"qmgr.* from=<a@example.com>.*queue active")
    return mail


def test_a_reload_goes_on_delivering_beside_a_delivery_that_hangs(make_merpati, sink, account):
    mail = start_with_silent_peer(make_merpati, sink)
    for turn in range(2):
        mail.reload()
        begun = time.monotonic()
        with mail.smtp() as client:
            client.hello()
            assert client.deliver("a@example.com", f"{account}@localhost", f"Subject: {turn}\n\nx\n").code == 250
        mail.wait_mailbox(account, turn + 1)
        assert time.monotonic() - begun < 8
    assert "x@silent.example" in mail.command("postqueue", "-p").stdout


def test_a_stop_does_not_wait_long_for_a_delivery_that_hangs(make_merpati, sink):
    mail = start_with_silent_peer(make_merpati, sink, service_stop_session_limit="2s")
    begun = time.monotonic()
    mail.stop()
    assert time.monotonic() - begun < 10
    assert "x@silent.example" in mail.command("postqueue", "-p").stdout
