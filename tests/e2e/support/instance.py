# SPDX-License-Identifier: Apache-2.0
"""
A private mail system in a directory of its own: Merpati from the build tree, or stock Postfix as the oracle.
Both take the same calls, so that one test can be played against either.
"""

import collections
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .mailboxes import mbox_messages
from .smtp_client import SmtpClient
from .waiting import PATIENCE, free_port, wait_until

SOURCE = Path(__file__).resolve().parents[3]
BUILD = SOURCE / "build" / os.environ.get("MERPATI_BUILD", "release")
IS_ROOT = os.geteuid() == 0
CACHE = BUILD / "CMakeCache.txt"
IS_SANITIZED = CACHE.exists() and "MERPATI_SANITIZE:BOOL=ON" in CACHE.read_text()
# The name of a parameter that is not given to Merpati, whatever a test says: scripts/unheard-parameters.
WITHOUT = os.environ.get("MERPATI_TEST_WITHOUT")
# Signals that only a broken program dies of.
CRASH = r"process \S+ pid \d+ killed by signal (?:4|6|7|8|11)\b"
RELOADED = r"master\[\d+\]: reload -- version"
# The default of the parameter, for instances that need more.
IMPORT_ENVIRONMENT = (
    "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME"
)


def socket_of(pid, number):
    """The name of the socket that a process has under that number; None if it has none."""
    try:
        name = os.readlink(f"/proc/{pid}/fd/{number}")
    except OSError:
        return None
    return name if name.startswith("socket:") else None


def untold(log):
    """
    Messages of which the log has yet to say that they are removed, or what became of a recipient. A message may be between two
    places while a queue is listed, and log lines of several programs come in any order.
    """
    counts = dict.fromkeys(re.findall(r"(?m)(?:forwarded as|notification:) ([0-9A-Za-z]+)\)?$", log), 1)
    for queue_id, count in re.findall(r"(?m)/qmgr\[\d+\]: (\w+): from=<.*, nrcpt=(\d+) \(queue active\)$", log):
        counts[queue_id] = max(counts.get(queue_id, 0), int(count))
    fates = collections.Counter(re.findall(r"(?m)\]: (\w+): to=<", log))
    removed = set(re.findall(r"(?m)\]: (\w+): removed$", log))
    return [queue_id for queue_id, count in counts.items() if queue_id not in removed or fates[queue_id] < count]


def age(path, seconds=10):
    """Stock waits for main.cf and for tables to be some seconds old before it takes them for whole, in every program."""
    os.utime(path, (time.time() - seconds,) * 2)


def drop_to(user):
    """The words before a command that make it run as user; none if that is who we are."""
    if user is None or pwd.getpwuid(os.geteuid()).pw_name == user:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--init-groups", "--"]


