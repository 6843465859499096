# SPDX-License-Identifier: Apache-2.0
"""Databases that take a question and do not answer, and files of databases that are replaced while they are open."""

import contextlib
import os
import smtplib
import socket
import sqlite3
import subprocess
import threading

import pytest
from support.instance import BUILD, IS_ROOT, IS_SANITIZED, Merpati
from support.waiting import wait_until
from test_databases import DYNAMIC_MAPS, ask, mariadb, postgresql, world  # noqa: F401

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them")


def test_an_answer_that_takes_too_long_is_none(world, postgresql, mariadb):  # noqa: F811
    logins = {
        "pgsql": f"hosts = 127.0.0.1:{postgresql.port}\nuser = mail\npassword = {postgresql.password}\ndbname = postgres\n",
        "mysql": f"hosts = 127.0.0.1:{mariadb.port}\nuser = mail\npassword = {mariadb.password}\ndbname = mail\n",
    }
    queries = {"pgsql": "SELECT 'late' FROM pg_sleep({})", "mysql": "SELECT IF(SLEEP({}) = 0, 'late', 'interrupted')"}
    for kind, login in logins.items():
        path = world / f"{kind}-slow.cf"
        for duration, found in ((20, "error"), (0.1, {"x": "late"})):
            path.write_text(f"{login}timeout = 1\nquery = {queries[kind].format(duration)}\n")
            assert ask(world, "ours", f"{kind}:{path}", ["x"]) == found
        path.write_text(f"{login}timeout = soon\nquery = SELECT 1\n")
        assert ask(world, "ours", f"{kind}:{path}", ["x"]) == "error"


def test_what_is_no_select_is_an_error(world, postgresql):  # noqa: F811
    path = world / "copy.cf"
    for query in ("COPY map TO STDOUT", "COPY map FROM STDIN", "SET search_path = public"):
        path.write_text(f"hosts = 127.0.0.1:{postgresql.port}\nuser = mail\npassword = {postgresql.password}\n"
                        f"dbname = postgres\ntimeout = 5\nquery = {query}\n")
        assert ask(world, "ours", f"pgsql:{path}", ["x"]) == "error"


def make_file(path, name):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE map (name TEXT)")
        database.execute("INSERT INTO map VALUES (?)", (name,))
    database.close()


def rcpt(mail, address):
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=120) as client:
        client.ehlo()
        client.mail("sender@example.org")
        return client.rcpt(address)[0]


def test_a_file_that_is_replaced_is_asked_from_then_on():
    mail = Merpati()
    try:
        path = mail.config / "replaced"
        make_file(path, "old@hangs.test")
        path.chmod(0o644)
        table = mail.write("replaced.cf", f"dbpath = {path}\nquery = SELECT name FROM map WHERE name = '%s'\n")
        (mail.config / "dynamicmaps.cf").write_text(DYNAMIC_MAPS)
        mail.set(meta_directory=mail.config, shlib_directory=BUILD / "modules", virtual_alias_domains="hangs.test",
                 virtual_alias_maps=f"proxy:sqlite:{table}", smtpd_reject_unlisted_recipient="yes")
        mail.start()
        assert (rcpt(mail, "old@hangs.test"), rcpt(mail, "new@hangs.test")) == (250, 550)
        make_file(mail.config / "new", "new@hangs.test")
        (mail.config / "new").chmod(0o644)
        os.rename(mail.config / "new", path)
        assert (rcpt(mail, "old@hangs.test"), rcpt(mail, "new@hangs.test")) == (550, 250)
    finally:
        mail.finish()


