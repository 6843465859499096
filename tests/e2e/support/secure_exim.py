# SPDX-License-Identifier: Apache-2.0
"""
Exim with TLS and logins: as a server it takes mail from bob alone, who has Dovecot's password and logs in under TLS; as a client it
shows a password itself, and believes one authority.

    peer = SecureExim(directory, authority=authority).start()    # peer.port by STARTTLS, peer.tls_port is TLS from the first byte
    peer.send("a@there.test", 2525, "plain", is_wrapped=False)
"""

import subprocess

from .dovecot_auth import PASSWORD
from .instance import drop_to
from .mail_peers import Exim
from .waiting import free_port

HEAD = """\
primary_hostname = exim.example
qualify_domain = exim.example
exim_path = DIRECTORY/exim4
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
spool_directory = DIRECTORY/spool
log_file_path = DIRECTORY/%slog
"""

SERVER = HEAD + """\
pid_file_path = DIRECTORY/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORT : TLS_ENTRANCE
tls_on_connect_ports = TLS_ENTRANCE
tls_advertise_hosts = *
tls_certificate = DIRECTORY/chain
tls_privatekey = DIRECTORY/chain
auth_advertise_hosts = ${if def:tls_in_cipher {*}{}}
acl_smtp_rcpt = recipients
acl_smtp_data = accept
begin acl
recipients:
  accept
    encrypted = *
    authenticated = *
begin routers
all:
  driver = accept
  transport = files
begin transports
files:
  driver = appendfile
  directory = DIRECTORY/box
  maildir_format
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{bob}}{eq{$auth3}{SECRET}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{bob}}{eq{$auth2}{SECRET}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq{$auth1}{bob}{SECRET}fail}
  server_set_id = $auth1
"""

CLIENT = HEAD + """\
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = there
begin transports
there:
  driver = smtp
  port = THERE
  protocol = PROTOCOL
  allow_localhost
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
  tls_verify_certificates = DIRECTORY/authority
begin authenticators
"""

AUTHENTICATORS = {
    "plain": "it:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ^bob^SECRET\n",
    "login": "it:\n  driver = plaintext\n  public_name = LOGIN\n  client_send = : bob : SECRET\n",
    "cram-md5": "it:\n  driver = cram_md5\n  public_name = CRAM-MD5\n  client_name = bob\n  client_secret = SECRET\n",
}


class SecureExim(Exim):
    def __init__(self, directory, authority, chain):
        super().__init__(directory)
        self.authority, self.chain, self.tls_port = authority, chain, free_port()

    def write(self, name, text):
        return super().write(name, text.replace("TLS_ENTRANCE", str(self.tls_port)).replace("SECRET", PASSWORD))

    def prepare(self, program):
        self.program_path = program
        self.write("chain", self.chain.read_text())
        self.write("authority", self.authority.read_text())
        return [*drop_to(self.account), "env", "-i", program, "-C", self.write("config", SERVER), "-bdf"]

    def send(self, recipient, port, mechanism, is_wrapped):
        """One message, at once; what the program says of it."""
        text = (CLIENT + AUTHENTICATORS[mechanism]).replace("THERE", str(port)).replace("PROTOCOL", "smtps" if is_wrapped else "smtp")
        config = self.write(f"client-{port}-{mechanism}", text)
        done = subprocess.run([*drop_to(self.account), "env", "-i", self.program_path, "-C", config, "-odi", "-v", "-f", "s@exim.example", recipient],
                              input="Subject: from exim\n\nhello\n", capture_output=True, text=True, cwd="/")
        return done.stdout + done.stderr

    def log(self):
        return (self.directory / "mainlog").read_text()
