# SPDX-License-Identifier: Apache-2.0
"""tlsproxy: a socket goes in, a clear one comes out, and what is known of the client with it."""

import concurrent.futures
import os
import re
import signal
import socket
import ssl
import time

import pytest

from support.certificates import Authority, client_context, openssl
from support.channel import Call, text, varint
from support.instance import Merpati
from support.side_by_side import options

REQUEST, OFFER, BEGIN, SESSION = range(4)
TEXTS = ("protocol", "cipher"), ("key_exchange", "server_signature", "server_digest", "client_signature", "client_digest", "server_name")
CERTIFICATE = ("common_name", "issuer_common_name", "subject", "issuer", "fingerprint", "key_fingerprint")
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Session:
    """A client and a service that share a connection through tlsproxy."""

    def __init__(self, mail, service, context=None, handshake=60, idle=60, name=None, hello=None):
        with socket.create_server(("127.0.0.1", 0)) as server:
            raw = socket.create_connection(server.getsockname(), 60)
            taken, address = server.accept()
        self.peer = f"[127.0.0.1]:{address[1]}"
        self.call = Call(mail.queue / "private" / service, "tlsproxy")
        self.call.send(REQUEST, text(self.peer) + varint(handshake) + varint(idle))
        number, offer = self.call.receive()
        assert number == OFFER
        self.is_offered = bool(offer.number())
        self.facts = self.client = self.inside = None
        if not self.is_offered:
            taken.close()
            raw.close()
            return
        with taken:
            self.call.send(BEGIN, b"\1", taken.fileno())
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            handshaking = pool.submit(self.shake_hands, raw, context or client_context(), name, hello)
            number, fields = self.call.receive()
            assert number == SESSION
            self.read_facts(fields)
            self.client = handshaking.result()

    @staticmethod
    def shake_hands(raw, context, name, hello):
        if hello is not None:
            raw.sendall(hello)
            return raw
        try:
            return context.wrap_socket(raw, server_hostname=name)
        except (ssl.SSLError, OSError) as error:
            raw.close()
            return error

    def read_facts(self, fields):
        facts = {"stream": fields.number()}
        facts |= {name: fields.text() for name in TEXTS[0]}
        facts |= {name: fields.number() for name in ("used_bits", "total_bits")}
        facts |= {name: fields.text() for name in TEXTS[1]}
        facts |= {name: fields.number() for name in ("is_resumed", "has_certificate", "is_trusted")}
        facts |= {name: fields.text() for name in CERTIFICATE}
        self.facts = facts
        if facts["stream"]:
            self.inside = socket.socket(fileno=self.call.fds.pop())
            self.inside.settimeout(60)

    def close(self):
        for end in (self.inside, self.client):
            if isinstance(end, socket.socket):
                end.close()
        self.call.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o755)
    authority = Authority(folder)
    other = folder / "other"
    other.mkdir()
    other_authority = Authority(other, "Other")
    for name, kind in (("mail", "ec"), ("rsa", "rsa"), ("client", "ec"), ("proxy", "ec")):
        authority.issue(name, f"/CN={name}.example.test", kind)
    other_authority.issue("client")
    chain, ca = {"tlsproxy_tls_chain_files": folder / "proxy.chain"}, {"tlsproxy_tls_CAfile": folder / "ca.pem"}
    asks = {"tlsproxy_tls_ask_ccert": "yes", **ca}
    entrances = {
        "own": chain,
        "rsa": {"tlsproxy_tls_chain_files": "", "tlsproxy_tls_cert_file": folder / "rsa.pem", "tlsproxy_tls_key_file": folder / "rsa.key"},
        "ec": {"tlsproxy_tls_chain_files": "", "tlsproxy_tls_eccert_file": folder / "mail.pem", "tlsproxy_tls_eckey_file": folder / "mail.key"},
        "dsa": {"tlsproxy_tls_chain_files": "", "tlsproxy_tls_dcert_file": folder / "rsa.pem", "tlsproxy_tls_dkey_file": folder / "rsa.key"},
        "none": {"tlsproxy_tls_security_level": "none"},
        "old": {"tlsproxy_tls_security_level": "", "tlsproxy_use_tls": "yes"},
        "old-none": {"tlsproxy_tls_security_level": "", "tlsproxy_use_tls": "no"},
        "old-must": {"tlsproxy_tls_security_level": "", "tlsproxy_enforce_tls": "yes", "tlsproxy_tls_mandatory_protocols": ">=TLSv1.3",
                     "tlsproxy_tls_protocols": "<=TLSv1.2"},
        "must": {"tlsproxy_tls_security_level": "encrypt", "tlsproxy_tls_mandatory_ciphers": "high",
                 "tlsproxy_tls_mandatory_exclude_ciphers": "AES256", "tlsproxy_tls_mandatory_protocols": "<=TLSv1.2"},
        "tls12": {"tlsproxy_tls_protocols": "<=TLSv1.2", "tlsproxy_tls_exclude_ciphers": "AES256", "tlsproxy_tls_ciphers": "high"},
        "no-grade": {"tlsproxy_tls_ciphers": "best"},
        "no-must-grade": {"tlsproxy_tls_security_level": "encrypt", "tlsproxy_tls_mandatory_ciphers": "nonsense"},
        "asks": {**asks, "tlsproxy_tls_fingerprint_digest": "sha1", "tlsproxy_tls_ccert_verifydepth": "9"},
        "shallow": {**asks, "tlsproxy_tls_ccert_verifydepth": "0"},
        "path": {"tlsproxy_tls_ask_ccert": "yes", "tlsproxy_tls_CApath": folder / "hashed"},
        "requires": {**ca, "tlsproxy_tls_security_level": "encrypt", "tlsproxy_tls_req_ccert": "yes"},
        "impatient": {"tlsproxy_watchdog_timeout": "3s"},
        "loud": {"tlsproxy_tls_loglevel": "2", "tlsproxy_tls_dh1024_param_file": folder / "dh.pem", "tlsproxy_watchdog_timeout": "11s"},
    }
    (folder / "hashed").mkdir()
    number = openssl("x509", "-hash", "-noout", "-in", folder / "ca.pem").decode().strip()
    (folder / "hashed" / f"{number}.0").write_bytes((folder / "ca.pem").read_bytes())
    authority.issue_under("deep", "/CN=deep.example.test", 2)
    mail = Merpati(main={"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": folder / "mail.chain", "smtpd_tls_loglevel": 1})
    mail.services += [f"{name} unix - - {mail.chroot} - 0 tlsproxy{options(parameters)}" for name, parameters in entrances.items()]
    mail.write_config()
    mail.start()
    mail.authority, mail.folder = authority, folder
    yield mail
    mail.finish()


