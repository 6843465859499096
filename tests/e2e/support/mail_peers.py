# SPDX-License-Identifier: Apache-2.0
"""
Exim and sendmail as the servers that mail is sent to: the real programs, unpacked beneath build/peers by
scripts/install-packages. They take mail for everybody but <refused@...>, keep it in files, one a recipient, and announce DSN.

    peer = Exim(directory).start(); peer.port; peer.messages(); peer.stop()
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from .instance import IS_ROOT, SOURCE, drop_to
from .waiting import free_port, wait_until

PEERS = SOURCE / "build" / "peers"

EXIM_CONFIG = """\
primary_hostname = exim.example
qualify_domain = exim.example
spool_directory = DIRECTORY/spool
log_file_path = DIRECTORY/%slog
pid_file_path = DIRECTORY/pid
exim_path = DIRECTORY/exim4
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORT
acl_smtp_rcpt = recipients
acl_smtp_data = accept
dsn_advertise_hosts = *
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
begin acl
recipients:
  deny
    local_parts = refused
    message = no such user
  accept
begin routers
all:
  driver = accept
  transport = files
begin transports
files:
  driver = appendfile
  directory = DIRECTORY/box
  maildir_format
  envelope_to_add
  return_path_add
  user = Debian-exim
"""

SENDMAIL_STORE = """\
file=$(mktemp DIRECTORY/box/tmp/XXXXXXXX) && cat >"$file" && mv "$file" DIRECTORY/box/new/
"""
SENDMAIL_CONFIG = r"""V10/Berkeley
Djsendmail.example
DnMAILER-DAEMON
Cwsendmail.example
Troot
O QueueDirectory=DIRECTORY/spool
O PidFile=DIRECTORY/pid
O ServiceSwitchFile=DIRECTORY/switch
O HostsFile=DIRECTORY/hosts
O DaemonPortOptions=Name=MTA,Port=PORT,Addr=127.0.0.1,Family=inet
O DeliveryMode=interactive
O EightBitMode=pass8
O DefaultUser=nobody
O RunAsUser=nobody
O DontProbeInterfaces=true
O Timeout.ident=0
H?D?Date: $b
Mlocal, P=/bin/sh, F=lsP, E=\n, A=sh DIRECTORY/store $u
Mprog, P=/bin/sh, F=lsP, E=\n, A=sh DIRECTORY/store $u
H?P?Return-Path: <$g>
Mfiles, P=/bin/sh, F=lsP, E=\n, T=DNS/RFC822/X-Unix, A=sh DIRECTORY/store $u
S3
R$* < $+ > $*	$@ $2
S0
R$+	$#files $: $1
Scheck_rcpt
R$* refused @ $*	$#error $@ 5.1.1 $: "550 no such user"
"""


class Peer:
    """One of the two; directory is the test's, and others may enter it."""

    name = program = account = None

    def __init__(self, directory):
        self.directory = Path(directory) / self.name
        self.port = free_port()
        self.process = None

    @classmethod
    def why_not(cls):
        """Why it cannot run here; None if it can."""
        if not IS_ROOT:
            return f"{cls.name} is started by root"
        if not (PEERS / cls.program).exists():
            return f"no {cls.name} beneath {PEERS}: scripts/install-packages unpacks it"
        return None

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text.replace("DIRECTORY", str(self.directory)).replace("PORT", str(self.port)))
        return path

    def start(self):
        self.directory.mkdir(mode=0o755)
        for folder in ("spool", "box", "box/new", "box/cur", "box/tmp"):
            (self.directory / folder).mkdir()
        program = shutil.copy(PEERS / self.program, self.directory)
        words = self.prepare(program)
        for path in (self.directory, *self.directory.glob("**/*")):
            shutil.chown(path, self.account)
        with open(self.directory / "output", "wb") as output:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True)
        wait_until(self.is_listening, lambda: f"{self.name}: {(self.directory / 'output').read_text()}")
        return self

    def is_listening(self):
        assert self.process.poll() is None, f"{self.name} ended: {(self.directory / 'output').read_text()}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def stop(self):
        """With all that it has begun; then its directory goes."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        wait_until(self.is_removed, f"the end of {self.directory}")

    def is_removed(self):
        shutil.rmtree(self.directory.parent, ignore_errors=True)
        return not self.directory.parent.exists()

    def messages(self):
        return [path.read_bytes().decode() for path in sorted((self.directory / "box" / "new").iterdir())]

    def wait_messages(self, count):
        wait_until(lambda: len(self.messages()) >= count, f"{count} messages at {self.name}")
        return self.messages()


class Exim(Peer):
    """Adds Envelope-to: and Return-path: on top."""

    name = "exim"
    program = "usr/sbin/exim4"
    account = "Debian-exim"

    def prepare(self, program):
        return [*drop_to(self.account), "env", "-i", program, "-C", self.write("config", EXIM_CONFIG), "-bdf"]


class Sendmail(Peer):
    """Adds Return-Path: on top."""

    name = "sendmail"
    program = "usr/libexec/sendmail/sendmail"
    account = "nobody"

    def prepare(self, program):
        for name, text in (("switch", "hosts\tfiles\naliases\tfiles\npasswd\tfiles\n"),
                           ("hosts", "127.0.0.1 localhost sendmail.example\n"), ("resolv.conf", "nameserver 127.0.0.1\n"),
                           ("store", SENDMAIL_STORE)):
            self.write(name, text)
        # It waits for a minute where the host's name has no dot, and for the name servers before it reads its configuration.
        script = ('hostname sendmail.example && mount --bind "$0/hosts" /etc/hosts && '
                  'mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"')
        return ["unshare", "-u", "-m", "sh", "-c", script, self.directory, program, "-C", self.write("config", SENDMAIL_CONFIG), "-bD"]
