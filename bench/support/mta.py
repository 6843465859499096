# SPDX-License-Identifier: Apache-2.0
"""mta - the programs that are compared: Merpati, a tuned stock Postfix, the bare pipeline, the source straight at the sink.

Each has a port to send to and a port of the sink that it relays to. Configurations are bench/config/KIND/main.cf, and
after it bench/config/KIND/JOB.cf if that is there.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support.machine import ROOT, cpu_seconds, free_port, greets, wait_until


class Mta:
    """Merpati or Postfix, installed in a directory of its own."""

    is_mta = True

    def __init__(self, kind, directory, job="", build="release", **values):
        self.kind = kind
        self.dir = directory / kind
        self.port, self.sink = free_port(), free_port()
        self.build = ROOT / "build" / build
        self.config, self.queue = self.dir / "config", self.dir / "queue"
        for part in ("config", "queue", "data"):
            (self.dir / part).mkdir(parents=True)
        self.values = {"DIR": self.dir, "BUILD": self.build, "PORT": self.port, "SINK": self.sink, "SESSIONS": 20, **values}
        for name in ("main.cf", "master.cf"):
            self.write(name, self.template(name))
        if job and (ROOT / "bench/config" / kind / f"{job}.cf").exists():
            self.write("main.cf", self.template("main.cf") + self.template(f"{job}.cf"))
        shutil.chown(self.dir / "data", "postfix" if kind == "postfix" else "merpati")
        self.master = None
        self.wrapper = []  # before the command that starts it

    def template(self, name):
        text = (ROOT / "bench/config" / self.kind / name).read_text()
        return re.sub("@([A-Z]+)@", lambda m: str(self.values[m[1]]), text)

    def write(self, name, text):
        (self.config / name).write_text(text)

    def add(self, *lines):
        with open(self.config / "main.cf", "a") as main_cf:
            main_cf.write("".join(f"{line}\n" for line in lines))

    def command(self, name):
        return name if self.kind == "postfix" else str(self.build / "bin" / name)

    def control(self, verb):
        name = "postfix" if self.kind == "postfix" else self.command("merpati")
        words = [*(self.wrapper if verb == "start" else []), name, "-c", str(self.config), verb]
        result = subprocess.run(words, capture_output=True, text=True)
        if result.returncode != 0:
            raise SystemExit(f"{self.kind} {verb}: {result.stdout}{result.stderr}")

    def start(self):
        self.control("start")
        wait_until(f"{self.kind} on port {self.port}", lambda: greets(self.port))
        self.master = int((self.queue / "pid/master.pid").read_text().split()[0])

    def stop(self):
        if self.master is not None:
            self.control("stop")
            self.master = None

    def cpu(self):
        return cpu_seconds(self.master)

    def queued(self, folder):
        return sum(1 for path in (self.queue / folder).rglob("*") if path.is_file())

    def log_count(self, text):
        result = subprocess.run(["grep", "-c", "-e", text, str(self.dir / "maillog")], capture_output=True, text=True)
        return int(result.stdout.strip() or 0)


@contextlib.contextmanager
def fresh(kind, directory, job="", prepare=None, **values):
    """A new one, started (after prepare(it)), with an empty queue; gone with its queue at the end."""
    place = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=directory))
    os.chmod(place, 0o755)
    mta = Mta(kind, place, job, **values)
    try:
        if prepare:
            prepare(mta)
        mta.start()
        yield mta
    finally:
        if mta.master is not None:
            mta.control("abort")
        shutil.rmtree(place, ignore_errors=True)


class Ceiling:
    """Four bare processes without mail logic; its source lies beside the project."""

    kind, is_mta, port, sink = "ceiling", False, 2727, 2626
    source = ROOT.parent / "shared/bench/pipeline_ceiling.c"

    def __init__(self, directory, sessions):
        self.dir, self.sessions, self.process = directory / self.kind, sessions, None
        self.dir.mkdir()
        self.program = directory / "pipeline_ceiling"
        subprocess.run(["cc", "-O2", "-w", "-pthread", str(self.source), "-o", str(self.program)], check=True)

    def start(self):
        pass

    # Its connections to the sink last as long as it does, so it starts anew each round. It greets before its segment is
    # made: one message shows that it is ready.
    def begin_round(self):
        self.process = subprocess.Popen([str(self.program), str(self.dir), str(self.sessions)], start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the ceiling", lambda: greets(self.port))
        source(self.port, 1, 1, 100)

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def stop(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Straight:
    """The source at the sink, with nothing between."""

    kind, is_mta = "straight", False

    def __init__(self):
        self.port = self.sink = free_port()

    def start(self):
        pass

    def cpu(self):
        return 0.0

    def stop(self):
        pass


class Sink:
    """smtp-sink on a port, for so many messages; it goes when it has them. Without a count it stays to the end of the block."""

    def __init__(self, port, count, *words, host="127.0.0.1"):
        limit = [] if count is None else ["-M", str(count)]
        # Of itself it takes 256 sessions at one time, and lets others wait.
        self.process = subprocess.Popen(["smtp-sink", "-u", "nobody", "-m", "4000", *words, *limit, f"{host}:{port}", "2000"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("smtp-sink", lambda: greets(port))

    def wait(self, seconds=1200):
        if self.process.wait(timeout=seconds) != 0:
            raise SystemExit("smtp-sink did not get all messages")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def source(port, messages, sessions, size, *words, reconnect=False, to="recipient@example.org"):
    """smtp-source, to its end."""
    subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(messages), "-l", str(size), "-f", "sender@example.com",
                    "-t", to, *([] if reconnect else ["-d"]), *words, f"127.0.0.1:{port}"], check=True, timeout=1800)
