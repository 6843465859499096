# SPDX-License-Identifier: Apache-2.0
"""Tables in databases beside stock Postfix: the same file, the same key, the same answer."""

import os
import socket
import sqlite3
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.databases import MariaDB, Memcached, OpenLDAP, PostgreSQL, Redis
from support.instance import BUILD, IS_ROOT, Stock

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them")

TYPES = ("sqlite", "pgsql", "mysql", "ldap", "redis")
DYNAMIC_MAPS = "".join(f"{name} {BUILD}/modules/{name}.so merpati_{name}\n" for name in TYPES)

ROWS = [
    ("user@example.com", "box@example.net", "7"),
    ("o'neil@example.com", "quoted@example.net", None),
    ("back\\slash@example.com", "slashed@example.net", None),
    ("many@example.com", "one@example.net", "first"),
    ("many@example.com", "two@example.net", "second"),
    ("hollow@example.com", "", ""),
    ("bare", "postmaster", None),
    ("example.com", "a domain", None),
    ("@example.com", "catch-all@example.net", None),
    ("bücher@example.com", "umlaut@example.net", None),
]
KEYS = [row[0] for row in ROWS] + [
    "nobody@example.com", "USER@EXAMPLE.COM", "user@sub.example.com", "' OR '1'='1", "'; DROP TABLE map; --",
    "\\' OR 1=1 --", "user@example.com' --", "%s", "*", "a*b)(cn=*", "user@", "@", "a@b@example.com", 'q"uoted@example.com',
]

SELECT = "SELECT value FROM map WHERE name = '%s'"
# What follows on "query = " or stands as it is: for each kind of SQL.
TABLES = {
    "plain": f"query = {SELECT}\n",
    "parts": "query = SELECT value FROM map WHERE name = '%u@%d'\n",
    "upper": "query = SELECT value FROM map WHERE name = '%U@%D'\nresult_format = [%u|%d] %S %U %D\n",
    "labels": "query = SELECT value FROM map WHERE name = '%u@%2.%1'\nresult_format = %s.%1.%%\n",
    "no-such-label": "query = SELECT value FROM map WHERE name = '%3'\n",
    "domains": f"query = {SELECT}\ndomain = example.com, static.example\n",
    "other-domains": f"query = {SELECT}\ndomain = example.net\n",
    "parent-domain": f"query = {SELECT}\ndomain = com\n",
    "below-domain": f"query = {SELECT}\ndomain = .com\n",
    "limit-1": f"query = {SELECT}\nexpansion_limit = 1\n",
    "limit-2": f"query = {SELECT}\nexpansion_limit = 2\n",
    "columns": "query = SELECT value, extra FROM map WHERE name = '%s'\n",
    "broken": "query = SELECT nonsense FROM map WHERE name = '%s'\n",
    "old": "table = map\nselect_field = value\nwhere_field = name\nadditional_conditions = AND value <> ''\n",
    "wrong-expansion": "query = SELECT value FROM map WHERE name = '%q'\n",
    "wrong-format": f"query = {SELECT}\nresult_format = %z\n",
    "empty-format": f"query = {SELECT}\nresult_format =\n",
    "filter-of-ldap": f"query = {SELECT}\nresult_filter = [%s]\n",
    "wrong-limit": f"query = {SELECT}\nexpansion_limit = some\n",
    "no-query": "",
    "comment": f"# a comment\nquery = {SELECT.replace('WHERE', chr(10) + '  WHERE')}\n",
}
SQL = "CREATE TABLE map (id INTEGER PRIMARY KEY, name VARCHAR(200), value VARCHAR(200), extra VARCHAR(200));"


def sql_rows():
    yield SQL
    for number, row in enumerate(ROWS):
        quoted = ", ".join("NULL" if word is None else "'" + word.replace("'", "''") + "'" for word in row)
        yield f"INSERT INTO map VALUES ({number}, {quoted});"


