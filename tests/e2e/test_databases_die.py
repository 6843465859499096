# SPDX-License-Identifier: Apache-2.0
"""Databases that die under running mail, and come back: nothing is lost, nothing goes elsewhere, nobody reloads."""

import contextlib
import os
import pwd
import smtplib
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from support.databases import MariaDB, OpenLDAP, PostgreSQL, Redis
from support.instance import BUILD, IS_ROOT, Merpati
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them")

NETWORK = ("pgsql", "mysql", "ldap", "redis")
KINDS = ("sqlite", *NETWORK)
USERS = 8

SQL = "CREATE TABLE map (name VARCHAR(100) PRIMARY KEY, value VARCHAR(100));" + "".join(
    "INSERT INTO map VALUES ('user{0}@{{kind}}.test', '{{kind}}-{0}@box.test');".format(number) for number in range(USERS)
)
LDIF = "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n" + "".join(
    f"\ndn: cn=user{n},dc=example,dc=com\nobjectClass: person\nobjectClass: mailThing\ncn: user{n}\nsn: user\n"
    f"mailacceptinggeneralid: user{n}@ldap.test\nmaildrop: ldap-{n}@box.test\n"
    for n in range(USERS)
)


@pytest.fixture(scope="module")
def servers():
    with tempfile.TemporaryDirectory(prefix="merpati-databases-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        directory.chmod(0o755)
        for kind in (PostgreSQL, MariaDB, OpenLDAP, Redis):
            if kind.why_not():
                pytest.skip(kind.why_not())
        made = {"pgsql": PostgreSQL(directory / "pgsql"), "mysql": MariaDB(directory / "mysql"),
                "ldap": OpenLDAP(directory / "ldap"), "redis": Redis(directory / "redis")}
        made["ldap"].load(LDIF)
        for server in made.values():
            stack.callback(server.stop)
            server.start()
        made["pgsql"].execute(SQL.format(kind="pgsql"))
        made["mysql"].execute(SQL.format(kind="mysql"), ["mail"])
        for number in range(USERS):
            made["redis"].execute("SET", f"user{number}@redis.test", f"redis-{number}@box.test")
        made["directory"] = directory
        with sqlite3.connect(directory / "sqlite") as database:
            database.executescript(SQL.format(kind="sqlite"))
        yield made


def tables(servers):
    query = "query = SELECT value FROM map WHERE name = '%s'\nretry_interval = 1\n"
    pg, my, ldap, redis = (servers[kind] for kind in NETWORK)
    return {
        "sqlite": f"dbpath = {servers['directory']}/sqlite\n{query}",
        "pgsql": f"hosts = 127.0.0.1:{pg.port}\nuser = mail\npassword = {pg.password}\ndbname = postgres\n{query}",
        "mysql": f"hosts = 127.0.0.1:{my.port}\nuser = mail\npassword = {my.password}\ndbname = mail\noption_group =\n{query}",
        "ldap": f"server_host = ldap://127.0.0.1:{ldap.port}\nbind_dn = cn=admin,dc=example,dc=com\nbind_pw = {ldap.password}\n"
        "search_base = dc=example,dc=com\nversion = 3\nretry_interval = 1\n",
        "redis": f"hosts = 127.0.0.1:{redis.port}\nretry_interval = 1\n",
    }


@pytest.fixture(scope="module")
def mail(servers):
    instance = Merpati(main={
        "virtual_mailbox_domains": "box.test",
        "virtual_mailbox_maps": "static:all/",
        "virtual_uid_maps": f"static:{pwd.getpwnam('nobody').pw_uid}",
        "virtual_gid_maps": f"static:{pwd.getpwnam('nobody').pw_gid}",
        "virtual_minimum_uid": "1",
        "virtual_alias_domains": ", ".join(f"{kind}.test" for kind in KINDS),
        "shlib_directory": BUILD / "modules",
        "smtpd_error_sleep_time": "0",
        "smtpd_hard_error_limit": "1000",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "1s",
        "queue_run_delay": "1s",
    })
    try:
        instance.set(meta_directory=instance.config, virtual_mailbox_base=instance.mail)
        (instance.config / "dynamicmaps.cf").write_text("".join(f"{kind} {kind}.so merpati_{kind}\n" for kind in KINDS))
        maps = []
        for kind, text in tables(servers).items():
            maps.append(f"{kind}:{instance.write(f'{kind}.cf', f'{text}domain = {kind}.test{chr(10)}')}")
        instance.set(virtual_alias_maps=", ".join(maps))
        yield instance.start()
    finally:
        instance.finish()


def rcpt(mail, address):
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=120) as client:
        client.ehlo()
        client.mail("sender@example.org")
        code, text = client.rcpt(address)
        return code, text.decode()


