# SPDX-License-Identifier: Apache-2.0
"""The virtual domains of docs/virtual-domains-in-databases.md: what stands there, word for word but for servers and passwords."""

import re
import shlex
import smtplib
import socket
import sqlite3
import tempfile
from pathlib import Path

import pytest
from support.databases import MariaDB, Memcached, OpenLDAP, PostgreSQL, Redis
from support.instance import BUILD, IS_ROOT, SOURCE, Merpati

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them")

PAGE = (SOURCE / "docs" / "virtual-domains-in-databases.md").read_text()
BLOCKS = dict(re.findall(r"^```(\S+)\n(.*?)^```$", PAGE, re.M | re.S))
ROOT_LDIF = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=reader,dc=example,dc=com
objectClass: person
cn: reader
sn: reader
userPassword: secret

"""


def sqlite(directory):
    path = directory / "mail.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript(BLOCKS["schema.sql"])
    path.chmod(0o644)
    return None, BLOCKS["sqlite"].replace("/etc/merpati/mail.sqlite", str(path))


def pgsql(directory):
    server = PostgreSQL(directory / "pgsql").start()
    server.execute(BLOCKS["schema.sql"])
    text = BLOCKS["pgsql"].replace("127.0.0.1", f"127.0.0.1:{server.port}").replace("secret", server.password)
    return server, text.replace("dbname = mail", "dbname = postgres")


def mysql(directory):
    server = MariaDB(directory / "mysql").start()
    server.execute(BLOCKS["schema.sql"], ["mail"])
    return server, BLOCKS["mysql"].replace("127.0.0.1", f"127.0.0.1:{server.port}").replace("secret", server.password)


def ldap(directory):
    server = OpenLDAP(directory / "ldap")
    server.load(ROOT_LDIF + BLOCKS["directory.ldif"])
    server.start()
    return server, BLOCKS["ldap"].replace("127.0.0.1", f"127.0.0.1:{server.port}")


def redis(directory):
    server = Redis(directory / "redis", password="secret").start()
    for line in BLOCKS["data.redis"].splitlines():
        server.execute(*shlex.split(line))
    return server, BLOCKS["redis"].replace("127.0.0.1", f"127.0.0.1:{server.port}")


def memcached(directory, mail):
    """Before what aliases the others have."""
    server = Memcached(directory / "memcached").start()
    text = BLOCKS["memcache-aliases.cf"].replace("/etc/merpati", str(mail.directory)).replace("TYPE", "sqlite")
    mail.write("memcache-aliases.cf", text.replace("11211", str(server.port)))
    mail.set(**dict([BLOCKS["memcache.main.cf"].strip().replace("/etc/merpati", str(mail.directory)).split(" = ", 1)]))
    return server


KINDS = {"memcache": (sqlite, Memcached), "sqlite": (sqlite, None), "pgsql": (pgsql, PostgreSQL), "mysql": (mysql, MariaDB), "ldap": (ldap, OpenLDAP),
         "redis": (redis, Redis)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_documented_set_delivers(kind):
    make, program = KINDS[kind]
    if program is not None and program.why_not():
        pytest.skip(program.why_not())
    with tempfile.TemporaryDirectory(prefix="merpati-databases-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        mail, server = Merpati(), None
        try:
            server, login = make(directory)
            is_cached, kind = kind == "memcache", "sqlite" if kind == "memcache" else kind
            for part in ("domains.cf", "mailboxes.cf", "aliases.cf"):
                mail.write(part, login + BLOCKS.get(f"{kind}-{part}", BLOCKS[part]))
            text = BLOCKS["main.cf"].replace("TYPE", kind).replace("/etc/merpati", str(mail.directory))
            text = text.replace("/var/mail/vhosts", str(mail.mail)).replace("5000", "65534")
            mail.set(**dict(line.split(" = ", 1) for line in text.splitlines()))
            mail.set(meta_directory=mail.config, shlib_directory=BUILD / "modules", recipient_delimiter="+",
                     virtual_minimum_uid="1")
            if is_cached:
                server = memcached(directory, mail)
            (mail.config / "dynamicmaps.cf").write_text(f"{kind} {kind}.so merpati_{kind}\n")
            mail.start()
            with smtplib.SMTP("127.0.0.1", mail.port, timeout=120) as client:
                client.ehlo()
                client.mail("sender@example.org")
                assert client.rcpt("nobody@example.com")[0] == 550
                assert client.rcpt("user@example.com")[0] == 250
                assert client.rcpt("sales@example.com")[0] == 250
                client.data("Subject: x\n\nx\n")
            mail.wait_empty()
            box = mail.mail / "example.com" / "user" / "new"
            # user's own, and what sales stands for.
            assert len(list(box.iterdir())) == (2 if kind == "ldap" else 3)
            if is_cached:
                with socket.create_connection(("127.0.0.1", server.port)) as asked:
                    asked.sendall(b"get alias:sales@example.com\r\nquit\r\n")
                    assert b"user+sales@example.com" in asked.makefile("rb").read()
        finally:
            mail.finish()
            if server is not None:
                server.stop()
