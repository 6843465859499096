# SPDX-License-Identifier: Apache-2.0
"""What tlsmgr keeps for processes that speak TLS: sessions with servers, keys of tickets, and what happens without it."""

import re
import ssl
import subprocess

import pytest

from support.certificates import Authority
from support.instance import IS_ROOT, Merpati, Stock
from support.side_by_side import options
from support.smtp_sink import SmtpSink
from support.waiting import free_port, wait_until

NAME = "mail.example.test"


def server_context(authority, name="mail", version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.path(name, "chain"))
    if version:
        context.maximum_version = version
    return context


class Client:
    """An instance that relays to a sink which speaks TLS, by services with parameters of their own."""

    def __init__(self, kind, authority, context, services=(), **main):
        self.sink = SmtpSink(tls=context)
        self.mail = kind(main={
            "smtp_tls_security_level": "verify",
            "smtp_tls_verify_cert_match": NAME,
            "smtp_tls_CAfile": authority.certificate,
            "smtp_tls_loglevel": 2,
            "smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache" if kind is Stock else
                                               "lmdb:${data_directory}/smtp_scache",
            "smtp_connection_cache_on_demand": "no",
            "smtp_host_lookup": "native",
            **main,
        })
        self.mail.set(transport_maps="inline:{ " + ", ".join(
            f"{name}.test={name}:[127.0.0.1]:{self.sink.port}" for name in ["smtp", *dict(services)]) + " }")
        for name, parameters in dict(services).items():
            self.mail.services.append(f"{name} unix - - {self.mail.chroot} - - smtp{options(parameters)}")
        self.mail.write_config()
        self.mail.start()
        self.sent = 0

    def send(self, to="smtp", outcome="sent"):
        """A message; what the log says of its handshake, without what differs from run to run."""
        self.sent += 1
        before = len(self.mail.log_text())
        address = f"m{self.sent}@{to}.test"
        self.mail.sendmail("-f", "a@example.test", address, input="Subject: x\n\nx\n")
        self.mail.wait_log(rf"to=<{address}>.*status={outcome}")
        lines = self.mail.log_text()[before:].splitlines()
        return [self.normal(found[1]) for line in lines if (found := re.search(r"/(?:smtp|at-\w+)\[\d+\]: (.*)", line))]

    def normal(self, line):
        return re.sub(r"[0-9A-F]{64}", "DIGEST", line.replace(str(self.sink.port), "PORT"))

    def was_reused(self, to="smtp"):
        return any("Reusing old session" in line for line in self.send(to))

    def finish(self):
        self.mail.finish()
        self.sink.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    for folder in (directory, directory.parent):
        folder.chmod(0o755)
    authority = Authority(directory)
    authority.issue("mail")
    authority.issue("other", "/CN=other.example.test", alternative="DNS:other.example.test")
    return authority


@pytest.fixture
def make_client(authority):
    clients = []

    def make(kind=Merpati, context=None, **more):
        clients.append(Client(kind, authority, context or server_context(authority), **more))
        return clients[-1]

    yield make
    for client in clients:
        client.finish()


def about_sessions(lines):
    return [line for line in lines if re.search(r"session|established|depth=|matched", line) and "ticket" not in line]


@pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_next_connection_takes_the_session_up_as_stocks_does(make_client, authority, version):
    told = []
    for kind in (Stock, Merpati):
        client = make_client(kind, context=server_context(authority, version=version))
        told.append([about_sessions(client.send()) for _ in range(2)])
    stock, ours = told
    assert ours == stock
    assert any("Reusing old session" in line for line in ours[1])