class SilentServer:
    """Takes connections, and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.socket.accept()[0])

    def wait(self, count):
        wait_until(lambda: len(self.taken) >= count, f"{count} connections to the silent server")

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        for connection in (self.socket, *self.taken):
            connection.close()


@pytest.fixture
def silent():
    server = SilentServer()
    yield server
    server.stop()


def hanging_mail(silent, kind):
    mail = Merpati()
    table = mail.write("silent.cf", f"hosts = 127.0.0.1:{silent.port}\ntimeout = 90\n")
    name = f"socketmap:inet:127.0.0.1:{silent.port}:aliases" if kind == "socketmap" else f"{kind}:{table}"
    (mail.config / "dynamicmaps.cf").write_text(DYNAMIC_MAPS)
    mail.set(meta_directory=mail.config, shlib_directory=BUILD / "modules", virtual_alias_domains="hangs.test",
             virtual_alias_maps=f"proxy:{name}")
    return mail.start()


@pytest.mark.parametrize(("kind", "is_reloaded"), (("redis", False), ("socketmap", True)))
def test_a_stop_does_not_wait_for_a_server_that_hangs(silent, kind, is_reloaded):
    mail = hanging_mail(silent, kind)
    try:
        with contextlib.closing(smtplib.SMTP("127.0.0.1", mail.port, timeout=120)) as client:
            client.ehlo()
            client.mail("sender@example.org")
            client.putcmd("RCPT TO:<x@hangs.test>")
            silent.wait(1)
            mail.sendmail("x@hangs.test", input="Subject: local\n\nX\n")
            silent.wait(2)
            if is_reloaded:
                mail.reload()
            mail.stop()
            assert [client.getreply()[0], client.getreply()[0]] == [451, 421]
        assert "did not stop in time" not in mail.log_text()
        mail.log_line("the system stops, and there was no answer yet")
        assert list((mail.queue / "maildrop").iterdir()), "what was taken stays"
        mail.set(virtual_alias_maps="inline:{x@hangs.test=nobody@[127.0.0.1]}")
        mail.start()
        mail.wait_log(r"to=<nobody@\[127\.0\.0\.1\]>, orig_to=<x@hangs\.test>")
    finally:
        mail.finish()


@pytest.mark.parametrize("scheme", ("ldap", "ldaps"))
def test_a_directory_that_says_nothing_is_left_alone_in_time(world, silent, scheme):  # noqa: F811
    path = world / "silent-ldap.cf"
    path.write_text(f"server_host = {scheme}://127.0.0.1:{silent.port}\nversion = 3\nsearch_base = dc=x\ntimeout = 1\n")
    assert ask(world, "ours", f"ldap:{path}", ["x"]) == "error"


@pytest.mark.parametrize("kind", ("sqlite", "pgsql", "mysql"))
def test_an_answer_of_ten_million_rows_is_not_waited_for_nor_held(world, kind, request):  # noqa: F811
    """A query that forgot its condition: some rows are read, and the connection is left."""
    if kind == "sqlite":
        make_file(world / "ten", "x")
        with sqlite3.connect(world / "ten") as database:
            database.executemany("INSERT INTO map VALUES (?)", [(f"row {number}",) for number in range(10)])
        login = f"dbpath = {world}/ten\n"
    else:
        server = request.getfixturevalue({"pgsql": "postgresql", "mysql": "mariadb"}[kind])
        name = {"pgsql": "postgres", "mysql": "mail"}[kind]
        login = f"hosts = 127.0.0.1:{server.port}\nuser = mail\npassword = {server.password}\ndbname = {name}\n"
    tables = ", ".join(f"map {letter}" for letter in "abcdefg")
    path = world / f"{kind}-millions.cf"
    for more, reason in (("expansion_limit = 10\n", b"expansion limit exceeded"), ("", b"query or result too long")):
        path.write_text(f"{login}query = SELECT a.name FROM {tables}\n{more}")
        with subprocess.Popen([BUILD / "bin" / "postmap", "-c", world / "ours", "-q", "x", f"{kind}:{path}"],
                              stderr=subprocess.PIPE) as process:
            said = process.stderr.read()
            usage = os.wait4(process.pid, 0)[2]
        assert reason in said and path.name.encode() in said
        # A sanitizer keeps what was freed for a while.
        assert IS_SANITIZED or usage.ru_maxrss < 250_000, "kilobytes"
