# SPDX-License-Identifier: Apache-2.0
"""PROXY headers in front of smtpd: read as stock Postfix reads them, and only from where proxies are."""

import contextlib
import re
import signal
import socket
import struct

import pytest

from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FOUR = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 4711, 25)
SIX = b"".join(socket.inet_pton(socket.AF_INET6, a) for a in ("2001:db8::1", "2001:db8::2")) + struct.pack("!HH", 4711, 25)


def binary(command, family, body):
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


HEADERS = [
    b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\n",
    b"PROXY  TCP4 192.0.2.1  192.0.2.2 0 25 26\r\n",
    b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 25\r\n",
    b"PROXY TCP6 ::ffff:1.2.3.4 ::ffff:1.2.3.5 4711 25\r\n",
    b"PROXY UNKNOWN\r\n",
    b"PROXY x\r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP4 192.0.2.256 192.0.2.2 4711 25\r\n",
    b"PROXY TCP4 2001:db8::1 2001:db8::2 4711 25\r\n",
    b"PROXY TCP4 192.0.2.6 foo 4711 25\r\n",
    b"PROXY TCP4 192.0.2.6 192.0.2.2 99999 25\r\n",
    b"PROXY TCP4 192.0.2.6 192.0.2.2 25 025\r\n",
    b"PROXY TCP4 192.0.2.6 192.0.2.2 25\r\n",
    b"PROXY TCP4 192.0.2.1\0 192.0.2.2 4711 25\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 25" + b" " * 450 + b"\r\n",
    b"proxy tcp4 192.0.2.1 192.0.2.2 4711 25\r\n",
    b"EHLO client.example\r\n",
    b"EHLO foo\r\n",
    binary(0x21, 0x11, FOUR),
    binary(0x21, 0x11, FOUR + b"\4\0\1x"),
    binary(0x21, 0x21, SIX),
    binary(0x20, 0x00, b""),
    binary(0x20, 0x11, FOUR),
    binary(0x21, 0x00, b""),
    binary(0x21, 0x31, b"x" * 30),
    binary(0x21, 0x12, FOUR),
    binary(0x22, 0x11, FOUR),
    binary(0x31, 0x11, FOUR),
    binary(0x21, 0x11, FOUR[:8]),
    # A client that does not wait for the greeting.
    b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\nEHLO client.example\r\n",
]


def service(port, instance, *options):
    words = "".join(f" -o {{ {option} }}" for option in options)
    return f"127.0.0.1:{port} inet n - {instance.chroot} - - smtpd -o syslog_name=door -o smtpd_upstream_proxy_protocol=haproxy{words}"


class Door:
    """A service with proxies in front."""

    def __init__(self, instance, *options):
        self.instance = instance
        self.port = free_port()
        self.sessions = 0
        instance.services.append(service(self.port, instance, *options))

    def told(self):
        """What the log says of one session more, when it is over."""
        self.sessions += 1
        self.instance.wait_log(r"door/smtpd\[\d+\]: disconnect from", self.sessions)
        lines = self.instance.log_lines(r"door/smtpd\[\d+\]: ")
        ends = [-1] + [i for i, line in enumerate(lines) if line.startswith("disconnect from")]
        return [re.sub(r"(127\.0\.0\.1\]):\d+", r"\1:PORT", line) for line in lines[ends[-2] + 1 : ends[-1] + 1]]

    def visit(self, header):
        """The reply to the header, to RCPT, and the session's log lines."""
        with SmtpClient(self.port, greet=False) as client:
            client.send(header)
            replies = [client.reply().text]
            with contextlib.suppress(Disconnected, ConnectionError):
                client.hello()
                replies += client.commands("MAIL FROM:<>", "RCPT TO:<a@b.test>", "QUIT")
        return replies + self.told()


@pytest.fixture
def door():
    def make(instance, *options):
        instance.set(inet_protocols="all", smtpd_forbid_unauth_pipelining="yes", smtpd_client_port_logging="yes", smtpd_relay_restrictions="reject", smtpd_peername_lookup="no")
        made = Door(instance, *options)
        instance.write_config()
        instance.start()
        instance.wait_log("daemon started")
        return made

    return make


def test_headers_are_read_as_stock_reads_them(make_merpati, make_stock, door):
    ours, stock = door(make_merpati()), door(make_stock())
    for header in HEADERS:
        assert ours.visit(header) == stock.visit(header), header


def test_a_header_may_come_in_pieces_with_much_behind_it(make_merpati, door):
    ours = door(make_merpati())
    for header in (HEADERS[0], binary(0x21, 0x11, FOUR + b"\4" + struct.pack("!H", 65000) + b"x" * 65000)):
        with SmtpClient(ours.port, greet=False) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            for start in (0, 1, 13, 20, 30):
                end = {0: 1, 1: 13, 13: 20, 20: 30}.get(start)
                client.send(header[start:end])
            assert client.reply().text.startswith("220 ")
            client.command("QUIT")
        assert ours.told()[0] == "connect from unknown[192.0.2.1]:4711"


def test_nobody_waits_for_a_header_for_ever(make_merpati, door):
    ours = door(make_merpati(), "smtpd_upstream_proxy_timeout = 1s")
    for sent, reason in ((b"", "timeout error"), (b"PROXY TCP4 1", "missing protocol header terminator: PROXY TCP4 1")):
        with SmtpClient(ours.port, greet=False) as client:
            client.send(sent)
            assert client.reply().text == "421 4.3.0 mail.example.test Server local error"
        assert ours.told()[0] == f"warning: haproxy read: {reason}"


def test_who_is_no_proxy_is_a_plain_client_and_cannot_be_another(make_merpati, door):
    ours = door(make_merpati(), "smtpd_upstream_proxy_networks = 192.0.2.0/24")
    with SmtpClient(ours.port) as client:
        assert client.greeting.code == 220
        client.command("QUIT")
    assert ours.told()[0] == "connect from unknown[127.0.0.1]:PORT"
    for header, shown in ((HEADERS[0], r"PROXY TCP4 192.0.2.1 192.0.2.2 4711 25"), (binary(0x21, 0x11, FOUR), "version 2")):
        with SmtpClient(ours.port) as client:
            client.send(header + b"EHLO client.example\r\n")
            assert client.reply().text == "421 4.3.0 mail.example.test Server local error"
        assert ours.told()[1] == (
            f"warning: PROXY header from unknown[127.0.0.1]:PORT, which is not in smtpd_upstream_proxy_networks: {shown}"
        )


def test_who_talks_before_the_greeting_is_sent_away(make_merpati, door):
    mail = make_merpati(main={"service_workers": "1"})
    ours = door(mail, "smtpd_upstream_proxy_protocol =")
    assert ours.visit(b"")[0].startswith("220 ")
    mail.kill("smtpd", signal.SIGSTOP)
    with SmtpClient(ours.port, greet=False) as client:
        client.send(b"EHLO client.example\r\n")
        mail.kill("smtpd", signal.SIGCONT)
        assert client.reply().text == "554 5.5.0 Error: SMTP protocol synchronization"
    assert ours.told()[1] == r"improper command pipelining after CONNECT from unknown[127.0.0.1]:PORT: EHLO client.example\r\n"
