# SPDX-License-Identifier: Apache-2.0
"""
Servers of databases that die in the middle of an answer, or answer nonsense: what is asked then is unknown, the log names the
table, the process that asks goes on, and the next whole answer counts. Every protocol is a script of what the server says;
MERPATI_EVERY_BYTE=1 spoils each byte of it, else a few are.
"""

import contextlib
import os
import random
import socket
import struct
import threading

import pytest
from support.instance import BUILD, IS_ROOT, Merpati
from test_databases import DYNAMIC_MAPS

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the services that ask are started as users of their own")

VALUE = b"box@example.net"
EVERY_BYTE = os.environ.get("MERPATI_EVERY_BYTE") == "1"


class Gone(Exception):
    """The client is, or the script is at its end."""


class Connection:
    """What the server says to one client: up to cut bytes of it, the one at spoiled turned into another."""

    def __init__(self, server, client):
        self.server = server
        self.client = client
        self.said = 0

    def say(self, data):
        data = bytearray(data)
        if self.server.spoiled is not None and 0 <= self.server.spoiled - self.said < len(data):
            data[self.server.spoiled - self.said] = self.server.spoiled_byte
        if self.server.cut is not None:
            data = data[: max(0, self.server.cut - self.said)]
        self.said += len(data)
        self.server.longest = max(self.server.longest, self.said)
        self.client.sendall(data)
        if self.server.cut is not None and self.said >= self.server.cut:
            raise Gone

    def last(self):
        """The answer is whole: who understood something else shall not wait."""
        self.server.questions += 1
        if self.server.spoiled is not None:
            raise Gone

    def hear(self, count):
        found = b""
        while len(found) < count:
            got = self.client.recv(count - len(found))
            if not got:
                raise Gone
            found += got
        return found

    def hear_line(self):
        found = b""
        while not found.endswith(b"\r\n"):
            found += self.hear(1)
        return found


def pgsql_message(kind, text):
    return kind + struct.pack("!I", len(text) + 4) + text


def pgsql_login(client):
    while True:
        length, code = struct.unpack("!II", client.hear(8))
        client.hear(length - 8)
        if code == 196608:
            break
        client.say(b"N")
    settings = {"server_version": "15.5", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
    client.say(pgsql_message(b"R", struct.pack("!I", 0)) + b"".join(
        pgsql_message(b"S", f"{name}\0{value}\0".encode()) for name, value in settings.items()
    ) + pgsql_message(b"K", struct.pack("!II", 1, 2)) + pgsql_message(b"Z", b"I"))


def pgsql(client):
    pgsql_login(client)
    while True:
        kind, length = struct.unpack("!cI", client.hear(5))
        client.hear(length - 4)
        if kind != b"Q":
            raise Gone
        column = b"v\0" + struct.pack("!IhIhih", 0, 0, 1043, -1, -1, 0)
        client.say(pgsql_message(b"T", struct.pack("!h", 1) + column)
                   + pgsql_message(b"D", struct.pack("!hI", 1, len(VALUE)) + VALUE)
                   + pgsql_message(b"C", b"SELECT 1\0") + pgsql_message(b"Z", b"I"))
        client.last()


def mysql(client):
    def packet(number, text):
        return struct.pack("<I", len(text))[:3] + bytes([number]) + text

    def text(data):
        return bytes([len(data)]) + data

    flags = 0x000FA28D | 0x00080000
    client.say(packet(0, b"\x0a5.5.5-10.11.4-MariaDB\0" + struct.pack("<I", 7) + b"abcdefgh\0" + struct.pack("<H", flags & 0xFFFF)
                      + b"\x2d" + struct.pack("<HH", 2, flags >> 16) + b"\x15" + bytes(10) + b"ijklmnopqrst\0"
                      + b"mysql_native_password\0"))
    done = b"\0\0\0" + struct.pack("<HH", 2, 0)
    length = client.hear(4)
    client.hear(int.from_bytes(length[:3], "little"))
    client.say(packet(length[3] + 1, done))
    end = b"\xfe" + struct.pack("<HH", 0, 2)
    while True:
        length = client.hear(4)
        command = client.hear(int.from_bytes(length[:3], "little"))
        if command[0] != 3:
            raise Gone
        if command[1:4].upper() == b"SET":
            client.say(packet(1, done))
            continue
        column = b"".join(text(word) for word in (b"def", b"mail", b"map", b"map", b"value", b"value"))
        column += b"\x0c" + struct.pack("<HIBHBH", 45, 800, 253, 0, 0, 0)
        client.say(packet(1, b"\x01") + packet(2, column) + packet(3, end) + packet(4, text(VALUE)) + packet(5, end))
        client.last()


def ldap(client):
    def element(tag, *parts):
        data = b"".join(parts)
        return bytes([tag, len(data)]) + data

    def hear():
        head = client.hear(2)
        length = head[1]
        if length & 0x80:
            length = int.from_bytes(client.hear(length & 0x7F), "big")
        data = client.hear(length)
        number = data[: 2 + data[1]]
        return number, data[len(number)]

    result = element(0x0A, b"\0") + element(0x04) + element(0x04)
    while True:
        number, kind = hear()
        if kind == 0x60:
            client.say(element(0x30, number, element(0x61, result)))
        elif kind == 0x63:
            attribute = element(0x30, element(0x04, b"maildrop"), element(0x31, element(0x04, VALUE)))
            client.say(element(0x30, number, element(0x64, element(0x04, b"cn=x,dc=test"), element(0x30, attribute)))
                       + element(0x30, number, element(0x65, result)))
            client.last()
        else:
            raise Gone


def redis(client):
    while True:
        for _ in range(int(client.hear_line()[1:])):
            client.hear(int(client.hear_line()[1:]) + 2)
        client.say(b"*2\r\n$%d\r\n%s\r\n$-1\r\n" % (len(VALUE), VALUE))
        client.last()


def memcache(client):
    while True:
        key = client.hear_line().split()[1]
        client.say(b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(VALUE), VALUE))
        client.last()