@pytest.fixture
def begin(world):
    made = []

    def make(service="tlsproxy", **words):
        session = Session(world, service, **words)
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


def test_each_side_hears_the_other_and_the_end(world, begin):
    session = begin()
    assert session.facts["protocol"] == "TLSv1.3" and session.facts["used_bits"] == 256 and not session.facts["has_certificate"]
    session.inside.sendall(b"220 hello\r\n")
    assert session.client.recv(100) == b"220 hello\r\n"
    session.client.sendall(b"x" * 300000)
    received = b""
    while len(received) < 300000:
        received += session.inside.recv(65536)
    # The caller of the service may go: the session is between the two sockets.
    session.call.close()
    session.inside.sendall(b"221 bye\r\n")
    session.inside.close()
    assert session.client.recv(100) == b"221 bye\r\n" and session.client.recv(100) == b""
    world.wait_log(rf"/tlsproxy\[\d+\]: CONNECT from {re.escape(session.peer)}$")
    world.wait_log(rf"/tlsproxy\[\d+\]: Anonymous TLS connection established from {re.escape(session.peer)}: TLSv1.3 with cipher ")
    world.wait_log(rf"/tlsproxy\[\d+\]: DISCONNECT {re.escape(session.peer)}$")


def test_a_client_that_leaves_is_told(begin):
    session = begin()
    session.client.close()
    assert session.inside.recv(100) == b""


def test_a_handshake_that_fails_gives_no_socket(world, begin):
    session = begin(hello=b"EHLO client.example.test\r\n")
    assert not session.facts["stream"] and session.inside is None
    world.wait_log(rf"SSL_accept error from {re.escape(session.peer)}: -1")
    world.wait_log(rf"DISCONNECT {re.escape(session.peer)}$")


def test_a_handshake_that_takes_too_long_is_over(world, begin):
    session = begin(hello=b"", handshake=1)
    assert not session.facts["stream"]
    world.wait_log(rf"SSL_accept error from {re.escape(session.peer)}: Connection timed out")


def test_nothing_for_the_idle_time_ends_it(begin):
    session = begin(idle=1)
    assert session.inside.recv(100) == b""


def test_a_process_that_does_not_get_on_for_its_watchdogs_time_is_ended(world, begin):
    sessions = [begin(service) for service in ("impatient", "own")]
    pids = [int(world.wait_log(rf"/tlsproxy\[(\d+)\]: CONNECT from {re.escape(session.peer)}$")[1]) for session in sessions]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    # The time goes on while a process stands still; what is waited for is that it has passed.
    time.sleep(3.2)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    world.wait_log(rf"/tlsproxy\[{pids[0]}\]: fatal: watchdog timeout$")
    assert sessions[0].inside.recv(100) == b""
    sessions[1].inside.sendall(b"220 still here\r\n")
    assert sessions[1].client.recv(100) == b"220 still here\r\n"
    again = begin("impatient")
    again.inside.sendall(b"220 hello\r\n")
    assert again.client.recv(100) == b"220 hello\r\n"


