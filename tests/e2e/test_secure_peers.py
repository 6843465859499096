# SPDX-License-Identifier: Apache-2.0
"""
TLS and logins with the systems that others run: Merpati, stock Postfix and Exim as clients and as servers of each other, by STARTTLS and
in wrapper mode, with each mechanism that both have. A server takes mail under TLS from who has logged in, and from nobody
else; a client sends to who shows the right certificate. Passwords are Dovecot's.
"""

import contextlib
import os
import re
import smtplib
import tempfile
from pathlib import Path

import pytest
from support.accounts import ensure_account
from support.certificates import Authority, client_context
from support.dovecot_auth import PASSWORD, DovecotAuth
from support.dovecot_auth import why_not as why_no_dovecot
from support.instance import Merpati, Stock
from support.secure_exim import SecureExim
from support.smtp_sink import SmtpSink
from support.waiting import free_port, wait_until

MECHANISMS = {"stock": ["plain", "login", "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256"], "exim": ["plain", "login", "cram-md5"]}
WAYS = ["starttls", "wrapper"]
# client, server, way, mechanism
ROWS = [(*pair, way, mechanism) for peer, known in MECHANISMS.items() for pair in (("merpati", peer), (peer, "merpati"))
        for way in WAYS for mechanism in known]

ENTRANCE = {
    "smtpd_tls_security_level": "encrypt", "smtpd_tls_received_header": "yes", "smtpd_tls_loglevel": "1", "smtpd_tls_auth_only": "yes",
    "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_authenticated_header": "yes",
    "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
}
WAY_OUT = {
    "smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "mail.example.test", "smtp_tls_loglevel": "1",
    "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous", "smtp_sasl_tls_security_options": "noanonymous",
}


class System:
    """Stock or Merpati: entrances for who logs in, ways out to the other systems, and a sink for what it has taken."""

    def __init__(self, kind, name, authority, dovecot, made):
        self.name, self.sink = name, SmtpSink()
        made.callback(self.sink.stop)
        self.ports = {way: free_port() for way in WAYS}
        self.instance = kind(main={
            "relayhost": f"[127.0.0.1]:{self.sink.port}", "smtp_host_lookup": "native", "mydestination": "", **ENTRANCE, **WAY_OUT,
            "smtp_tls_security_level": "none", "smtp_sasl_auth_enable": "no", "smtp_tls_loglevel": "2",
            "smtp_tls_session_cache_database": f"{'btree' if kind is Stock else 'lmdb'}:$data_directory/sessions",
            "smtpd_tls_chain_files": authority.path("mail", "chain"), "smtp_tls_CAfile": authority.certificate,
            "smtpd_sasl_path": f"inet:127.0.0.1:{dovecot.port}", "smtp_sasl_password_maps": f"inline:{{{{127.0.0.1 = bob:{PASSWORD}}}}}",
        })
        made.callback(self.instance.finish)
        self.instance.services += [f"127.0.0.1:{self.ports[way]} inet n - {self.instance.chroot} - - smtpd -o smtpd_tls_wrappermode={word}"
                                   for way, word in (("starttls", "no"), ("wrapper", "yes"))]

    def start(self, ports):
        """ports: of each server, by way."""
        table = []
        for _, server, way, mechanism in (row for row in ROWS if row[0] == self.name):
            transport = f"{server}-{way}-{mechanism}"
            more = {**{name: WAY_OUT[name] for name in ("smtp_tls_security_level", "smtp_sasl_auth_enable")}, "smtp_sasl_mechanism_filter": mechanism,
                    "smtp_tls_wrappermode": "yes" if way == "wrapper" else "no"}
            words = " ".join(f"-o {name}={value}" for name, value in more.items())
            self.instance.services.append(f"{transport} unix - - {self.instance.chroot} - - smtp {words}")
            table.append(f"{{{self.name}-to-{transport}.test = {transport}:[127.0.0.1]:{ports[server][way]}}}")
        self.instance.set(transport_maps=f"inline:{{{', '.join(table)}}}")
        self.instance.start()

    def send(self, recipient, *_):
        self.instance.sendmail("-i", "-f", f"s@{self.name}.example", recipient, input="Subject: hello\n\nhello\n")

    def arrived(self, recipient):
        """The message to it."""
        def found():
            return next((message.text for message in self.sink.messages if recipient in message.recipients), None)

        return wait_until(found, lambda: f"{recipient} at {self.name}; log:\n{self.instance.tail()}")


