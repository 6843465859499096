# SPDX-License-Identifier: Apache-2.0
"""Dovecot as what passwords are asked of: its auth service alone, in a directory of its own, and a peer that plays the same protocol badly."""

import base64
import hmac
import json
import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
from pathlib import Path

from .instance import IS_ROOT
from .waiting import PATIENCE, free_port, wait_until

MECHANISMS = "plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 anonymous oauthbearer xoauth2"
PASSWORD = "secret word"
USERS = ("ann@example.test", "bob")

CONFIG = """
protocols =
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/dovecot.log
auth_verbose = yes
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
auth_mechanisms = {mechanisms}
auth_anonymous_username = nobody
auth_failure_delay = 0 secs
ssl = no
disable_plaintext_auth = no
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {directory}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {path} {{
    mode = 0666
  }}
  inet_listener {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0
  }}
  unix_listener stats-writer {{
    mode = 0
  }}
}}
"""


# Tokens are judged here: JWTs (RFC 7519) signed with KEY.
OAUTH2 = """introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/keys/
username_attribute = sub
"""
KEY = b"a key for tests, and for nothing else"


def token(user, key=KEY):
    """What a server of OAuth 2 would give that user."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    text = b".".join((part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()), part(json.dumps({"sub": user, "iat": 1, "exp": 4000000000}).encode())))
    return (text + b"." + part(hmac.new(key, text, "sha256").digest())).decode()


def why_not():
    """The reason why it cannot run here, or None."""
    if not IS_ROOT:
        return "Dovecot needs root"
    if not Path("/usr/sbin/dovecot").exists():
        return "Dovecot is not installed"
    return None


class DovecotAuth:
    """Listens at path, and at port. ann@example.test and bob are there with PASSWORD, or who is named with his own."""

    def __init__(self, path, port, mechanisms=MECHANISMS, users=None):
        self.directory = Path(tempfile.mkdtemp(prefix="merpati-dovecot-"))
        self.directory.chmod(0o755)
        self.path, self.port = Path(path), port
        users = users or dict.fromkeys(USERS, PASSWORD)
        (self.directory / "users").write_text("".join(f"{user}:{{PLAIN}}{word}\n" for user, word in users.items()))
        key = self.directory / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(KEY))
        (self.directory / "oauth2.conf").write_text(OAUTH2.format(directory=self.directory))
        (self.directory / "dovecot.conf").write_text(
            CONFIG.format(directory=self.directory, user="nobody", group="nogroup", mechanisms=mechanisms, path=path, port=port))
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.directory / "dovecot.conf"], stdin=subprocess.DEVNULL)
        wait_until(self.path.exists, lambda: f"{self.path}; log:\n{self.log()}")

    def log(self):
        log = self.directory / "dovecot.log"
        return log.read_text() if log.exists() else ""

    def halt(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.path.unlink(missing_ok=True)

    def stop(self):
        self.halt()
        shutil.rmtree(self.directory, ignore_errors=True)


HANDSHAKE = ("VERSION\t1\t2", "MECH\tPLAIN\tplaintext", "MECH\tLOGIN\tplaintext", "MECH\tCRAM-MD5\tdictionary\tactive",
             "MECH\tSCRAM-SHA-1\tmutual-auth", "MECH\tANONYMOUS\tanonymous", "MECH\tEXTERNAL", "SPID\t7", "CUID\t8", "COOKIE\tc0ffee", "DONE")


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        owner = self.server.owner
        with owner.lock:
            owner.connections += 1
        if owner.handshake is None:
            return
        self.wfile.write(owner.handshake if isinstance(owner.handshake, bytes) else "".join(f"{line}\n" for line in owner.handshake).encode())
        while line := self.rfile.readline():
            fields = line.decode().rstrip("\n").split("\t")
            with owner.lock:
                owner.lines.append(fields)
            if fields[0] not in ("AUTH", "CONT"):
                continue
            answer = owner.answer(fields)
            if answer is None:
                return
            whole = answer if isinstance(answer, bytes) else f"{answer}\n".encode()
            self.wfile.write(whole)
            if not whole.endswith(b"\n"):
                return


class ScriptedAuth:
    """
    Speaks Dovecot's protocol as it is told: answer(fields) gives a line (bytes: as they are; half a line ends the connection), or None to
    close. Listens at `port`, or at the
    Unix socket `path`; lines has all that was said to it.
    """

    def __init__(self, answer, path=None, handshake=HANDSHAKE):
        self.answer = answer
        self.handshake = handshake
        self.lines = []
        self.connections = 0
        self.lock = threading.Lock()
        if path:
            kind, place = socketserver.ThreadingUnixStreamServer, str(path)
        else:
            self.port = free_port()
            kind, place = socketserver.ThreadingTCPServer, ("127.0.0.1", self.port)
        self.server = type("Server", (kind,), {"allow_reuse_address": True, "daemon_threads": True})(place, _Connection)
        self.server.owner = self
        if path:
            os.chmod(path, 0o666)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def said(self, verb):
        with self.lock:
            return [fields for fields in self.lines if fields[0] == verb]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