def test_a_caller_that_sends_no_socket_is_nobodys_loss(world, begin):
    call = Call(world.queue / "private" / "tlsproxy", "tlsproxy")
    call.send(REQUEST, text("[192.0.2.1]:1") + varint(1) + varint(1))
    assert call.receive()[0] == OFFER
    call.close()
    assert begin().facts["stream"]


def certificate_of(session):
    der = session.client.getpeercert(binary_form=True)
    return openssl("x509", "-inform", "DER", "-noout", "-subject", input=der).decode().strip()


@pytest.mark.parametrize("service, expected", [
    ("tlsproxy", "mail"), ("own", "proxy"), ("rsa", "rsa"), ("dsa", "rsa"), ("ec", "mail"), ("old", "mail"),
])
def test_whose_certificate_is_shown(begin, service, expected):
    assert certificate_of(begin(service)).endswith(f"{expected}.example.test")


@pytest.mark.parametrize("service", ["none", "old-none", "no-grade", "no-must-grade"])
def test_without_tls_there_is_none_to_offer(begin, service):
    assert not begin(service).is_offered


@pytest.mark.parametrize("service, version, expected", [
    ("old-must", TLS13, "TLSv1.3"), ("old-must", TLS12, None), ("must", TLS12, "TLSv1.2"), ("must", TLS13, None), ("tls12", TLS12, "TLSv1.2"),
    ("tls12", TLS13, None),
])
def test_protocols_and_ciphers(begin, service, version, expected):
    session = begin(service, context=client_context(version=version))
    assert (session.facts["protocol"] or None) == expected
    if expected and service != "old-must":
        assert "AES128" in session.facts["cipher"] or "CHACHA" in session.facts["cipher"]
        assert begin(service, context=client_context(version=TLS12, ciphers="AES256")).facts["protocol"] == ""


@pytest.mark.parametrize("service, certificate, is_trusted", [
    ("asks", "client", True), ("path", "client", True), ("asks", "other/client", False), ("asks", None, None), ("asks", "deep", True),
    ("shallow", "client", True), ("shallow", "deep", False), ("tlsproxy", "client", None), ("requires", "client", True),
    ("requires", "other/client", False),
])
def test_certificates_of_clients(world, begin, service, certificate, is_trusted):
    session = begin(service, context=client_context(certificate and world.folder / f"{certificate}.chain"))
    facts = session.facts
    assert facts["has_certificate"] == (is_trusted is not None) and facts["is_trusted"] == bool(is_trusted)
    if service == "asks" and certificate == "client":
        assert facts["fingerprint"] == world.authority.digest("client", "sha1") and facts["common_name"] == "client.example.test"
    if service == "requires" and not is_trusted:
        world.wait_log(rf"certificate verification failed for {re.escape(session.peer)}: untrusted issuer ")


def test_what_a_higher_log_level_tells(world, begin):
    session = begin("loud")
    world.wait_log(rf"setting up TLS connection from {re.escape(session.peer)}$")
    world.wait_log(r"cannot load DH parameters from file \S+dh.pem: using compiled-in defaults")


def test_sessions_go_on_in_tickets_of_the_service_alone(begin):
    context = client_context(version=TLS12)
    first = begin(context=context)
    kept = first.client.session

    def resume(service):
        with_session = client_context(version=TLS12)
        with_session.wrap_socket = lambda raw, server_hostname=None: context.wrap_socket(raw, session=kept)
        return begin(service, context=with_session).facts["is_resumed"]

    assert resume("tlsproxy") == 1
    assert resume("ec") == 0


def test_a_new_generation_takes_new_sessions_and_the_old_one_finishes_its_own(make_merpati, tmp_path):
    tmp_path.chmod(0o755)
    Authority(tmp_path).issue("mail")
    mail = make_merpati(main={"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": tmp_path / "mail.chain"}).start()
    session = Session(mail, "tlsproxy")
    mail.reload()
    later = Session(mail, "tlsproxy")
    session.inside.sendall(b"250 still here\r\n")
    assert session.client.recv(100) == b"250 still here\r\n"
    session.inside.close()
    assert session.client.recv(100) == b""
    mail.wait_log(rf"DISCONNECT {re.escape(session.peer)}$")
    session.close()
    later.close()
    mail.stop()
