# SPDX-License-Identifier: Apache-2.0
"""TLS to database servers beside stock Postfix: who is believed, and that nothing is said without it where it is asked for."""

import contextlib
import shutil
import socketserver
import threading
import time

import pytest
from support.certificates import Authority
from support.databases import MariaDB, OpenLDAP, PostgreSQL, Redis
from support.instance import IS_ROOT
from support.waiting import free_port
from test_databases import BASE, LDIF, ask, compare_all, needs_stock, world  # noqa: F401

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them")


@pytest.fixture(scope="module")
def keys(world):  # noqa: F811
    """server.key, server.pem and ca.pem; other/ca.pem has signed nothing."""
    (world / "keys").mkdir()
    (world / "keys" / "other").mkdir()
    Authority(world / "keys" / "other", "Other Authority")
    authority = Authority(world / "keys")
    authority.issue("server", subject="/CN=localhost", alternative="DNS:localhost,IP:127.0.0.1")
    return world / "keys"


def own(keys, user):
    """A key that its server can read, and nobody else."""
    path = keys / f"{user}.key"
    shutil.copy(keys / "server.key", path)
    shutil.chown(path, user)
    path.chmod(0o600)
    return path


def test_postgresql_by_uri(world, keys):  # noqa: F811
    if PostgreSQL.why_not():
        pytest.skip(PostgreSQL.why_not())
    server = PostgreSQL(world / "pgsql-tls")
    try:
        server.start("-c", "ssl=on", "-c", f"ssl_cert_file={keys}/server.pem", "-c", f"ssl_key_file={own(keys, 'postgres')}")
        query = "query = SELECT 'safe' FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl\n"
        uri = f"hosts = postgresql://mail:pg%3Asecret@127.0.0.1:{server.port}/postgres?sslmode="
        # Stock 3.7 answers none of these: it is not asked.
        for mode, found in ((f"verify-full&sslrootcert={keys}/ca.pem", {"x": "safe"}), ("require", {"x": "safe"}), ("disable", {}),
                            (f"verify-full&sslrootcert={keys}/other/ca.pem", "error")):
            (world / "pgsql-tls.cf").write_text(f"{uri}{mode}\n{query}")
            assert ask(world, "ours", f"pgsql:{world}/pgsql-tls.cf", ["x"]) == found
    finally:
        server.stop()


def test_mariadb(world, keys):  # noqa: F811
    needs_stock("mysql")
    server = MariaDB(world / "mysql-tls")
    try:
        server.start(f"--ssl-cert={keys}/server.pem", f"--ssl-key={own(keys, 'mysql')}", f"--ssl-ca={keys}/ca.pem")
        base = (f"hosts = 127.0.0.1:{server.port}\nuser = mail\npassword = {server.password}\ndbname = mail\noption_group =\n"
                "query = SELECT 'safe' FROM information_schema.session_status WHERE variable_name = 'Ssl_version' AND "
                "variable_value <> ''\n")
        found = compare_all(world, "mysql", {
            "tls-full": f"{base}tls_CAfile = {keys}/ca.pem\ntls_verify_cert = yes\n",
            "tls-other": f"{base}tls_CAfile = {keys}/other/ca.pem\ntls_verify_cert = yes\n",
            "tls-ca": f"{base}tls_CAfile = {keys}/ca.pem\n",
            "tls-off": base,
        }, ["x"])
        assert found == {"tls-full": {"x": "safe"}, "tls-other": "error", "tls-ca": {"x": "safe"}, "tls-off": {}}
    finally:
        server.stop()


