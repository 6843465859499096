# SPDX-License-Identifier: Apache-2.0
"""What tlsmgr keeps for processes that speak TLS: sessions with servers, keys of tickets, and what happens without it."""

import os
import re
import signal
import socket
import ssl
import time as clock

import pytest

from support.certificates import Authority, client_context
from support.channel import Call, raw, text, time, varint
from support.instance import Merpati, Stock
from support.side_by_side import options
from support.smtp_client import SmtpClient
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
        if "tlsmgr_service_name" in main:
            self.mail.master = re.sub(r"(?m)^tlsmgr( .*)$", rf"{main['tlsmgr_service_name']}\1", self.mail.master)
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


@pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")
def test_a_connection_that_is_used_again_is_told_as_stock_tells_it(make_client):
    told = []
    for kind in (Stock, Merpati):
        more = {"smtp_tls_connection_reuse": "yes", "smtp_connection_cache_destinations": "static:all"} if kind is Stock else \
            {"smtp_connection_cache_on_demand": "yes", "smtp_connection_cache_destinations": "static:all"}
        client = make_client(kind, smtp_tls_loglevel=1, smtp_tls_session_cache_database="", **more)
        if kind is Stock:
            client.mail.services.append("tlsproxy unix - - n - 0 tlsproxy")
            client.mail.write_config()
            client.mail.reload()
        told.append([[line for line in client.send() if "TLS connection" in line] for _ in range(2)])
    stock, ours = told
    assert ours == stock
    assert "Verified TLS connection reused to" in ours[1][0]


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


@pytest.fixture(scope="module")
def shared(authority):
    """One client for many questions: services that go to one sink with other parameters, and back."""
    client = Client(Merpati, authority, server_context(authority), service_workers=1, tlsmgr_service_name="keeper", services={
        "other-name": {"smtp_tls_verify_cert_match": "other.example.test:mail.example.test"},
        "weaker": {"smtp_tls_security_level": "encrypt"},
        "other-ciphers": {"smtp_tls_mandatory_ciphers": "high"},
        "nobody": {"smtp_tls_CAfile": authority.path("other", "pem")},
        "shown": {"smtp_tls_chain_files": authority.path("mail", "chain")},
        "no-time": {"smtp_tls_session_cache_timeout": "0"},
        "no-place": {"smtp_tls_session_cache_database": ""},
    })
    yield client
    client.finish()


def test_a_server_that_sends_tickets_without_end_has_a_few_kept(make_client, authority):
    context = server_context(authority)
    context.num_tickets = 100
    client = make_client(context=context)
    lines = client.send()
    assert 1 <= len([line for line in lines if line.startswith("save session")]) <= 4, lines
    wait_until(client.was_reused, "a session that is used again")


def test_a_session_outlives_processes_and_tlsmgr(shared):
    """It is in a file, and found by whoever comes next."""
    shared.send()
    assert shared.was_reused()
    shared.mail.stop()
    assert (shared.mail.data / "smtp_scache.lmdb").stat().st_mode & 0o077 == 0
    shared.mail.start()
    assert shared.was_reused()


@pytest.mark.parametrize("name", ["other-name", "weaker", "other-ciphers", "shown"])
def test_a_session_is_good_for_all_that_was_demanded_and_nothing_else(shared, name):
    shared.send()
    assert not shared.was_reused(f"{name}")
    assert shared.was_reused(f"{name}")


def test_a_server_that_has_not_proved_who_it_is_has_no_session_kept(shared):
    for _ in range(2):
        lines = shared.send("nobody", outcome="deferred")
        assert any("looking for session" in line for line in lines)
        assert not any(re.search("reloaded|save session|Reusing", line) for line in lines)


@pytest.mark.parametrize("name", ["no-time", "no-place"])
def test_without_time_or_place_none_is_kept(shared, name):
    for _ in range(2):
        assert not any("session" in line for line in shared.send(name))


def test_without_tlsmgr_handshakes_are_full_ones_and_mail_goes_on(shared):
    shared.send()
    instance = shared.mail
    socket = instance.queue / "private" / "keeper"
    hidden = socket.with_name("keeper.away")
    instance.kill("tlsmgr")
    socket.rename(hidden)
    try:
        shared.mail.kill("smtp")
        assert not shared.was_reused()
        instance.wait_log(r"smtp\[\d+\]: warning: no TLS session cache: .*private/keeper.*; handshakes are full ones")
        assert not shared.was_reused()
    finally:
        hidden.rename(socket)
    shared.send()
    assert shared.was_reused()


