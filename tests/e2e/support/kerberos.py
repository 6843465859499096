# SPDX-License-Identifier: Apache-2.0
"""A Kerberos realm of its own (MIT's KDC on a loopback port), for GSSAPI."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .waiting import PATIENCE, free_port, wait_until

REALM = "EXAMPLE.TEST"
CLIENT = """[libdefaults]
default_realm = {realm}
dns_canonicalize_hostname = false
dns_lookup_realm = false
dns_lookup_kdc = false
rdns = false
[realms]
{realm} = {{
  kdc = 127.0.0.1:{port}
}}
[domain_realm]
localhost = {realm}
"""
SERVER = """[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
  database_name = {directory}/principal
  key_stash_file = {directory}/stash
  acl_file = {directory}/acl
  supported_enctypes = aes256-cts:normal
}}
[logging]
kdc = FILE:{directory}/kdc.log
"""


def why_not():
    """The reason why it cannot run here, or None."""
    return None if shutil.which("krb5kdc") and shutil.which("kinit") else "Debian's packages krb5-kdc and krb5-user are not installed"


class Kerberos:
    """keytab: of the services. environment: of a client that is `user`, with a ticket."""

    def __init__(self, services, user="bob"):
        self.directory = Path(tempfile.mkdtemp(prefix="merpati-kerberos-"))
        self.directory.chmod(0o755)
        self.keytab = self.directory / "keytab"
        port = free_port()
        for name, text in (("krb5.conf", CLIENT), ("kdc.conf", SERVER)):
            (self.directory / name).write_text(text.format(realm=REALM, port=port, directory=self.directory))
        self.environment = {**os.environ, "KRB5_CONFIG": str(self.directory / "krb5.conf"), "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf"),
                            "KRB5CCNAME": f"FILE:{self.directory}/tickets"}
        self.run("kdb5_util", "create", "-s", "-W", "-P", "master of tests")
        words = [f"addprinc -pw {user} {user}"]
        for service in services:
            words += [f"addprinc -randkey {service}", f"ktadd -k {self.keytab} {service}"]
        self.run("kadmin.local", input="".join(f"{line}\n" for line in words))
        self.keytab.chmod(0o644)
        self.process = subprocess.Popen(["krb5kdc", "-n"], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: "commencing operation" in self.log(), lambda: f"the KDC; log:\n{self.log()}")
        self.run("kinit", user, input=f"{user}\n")

    def run(self, *words, **options):
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def log(self):
        log = self.directory / "kdc.log"
        return log.read_text() if log.exists() else ""

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        shutil.rmtree(self.directory, ignore_errors=True)
