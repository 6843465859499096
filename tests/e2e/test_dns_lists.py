# SPDX-License-Identifier: Apache-2.0
"""DNS lists beyond what the comparisons with Postfix show: IPv6 clients, and filters that are none."""


import pytest
from support.own_names import own_names


@pytest.fixture
def start(make_merpati):
    """Starts an instance beside a name server where these names are listed: start(names, parameter=value)."""
    servers = []

    def start_one(names, **main):
        mail = make_merpati(main={"smtpd_authorized_xclient_hosts": "127.0.0.1", "relay_domains": "example.net",
                                  "smtpd_relay_restrictions": "permit_auth_destination, reject", "smtpd_peername_lookup": "no", **main})
        servers.append(own_names(mail))
        for name in names:
            servers[-1].add(name, "A", "127.0.0.2")
        return mail.start()

    yield start_one
    for server in servers:
        server.stop()


def ask(mail, *before):
    with mail.smtp() as client:
        for line in before:
            client.command(line)
        return client.commands("EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@example.net>")[-1]


def test_an_ipv6_address_is_asked_for_nibble_by_nibble(start):
    listed = ".".join("1000000000000000000000008bd01002") + ".bl.test"
    mail = start([listed], inet_protocols="all", smtpd_recipient_restrictions="reject_rbl_client bl.test=127.0.0.[1..2]")
    assert ask(mail, "XCLIENT ADDR=IPV6:2001:db8::1") == (
        "554 5.7.1 Service unavailable; Client host [2001:db8::1] blocked using bl.test")
    assert ask(mail, "XCLIENT ADDR=IPV6:2001:db8::2") == "250 2.1.5 Ok"


def test_a_filter_that_is_none_refuses_for_now(start):
    mail = start([], smtpd_recipient_restrictions="reject_rbl_client bl.test=127.0.0")
    assert ask(mail) == "451 4.3.5 Server configuration error"
    assert mail.log_line(r'warning: RBL domain bl\.test: bad filter "127\.0\.0": need four numbers as in 127\.0\.0\.\[2;4\.\.8\], each from 0 to 255')
