# SPDX-License-Identifier: Apache-2.0
"""One of the two systems going through a case."""

import contextlib
import json
import os
import pwd
import re
import shutil
import time
from pathlib import Path

from support.accounts import TEST_ACCOUNT, ensure_account, remove_account
from support.dialogues import Content, END, READ, play
from support.instance import Stock, age
from support.own_names import own_names
from support.side_by_side import UNDISCLOSED
from support.smtp_sink import CLOSE, RESET, STALL, SmtpSink
from support.waiting import PATIENCE, free_port

from .case import BadCase, unescape
from .log import Log, told
from .normal import Normal, listing

# Stock runs under its own name in the log where conf/master.cf has one.
RELAY = "relay      unix  - - n - -   smtp\n"
ONE_WORD = re.compile(r"%([a-z]+(?::[a-z0-9-]+)?)%")


class Side:
    """finish() ends it; run() gives {aspect: [lines]}."""

    def __init__(self, kind, case):
        self.case = case
        self.ports = {}
        self.sinks = {}
        self.dialogues = set()
        self.names = None
        self.person = None
        self.replies = []
        self.told = []
        self.instance = kind(main={"undisclosed_recipients_header": UNDISCLOSED})
        self.dir = self.instance.directory
        self.log = Log(self.instance)
        self.mark = 0

    # --- before the start ----------------------------------------------------------------------------------

    def expand(self, text):
        def value(match):
            name, _, detail = match[1].partition(":")
            if name == "dir" and not detail:
                return str(self.dir)
            if name == "commands" and not detail:
                return str(self.instance.command_directory)
            if name == "user" and not detail:
                return TEST_ACCOUNT
            if name == "port":
                return str(self.port(detail))
            if name == "sink" and (detail or "sink") in self.sinks:
                return str(self.sinks[detail or "sink"].port)
            if name in ("person", "home") and not detail:
                person, home = self.make_person()
                return person if name == "person" else str(home)
            return match[0]

        return ONE_WORD.sub(value, text)

    def port(self, name):
        if not name:
            return self.instance.port
        return self.ports.setdefault(name, free_port())

    def make_person(self):
        """An account with a home that is this side's alone, and empty."""
        if not self.person:
            kind = "s" if isinstance(self.instance, Stock) else "m"
            name = f"merpati-{kind}-{os.environ.get('PYTEST_XDIST_WORKER', 'one')}-{os.getpid() % 100000:05}"
            home = Path("/var/tmp") / name
            home.mkdir(mode=0o755)
            ensure_account(name, str(home))
            shutil.chown(home, name, name)
            self.person = (name, home)
        return self.person

    def set_up(self):
        instance = self.instance
        self.make_sinks()
        if isinstance(instance, Stock):
            instance.master = instance.master.replace(RELAY, RELAY.rstrip() + " -o syslog_name=merpati/relay\n")
        main = {"relayhost": f"[127.0.0.1]:{self.sinks['sink'].port}", "smtp_host_lookup": "native"}
        if self.case.setup("dns"):
            main = {}
            self.names = own_names(instance)
            self.add_names()
        out = instance.path("out")
        out.mkdir()
        out.chmod(0o1777)
        given = {}
        for section in self.case.setup("main.cf"):
            given |= main_lines(self.expand(section.body))
        for section in self.case.setup("aliases"):
            map_name = f"hash:{instance.path('aliases')}"
            main |= {"alias_maps": map_name, "alias_database": map_name}
        instance.main |= main | given
        for section in self.case.setup("master.cf"):
            self.add_services(self.expand(section.body))
        instance.write_config()
        self.write_files()

    def make_sinks(self):
        sections = self.case.sinks()
        shared = free_port() if any("address" in s.options for s in sections) else 0
        if not any(not s.words or s.words[0] == "sink" for s in sections):
            self.sinks["sink"] = SmtpSink(port=shared)
        for section in sections:
            self.set_sink(section, shared)

    def set_sink(self, section, shared=0):
        """The first time makes it, and later times change what it says."""
        name = section.words[0] if section.words else "sink"
        rules, extensions, host = sink_rules(self.expand(section.body), section)
        if name not in self.sinks:
            address = section.options.get("address", "127.0.0.1")
            if "unix" in section.options:
                address = self.dir / section.options["unix"]
                address.parent.mkdir(parents=True, exist_ok=True)
            port = shared if "address" in section.options or name == "sink" else 0
            options = {"port": port} if "unix" not in section.options else {}
            self.sinks[name] = SmtpSink(address=str(address), is_lmtp="lmtp" in section.words[1:], name=host, **options)
        sink = self.sinks[name]
        sink.replies = rules
        if extensions is not None:
            sink.extensions = extensions
        if "dialogue" in section.words[1:]:
            self.dialogues.add(name)

    def add_names(self):
        for section in self.case.setup("dns"):
            for line in section.body.splitlines():
                words = self.expand(line).split(None, 2)
                if not words or words[0].startswith("#"):
                    continue
                if words[0] == "fail":
                    self.names.fail(words[1], words[2])
                else:
                    self.names.add(*words)

    def add_services(self, text):
        """A service that is there already is replaced."""
        for entry in re.split(r"(?m)^(?=[^\s#])", re.sub(r"(?m)^#.*\n", "", text)):
            words = entry.split(None, 2)
            if len(words) < 3:
                continue
            own = re.escape(words[0]) + r"\s+" + re.escape(words[1])
            self.instance.master = re.sub(rf"(?m)^{own}\s.*\n(?:[ \t].*\n)*", "", self.instance.master)
            self.instance.services.append(entry)

    def write_files(self):
        instance = self.instance
        for section in self.case.setup("folder"):
            path = self.dir / self.expand(section.words[0])
            path.mkdir(parents=True, exist_ok=True)
            self.own(path, section)
        for section in self.case.setup("file"):
            path = self.dir / self.expand(section.words[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.expand(section.body).encode("utf-8", "surrogateescape"))
            age(path, 20)
            self.own(path, section)
        for section in self.case.setup("table"):
            kind, name = section.words
            self.write_source(name, section)
            instance.command("postmap", "-c", instance.config, f"{kind}:{instance.path(name)}")
            instance.age_tables(name)
        for section in self.case.setup("aliases"):
            self.write_source("aliases", section)
            instance.command("postalias", "-c", instance.config, f"hash:{instance.path('aliases')}")
            instance.age_tables("aliases")

    def write_source(self, name, section):
        path = self.instance.path(name)
        path.write_bytes(self.expand(section.body).encode("utf-8", "surrogateescape"))
        age(path, 20)

    def own(self, path, section):
        if "mode" in section.options:
            path.chmod(int(section.options["mode"], 8))
        if "owner" in section.options:
            owner = self.expand(section.options["owner"])
            shutil.chown(path, owner, pwd.getpwnam(owner).pw_gid)

    def words(self):
        """What stands for what in the comparison."""
        instance = self.instance
        found = [(str(self.dir), "%dir%"), (str(instance.port), "%port%"),
                 (str(instance.daemon_directory), "%daemons%"), (str(instance.command_directory), "%commands%")]
        found += [(str(port), f"%port:{name}%") for name, port in self.ports.items()]
        for name, sink in self.sinks.items():
            if sink.port:
                found.append((str(sink.port), "%sink%" if name == "sink" else f"%sink:{name}%"))
        owner = instance.main.get("mail_owner", "merpati")
        found.append((str(pwd.getpwnam(owner).pw_uid), "%owner%"))
        if self.person:
            name, home = self.person
            found += [(str(home), "%home%"), (name, "%person%"), (str(pwd.getpwnam(name).pw_uid), "%uid%")]
        return found

    # --- running -------------------------------------------------------------------------------------------

    def run(self):
        self.set_up()
        # Nobody else connects before the first client.
        self.instance.wait_for_port = lambda port: None
        self.instance.start()
        self.normal = Normal(self.words())
        self.end_step("start")
        steps = self.case.steps()
        for number, section in enumerate(steps, 1):
            self.step(section)
            # What is waited for belongs to the step before.
            if steps[number : number + 1] and steps[number].name == "wait":
                continue
            self.end_step(f"{number}: {section.title}")
        return {
            "replies and output": self.replies,
            "log": self.told,
            "mailboxes and files": self.files(),
            "queue": self.queue(),
            **{f"sink {name}": self.received(name) for name in sorted(self.sinks)},
        }

    def step(self, section):
        self.title = section.title
        getattr(self, "step_" + section.name)(section)

    def end_step(self, title):
        self.settle()
        self.normal.learn("\n".join(self.log.lines[self.mark :]))
        self.told += [title, *told(self.log.lines[self.mark :], self.normal)]
        self.mark = len(self.log.lines)

    def say(self, title, text):
        self.replies += [title, *("  " + line for line in self.normal.text(text).split("\n"))]

    def output(self, section, done):
        self.normal.learn(done.stdout)
        self.settle()
        self.normal.learn("\n".join(self.log.lines))
        text = self.normal.text((done.stdout + done.stderr).rstrip("\n"))
        is_listing = section.words[:2] == ["postqueue", "-p"] or section.words[:1] == ["mailq"]
        self.say(f"{section.title} ends with {done.returncode}", listing(text) if is_listing else text)

    def step_sendmail(self, section):
        words = [self.expand(word) for word in section.words]
        done = self.instance.sendmail(*words, input=self.expand(section.body), check=False)
        if done.returncode or done.stdout or done.stderr:
            self.output(section, done)

    def step_smtp(self, section):
        name = section.words[0] if section.words else ""
        before = self.log.count(r"/smtpd\[\d+\]: disconnect from ")
        transcript = play(self.instance, smtp_steps(self.expand(section.body)), TEST_ACCOUNT, self.port(name),
                          source=section.options.get("from"))
        self.log.wait(r"/smtpd\[\d+\]: disconnect from ", before + 1)
        self.log.wait(r" status=", int(section.options.get("outcomes", 0)), start=self.mark)
        self.normal.learn("\n".join(self.log.lines))
        for step, reply in transcript:
            self.say(self.normal.text(step), reply)

    def step_command(self, section):
        name, *words = [self.expand(word) for word in section.words]
        self.output(section, self.instance.command(name, *words, input=self.expand(section.body), check=False))

    def step_shell(self, section):
        script = self.expand(section.body)
        path = f"{self.instance.command_directory}:{os.environ.get('PATH', os.defpath)}"
        self.output(section, self.instance.run("sh", "-c", script, check=False, environment={"PATH": path}))

    def step_flush(self, section):
        """postqueue -f, and until each deferred message has been tried."""
        waiting = [m["queue_id"] for m in self.listing() if m["queue_name"] == "deferred"]
        start = len(self.log.lines)
        self.instance.command("postqueue", "-c", self.instance.config, "-f")
        for queue_id in waiting:
            self.log.wait(rf"/qmgr\[\d+\]: {queue_id}: .*(queue active|status=)", start=start)

    def step_wait(self, section):
        self.log.wait(self.expand(section.words[0]), start=self.mark)

    def step_reload(self, section):
        """With main.cf changed by the lines of the section."""
        self.instance.main |= main_lines(self.expand(section.body))
        self.instance.write_config()
        self.instance.reload()

    def step_settle(self, section):
        """Nothing: every step ends with it."""

    def step_sink(self, section):
        self.set_sink(section)

    # --- what is waited for --------------------------------------------------------------------------------

    def settle(self):
        """
        Until nothing moves: nothing in maildrop, every message that the queue manager took up is gone or lies deferred or
        held, and the log has been read to where it was when this became so.
        """
        self.since = time.monotonic()
        deadline = self.since + PATIENCE
        pause = 0.004
        while True:
            assert time.monotonic() < deadline, f"waited in vain for the end of: {getattr(self, 'title', 'start')}"
            if self.is_settled():
                return
            time.sleep(pause)
            pause = min(pause * 1.4, 0.05)

    def is_settled(self):
        self.log.read()
        # Cheap questions first; the log alone may err, as its lines come from several programs.
        maildrop = self.instance.queue / "maildrop"
        if maildrop.is_dir() and os.listdir(maildrop):
            return False
        if self.log.under_way(self.log.deferred) and time.monotonic() < self.since + 0.5:
            return False
        parked = self.parked()
        if parked is None:
            return False
        self.log.barrier()
        if self.log.under_way(parked) or self.parked() != parked:
            return False
        # What lies there may be deleted or get another name from now on.
        self.log.forget(parked)
        return True

    def parked(self):
        """The ids of what lies deferred or held; None while there is more than that."""
        if isinstance(self.instance, Stock):
            for name in ("maildrop", "incoming", "active"):
                if any(self.instance.queue.joinpath(name).iterdir()):
                    return None
            return {p.name for name in ("deferred", "hold") for p in self.instance.queue.joinpath(name).rglob("*") if p.is_file()}
        listed = self.listing()
        if any(m["queue_name"] not in ("deferred", "hold") for m in listed):
            return None
        return {m["queue_id"] for m in listed}

    def listing(self):
        done = self.instance.command("postqueue", "-c", self.instance.config, "-j")
        return [json.loads(line) for line in done.stdout.splitlines()]

    # --- what is there in the end --------------------------------------------------------------------------

    def queue(self):
        out = []
        for m in self.listing():
            who = sorted(f"  {r['address']}: {r.get('delay_reason', 'not tried')}" for r in m["recipients"])
            out.append("\n".join([f"{m['queue_name']} from <{m['sender']}>", *who]))
        return self.normal.text("\n".join(sorted(out))).splitlines()

    def files(self):
        """Every file that mail was delivered to."""
        roots = [self.dir / "mail", self.dir / "out"] + ([self.person[1]] if self.person else [])
        found = []
        for root in roots:
            for path in root.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    found.append(self.file(path))
        return [line for block in sorted(found) for line in block]

    def file(self, path):
        name = str(path)
        if path.parent.name in ("new", "cur", "tmp"):
            name = f"{path.parent}/MESSAGE"
        status = path.stat()
        owner = pwd.getpwuid(status.st_uid).pw_name
        content = path.read_bytes().decode("utf-8", "surrogateescape")
        parts = [content]
        if content.startswith("From "):
            parts = re.split(r"(?m)(?<=\n\n)(?=From \S+ )|\A(?=From )", content)
        lines = [line for m in sorted(self.normal.message(p) for p in parts) for line in m.split("\n")]
        title = self.normal.text(f"{name} mode {status.st_mode & 0o7777:o} owner {owner}")
        return [title, *("  " + line for line in lines)]

    def received(self, name):
        sink = self.sinks[name]
        blocks = []
        for m in sink.messages:
            lines = [m.hello, m.mail_line, *sorted(m.recipient_lines), "", *m.text.split("\n")]
            blocks.append(self.normal.message("\n".join(lines)))
        if name in self.dialogues:
            blocks += [self.normal.text("\n".join(["dialogue", *s.lines])) for s in sink.sessions]
        return [line for block in sorted(blocks) for line in ["message", *("  " + line for line in block.split("\n"))]]

    def finish(self):
        with contextlib.ExitStack() as stack:
            stack.callback(self.log.socket.close)
            if self.person:
                stack.callback(shutil.rmtree, self.person[1], ignore_errors=True)
                stack.callback(remove_account, self.person[0])
            for sink in self.sinks.values():
                stack.callback(sink.stop)
            if self.names:
                stack.callback(self.names.stop)
            stack.callback(self.instance.finish)


def main_lines(text):
    """The parameters of lines as in main.cf, with their continuation lines."""
    found = {}
    for entry in re.split(r"(?m)^(?=[^\s#])", re.sub(r"(?m)^\s*#.*\n", "", text)):
        name, equals, value = entry.partition("=")
        if equals:
            found[name.strip()] = value.strip()
        elif entry.strip():
            raise BadCase(f"not a line of main.cf: {entry!r}")
    return found


def sink_rules(text, section):
    """(replies, extensions, name) of the lines "STEP: reply", "STEP /expression/: reply", "extensions: A, B", "name: host"."""
    rules, extensions, host = {}, None, "sink.example"
    for line in text.splitlines():
        match = re.match(r"(\w+)(?: /((?:\\.|[^/])*)/)?: (.*)$", line)
        if not match:
            raise BadCase(f"line {section.line}: a sink's line is STEP: reply or STEP /expression/: reply, not {line!r}")
        step, expression, reply = match.groups()
        if step == "extensions":
            extensions = [word.strip() for word in reply.split(",") if word.strip()]
        elif step == "name":
            host = reply
        else:
            if reply.startswith("bytes "):
                reply = unescape(reply[len("bytes "):]).encode("utf-8", "surrogateescape")
            else:
                reply = {"close": CLOSE, "reset": RESET, "stall": STALL}.get(reply, reply.replace("\\n", "\n"))
            rules.setdefault(step, []).append((expression, reply))
    return {step: chooser(choices) for step, choices in rules.items()}, extensions, host


def chooser(choices):
    """The first whose expression the line has; None is the usual answer."""
    def choose(session, line):
        return next((reply for expression, reply in choices if expression is None or re.search(expression, line)), None)

    return choose


def smtp_steps(text):
    """
    A line is a command; what follows DATA, up to a dot, is the content. ">>" before a line: its bytes as they are, escapes
    understood, no reply awaited; "<<" alone reads a reply, "<< end" wants the server to close.
    """
    steps, lines = [], iter(text.split("\n")[:-1])
    for line in lines:
        if line.startswith(">>"):
            steps.append(unescape(line[2:].removeprefix(" ")).encode("utf-8", "surrogateescape"))
        elif line == "<<":
            steps.append(READ)
        elif line == "<< end":
            steps.append(END)
        elif line.upper() == "DATA":
            content = []
            for inner in lines:
                content.append(inner)
                if inner == ".":
                    break
            steps += [line, Content("".join(part + "\r\n" for part in content).encode("utf-8", "surrogateescape"))]
        else:
            steps.append(line)
    if steps and isinstance(steps[-1], (str, Content)) and str(steps[-1]).upper() != "QUIT":
        steps.append("QUIT")
    return steps