def test_a_tlsmgr_that_does_not_answer_holds_up_nobody_for_long(make_client, authority):
    """As one that hangs, or that master cannot start: its socket is there."""
    client = make_client(tlsmgr_service_name="mute", smtpd_tls_security_level="may", smtpd_tls_chain_files=authority.path("mail", "chain"),
                         service_workers=1)
    path = client.mail.queue / "private" / "mute"
    client.mail.kill("tlsmgr", signal.SIGSTOP)
    stopped = client.mail.pids("tlsmgr")
    path.unlink()
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        path.chmod(0o666)
        mute.listen(100)
        begun = clock.monotonic()
        with SmtpClient(client.mail.port) as one:
            one.hello()
            one.command("STARTTLS")
            one.socket.settimeout(40)
            one.socket = client_context().wrap_socket(one.socket)
        assert client.mail.log_line("warning: no shared keys of session tickets: ")
        client.send()
        assert client.mail.log_line("warning: no TLS session cache: ")
        client.send()
        assert clock.monotonic() - begun < 60
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)


def test_a_damaged_cache_is_begun_anew(shared):
    shared.send()
    shared.mail.stop()
    path = shared.mail.data / "smtp_scache.lmdb"
    for damage in (lambda data: data[:5000], lambda data: bytes(byte ^ 0x5A for byte in data)):
        path.write_bytes(damage(path.read_bytes()))
        told = len(shared.mail.log_lines("smtp_scache.lmdb is damaged"))
        shared.mail.start()
        assert not shared.was_reused()
        shared.mail.wait_log(r"tlsmgr\[\d+\]: warning: \S+/smtp_scache.lmdb is damaged or unreadable: it is removed, and begun anew",
                             count=told + 1)
        assert shared.was_reused()
        shared.mail.stop()
    shared.mail.start()


def test_lmtp_has_a_cache_of_its_own(authority):
    sink = SmtpSink(tls=server_context(authority), is_lmtp=True)
    mail = Merpati(main={"default_transport": f"lmtp:[127.0.0.1]:{sink.port}", "lmtp_tls_security_level": "encrypt",
                         "lmtp_tls_loglevel": 2, "lmtp_tls_session_cache_database": "hash:${data_directory}/lmtp_scache",
                         "lmtp_host_lookup": "native", "lmtp_connection_cache_on_demand": "no"})
    mail.services.append(f"short unix - - {mail.chroot} - - lmtp -o lmtp_tls_session_cache_timeout=0")
    mail.set(transport_maps=f"inline:{{ short.test=short:[127.0.0.1]:{sink.port} }}")
    mail.start()
    try:
        for number, (to, count) in enumerate([("long", 0), ("long", 1), ("short", 1), ("short", 1)]):
            mail.sendmail("-f", "a@example.test", f"m{number}@{to}.test", input="Subject: x\n\nx\n")
            mail.wait_log(rf"to=<m{number}@{to}\.test>.*status=sent")
            assert len(mail.log_lines(r"lmtp\[\d+\]: \S+: Reusing old session")) == count
        assert mail.log_lines(r"save session lmtp&\S+ to lmtp cache")
        mail.wait_log(r"tlsmgr\[\d+\]: warning: hash:\S+/lmtp_scache: a cache is always an lmdb: file")
    finally:
        mail.finish()
        sink.stop()


# ---- what else it keeps ----

STS = 2
GET, ENTRY, PUT, KEPT = range(4)


class Keeper:
    def __init__(self, mail):
        self.mail = mail

    def ask(self, number, payload, answer):
        call = Call(self.mail.queue / "private" / "tlsmgr", "tlsmgr")
        call.send(number, payload)
        kind, fields = call.receive()
        call.close()
        assert kind == answer
        return fields

    def put(self, key, value, seconds):
        return self.ask(PUT, varint(STS) + text(key) + raw(value) + time(clock.time() + seconds), KEPT).number()

    def get(self, key):
        fields = self.ask(GET, varint(STS) + text(key), ENTRY)
        if not fields.number():
            return None
        size = fields.number()
        return fields.data[:size]


