# SPDX-License-Identifier: Apache-2.0
"""
What is wrong with keys, and what peers may do wrong in TLS, in both directions: a clear line in the log, a defined reply, mail that
waits with a reason; never in clear what is to be encrypted, and never longer than the time that a handshake has.
"""

import re
import socket
import ssl
import struct
import subprocess

import pytest

from support.certificates import Authority, client_context
from support.instance import Merpati
from support.side_by_side import options
from support.smtp_client import SmtpClient
from support.smtp_sink import SmtpSink
from support.waiting import free_port

RECORD = b"\x16\x03\x01"
HUGE = b"".join(RECORD + struct.pack(">H", 0xFFFF) + b"x" * 0xFFFF for _ in range(256))
FATAL_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


class Peer:
    """One end of TLS over a socket, by hand: what it sends, and when, is the test's."""

    def __init__(self, connection, context, server_side=False):
        self.socket = connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side)

    def run(self, action, flights=None):
        """The action, with at most so many flights of ours."""
        while True:
            try:
                result = action()
                self.socket.sendall(self.outgoing.read())
                return result
            except ssl.SSLWantReadError:
                data = self.outgoing.read()
                if data and flights is not None:
                    if flights == 0:
                        return None
                    flights -= 1
                self.socket.sendall(data)
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionError("the other end has closed")
                self.incoming.write(data)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def hello(context):
    """A whole ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def many_certificates(authority):
    """A chain of half a megabyte: more than anybody takes."""
    chain = authority.path("good", "chain").read_bytes() + authority.path("ca", "pem").read_bytes() * 1000
    path = authority.path("huge", "chain")
    path.write_bytes(chain)
    return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    for place in (directory, directory.parent):
        place.chmod(0o755)
    authority = Authority(directory)
    authority.issue("good", "/CN=localhost", alternative="DNS:localhost")
    authority.issue("other")
    authority.issue("old", days=-1)
    many_certificates(authority)
    chain = authority.path("good", "chain").read_bytes()
    (directory / "truncated.chain").write_bytes(chain[: len(chain) - 200])
    (directory / "half.key").write_bytes(authority.path("good", "key").read_bytes()[:100])
    (directory / "empty.chain").write_bytes(b"")
    return authority


# ---- keys of the server: what the parameters say; what is told (None: TLS there is) ----

KEYS = {
    "good": ({"smtpd_tls_chain_files": "DIR/good.chain"}, None),
    "expired": ({"smtpd_tls_chain_files": "DIR/old.chain"}, None),
    "mismatched": ({"smtpd_tls_cert_file": "DIR/good.pem", "smtpd_tls_key_file": "DIR/other.key"}, "key values mismatch"),
    "truncated": ({"smtpd_tls_chain_files": "DIR/truncated.chain"}, r"truncated\.chain"),
    "half-a-key": ({"smtpd_tls_cert_file": "DIR/good.pem", "smtpd_tls_key_file": "DIR/half.key"}, r"half\.key"),
    "empty": ({"smtpd_tls_chain_files": "DIR/empty.chain"}, r"empty\.chain"),
    "missing": ({"smtpd_tls_chain_files": "DIR/missing.chain"}, r"missing\.chain"),
    "a-directory": ({"smtpd_tls_chain_files": "DIR"}, "DIR"),
}


@pytest.fixture(scope="module")
def server(certificates):
    mail = Merpati(main={
        "smtpd_tls_security_level": "encrypt", "smtpd_tls_loglevel": 1, "smtpd_starttls_timeout": "3s",
        "smtpd_tls_chain_files": certificates.path("good", "chain"), "smtpd_client_connection_count_limit": 0, "service_workers": 1})
    mail.ports = {}
    for name, (parameters, _) in KEYS.items():
        parameters = {key: value.replace("DIR", str(certificates.directory)) for key, value in parameters.items()}
        for kind, more in ((name, {}), (f"{name}-wrapped", {"smtpd_tls_wrappermode": "yes"})):
            mail.ports[kind] = free_port()
            own = {"smtpd_tls_chain_files": "", **parameters, **more}
            mail.services.append(f"127.0.0.1:{mail.ports[kind]} inet n - {mail.chroot} - - smtpd{options(own)}")
    mail.ports["asking"] = free_port()
    mail.services.append(f"127.0.0.1:{mail.ports['asking']} inet n - {mail.chroot} - - smtpd" + options({"smtpd_tls_ask_ccert": "yes"}))
    mail.write_config()
    try:
        mail.start()
        yield mail
    finally:
        mail.finish()


@pytest.mark.parametrize("name", KEYS)
def test_a_server_without_a_key_that_can_be_used_says_so(server, certificates, name):
    told = KEYS[name][1]
    client = SmtpClient(server.ports[name])
    client.hello()
    answer = client.command("STARTTLS")
    wrapped = SmtpClient(server.ports[f"{name}-wrapped"], greet=False)
    if told is None:
        assert answer.text == "220 2.0.0 Ready to start TLS"
        assert Peer(wrapped.socket, client_context()).run(lambda: None) is None
        return
    assert answer.text == "454 4.7.0 TLS not available due to local problem"
    # And nothing goes on in clear.
    assert client.command("MAIL FROM:<a@example.test>").text == "530 5.7.0 Must issue a STARTTLS command first"
    wrapped.socket.sendall(hello(client_context()))
    assert not received(wrapped.socket)
    server.wait_log(r"warning: .*(?:" + told.replace("DIR", re.escape(str(certificates.directory))) + ")")


def received(connection):
    data = b""
    try:
        while got := connection.recv(65536):
            data += got
    except ConnectionError:
        pass
    return data


# ---- what clients do: with their socket, after 220; what is told of it ----

def huge_certificates(client, authority):
    context = client_context(authority.path("huge", "chain"), version=ssl.TLSVersion.TLSv1_2)
    peer = Peer(client, context)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        peer.run(peer.tls.do_handshake)


def sends(data):
    def send(client, authority):
        try:
            client.sendall(data)
        except ConnectionError:
            pass
    return send


TIMED_OUT = "Connection timed out"
GONE = "lost connection"
NONSENSE = "-1"

CLIENTS = {
    "says-nothing": (lambda client, authority: None, TIMED_OUT),
    "half-a-hello": (lambda client, authority: client.sendall(hello(client_context())[:50]), TIMED_OUT),
    "a-hello-alone": (lambda client, authority: client.sendall(hello(client_context())), TIMED_OUT),
    "a-hello-byte-by-byte": (lambda client, authority: [client.sendall(bytes([c])) for c in hello(client_context())], TIMED_OUT),
    "goes": (lambda client, authority: client.shutdown(socket.SHUT_WR), GONE),
    "goes-after-hello": (lambda client, authority: (client.sendall(hello(client_context())), client.shutdown(socket.SHUT_WR)), GONE),
    "resets": (lambda client, authority: reset(client), GONE),
    "resets-after-hello": (lambda client, authority: (client.sendall(hello(client_context())), client.recv(1), reset(client)), GONE),
    "16-megabytes": (sends(HUGE), NONSENSE),
    "alert": (sends(FATAL_ALERT), NONSENSE),
    "alert-after-hello": (lambda client, authority: (client.sendall(hello(client_context())), client.recv(1),
                                                     client.sendall(FATAL_ALERT)), NONSENSE),
    "in-clear": (sends(b"EHLO client.example\r\nMAIL FROM:<a@example.test>\r\n"), NONSENSE),
    "in-clear-after-hello": (lambda client, authority: (client.sendall(hello(client_context())), client.recv(1),
                                                        client.sendall(b"MAIL FROM:<a@example.test>\r\n")), NONSENSE),
    "many-certificates": (huge_certificates, NONSENSE),
}


@pytest.fixture(scope="module")
def strangers(server, certificates):
    """All at once: for each address the client that was there."""
    there = {}
    for number, (name, (act, _)) in enumerate(CLIENTS.items()):
        client = SmtpClient(server.ports["asking"], source=f"127.0.4.{number + 1}")
        client.hello()
        client.line("STARTTLS")
        assert client.reply().code == 220
        act(client.socket, certificates)
        there[name] = client
    yield there
    for client in there.values():
        client.socket.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_that_does_wrong_is_told_of_and_left(server, strangers, name):
    number = list(CLIENTS).index(name) + 1
    server.wait_log(rf"smtpd\[\d+\]: SSL_accept error from \S*\[127\.0\.4\.{number}\]: {re.escape(CLIENTS[name][1])}$")
    server.wait_log(rf"smtpd\[\d+\]: disconnect from \S*\[127\.0\.4\.{number}\] .*starttls=0/1")
    connection = strangers[name].socket
    if connection.fileno() >= 0:
        assert b"250" not in received(connection)


@pytest.mark.parametrize("data", [b"MAIL FROM:<a@example.test>\r\n", FATAL_ALERT, RECORD + b"\xff\xff" + b"x" * 70000, b"\x17\x03\x03\x00\x20" + b"y" * 32])
def test_what_does_not_belong_into_an_encrypted_session_ends_it(server, data):
    client = SmtpClient(server.port)
    client.hello()
    client.command("STARTTLS")
    peer = Peer(client.socket, client_context())
    peer.run(peer.tls.do_handshake)
    peer.tls.write(b"EHLO client.example\r\n")
    client.socket.sendall(peer.outgoing.read())
    assert peer.run(lambda: peer.tls.read(1000)).startswith(b"250-")
    sends(data)(client.socket, None)
    assert b"250" not in received(client.socket)


def test_nobody_renegotiates_with_the_server(server):
    told = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-starttls", "smtp", "-tls1_2", "-crlf"],
                          input="R\nQUIT\n", capture_output=True, text=True, timeout=60)
    assert "RENEGOTIATING" in told.stderr and "no renegotiation" in told.stderr, told


# ---- what servers do: with their socket, after 220; what is told, and why the mail waits ----

HANDSHAKE = "Cannot start TLS: handshake failure"


def server_sends(data):
    def send(session, authority):
        session.socket.recv(65536)
        sends(data)(session.socket, None)
        received(session.socket)
    return send


def answer(session, authority, chain="good", flights=None, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if version:
        context.minimum_version = context.maximum_version = version
    context.load_cert_chain(authority.path(chain, "chain"))
    peer = Peer(session.socket, context, server_side=True)
    peer.run(peer.tls.do_handshake, flights)
    return peer


def half_a_flight(session, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.path("good", "chain"))
    peer = Peer(session.socket, context, server_side=True)
    peer.incoming.write(session.socket.recv(65536))
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    session.socket.sendall(peer.outgoing.read()[:200])
    received(session.socket)


def after_the_handshake(data):
    def act(session, authority):
        peer = answer(session, authority)
        assert peer.run(lambda: peer.tls.read(1000)).startswith(b"EHLO ")
        if data:
            sends(data)(session.socket, None)
            received(session.socket)
    return act


SERVERS = {
    "says-nothing": (lambda session, authority: received(session.socket), TIMED_OUT, HANDSHAKE),
    "half-a-flight": (half_a_flight, TIMED_OUT, HANDSHAKE),
    "stalls-at-the-end": (lambda session, authority: (answer(session, authority, flights=0, version=ssl.TLSVersion.TLSv1_2),
                                                      received(session.socket)), TIMED_OUT, HANDSHAKE),
    "goes": (lambda session, authority: session.socket.recv(65536), GONE, HANDSHAKE),
    "resets": (lambda session, authority: reset(session.socket), GONE, HANDSHAKE),
    "16-megabytes": (server_sends(HUGE), NONSENSE, HANDSHAKE),
    "alert": (server_sends(FATAL_ALERT), NONSENSE, HANDSHAKE),
    "in-clear": (server_sends(b"250-mx.example\r\n250 8BITMIME\r\n"), NONSENSE, HANDSHAKE),
    "many-certificates": (lambda session, authority: answer(session, authority, chain="huge"), NONSENSE, HANDSHAKE),
    "in-clear-later": (after_the_handshake(b"250-mx.example\r\n250 8BITMIME\r\n"), None, "lost connection with"),
    "alert-later": (after_the_handshake(FATAL_ALERT), None, "lost connection with"),
    "huge-later": (after_the_handshake(HUGE), None, "lost connection with"),
    "goes-later": (after_the_handshake(b""), None, "lost connection with"),
}
LEVELS = ("may", "encrypt")


@pytest.fixture(scope="module")
def sent(certificates):
    def misbehave(session):
        SERVERS[session.hello.split()[1].partition(".")[2]][0](session, certificates)
        raise OSError("it is over")

    sink = SmtpSink(tls=misbehave)
    mail = Merpati()
    rows = [(name, level) for name in SERVERS for level in LEVELS]
    for name, level in rows:
        own = {"smtp_tls_security_level": level, "smtp_tls_loglevel": 1, "smtp_starttls_timeout": "3s", "smtp_helo_timeout": "10s",
               "smtp_helo_name": f"{level}.{name}", "smtp_host_lookup": "native", "service_workers": 1}
        mail.services.append(f"{level}-{name} unix - - {mail.chroot} - - smtp{options(own)}")
    mail.set(transport_maps="inline:{ " + ", ".join(
        f"{level}.{name}.test={level}-{name}:[127.0.0.1]:{sink.port}" for name, level in rows) + " }")
    mail.sink = sink
    try:
        mail.start()
        mail.sendmail("-f", "a@example.test", *[f"b@{level}.{name}.test" for name, level in rows], input="Subject: x\n\ntext\n")
        yield mail
    finally:
        mail.finish()
        sink.stop()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_does_wrong_is_told_of_and_the_mail_waits(sent, name, level):
    _, told, reason = SERVERS[name]
    sent.wait_log(rf"to=<b@{level}\.{name}\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*dsn=4\.\d\.\d, status=deferred \((?:{reason})")
    if told is not None:
        assert sent.log_lines(rf"smtp\[\d+\]: SSL_connect error to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: {re.escape(told)}$")
    assert not sent.sink.messages
    own = [session for session in sent.sink.sessions if session.hello == f"EHLO {level}.{name}"]
    assert own and all(session.lines == [session.hello, "STARTTLS"] for session in own)


def test_nobody_renegotiates_with_the_client(make_merpati, certificates):
    """The server asks for a new handshake in the middle, and gets none: who was judged stays who he is."""
    port = free_port()
    chain = certificates.path("good", "chain")
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", chain, "-key", chain, "-tls1_2", "-naccept", "1"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        mail = make_merpati(main={"smtp_tls_security_level": "encrypt", "smtp_tls_wrappermode": "yes", "smtp_tls_loglevel": 1,
                                  "relayhost": f"[127.0.0.1]:{port}", "smtp_host_lookup": "native", "smtp_helo_timeout": "5s"})
        mail.start()
        mail.sendmail("-f", "a@example.test", "b@else.test", input="Subject: x\n\ntext\n")
        mail.wait_log("TLS connection established to")
        server.stdin.write(b"220 x ESMTP\r\n")
        server.stdin.flush()
        while not (line := server.stdout.readline()).startswith(b"EHLO"):
            assert line
        server.stdin.write(b"R\n")
        server.stdin.flush()
        mail.wait_log("status=deferred")
        server.kill()
        assert b"no renegotiation" in server.stdout.read()
    finally:
        server.kill()
        server.wait()


# ---- files that change ----

def test_a_client_shows_its_new_certificate_soon_and_a_bad_one_never(make_merpati, certificates, tmp_path):
    tmp_path.chmod(0o755)
    authority = Authority(tmp_path)
    for name in ("one", "two"):
        authority.issue(name, f"/CN={name}.example.test")
    chain = tmp_path / "client.chain"
    chain.write_bytes(authority.path("one", "chain").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.path("good", "chain"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)
    sink = SmtpSink(tls=context)
    mail = make_merpati(main={"smtp_tls_security_level": "encrypt", "smtp_tls_chain_files": chain, "smtp_host_lookup": "native",
                              "smtp_connection_cache_on_demand": "no", "relayhost": f"[127.0.0.1]:{sink.port}"})

    def shown():
        count = len(sink.messages)
        mail.sendmail("-f", "a@example.test", "b@else.test", input="Subject: x\n\ntext\n")
        sink.wait_for(count + 1)
        return [session.certificate["subject"][0][0][1] for session in sink.sessions if session.certificate][-1]

    try:
        mail.start()
        assert shown() == "one.example.test"
        # A key that is not the certificate's.
        chain.write_bytes(authority.path("two", "key").read_bytes() + authority.path("one", "pem").read_bytes())
        mail.wait_log("smtp.*keys and certificates that were in force before stay in force")
        assert shown() == "one.example.test"
        chain.write_bytes(authority.path("two", "chain").read_bytes())
        for _ in range(200):
            if shown() == "two.example.test":
                return
        pytest.fail(f"the new certificate was never shown\n{mail.tail()}")
    finally:
        sink.stop()