SQL_LOGIN = "hosts = 127.0.0.1:PORT\nuser = mail\npassword = x\ndbname = mail\nretry_interval = 0\ntimeout = 2\nquery = SELECT 1\n"
SCRIPTS = {
    "pgsql": (pgsql, SQL_LOGIN),
    "mysql": (mysql, f"{SQL_LOGIN}option_group =\n"),
    "ldap": (ldap, "server_host = ldap://127.0.0.1:PORT\nsearch_base = dc=test\nversion = 3\nbind_dn = cn=x\nbind_pw = x\n"
                   "timeout = 2\nretry_interval = 0\n"),
    "redis": (redis, "hosts = 127.0.0.1:PORT\nretry_interval = 0\ntimeout = 2\nquery = HMGET %s mail other\n"),
    "memcache": (memcache, "memcache = inet:127.0.0.1:PORT\nmax_try = 1\ntimeout = 2\n"),
}


class Scripted:
    """A server that says what a script says, cut or spoiled."""

    def __init__(self, script):
        self.script = script
        self.cut = self.spoiled = None
        self.spoiled_byte = 0
        self.longest = self.questions = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.threads = []
        self.clients = set()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                thread = threading.Thread(target=self.serve, args=[self.socket.accept()[0]])
                thread.start()
                self.threads = [other for other in self.threads if other.is_alive()] + [thread]

    def serve(self, client):
        with client, contextlib.suppress(Gone, OSError, struct.error, ValueError, IndexError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Who was told nonsense may wait for more, and so do we.
            client.settimeout(30 if self.spoiled is None else 0.03)
            self.clients.add(client)
            self.questions += 1
            try:
                self.script(Connection(self, client))
            finally:
                self.clients.discard(client)

    def hang_up(self):
        """On all that are there: the next question comes over a new connection."""
        for client in list(self.clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        self.hang_up()
        for thread in self.threads:
            thread.join()


@pytest.fixture(scope="module")
def mail():
    """One domain for each kind of server, and a connection to ask over."""
    servers = {kind: Scripted(script) for kind, (script, _) in SCRIPTS.items()}
    instance = Merpati()
    try:
        (instance.config / "dynamicmaps.cf").write_text(DYNAMIC_MAPS)
        maps = []
        for kind, (_, text) in SCRIPTS.items():
            text = text.replace("PORT", str(servers[kind].port)) + f"domain = {kind}.test\n"
            maps.append(f"{kind}:{instance.write(f'{kind}.cf', text)}")
        instance.set(meta_directory=instance.config, shlib_directory=BUILD / "modules", virtual_alias_maps=", ".join(maps),
                     virtual_alias_domains=", ".join(f"{kind}.test" for kind in SCRIPTS), smtpd_error_sleep_time="0",
                     smtpd_hard_error_limit="1000000", smtpd_junk_command_limit="1000000", virtual_alias_expansion_limit="100",
                     smtpd_recipient_overshoot_limit="1000000")
        instance.servers = servers
        instance.start()
        yield instance
        assert not instance.complaints()
    finally:
        instance.finish()
        for server in servers.values():
            server.stop()


class Asking:
    """One session that asks for recipients, each of another name."""

    def __init__(self, mail, kind):
        self.client = mail.smtp()
        self.mail = mail
        self.server = mail.servers[kind]
        self.kind = kind
        self.number = 0
        assert self.client.command("EHLO me").code == self.client.command("MAIL FROM:<>").code == 250

    def ask(self):
        """What comes of a question that reaches the server."""
        self.number += 1
        before = self.server.questions
        code = self.client.command(f"RCPT TO:<user{self.number}@{self.kind}.test>").code
        assert self.server.questions > before, self.mail.tail(12)
        return code


@pytest.fixture(params=SCRIPTS)
def asking(request, mail):
    """Of a server that is whole: it says "whole" bytes to a client that comes and asks."""
    session = Asking(mail, request.param)
    server = session.server
    server.cut = server.spoiled = None
    session.pids = mail.pids("proxymap")
    server.hang_up()
    server.longest = 0
    assert session.ask() == 250
    session.whole = server.longest
    yield session
    server.cut = server.spoiled = None
    # Whoever died would have been replaced.
    assert session.ask() == 250
    assert [pid for pid in mail.pids("proxymap") if pid in session.pids] == session.pids
    session.client.close()


def test_half_an_answer_is_none(mail, asking):
    for cut in range(asking.whole):
        asking.server.hang_up()
        asking.server.cut = cut
        assert asking.ask() == 451, f"{cut} of {asking.whole} bytes"
    mail.wait_log(f"warning: .*{asking.kind}:.*{asking.kind}.cf lookup error")


def test_nonsense_ends_nobody(asking):
    chance = random.Random(1)
    spoiled = range(0, asking.whole, 1 if EVERY_BYTE else 1 + asking.whole // 12)
    for place in spoiled:
        for byte in (0, 0x7F, 0x84, 0xFF, chance.randrange(256)) if EVERY_BYTE else (0xFF, chance.randrange(256)):
            asking.server.hang_up()
            asking.server.spoiled_byte = byte
            asking.server.spoiled = place
            assert asking.ask() in (250, 451, 550), f"byte {place} is {byte}"