class Instance:
    """What Merpati and stock Postfix have in common; see the subclasses for what differs."""

    program = None
    daemon_directory = None
    command_directory = None
    chroot = "y"  # in master.cf
    listen_fd = None  # the number of a daemon's first listening socket

    def __init__(self, run_as=None, main=None, master=None, services=()):
        self.run_as = run_as
        self.user = run_as or pwd.getpwuid(os.geteuid()).pw_name
        self.directory = Path(tempfile.mkdtemp(prefix="merpati-e2e-"))
        self.directory.chmod(0o755)
        self.config = self.directory / "etc"
        self.queue = self.directory / "queue"
        self.data = self.directory / "data"
        self.mail = self.directory / "mail"
        self.log = self.directory / "maillog"
        self.port = free_port()
        self.is_running = False
        self.wrapper = []
        self.environment = {}
        self.reports = []
        self.submissions = 0
        for folder in (self.config, self.queue, self.data, self.mail):
            folder.mkdir(mode=0o755)
        self.mail.chmod(0o1777)
        self.main = {**self.base_main(), **(main or {})}
        self.master = master if master is not None else self.base_master()
        self.services = list(services)
        self.write_config()
        self.hand_over()

    # --- configuration -------------------------------------------------------------------------------------

    def base_main(self):
        return {
            "compatibility_level": "3.6",
            "queue_directory": self.queue,
            "data_directory": self.data,
            "daemon_directory": self.daemon_directory,
            "command_directory": self.command_directory,
            "mail_spool_directory": self.mail,
            "maillog_file": self.log,
            "maillog_file_prefixes": self.directory,
            "myhostname": "mail.example.test",
            "mydomain": "example.test",
            "myorigin": "$mydomain",
            "mydestination": "$myhostname, $mydomain, localhost",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "alias_database": "",
            "biff": "no",
        }

    def base_master(self):
        raise NotImplementedError

    def path(self, name):
        return self.directory / name

    def set(self, **parameters):
        """Changes main.cf; None takes a parameter out. Follow with reload() when running."""
        for name, value in parameters.items():
            if value is None:
                self.main.pop(name, None)
            else:
                self.main[name] = value
        self.write_config()

    def write_config(self):
        lines = [f"{name} = {value}" for name, value in self.main.items()]
        (self.config / "main.cf").write_text("\n".join(lines) + "\n")
        age(self.config / "main.cf")
        text = self.master + "".join(s.rstrip() + "\n" for s in self.services)
        (self.config / "master.cf").write_text(text)

    def write(self, name, content):
        """A file of the test's own in the instance directory; its path."""
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if IS_ROOT and self.run_as:
            shutil.chown(path, self.run_as)
        return path

    def table(self, name, content, kind="hash"):
        """Writes and indexes a table; returns type:path for main.cf."""
        path = self.write(name, content)
        if kind in ("hash", "btree", "lmdb"):
            age(path, 20)
            self.command("postmap", f"{kind}:{path}")
            self.age_tables(name)
        return f"{kind}:{path}"

    def aliases(self, content, kind="hash"):
        """Writes and indexes an alias table; returns type:path."""
        path = self.write("aliases", content)
        age(path, 20)
        self.command("postalias", f"{kind}:{path}")
        self.age_tables("aliases")
        return f"{kind}:{path}"

    def age_tables(self, name):
        """What was made of the source of that name."""
        for path in self.directory.glob(name + ".*"):
            age(path)

    def hand_over(self):
        """Gives the directories to the account that the system runs as."""
        if IS_ROOT and self.run_as:
            for folder in (self.directory, self.config, self.queue, self.data):
                shutil.chown(folder, self.run_as)

    # --- running ---------------------------------------------------------------------------------------------

    def run(self, *words, input=None, check=True, user=None, timeout=None, environment=None, directory=None):
        """Runs a program as the instance's user and returns the finished process (text)."""
        if isinstance(input, str):
            input = input.encode("utf-8", "surrogateescape")
        done = subprocess.run(
            drop_to(user or self.run_as) + [str(w) for w in words],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            timeout=timeout or PATIENCE * 3,
            env={**os.environ, **self.environment, "MAIL_CONFIG": str(self.config), **(environment or {})},
            cwd=directory or self.directory,
        )
        done.stdout = done.stdout.decode("utf-8", "surrogateescape")
        done.stderr = done.stderr.decode("utf-8", "surrogateescape")
        if check and done.returncode != 0:
            raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}\n{self.tail()}")
        return done

    def command(self, name, *words, **options):
        """A mail command by its name, from the right place."""
        return self.run(Path(self.command_directory) / name, *words, **options)

    def control(self, verb, **options):
        """merpati -c DIR VERB."""
        return self.command(self.program, "-c", self.config, verb, **options)

    def start(self):
        self.control("start")
        self.is_running = True
        self.wait_for_port(self.port)
        return self

    def wait_for_port(self, port):
        import socket

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens, lambda: f"a listener on port {port}; log:\n{self.tail()}")

    def reload(self):
        """
        As the command, and then until the new configuration is in force: master has logged it, and no process that was there
        before takes new work. Sessions and deliveries in hand go on.
        """
        count = len(re.findall(RELOADED, self.log_text()))
        before = self.listening()
        self.control("reload")
        self.wait_log(RELOADED, count + 1)

        def left():
            now = self.listening()
            return [pid for pid, socket in before.items() if now.get(pid) == socket]

        wait_until(lambda: not left(), lambda: f"{left()} to take no new work; log:\n{self.tail()}")

    def listening(self):
        """Daemons that take new work, by process id: the socket that they share with master."""
        masters = self.pids("master")
        shared = {socket_of(pid, number) for pid in masters for number in os.listdir(f"/proc/{pid}/fd")}
        found = {pid: socket_of(pid, self.listen_fd) for pid in self.all_pids() if pid not in masters}
        return {pid: socket for pid, socket in found.items() if socket in shared - {None}}

    def stop(self):
        if self.is_running:
            self.control("stop")
            self.is_running = False

    def master_pid(self):
        text = (self.queue / "pid" / "master.pid").read_text().strip()
        return int(text) if text else None

    def pids(self, name):
        """Process ids of this instance's daemons of that program name."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if os.path.basename(words[0].decode()) == name and str(self.config).encode() in environment:
                found.append(int(entry.name))
        return found

    def kill(self, name, number=signal.SIGKILL):
        """Kills this instance's daemons of that name; how many there were."""
        count = 0
        for pid in self.pids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                count += 1
        return count

    def finish(self):
        """Ends whatever still runs and removes the directory (kept when MERPATI_TEST_KEEP is set)."""
        try:
            if self.is_running:
                self.is_running = False
                self.control("abort", check=False)
        except (OSError, subprocess.SubprocessError):
            pass
        finally:
            self.wait_for_end()
            complaints = self.complaints()
            if not os.environ.get("MERPATI_TEST_KEEP"):
                shutil.rmtree(self.directory, ignore_errors=True)
        assert not complaints, "daemons were broken:\n" + "\n".join(complaints)

    def complaints(self):
        """What makes a test fail whatever it looked at: daemons that crashed, reports of a sanitizer."""
        return []

    def wait_for_end(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            left = self.all_pids()
            if not left:
                return
            if time.monotonic() > deadline:
                for pid in left:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except OSError:
                        pass
                return
            time.sleep(0.01)

    def all_pids(self):
        """Every process with this instance's configuration in its environment, but us."""
        found = []
        mark = b"MAIL_CONFIG=" + str(self.config).encode() + b"\0"
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes() + b"\0":
                        if (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                            found.append(int(entry.name))
                except OSError:
                    pass
        return found

    # --- looking ---------------------------------------------------------------------------------------------

    def log_text(self):
        """Whole lines only: the last one may still be on its way."""
        text = self.log.read_text("utf-8", "surrogateescape") if self.log.exists() else ""
        return text[: text.rfind("\n") + 1]

    def tail(self, lines=60):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def wait_log(self, pattern, count=1, timeout=None):
        """Waits until the log has count matches of the regular expression; returns the last match."""
        expression = re.compile(pattern, re.M)

        def enough():
            found = list(expression.finditer(self.log_text()))
            return found[count - 1] if len(found) >= count else None

        return wait_until(enough, lambda: f"log line {pattern!r}; log:\n{self.tail()}", timeout)

    def log_lines(self, pattern=""):
        """What follows "program[pid]: " in each line that matches."""
        lines = (re.sub(r"^.*?\w+\[\d+\]: ", "", line) for line in self.log_text().splitlines() if re.search(pattern, line))
        return list(lines)

    def log_line(self, pattern):
        """What follows "program[pid]: " in the first line that matches, waited for."""
        self.wait_log(pattern)
        return self.log_lines(pattern)[0]

    def smtp(self, **options):
        """A raw client, connected and greeted."""
        return SmtpClient(self.port, **options)

    def sendmail(self, *words, input="", **options):
        done = self.command("sendmail", "-C", self.config, *words, input=input, **options)
        if done.returncode == 0 and not any(re.match(r"-(q|b[^mvs])", str(word)) for word in words):
            self.submissions += 1
        return done

    def mailbox(self, user):
        """The messages in the user's mbox."""
        return mbox_messages(self.mail / user)

    def wait_mailbox(self, user, count=1, timeout=None):
        return wait_until(
            lambda: (lambda found: found if len(found) >= count else None)(self.mailbox(user)),
            lambda: f"{count} messages for {user}; log:\n{self.tail()}",
            timeout,
        )

    def queue_ids(self):
        """Queue ids that postqueue -p lists, with * or ! cut off."""
        out = self.command("postqueue", "-c", self.config, "-p", check=False).stdout
        return re.findall(r"(?m)^([0-9A-Za-z]{10,})[*!]?\s", out)

    def untold(self):
        """What the log has yet to say of mail that came in, and submissions that nobody picked up."""
        text = self.log_text()
        picked_up = len(re.findall(r"(?m)/pickup\[\d+\]: \w+: uid=", text))
        return untold(text) + ["a submission"] * (self.submissions - picked_up)

    def wait_empty(self, timeout=None, is_told=True):
        """
        Until the queue is empty, and the log has told the whole story of all mail; is_told=False where processes are killed, whose
        last words may be lost.
        """
        wait_until(
            lambda: "is empty" in self.command("postqueue", "-c", self.config, "-p", check=False).stdout
            and not (is_told and self.untold()),
            lambda: f"an empty queue; untold {self.untold()[:10]}; log:\n{self.tail()}",
            timeout,
        )


class Merpati(Instance):
    program = "merpati"
    listen_fd = 6
    daemon_directory = BUILD / "libexec"
    command_directory = BUILD / "bin"

    def write_config(self):
        if IS_SANITIZED and not self.reports:
            self.make_reports()
        super().write_config()
        if WITHOUT:
            for path in (self.config / "main.cf", self.config / "master.cf"):
                path.write_text(re.sub(rf"(?m)(^|-o \s*|{{\s*){re.escape(WITHOUT)}(?=\s*=)", r"\1unheard_parameter", path.read_text()))
                age(path)

    def make_reports(self):
        """
        Sanitizers write a file a process, under one path that is there within the jail, too. Leaks are looked for by
        the unit tests: in a daemon that gave up its rights it cannot be done.
        """
        folder = self.directory / "sanitizer"
        self.reports = [folder, self.queue / str(folder).lstrip("/")]
        for report in self.reports:
            report.mkdir(parents=True)
            report.chmod(0o1777)
        options = f"log_path={folder}/report:abort_on_error=1:handle_abort=1:detect_leaks=0:allocator_may_return_null=1"
        self.environment = {"ASAN_OPTIONS": options, "UBSAN_OPTIONS": options + ":print_stacktrace=1"}
        words = self.main.get("import_environment", IMPORT_ENVIRONMENT)
        self.main["import_environment"] = f"{words} ASAN_OPTIONS UBSAN_OPTIONS"

    def complaints(self):
        crashes = [line for line in self.log_text().splitlines() if re.search(CRASH, line)]
        files = [file for folder in self.reports for file in folder.glob("report.*")]
        return crashes + [file.read_text("utf-8", "replace")[:8000] for file in files]

    def base_main(self):
        main = super().base_main()
        shipped = SOURCE / "conf" / "main.cf"
        if shipped.exists():
            for name in ("undisclosed_recipients_header",):
                found = re.search(rf"(?m)^{name}\s*=\s*(.*)$", shipped.read_text())
                if found:
                    main[name] = found.group(1)
        main["sendmail_path"] = self.command_directory / "sendmail"
        if self.run_as or not IS_ROOT:
            main["mail_owner"] = self.user
            main["net_owner"] = self.user
        return main

    def base_master(self):
        """conf/master.cf with the SMTP port changed, and nothing else on the network."""
        text = (SOURCE / "conf" / "master.cf").read_text()
        changed = re.sub(r"(?m)^smtp(\s+inet\s)", rf"127.0.0.1:{self.port}\1", text)
        assert changed != text, "conf/master.cf has no smtp service"
        return changed


class Stock(Instance):
    """Debian's Postfix with its own directories, never the system's."""

    chroot = "n"

    program = "postfix"
    daemon_directory = Path("/usr/lib/postfix/sbin")
    command_directory = Path("/usr/sbin")

    SERVICES = """\
PORT       inet  n - n - -   smtpd
pickup     unix  n - n 60 1  pickup
cleanup    unix  n - n - 0   cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - -   trivial-rewrite
bounce     unix  - - n - 0   bounce
defer      unix  - - n - 0   bounce
trace      unix  - - n - 0   bounce
verify     unix  - - n - 1   verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n - -   proxymap
proxywrite unix  - - n - 1   proxymap
smtp       unix  - - n - -   smtp
relay      unix  - - n - -   smtp
showq      unix  n - n - -   showq
error      unix  - - n - -   error
retry      unix  - - n - -   error
discard    unix  - - n - -   discard
local      unix  - n n - -   local
virtual    unix  - n n - -   virtual
lmtp       unix  - - n - -   lmtp
anvil      unix  - - n - 1   anvil
scache     unix  - - n - 1   scache
postlog    unix-dgram n - n - 1 postlogd
"""

    @classmethod
    def why_not(cls):
        """The reason why it cannot run here, or None."""
        if not IS_ROOT:
            return "stock Postfix as the oracle needs root"
        if not Path("/usr/sbin/postfix").exists():
            return "Debian's package postfix is not installed"
        return None

    def base_main(self):
        return {
            **super().base_main(),
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "syslog_name": "merpati",
            "mail_name": "Merpati",
            "smtpd_tls_security_level": "none",
            "smtp_tls_security_level": "none",
        }

    def base_master(self):
        return self.SERVICES.replace("PORT", f"127.0.0.1:{self.port}")

    # What "postfix start" finds missing and makes, in some three seconds.
    QUEUE = {
        **dict.fromkeys(("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
                         "trace"), (0o700, "postfix", "root")),
        "maildrop": (0o730, "postfix", "postdrop"),
        "public": (0o710, "postfix", "postdrop"),
        "pid": (0o755, "root", "root"),
    }

    def hand_over(self):
        shutil.chown(self.data, "postfix")
        for name, (mode, owner, group) in self.QUEUE.items():
            (self.queue / name).mkdir()
            shutil.chown(self.queue / name, owner, group)
            (self.queue / name).chmod(mode)

    def start(self):
        """master -w returns when the system is up; wrapper is what it is run by."""
        self.run(*self.wrapper, self.daemon_directory / "master", "-w")
        self.is_running = True
        self.wait_for_port(self.port)
        return self
