# SPDX-License-Identifier: Apache-2.0
"""
Databases from Debian that a test starts for itself, each in a directory of its own and on a port of its own; killed and
started again they keep what they had.

    server = PostgreSQL(directory); server.start(); server.execute("CREATE TABLE ..."); server.kill(); server.stop()
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from .instance import IS_ROOT
from .waiting import free_port, wait_until


def _owner(name):
    """Servers that refuse to run as root run as their own user."""
    if not IS_ROOT:
        return {}
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    """One server process. user: whom it runs as where tests run as root."""

    user = "nobody"
    programs = ()

    @classmethod
    def why_not(cls):
        missing = [name for name in cls.programs if not cls.find(name)]
        return f"{', '.join(missing)} is not installed" if missing else None

    @staticmethod
    def find(name):
        return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/lib/postgresql/15/bin")

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.directory.chmod(0o755)
        self.port = free_port()
        self.process = None
        self.log = None
        if IS_ROOT:
            shutil.chown(self.directory, self.user)
        self.prepare()

    def run(self, *words, text=None):
        result = subprocess.run(
            [self.find(words[0]), *map(str, words[1:])], input=text, capture_output=True, text=True, cwd=self.directory,
            env={**os.environ, "HOME": str(self.directory), "LC_ALL": "C.UTF-8"}, **_owner(self.user)
        )
        assert result.returncode == 0, f"{words}: {result.stderr}{result.stdout}"
        return result.stdout

    def spawn(self, *words):
        self.log = open(self.directory / "server.log", "ab")
        self.process = subprocess.Popen(
            [self.find(words[0]), *map(str, words[1:])], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            cwd=self.directory, env={**os.environ, "HOME": str(self.directory), "LC_ALL": "C.UTF-8"},
            start_new_session=True, **_owner(self.user)
        )
        wait_until(self.answers, lambda: f"{words[0]}: {(self.directory / 'server.log').read_text()}")

    def answers(self):
        assert self.process.poll() is None, (self.directory / "server.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return self.is_ready()
        return False

    def prepare(self):
        """Once: the files that it starts from."""

    def is_ready(self):
        """It takes connections: does it answer, too?"""
        return True

    def kill(self, number=signal.SIGKILL):
        """All of its processes; what it had on disk stays."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait()
        self.log.close()
        self.process = None
        wait_until(lambda: not self._is_taken(), f"port {self.port} to be free")

    def _is_taken(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def stop(self):
        self.kill()


class PostgreSQL(Server):
    user = "postgres"
    programs = ("initdb", "postgres", "psql")

    def prepare(self):
        self.data = self.directory / "data"
        (self.directory / "password").write_text("pg:secret\n")
        self.run("initdb", "-D", self.data, "-U", "mail", "--auth=scram-sha-256", f"--pwfile={self.directory}/password",
                 "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")

    password = "pg:secret"

    def start(self, *options):
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.spawn("postgres", "-D", self.data, "-p", self.port, "-h", "127.0.0.1", "-k", self.directory, "-F",
                   "-c", "max_connections=30", "-c", "shared_buffers=1MB", *options)
        return self

    def is_ready(self):
        return self._psql("SELECT 1").returncode == 0

    def _psql(self, text):
        return subprocess.run(
            [self.find("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mail",
             "-d", "postgres"],
            input=text, capture_output=True, text=True, env={**os.environ, "PGPASSWORD": self.password}
        )

    def execute(self, text):
        result = self._psql(text)
        assert result.returncode == 0, result.stderr
        return result.stdout


class MariaDB(Server):
    user = "mysql"
    programs = ("mariadbd", "mariadb-install-db", "mariadb")
    password = "maria'secret"

    def prepare(self):
        self.data = self.directory / "data"
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--skip-name-resolve", "--force")
        self.path = self.directory / "s"

    def start(self, *options):
        self.spawn("mariadbd", "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                   "--bind-address=127.0.0.1", f"--socket={self.path}", f"--pid-file={self.directory}/pid",
                   "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--skip-name-resolve",
                   "--performance-schema=off", *options)
        self.execute("CREATE DATABASE IF NOT EXISTS mail;"
                     "CREATE USER IF NOT EXISTS mail@'%' IDENTIFIED BY 'maria''secret';"
                     "GRANT ALL ON mail.* TO mail@'%';")
        return self

    def is_ready(self):
        return self._client("SELECT 1").returncode == 0

    def _client(self, text, database=()):
        return subprocess.run([self.find("mariadb"), "--no-defaults", "-u", "root", f"--socket={self.path}", *database],
                              input=text, capture_output=True, text=True)

    def execute(self, text, database=()):
        result = self._client(text, database)
        assert result.returncode == 0, result.stderr
        return result.stdout


SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include DIRECTORY/mail.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile DIRECTORY/pid
sizelimit unlimited
TLSIDENTITY
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw ldap:secret
directory DIRECTORY/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous READ
"""
# What Postfix's own examples use.
MAIL_SCHEMA = """\
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'maildrop' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'mailacceptinggeneralid' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'memberdn' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'mailThing' SUP top AUXILIARY MAY ( maildrop $ mailacceptinggeneralid $
  memberdn $ mail ) )
"""


class OpenLDAP(Server):
    user = "openldap"
    programs = ("slapd", "slapadd", "ldapmodify")
    password = "ldap:secret"
    reader = "cn=reader,dc=example,dc=com"

    def __init__(self, directory, anonymous="none", identity=""):
        self.anonymous = anonymous
        self.identity = identity
        super().__init__(directory)

    def prepare(self):
        config = SLAPD.replace("DIRECTORY", str(self.directory)).replace("READ", self.anonymous)
        (self.directory / "slapd.conf").write_text(config.replace("TLSIDENTITY", self.identity))
        (self.directory / "mail.schema").write_text(MAIL_SCHEMA)
        (self.directory / "data").mkdir()
        if IS_ROOT:
            shutil.chown(self.directory / "data", self.user)

    def load(self, ldif):
        """Entries, before it starts."""
        self.run("slapadd", "-f", self.directory / "slapd.conf", text=ldif)

    def start(self, more=""):
        """more: URLs to listen at, too."""
        self.spawn("slapd", "-d", "0", "-f", self.directory / "slapd.conf", "-h", f"ldap://127.0.0.1:{self.port} {more}")
        return self

    def modify(self, ldif):
        self.run("ldapmodify", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", "cn=admin,dc=example,dc=com", "-w",
                 self.password, text=ldif)


class Memcached(Server):
    programs = ("memcached",)

    def start(self):
        self.spawn("memcached", "-l", "127.0.0.1", "-p", self.port, "-m", "16")
        return self


class Redis(Server):
    programs = ("redis-server", "redis-cli")

    def __init__(self, directory, password=None):
        self.password = password
        super().__init__(directory)

    def start(self, *words):
        secret = ["--requirepass", self.password] if self.password else []
        self.spawn("redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, "--appendonly",
                   "yes", *secret, *words)
        return self

    def execute(self, *words):
        secret = ["-a", self.password, "--no-auth-warning"] if self.password else []
        return self.run("redis-cli", "-p", self.port, *secret, *words)