@pytest.fixture(scope="module")
def world():
    """A directory that both can read, and a configuration for each."""
    with tempfile.TemporaryDirectory(prefix="merpati-databases-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        for side, text in (("stock", ""), ("ours", f"meta_directory = {directory}/ours\n")):
            (directory / side).mkdir()
            (directory / side / "main.cf").write_text(f"compatibility_level = 3.6\n{text}")
            os.utime(directory / side / "main.cf", (1, 1))
            (directory / side / "master.cf").write_text("")
        (directory / "ours" / "dynamicmaps.cf").write_text(DYNAMIC_MAPS)
        yield directory


def ask(world, side, table, keys):
    """What postmap says to all keys: a value to each that it knows, or "error"."""
    program = "/usr/sbin/postmap" if side == "stock" else BUILD / "bin" / "postmap"
    result = subprocess.run(
        [program, "-c", world / side, "-q", "-", table], input="\n".join(keys) + "\n", capture_output=True, text=True
    )
    if "fatal" in result.stderr:
        return "error"
    return dict(line.split("\t", 1) for line in result.stdout.splitlines())


def compare_all(world, kind, texts, keys=KEYS):
    """Tables with these texts: both say the same. Stock sleeps before it dies, so all are asked at once."""
    paths = {name: world / f"{kind}-{name}.cf" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text)
        # Stock waits for a file that was written just now to grow older.
        os.utime(paths[name], (1, 1))
    with ThreadPoolExecutor(len(texts) * 2) as pool:
        stock, ours = (
            {name: pool.submit(ask, world, side, f"{kind}:{path}", keys) for name, path in paths.items()}
            for side in ("stock", "ours")
        )
        found = {name: answer.result() for name, answer in ours.items()}
        assert found == {name: answer.result() for name, answer in stock.items()}
    return found


def needs_stock(kind):
    reason = Stock.why_not()
    if not reason and not Path(f"/usr/lib/postfix/postfix-{kind}.so").exists():
        reason = f"postfix-{kind} is not installed"
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def postgresql(world):
    reason = PostgreSQL.why_not()
    if reason:
        pytest.skip(reason)
    server = PostgreSQL(world / "postgresql").start()
    try:
        server.execute("\n".join(sql_rows()))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def mariadb(world):
    reason = MariaDB.why_not()
    if reason:
        pytest.skip(reason)
    server = MariaDB(world / "mariadb").start()
    try:
        server.execute("\n".join(sql_rows()).replace("\\", "\\\\"), ["mail"])
        yield server
    finally:
        server.stop()


# What is known of each table, beside that both say the same.
KNOWN = {
    "plain": {"user@example.com": "box@example.net", "o'neil@example.com": "quoted@example.net",
              "back\\slash@example.com": "slashed@example.net", "bare": "postmaster"},
    "columns": {"many@example.com": "one@example.net,first,two@example.net,second"},
    "upper": {"user@example.com": "[box|example.net] user@example.com user example.com"},
    "labels": {"user@example.com": "box@example.net.com.%"},
    "domains": {"many@example.com": "one@example.net,two@example.net"},
}


FAILING = {"limit-1", "broken", "wrong-expansion", "wrong-format", "empty-format", "wrong-limit", "no-query"}


def with_base(base):
    return {name: base + text for name, text in TABLES.items()}


def check_known(kind, found):
    assert {name for name, answers in found.items() if answers == "error"} == FAILING
    assert found["other-domains"] == {}
    for name, answers in KNOWN.items():
        # sqlite: gives the first column alone.
        if (kind, name) != ("sqlite", "columns"):
            assert {key: found[name].get(key) for key in answers} == answers


def test_sqlite_answers_as_stock_does(world):
    needs_stock("sqlite")
    path = world / "map.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript("\n".join(sql_rows()))
    check_known("sqlite", compare_all(world, "sqlite", with_base(f"dbpath = {path}\n")))
    # A text ends at its first NUL, as everybody else's does.
    found = compare_all(world, "sqlite", {
        "nul": f"dbpath = {path}\nquery = SELECT x'626f78004040'\n",
        "lost-start": f" no line begins like this\ndbpath = {path}\nquery = {SELECT}\n",
    })
    assert found["nul"]["@"] == "box" and found["lost-start"]["bare"] == "postmaster"
    # A query that would write does nothing.
    (world / "write.cf").write_text(f"dbpath = {path}\nquery = INSERT INTO map VALUES (99, 'x', 'y', 'z')\n")
    assert ask(world, "ours", f"sqlite:{world}/write.cf", ["x"]) == "error"
    (world / "two.cf").write_text(f"dbpath = {path}\nquery = SELECT 1; DROP TABLE map\n")
    assert ask(world, "ours", f"sqlite:{world}/two.cf", ["x"]) == "error"
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM map").fetchone() == (len(ROWS),)


def test_postgresql_answers_as_stock_does(world, postgresql):
    needs_stock("pgsql")
    base = f"user = mail\npassword = {postgresql.password}\ndbname = postgres\n"
    # Postfix 3.7 speaks Latin-1 with the server; from 3.8 on UTF-8, as we do.
    keys = [key for key in KEYS if key.isascii()]
    base_here = f"{base}hosts = 127.0.0.1:{postgresql.port}\n"
    check_known("pgsql", compare_all(world, "pgsql", with_base(base_here), keys))
    assert ask(world, "ours", f"pgsql:{world}/pgsql-plain.cf", KEYS[9:10]) == {KEYS[9]: "umlaut@example.net"}
    (world / "latin.cf").write_text(f"{base_here}encoding = LATIN1\nquery = {SELECT}\n")
    assert ask(world, "ours", f"pgsql:{world}/latin.cf", KEYS[9:10]) == {}
    postgresql.execute("CREATE FUNCTION find(text) RETURNS TABLE (v VARCHAR) AS "
                       "'SELECT value FROM map WHERE name = $1' LANGUAGE SQL;")
    hosts = {
        "uri": f"postgresql://mail:pg%3Asecret@127.0.0.1:{postgresql.port}/postgres",
        "inet": f"inet:127.0.0.1:{postgresql.port}",
        "second": f"127.0.0.1:1 127.0.0.1:{postgresql.port}",
    }
    found = compare_all(
        world,
        "pgsql",
        {
            **{name: f"{base}hosts = {host}\nquery = {SELECT}\n" for name, host in hosts.items()},
            "function": f"{base_here}select_function = find\n",
            "password": base_here.replace(postgresql.password, "wrong") + f"query = {SELECT}\n",
        },
        KEYS[:2],
    )
    assert found.pop("password") == "error"
    assert all(answers[KEYS[0]] == "box@example.net" for answers in found.values())
    assert postgresql.execute("SELECT count(*) FROM map").split()[2] == str(len(ROWS))


def test_mariadb_answers_as_stock_does(world, mariadb):
    needs_stock("mysql")
    base = f"user = mail\npassword = {mariadb.password}\ndbname = mail\noption_group =\n"
    base_here = f"{base}hosts = 127.0.0.1:{mariadb.port}\n"
    check_known("mysql", compare_all(world, "mysql", with_base(base_here)))
    mariadb.execute("DELIMITER //\nCREATE PROCEDURE find(IN n VARCHAR(200)) BEGIN "
                    "SELECT value FROM map WHERE name = n; END//\n"
                    "CREATE PROCEDURE quiet(IN n VARCHAR(200)) BEGIN SET @x = n; END//\n"
                    "CREATE PROCEDURE twice(IN n VARCHAR(200)) BEGIN SELECT 1; SELECT 2; END//\n", ["mail"])
    hosts = {
        "unix": f"unix:{mariadb.path}",
        "inet": f"inet:127.0.0.1:{mariadb.port}",
        "second": f"127.0.0.1:1 127.0.0.1:{mariadb.port}",
    }
    found = compare_all(
        world,
        "mysql",
        {
            **{name: f"{base}hosts = {host}\nquery = {SELECT}\n" for name, host in hosts.items()},
            "procedure": base_here + "query = CALL find('%s')\n",
            "no-result-set": base_here + "query = CALL quiet('%s')\n",
            "no-result-set-allowed": base_here + "query = CALL quiet('%s')\nrequire_result_set = No\n",
            "no-result-set-forbidden": base_here + "query = CALL quiet('%s')\nrequire_result_set = YES\n",
            "two-result-sets": base_here + "query = CALL twice('%s')\n",
            "password": base_here.replace("maria", "m") + f"query = {SELECT}\n",
        },
        KEYS[:2],
    )
    for name in ("no-result-set", "no-result-set-forbidden", "two-result-sets", "password"):
        assert found.pop(name) == "error"
    assert found.pop("no-result-set-allowed") == {}
    assert all(answers[KEYS[0]] == "box@example.net" for answers in found.values())
    assert mariadb.execute("SELECT count(*) FROM map", ["mail"]).split()[1] == str(len(ROWS))


LDIF = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=example.com,dc=example,dc=com
objectClass: organizationalUnit
ou: example.com

dn: cn=reader,dc=example,dc=com
objectClass: person
cn: reader
sn: reader
userPassword: reader's secret

dn: cn=user,ou=people,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: user
sn: user
mailacceptinggeneralid: user@example.com
mailacceptinggeneralid: user
mail: user@example.com
maildrop: box@example.net
maildrop: second@example.net

dn: cn=o(n*l\\5c\\2cy,ou=people,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: o(n*l\\,y
sn: odd
mailacceptinggeneralid: o(n*l\\,y@example.com
maildrop: odd@example.net

dn: cn=group,ou=people,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: group
sn: group
mailacceptinggeneralid: group@example.com
mail: group@example.com
maildrop: member@example.net
memberdn: cn=user,ou=people,dc=example,dc=com
memberdn: cn=nobody,ou=people,dc=example,dc=com
memberdn: ldap:///ou=people,dc=example,dc=com?maildrop?one?(cn=o*)

dn: cn=inner,ou=people,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: inner
sn: inner
mailacceptinggeneralid: inner@example.com
mail: inner@example.com
memberdn: cn=group,ou=people,dc=example,dc=com
memberdn: ldap:///cn=user,ou=people,dc=example,dc=com

dn: cn=loop,ou=people,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: loop
sn: loop
mailacceptinggeneralid: loop@example.com
mail: nobody@example.com
memberdn: cn=loop,ou=people,dc=example,dc=com

dn: cn=sub,ou=example.com,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: sub
sn: sub
mailacceptinggeneralid: sub@example.com
maildrop: below@example.net
"""
LDAP_KEYS = ["user@example.com", "user", "USER@example.com", "o(n*l\\,y@example.com", "group@example.com", "inner@example.com",
             "sub@example.com", "nobody@example.com", "*", "user*", "*)(objectclass=*", "a,dc=b@example.com", "@example.com",
             "\\2a", "user@example.com)(|(cn=*", " user", "ü@example.com"]
BASE = "search_base = dc=example,dc=com\n"
FILTER = "query_filter = (mailacceptinggeneralid=%s)\n"
LDAP_TABLES = {
    "plain": BASE,
    "filter": BASE + "query_filter = (&(mail=%s)(cn=%u))\nresult_attribute = maildrop, cn, sn\n",
    "format": BASE + FILTER + "result_format = %s:%u:%d:%S\n",
    "no-format": BASE + FILTER + "result_format =\n",
    "old-format": BASE + FILTER + "result_filter = smtp:[%s]\n",
    "base-of-key": "search_base = ou=%d,dc=example,dc=com\n",
    "no-base": "search_base = ou=nowhere,dc=example,dc=com\n",
    "one": "search_base = ou=people,dc=example,dc=com\nscope = one\n",
    "scope-base": "search_base = cn=user,ou=people,dc=example,dc=com\nscope = base\n",
    "special": BASE + "special_result_attribute = memberdn\n",
    "special-mail": BASE + "special_result_attribute = memberdn\nresult_attribute = mail\n",
    "leaf": BASE + "special_result_attribute = memberdn\nresult_attribute =\nleaf_result_attribute = mail, maildrop\n",
    "terminal": BASE + "special_result_attribute = memberdn\nresult_attribute = mail\nterminal_result_attribute = maildrop\n",
    "domain": BASE + "domain = example.com\n",
    "other-domain": BASE + "domain = example.org\n",
    "limit": BASE + "expansion_limit = 1\n",
    "size": BASE + "query_filter = (|(mailacceptinggeneralid=%s)(cn=*))\nsize_limit = 3\n",
    "recursion": BASE + "special_result_attribute = memberdn\nrecursion_limit = 1\n",
    "loop": BASE + "query_filter = (&(mail=%s)(cn=loop))\nspecial_result_attribute = memberdn\nrecursion_limit = 9\n",
    "no-bind": BASE + "bind = no\n",
    "wrong-filter": BASE + "query_filter = (mail=%s\n",
    "wrong-password": BASE + "bind = yes\nbind_dn = cn=reader,dc=example,dc=com\nbind_pw = wrong\n",
    "none": "result_attribute = mail\n",
}


@pytest.fixture(scope="module")
def openldap(world):
    reason = OpenLDAP.why_not()
    if reason:
        pytest.skip(reason)
    server = OpenLDAP(world / "openldap")
    server.load(LDIF)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def reading(world):
    """A directory that everybody may read."""
    reason = OpenLDAP.why_not()
    if reason:
        pytest.skip(reason)
    server = OpenLDAP(world / "reading", anonymous="read")
    server.load("""\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=user,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: user
sn: user
mailacceptinggeneralid: user@example.com
description;lang-de: ein Mensch
description: somebody
maildrop: box@example.net
""")
    try:
        yield server.start()
    finally:
        server.stop()


def test_openldap_answers_as_stock_does(world, openldap, reading):
    needs_stock("ldap")
    base = f"server_host = 127.0.0.1\nserver_port = {openldap.port}\nversion = 3\n"
    login = f"bind = yes\nbind_dn = {openldap.reader}\nbind_pw = reader's secret\n"
    tables = {name: base + ("" if "bind" in text else login) + text for name, text in LDAP_TABLES.items()}
    tables["uri-no-bind"] = f"server_host = ldap://127.0.0.1:1 ldap://127.0.0.1:{reading.port}\nversion = 3\nbind = no\n{BASE}"
    tables["options"] = f"server_host = 127.0.0.1:{reading.port}\nversion = 3\n{BASE}result_attribute = description\n"
    tables["one-option"] = tables["options"] + "result_attribute = description;lang-de\n"
    tables["uri"] = f"server_host = ldap://127.0.0.1:1 ldap://127.0.0.1:{openldap.port}\nversion = 3\n{login}{BASE}"
    found = compare_all(world, "ldap", tables, LDAP_KEYS)
    assert {name for name, answers in found.items() if answers == "error"} == {
        "limit", "size", "recursion", "loop", "no-base", "no-bind", "wrong-filter", "wrong-password", "none",
    }
    assert found["plain"]["user"] == found["uri"]["user"] == "box@example.net,second@example.net"
    assert found["plain"][LDAP_KEYS[3]] == "odd@example.net"
    assert "*" not in found["plain"] and "user*" not in found["plain"]
    assert found["special"]["group@example.com"] == "member@example.net,box@example.net,second@example.net,odd@example.net"
    assert found["leaf"]["group@example.com"] == "user@example.com,box@example.net,second@example.net,odd@example.net"
    assert found["base-of-key"] == {"sub@example.com": "below@example.net"}
    # Stock takes any word for "sub".
    assert found["uri-no-bind"]["user@example.com"] == "box@example.net"
    assert found["options"]["user@example.com"] == "ein Mensch,somebody"
    (world / "scope.cf").write_text(base + login + BASE + "scope = all\n")
    assert ask(world, "ours", f"ldap:{world}/scope.cf", LDAP_KEYS) == "error"


@pytest.fixture(scope="module")
def redis(world):
    reason = Redis.why_not()
    if reason:
        pytest.skip(reason)
    server = Redis(world / "redis", password="redis secret")
    try:
        yield server.start()
    finally:
        server.stop()


def test_redis_answers(world, redis):
    odd = "a b\\c 'd\"*@example.com"
    redis.execute("SET", "alias:user@example.com", "box@example.net")
    redis.execute("SET", f"alias:{odd}", "odd@example.net")
    redis.execute("SET", "alias:empty", "")
    redis.execute("RPUSH", "list:user", "one@example.net", "two@example.net")
    redis.execute("HSET", "hash", "user@example.com", "hashed")
    redis.execute("SADD", "domains", "example.com")
    redis.execute("-n", "3", "SET", "user@example.com", "third")
    base = f"hosts = 127.0.0.1:1 127.0.0.1:{redis.port}\npassword = redis secret\nretry_interval = 1\n"
    keys = ["user@example.com", "nobody@example.com", odd, "empty", "user", "example.com", "x y", "user@example.com GET"]
    rows = {
        "query = GET alias:%s\n": {"user@example.com": "box@example.net", odd: "odd@example.net"},
        "query = LRANGE list:%u 0 -1\nresult_format = <%s>\n": {
            key: "<one@example.net>,<two@example.net>" for key in ("user@example.com", "user", "user@example.com GET")
        },
        "query = LRANGE list:%u 0 -1\nexpansion_limit = 1\n": "error",
        "query = HGET hash %s\n": {"user@example.com": "hashed"},
        "query = SISMEMBER domains %s\n": {"example.com": "1"},
        "dbname = 3\n": {"user@example.com": "third"},
        "query = NONSENSE %s\n": "error",
        "query = LRANGE alias:user@example.com 0 -1\n": "error",
        "query =\n": "error",
        "dbname = three\n": "error",
        "timeout = long\n": "error",
        "password = wrong\nquery = GET alias:%s\n": "error",
        "user = nobody\nquery = GET alias:%s\n": "error",
        "user = default\nquery = GET alias:%s\n": {"user@example.com": "box@example.net", odd: "odd@example.net"},
    }
    for number, (text, expected) in enumerate(rows.items()):
        path = world / f"redis-{number}.cf"
        path.write_text(base + text)
        assert ask(world, "ours", f"redis:{path}", keys) == expected, text


def memcached_says(port, request, end):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(request)
        return client.makefile("rb").readline() if end is None else read_to(client, end)


def read_to(client, end):
    found = b""
    while not found.endswith(end):
        got = client.recv(4096)
        assert got, found
        found += got
    return found


@pytest.fixture(scope="module")
def memcached(world):
    reason = Memcached.why_not()
    if reason:
        pytest.skip(reason)
    server = Memcached(world / "memcached")
    try:
        yield server.start()
    finally:
        server.stop()


def test_memcached_answers_as_stock_does(world, memcached):
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    for side in ("stock", "ours"):
        for key, value in {"user@example.com": "box@example.net", "user": "bare", "long": "x" * 30, "two": "a\r\nb"}.items():
            request = f"set {side}:{key} 0 0 {len(value)}\r\n{value}\r\n".encode()
            assert memcached_says(memcached.port, request, None) == b"STORED\r\n"
    (world / "behind").write_text("back@example.com from-backup\nuser@example.com other\nx%20y@example.com z\n@example.com all\n")
    backup = f"backup = texthash:{world}/behind\n"
    keys = ["user@example.com", "nobody@example.org", "back@example.com", "user", "a b@example.com", "@example.com",
            "x\x01y", "y" * 300 + "@example.com"]
    tables = {
        "plain": "key_format = SIDE:%s\n",
        "backup": f"key_format = SIDE:b:%s\n{backup}ttl = 100\nflags = 5\n",
        "again": "key_format = SIDE:b:%s\n",
        "user": "key_format = SIDE:%u\n",
        "domain": f"key_format = SIDE:%s\ndomain = example.org\n{backup}",
        "suppressed": f"key_format = SIDE:%d:%3\n{backup}",
        "wrong-format": "key_format = %x\n",
        "wrong-number": "ttl = soon\n",
        "no-such-backup": f"backup = hash:{world}/nothing\n",
    }
    known = {name: keys if name not in ("plain", "again", "user") else keys[:-1] for name in tables}
    def answers(name, side):
        path = world / f"memcache-{side}-{name}.cf"
        path.write_text(f"memcache = inet:127.0.0.1:{memcached.port}\n" + tables[name].replace("SIDE", side))
        return ask(world, side, f"memcache:{path}", known[name])

    def compare(names):
        with ThreadPoolExecutor(2 * len(names)) as pool:
            found = {side: [pool.submit(answers, name, side) for name in names] for side in ("stock", "ours")}
            found = {side: dict(zip(names, [one.result() for one in all])) for side, all in found.items()}
        assert found["ours"] == found["stock"]
        return found["ours"]

    compare([name for name in tables if name != "again"])
    # What was behind is in front now, with its flags.
    assert compare(["again"])["again"]["back@example.com"] == "from-backup"
    for side in ("stock", "ours"):
        said = memcached_says(memcached.port, f"get {side}:b:back@example.com\r\n".encode(), b"END\r\n")
        assert said.startswith(f"VALUE {side}:b:back@example.com 5 11\r\n".encode())
    # Beyond its limits, and a server that is away.
    for name, text, expected in (
        ("limit", "key_format = ours:%s\ndata_size_limit = 10\n", "error"),
        ("line", "key_format = ours:%s\nline_size_limit = 10\n", "error"),
        ("away", "memcache = inet:127.0.0.1:1\nmax_try = 1\n", "error"),
        ("away-backup", f"memcache = inet:127.0.0.1:1\nretry_pause = 0\n{backup}", {"user@example.com": "other"}),
        ("nobody", "memcache = nowhere\n", "error"),
        ("no-tries", "max_try = 0\n", "error"),
    ):
        (world / f"memcache-{name}.cf").write_text(f"memcache = inet:127.0.0.1:{memcached.port}\ntimeout = 5\n{text}")
        assert ask(world, "ours", f"memcache:{world}/memcache-{name}.cf", ["user@example.com"]) == expected, name


def test_a_check_tells_of_files_that_others_can_read_and_of_what_nobody_reads(world):
    secret = world / "secret.cf"
    secret.write_text("hosts = 127.0.0.1\nuser = mail\npassword = secret\ndbname = x\nquery = SELECT 1\nreslut_format = x\n")
    secret.chmod(0o644)
    passwords = world / "passwords"
    passwords.write_text("example.com user:secret\n")
    passwords.chmod(0o604)
    quiet = world / "quiet.cf"
    quiet.write_text("hosts = 127.0.0.1\ndbname = x\npassword =\nquery = SELECT 1\n")
    config = world / "check"
    config.mkdir()
    (config / "master.cf").write_text("")
    (config / "dynamicmaps.cf").write_text(DYNAMIC_MAPS)
    (config / "main.cf").write_text(
        f"compatibility_level = 3.6\nmeta_directory = {config}\n"
        f"virtual_alias_maps = proxy:pgsql:{secret} mysql:{quiet} pgsql:users\nusers_hosts = 127.0.0.1\nusers_dbname = x\n"
        f"users_query = SELECT 1\nusers_nonsense = 1\nsmtp_sasl_password_maps = texthash:{passwords}\n"
    )

    def say():
        result = subprocess.run([BUILD / "bin" / "postconf", "-c", config, "-W"], capture_output=True, text=True)
        return result.stderr

    said = say()
    assert f"smtp_sasl_password_maps: {passwords} has passwords in it and everybody can read it: chmod o-r" in said
    assert f"virtual_alias_maps: {secret} has passwords in it and everybody can read it: chmod o-r" in said
    assert f"{secret}, line 6: unused parameter: reslut_format=x" in said
    assert "unused parameter: users_nonsense=1" in said
    assert "users_hosts" not in said and "users_query" not in said
    assert str(quiet) not in said and "meta_directory" not in said
    secret.chmod(0o640)
    passwords.chmod(0o600)
    assert "has passwords in it" not in say()