def test_what_is_put_is_there_until_its_time_is_over(make_merpati):
    mail = make_merpati(main={"smtp_tls_mta_sts_cache_database": "lmdb:$data_directory/other_name"})
    mail.start()
    keeper = Keeper(mail)
    large = bytes(range(256)) * 400
    assert keeper.get("example.test") is None
    assert keeper.put("example.test", large, 1000) and keeper.put("other.test", b"", 1000)
    assert keeper.get("example.test") == large and keeper.get("other.test") == b""
    assert keeper.put("example.test", b"new\0", 1000)
    mail.stop()
    assert (mail.data / "other_name.lmdb").exists()
    mail.start()
    assert keeper.get("example.test") == b"new\0"
    assert keeper.put("example.test", b"", -1)
    assert keeper.get("example.test") is None
    assert keeper.put("short.test", b"x", 0.3)
    wait_until(lambda: keeper.get("short.test") is None, "the end of an entry's time")


def test_a_check_tells_where_there_is_no_such_service(make_merpati, authority):
    mail = make_merpati(main={"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": authority.path("mail", "chain"),
                              "smtp_tls_security_level": "may", "smtp_tls_session_cache_database": "lmdb:$data_directory/smtp_scache"})
    assert "tlsmgr" not in mail.control("check", check=False).stderr
    mail.master = re.sub(r"(?m)^tlsmgr .*\n", "", mail.master)
    mail.write_config()
    checked = mail.control("check", check=False)
    for loss in ("no process reads the session tickets of another", "no TLS session is kept"):
        assert f'there is no service tlsmgr: {loss}; add to {mail.config}/master.cf: "tlsmgr unix - - y 1000? 1 tlsmgr"' in checked.stderr
    assert checked.returncode == 0


# ---- tickets of the server ----

class Server:
    def __init__(self, authority):
        self.chain = authority.directory / "served.chain"
        self.chain.write_bytes(authority.path("mail", "chain").read_bytes())
        self.chain.chmod(0o644)
        self.mail = Merpati(main={"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": self.chain, "smtpd_tls_loglevel": 2})
        self.other = free_port()
        self.mail.services.append(f"127.0.0.1:{self.other} inet n - {self.mail.chroot} - - smtpd")
        self.mail.write_config()
        self.mail.start()
        self.context = client_context()

    def visit(self, session=None, port=None):
        """A handshake and a few words: whether it took the session up, and the session it ended with."""
        client = SmtpClient(port or self.mail.port)
        client.line("EHLO client.example.test")
        assert client.reply().code == 250
        client.line("STARTTLS")
        assert client.reply().code == 220
        client.socket = self.context.wrap_socket(client.socket, session=session)
        client.line("EHLO client.example.test")
        assert client.reply().code == 250
        found = client.socket.session_reused, client.socket.session
        client.close()
        return found


@pytest.fixture(scope="module", params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def server(authority, request):
    server = Server(authority)
    server.context.maximum_version = request.param
    yield server
    server.mail.finish()


def test_all_processes_of_a_service_read_its_tickets(server, authority):
    was_reused, session = server.visit()
    assert not was_reused
    assert server.visit(session)[0]
    # Other processes, for any reason.
    server.mail.kill("smtpd")
    assert server.visit(session)[0]
    server.mail.reload()
    assert server.visit(session)[0]


def test_a_ticket_is_good_for_its_service_alone(server):
    _, session = server.visit()
    assert not server.visit(session, server.other)[0]
    was_reused, others = server.visit(port=server.other)
    assert server.visit(others, server.other)[0]
    assert not server.visit(others)[0]
    assert server.visit(session)[0]


def test_a_session_without_a_certificate_is_none_where_one_is_asked_for(server):
    _, session = server.visit()
    assert server.visit(session)[0]
    server.mail.set(smtpd_tls_ask_ccert="yes")
    server.mail.reload()
    assert not server.visit(session)[0]
    _, session = server.visit()
    assert server.visit(session)[0]
    server.mail.set(smtpd_tls_CAfile=server.chain.with_name("ca.pem"))
    server.mail.reload()
    assert not server.visit(session)[0]


def test_without_tlsmgr_each_process_has_keys_of_its_own(server):
    socket = server.mail.queue / "private" / "tlsmgr"
    hidden = socket.with_name("tlsmgr.away")
    _, old = server.visit()
    server.mail.kill("tlsmgr")
    socket.rename(hidden)
    try:
        server.mail.kill("smtpd")
        was_reused, session = server.visit(old)
        assert not was_reused
        server.mail.wait_log(r"smtpd\[\d+\]: warning: no shared keys of session tickets: .*; those of this process do")
    finally:
        hidden.rename(socket)