def answers(mail, kind):
    return rcpt(mail, f"user1@{kind}.test")[0], rcpt(mail, f"nobody@{kind}.test")[0]


def wait_steady(mail, kind):
    """Several processes ask, and each of them leaves a server that was away alone for a second."""
    wait_until(lambda: all(answers(mail, kind) == (250, 550) for _ in range(6)), f"{kind} to be asked again")


def test_services_ask_databases(mail):
    for kind in KINDS:
        assert answers(mail, kind) == (250, 550), kind
    # What is in the address stays in the address.
    for address in ("x'||'@{}.test", '"a b*"@{}.test', "*@{}.test", "\\\\@{}.test", "user1*)(cn=*@{}.test"):
        for kind in KINDS:
            assert rcpt(mail, f"<{address.format(kind)}>")[0] in (550, 501, 553), (kind, address)


@pytest.mark.parametrize("kind", NETWORK)
def test_a_dead_database_defers_its_own_mail_and_is_back_without_a_reload(mail, servers, kind):
    for other in KINDS:
        wait_steady(mail, other)
    servers[kind].kill()
    try:
        code, text = rcpt(mail, f"user2@{kind}.test")
        assert code == 451 and "4.3.0" in text
        mail.wait_log(rf"warning: .*{kind}:.*lookup error")
        for other in KINDS:
            if other != kind:
                assert answers(mail, other) == (250, 550), other
    finally:
        servers[kind].start()
    wait_steady(mail, kind)


def test_a_sqlite_file_that_is_away_defers(mail, servers):
    path = servers["directory"] / "sqlite"
    away = servers["directory"] / "away"
    os.rename(path, away)
    try:
        # Who has it open may go on; a new process has nothing to ask.
        mail.kill("proxymap")
        wait_until(lambda: answers(mail, "sqlite") == (451, 451), "sqlite to be away")
    finally:
        os.rename(away, path)
    wait_until(lambda: answers(mail, "sqlite") == (250, 550), "sqlite to be back")


def test_mail_that_was_taken_while_databases_die_arrives_where_it_should(mail, servers):
    taken = []
    stop = threading.Event()

    def submit(kind):
        number = 0
        while not stop.is_set():
            with contextlib.suppress(smtplib.SMTPException), smtplib.SMTP("127.0.0.1", mail.port, timeout=120) as client:
                user = number % USERS
                client.sendmail("sender@example.org", [f"user{user}@{kind}.test"],
                                f"Subject: {kind}-{user} number {number}\n\nX\n")
                taken.append((kind, user, number))
            number += 1

    threads = [threading.Thread(target=submit, args=[kind]) for kind in NETWORK]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            for kind in NETWORK:
                count = len(taken)
                wait_until(lambda: len(taken) >= count + 5, "mail to be taken")
                servers[kind].kill()
                servers[kind].start()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    mail.wait_empty()
    # Aliases are looked up at SMTP and again in cleanup; a virtual mailbox for each would be the recipient's file.
    found = sorted(line for line in (mail.mail / "all" / "new").iterdir()) if (mail.mail / "all").is_dir() else []
    told = {}
    for path in found:
        text = path.read_text()
        subject = text.split("Subject: ", 1)[1].split("\n", 1)[0]
        box = text.split("Delivered-To: ", 1)[1].split("\n", 1)[0]
        told[subject] = box
    for kind, user, number in taken:
        assert told.get(f"{kind}-{user} number {number}") == f"{kind}-{user}@box.test"
    assert len(found) == len(told)
