# SPDX-License-Identifier: Apache-2.0
"""DNS lists beyond what the comparisons with Postfix show: IPv6 clients, filters that are none, and a list served by rbldnsd."""

import shutil
import socket
import subprocess


import pytest
from dnslib import DNSRecord
from support.own_names import own_names
from support.waiting import free_port, wait_until


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


ADDRESSES = """:127.0.0.2:Listed, see http://bl.test/?$
192.0.2.0/24
!192.0.2.9
192.0.2.16/28 :127.0.0.4:$ is dynamic
"""
NAMES = """:127.0.1.2:$ sends rubbish
bad.example
.wild.example
"""


@pytest.fixture
def rbldnsd(tmp_path):
    """The port of an rbldnsd that serves both lists."""
    if not shutil.which("rbldnsd"):
        pytest.skip("rbldnsd is not installed")
    (tmp_path / "addresses").write_text(ADDRESSES)
    (tmp_path / "names").write_text(NAMES)
    tmp_path.chmod(0o755)
    port = free_port()
    words = ["rbldnsd", "-n", "-b", f"127.0.0.1/{port}", "-w", str(tmp_path)]
    if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() == "0":
        words += ["-u", "nobody"]
    server = subprocess.Popen([*words, "bl.test:ip4set:addresses", "dbl.test:dnset:names"], stdout=subprocess.DEVNULL)

    def answers():
        assert server.poll() is None
        try:
            return DNSRecord.question("2.0.0.127.bl.test").send("127.0.0.1", port, timeout=1)
        except (TimeoutError, socket.timeout, ConnectionError):
            return None

    wait_until(answers, "rbldnsd to answer")
    yield port
    server.terminate()
    server.wait()


def test_the_lists_of_rbldnsd_are_read(make_merpati, rbldnsd):
    mail = make_merpati(main={
        "smtpd_authorized_xclient_hosts": "127.0.0.1", "relay_domains": "example.net", "smtpd_peername_lookup": "no",
        "smtpd_relay_restrictions": "permit_auth_destination, reject",
        "smtpd_recipient_restrictions": "reject_rbl_client bl.test=127.0.0.[2..3], reject_rhsbl_sender dbl.test"})
    path = mail.write("resolv.conf", f"nameserver 127.0.0.1@{rbldnsd}\n")
    mail.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={path}")
    mail.start()

    def judge(address, sender="s@example.com"):
        with mail.smtp() as client:
            client.command(f"XCLIENT ADDR={address} NAME=c.example")
            return client.commands("EHLO c.example", f"MAIL FROM:<{sender}>", "RCPT TO:<a@example.net>")[-1]

    assert judge("192.0.2.7") == ("554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.test; "
                                  "Listed, see http://bl.test/?192.0.2.7")
    assert judge("192.0.2.9") == judge("192.0.2.17") == judge("198.51.100.1") == "250 2.1.5 Ok"
    assert judge("198.51.100.1", "x@bad.example") == (
        "554 5.7.1 Service unavailable; Sender address [x@bad.example] blocked using dbl.test; bad.example sends rubbish")
    assert judge("198.51.100.1", "x@deep.wild.example").startswith("554 5.7.1 Service unavailable; Sender address [x@deep.wild.example]")