def test_openldap(world, keys):  # noqa: F811
    needs_stock("ldap")
    server = OpenLDAP(world / "ldap-tls", identity=f"TLSCertificateFile {keys}/server.pem\n"
                      f"TLSCertificateKeyFile {own(keys, 'openldap')}\nsecurity tls=1")
    secure = free_port()
    try:
        server.load(LDIF)
        server.start(f"ldaps://127.0.0.1:{secure}")
        login = f"version = 3\nbind_dn = {server.reader}\nbind_pw = reader's secret\n{BASE}"
        plain = f"server_host = ldap://127.0.0.1:{server.port}\n{login}"
        ldaps = f"server_host = ldaps://127.0.0.1:{secure}\n{login}"
        trust, other = (f"tls_require_cert = yes\ntls_ca_cert_file = {keys}/{name}\n" for name in ("ca.pem", "other/ca.pem"))
        found = compare_all(world, "ldap", {
            "tls-off": plain,
            "tls-start": f"{plain}start_tls = yes\n",
            "tls-start-trusted": f"{plain}start_tls = yes\n{trust}",
            "tls-start-other": f"{plain}start_tls = yes\n{other}",
            "tls-ldaps": ldaps,
            "tls-ldaps-trusted": ldaps + trust,
            "tls-ldaps-other": ldaps + other,
        }, ["user@example.com"])
        assert {name for name, answers in found.items() if answers == "error"} == {"tls-off", "tls-start-other", "tls-ldaps-other"}
    finally:
        server.stop()


def test_redis(world, keys):  # noqa: F811
    """Stock has no such table: what is right is said here."""
    if Redis.why_not():
        pytest.skip(Redis.why_not())
    server, secure, socket = Redis(world / "redis-tls", password="redis secret"), free_port(), world / "redis-tls" / "socket"
    try:
        server.start("--tls-port", secure, "--tls-cert-file", keys / "server.pem", "--tls-key-file", own(keys, "nobody"), "--tls-ca-cert-file", keys / "ca.pem",
                     "--tls-auth-clients", "optional", "--unixsocket", socket)
        server.execute("SET", "x", "safe")
        base, trusted = "password = redis secret\n", f"tls_CAfile = {keys}/ca.pem\n"
        tables = {
            "verified": (f"localhost:{secure}", f"tls = yes\n{trusted}", {"x": "safe"}),
            "address": (f"127.0.0.1:{secure}", f"tls = yes\n{trusted}", {"x": "safe"}),
            "client": (f"localhost:{secure}", f"tls = yes\n{trusted}tls_cert_file = {keys}/server.pem\ntls_key_file = {keys}/server.key\n", {"x": "safe"}),
            "path": (f"localhost:{secure}", f"tls = yes\ntls_CApath = {keys}\n", "error"),
            "other": (f"localhost:{secure}", f"tls = yes\ntls_CAfile = {keys}/other/ca.pem\n", "error"),
            "system": (f"localhost:{secure}", "tls = yes\n", "error"),
            "name": (f"127.0.0.2:{secure}", f"tls = yes\n{trusted}", "error"),
            "anyone": (f"localhost:{secure}", "tls = yes\ntls_verify_cert = no\n", {"x": "safe"}),
            "no-file": (f"localhost:{secure}", "tls = yes\ntls_CAfile = /nonexistent\n", "error"),
            "no-key": (f"localhost:{secure}", f"tls = yes\n{trusted}tls_cert_file = {keys}/server.pem\n", "error"),
            "clear-port": (f"localhost:{server.port}", f"tls = yes\ntimeout = 2\n{trusted}", "error"),
            "clear": (f"localhost:{server.port}", "", {"x": "safe"}),
            "clear-at-tls": (f"localhost:{secure}", "timeout = 2\n", "error"),
            "socket": (f"unix:{socket}", "", {"x": "safe"}),
            "word": (f"localhost:{secure}", "tls = perhaps\n", "error"),
        }
        for name, (host, settings, _) in tables.items():
            (world / f"redis-{name}.cf").write_text(f"hosts = {host}\n{base}{settings}")
        found = {name: ask(world, "ours", f"redis:{world}/redis-{name}.cf", ["x"]) for name in tables}
        assert found == {name: expected for name, (_, _, expected) in tables.items()}
    finally:
        server.stop()


def test_redis_that_dribbles_has_its_time_and_no_more(world):  # noqa: F811
    """A byte now and then does not make a question last longer than its time."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dribbler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (world / "redis-slow.cf").write_text(f"hosts = 127.0.0.1:{server.server_address[1]}\ntimeout = 1\n")
        assert ask(world, "ours", f"redis:{world}/redis-slow.cf", ["x"]) == "error"
        server.shutdown()


class Dribbler(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            self.request.sendall(b"$1000000\r\n")
            while True:
                self.request.sendall(b"x")
                time.sleep(0.1)