class World:
    """All three, as they come up."""

    def __init__(self, made):
        directory = Path(made.enter_context(tempfile.TemporaryDirectory()))
        directory.chmod(0o755)
        authority = Authority(directory)
        authority.issue("mail")
        self.dovecot = DovecotAuth(directory / "auth", free_port())
        made.callback(self.dovecot.stop)
        self.systems = {name: System(kind, name, authority, self.dovecot, made) for name, kind in (("stock", Stock), ("merpati", Merpati))}
        ensure_account(SecureExim.account)
        place = tempfile.mkdtemp(prefix="merpati-peer-")
        os.chmod(place, 0o755)
        self.exim = SecureExim(place, authority.certificate, authority.path("mail", "chain"))
        made.callback(self.exim.stop)
        self.exim.start()
        self.ports = {name: system.ports for name, system in self.systems.items()}
        self.ports["exim"] = {"starttls": self.exim.port, "wrapper": self.exim.tls_port}
        for system in self.systems.values():
            system.start(self.ports)

    def sent_by_exim(self, server, way, mechanism, recipient):
        said = self.exim.send(recipient, self.ports[server][way], mechanism, way == "wrapper")
        wait_until(lambda: re.search(rf"=> {re.escape(recipient)} .* X=TLS1\.3:\S+ CV=yes .*A=it", self.exim.log()), lambda: f"{said}\n{self.exim.log()}")

    def arrived_at_exim(self, recipient):
        def found():
            return next((text for text in self.exim.messages() if f"for {recipient}" in text), None)

        return wait_until(found, lambda: f"{recipient} at exim:\n{self.exim.log()}\n{self.systems['merpati'].instance.tail()}")


@pytest.fixture(scope="module")
def world():
    reason = Stock.why_not() or why_no_dovecot() or SecureExim.why_not()
    if reason:
        pytest.skip(reason)
    with contextlib.ExitStack() as made:
        yield World(made)


@pytest.mark.parametrize("client,server,way,mechanism", ROWS)
def test_mail_goes_under_tls_with_a_login(world, client, server, way, mechanism):
    recipient = f"a@{client}-to-{server}-{way}-{mechanism}.test"
    if client == "exim":
        world.sent_by_exim(server, way, mechanism, recipient)
    else:
        sender = world.systems[client]
        sender.send(recipient)
        sender.instance.wait_log(rf"to=<{re.escape(recipient)}>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{world.ports[server][way]}, .* status=sent \(250 ")
        sender.instance.wait_log(rf"]: Verified TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:{world.ports[server][way]}: TLSv1\.3 ")
    if server == "exim":
        assert re.search(r"(?s)^Received: .*\sby exim\.example with esmtpsa +\(TLS1\.3\)", world.arrived_at_exim(recipient))
        assert f"A={mechanism.split('-')[0]}:bob" in world.exim.log()
        return
    taker = world.systems[server]
    text = taker.arrived(recipient)
    assert re.match(r"(?s)Received: from .*\(using TLSv1\.3 with cipher TLS_.*\(Authenticated sender: bob\)\n\tby mail\.example\.test \(Merpati\) with ESMTPSA id ", text)
    taker.instance.wait_log(rf": client=localhost\[127\.0\.0\.1\], sasl_method={mechanism.upper()}, sasl_username=bob$")


@pytest.mark.parametrize("server", ["stock", "exim", "merpati"])
def test_who_is_not_logged_in_sends_nothing(world, server):
    """The entrances above are what they are thought to be."""
    with smtplib.SMTP("127.0.0.1", world.ports[server]["starttls"], "c.example", timeout=60) as client:
        client.starttls(context=client_context())
        client.ehlo()
        client.mail("s@x.example")
        assert client.rcpt("a@elsewhere.test")[0] // 100 == 5


@pytest.mark.parametrize("client,server", [("merpati", "stock"), ("stock", "merpati")])
@pytest.mark.parametrize("way", WAYS)
def test_a_session_is_taken_up_again(world, client, server, way):
    recipient, port = f"b@{client}-to-{server}-{way}-plain.test", world.ports[server][way]
    sender = world.systems[client]
    for count in (1, 2):
        sender.send(recipient)
        sender.instance.wait_log(rf"to=<{re.escape(recipient)}>, .* status=sent ", count)
    sender.instance.wait_log(rf"]: 127\.0\.0\.1\[127\.0\.0\.1\]:{port}: Reusing old session")
