# SPDX-License-Identifier: Apache-2.0
"""
Every byte value in every part of a key, and in what a database answers: a query stays what the administrator wrote. SQL says
back the text that it was given; a directory has an entry for each key. Beside stock Postfix, where it has the same character set.
"""

import base64
import os
import sqlite3
import subprocess

import pytest
from support.databases import OpenLDAP
from support.instance import BUILD, IS_ROOT
from test_databases import mariadb, needs_stock, postgresql, world  # noqa: F401

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them")

# A key is a line, and has no NUL.
BYTES = [bytes([number]) for number in range(1, 256) if number != 0x0A]
SHAPES = (
    b"us%ser@example.com",  # in the local part, the extension, the domain, and at each end
    b"user+%sx@example.com",
    b"user@exa%smple.com",
    b"%suser@example.com",
    b"user%s@example.com",
    b"user@example.com%s",
    b"%s' OR '1'='1",  # and before what would follow a way out
    b"\\%s'; DROP TABLE map; --@example.com",
    b"%s*)(objectClass=*))@example.com",
    b"x%s,dc=other@example.com",
)
LETTERS = [chr(number).encode() for number in (0x80, 0xA7, 0xE9, 0xFF, 0x3B1, 0x2028, 0xFF07, 0x1F4E7)]
KEYS = [shape.replace(b"%s", byte) for shape in SHAPES for byte in BYTES + LETTERS if byte < b"\x80" or shape in SHAPES[:3]]
ASCII = [key for key in KEYS if key.isascii()]


def ask_all(world, side, table, keys):  # noqa: F811
    """What postmap says to all keys, by number; it stops at the first that it has no answer to."""
    program = "/usr/sbin/postmap" if side == "stock" else BUILD / "bin" / "postmap"
    result = subprocess.run([program, "-c", world / side, "-q", "-", table], input=b"\n".join(keys) + b"\n", capture_output=True)
    assert result.returncode in (0, 1) and b"fatal" not in result.stderr, result.stderr
    # A value may hold whatever a key may, so a line is taken by the key that it begins with.
    lines = result.stdout.split(b"\n")[:-1]
    found = {}
    for key in keys:
        if lines and lines[0].startswith(key + b"\t"):
            found[key] = lines.pop(0)[len(key) + 1 :]
    assert not lines, lines[0]
    return found


def write(path, text):
    """A table; stock waits for one that was written just now to grow older."""
    path.write_text(text)
    os.utime(path, (1, 1))


def check_echo(world, kind, text, keys, stock_keys):  # noqa: F811
    path = world / f"{kind}-echo.cf"
    write(path, f"{text}query = SELECT '%s'\n")
    found = ask_all(world, "ours", f"{kind}:{path}", keys)
    for key, value in found.items():
        assert value.decode() in (key.decode().lower(), key.decode().casefold())
    # What is no text is a key that no entry has; all else arrives as it is.
    assert found.keys() == {key for key in keys if key.decode(errors="replace").encode() == key}
    assert ask_all(world, "stock", f"{kind}:{path}", stock_keys) == {
        key: value for key, value in found.items() if key in set(stock_keys)
    }
    write(path, f"{text}query = SELECT '%u', '<%d>'\nresult_format = %s|%u|%d|%s\n")
    parts = [key for key in stock_keys if b"@" in key]
    ours, stock = (ask_all(world, side, f"{kind}:{path}", parts) for side in ("ours", "stock"))
    assert ours == stock
    return found


def test_sqlite_hears_every_byte(world):  # noqa: F811
    needs_stock("sqlite")
    path = world / "bytes.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE map (name TEXT)")
    check_echo(world, "sqlite", f"dbpath = {path}\n", KEYS, KEYS)


def test_postgresql_hears_every_byte(world, postgresql):  # noqa: F811
    needs_stock("pgsql")
    text = f"hosts = 127.0.0.1:{postgresql.port}\nuser = mail\npassword = {postgresql.password}\ndbname = postgres\n"
    check_echo(world, "pgsql", text, KEYS, ASCII)


def test_mariadb_hears_every_byte(world, mariadb):  # noqa: F811
    needs_stock("mysql")
    text = f"hosts = 127.0.0.1:{mariadb.port}\nuser = mail\npassword = {mariadb.password}\ndbname = mail\noption_group =\n"
    check_echo(world, "mysql", text, KEYS, KEYS)


def escape(text):
    return "".join(f"\\{ord(letter):02x}" if letter in ' "#+,;<=>\\' else letter for letter in text)


def test_a_directory_hears_every_byte(world):  # noqa: F811
    needs_stock("ldap")
    reason = OpenLDAP.why_not()
    if reason:
        pytest.skip(reason)
    # Case does not count in a directory, nor do blanks at the ends, and control characters are left out when it compares.
    known = {key.decode().lower(): number for number, key in enumerate(ASCII) if key.decode().isprintable() and b" " not in key}
    people = {key.split("@")[0] for key in known if "@" in key}
    entries = [(f"cn={number}", f"mailacceptinggeneralid:: {base64.b64encode(key.encode()).decode()}\nmaildrop: {number}@box.test")
               for key, number in known.items()]
    entries += [(f"cn=p{escape(name)}", f"maildrop: {base64.b16encode(name.encode()).decode()}") for name in people]
    server = OpenLDAP(world / "bytes", anonymous="read")
    server.load("dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n" + "".join(
        f"\ndn: {name},dc=example,dc=com\nobjectClass: person\nobjectClass: mailThing\nsn: x\n{text}\n" for name, text in entries
    ))
    text = f"server_host = ldap://127.0.0.1:{server.port}\nversion = 3\nbind = no\n"
    filters, names = world / "bytes-filter.cf", world / "bytes-name.cf"
    write(filters, f"{text}search_base = dc=example,dc=com\n")
    write(names, f"{text}search_base = cn=p%u,dc=example,dc=com\nquery_filter = (objectClass=person)\nscope = base\n")
    try:
        server.start()
        for path in (filters, names):
            ours, stock = (ask_all(world, side, f"ldap:{path}", KEYS) for side in ("ours", "stock"))
            assert ours == stock
            ours = {key.lower(): value for key, value in ours.items()}
            if path == filters:
                assert {key: ours.get(key.encode()) for key in known} == {
                    key: f"{number}@box.test".encode() for key, number in known.items()
                }
            else:
                assert {name: ours.get(f"{name}@example.com".encode()) for name in people if f"{name}@example.com" in known} == {
                    name: base64.b16encode(name.encode()) for name in people if f"{name}@example.com" in known
                }
    finally:
        server.stop()
