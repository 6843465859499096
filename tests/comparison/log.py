# SPDX-License-Identifier: Apache-2.0
"""The log of one side as it grows: when all is done that a step began, and what was said of it."""

import re
import socket
import time

from support.instance import Stock
from support.waiting import PATIENCE

from .normal import QUEUE_ID

LINE = re.compile(r"^\w{3} [ \d]\d [\d:]{8} \S+ (\S+)\[\d+\]: (.*)$")
ID = re.compile(rf"^({QUEUE_ID}): ")
# What they say depends on who was started when.
SILENT = re.compile(r"/(anvil|scache|postlogd|master|merpati|postfix-script|comparison)$")
# What it warns of in a configuration at its start is ours alone.
OURS_ALONE = re.compile(r"/merpati$")
# Stock's word on a second that the kernel's coarse clock has not begun; what the time of day brings.
CLOCKS = ("warning: file system clock is ", "warning: resetting file time stamps", "cache internal:verify full cleanup: ")
# One process says it all, in an order that means something.
ORDERED = re.compile(r"/(smtpd|cleanup|pickup|qmgr|oqmgr)$")


class Log:
    def __init__(self, instance):
        self.instance = instance
        self.offset = 0
        self.lines = []
        self.active = {}
        self.deferred = set()
        self.barriers = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def read(self):
        """Takes in the whole lines that were added."""
        try:
            with open(self.instance.log, "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return
        data = data[: data.rfind(b"\n") + 1]
        self.offset += len(data)
        for line in data.decode("utf-8", "surrogateescape").split("\n")[:-1]:
            self.lines.append(line)
            match = re.search(rf"/qmgr\[\d+\]: ({QUEUE_ID}): (from=<.*\(queue active\)$|removed$)", line)
            if match:
                self.active[match[1]] = match[2] != "removed"
                self.deferred.discard(match[1])
            match = re.search(rf"/pickup\[\d+\]: .* orig_id=({QUEUE_ID})$", line)
            if match:
                self.active.pop(match[1], None)
            # What it was forwarded as, and notifications of it.
            match = re.search(rf"(?:forwarded as|notification:) ({QUEUE_ID})\)?$", line)
            if match:
                self.active.setdefault(match[1], True)
            match = re.search(rf"]: ({QUEUE_ID}): (?:to=<.*)?status=(?:deferred|SOFTBOUNCE)", line)
            if match:
                self.deferred.add(match[1])

    def count(self, pattern):
        return sum(bool(re.search(pattern, line)) for line in self.lines)

    def wait(self, pattern, count=1, start=0):
        """Until count lines from the start-th on match."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.read()
            if sum(bool(re.search(pattern, line)) for line in self.lines[start:]) >= count:
                return
            assert time.monotonic() < deadline, f"waited in vain for the log line {pattern!r}"
            time.sleep(0.005)

    def barrier(self):
        """When it returns, all that was logged before the call has been read."""
        self.barriers += 1
        # Stock's records bear the name of the host already, ours get it from postlogd.
        host = "mail " if isinstance(self.instance, Stock) else ""
        text = f"{time.strftime('%b %e %H:%M:%S')} {host}merpati/comparison[1]: barrier {self.barriers}"
        self.socket.sendto(text.encode(), str(self.instance.queue / "public" / "postlog"))
        self.wait(rf"/comparison\[1\]: barrier {self.barriers}$")

    def forget(self, queue_ids):
        for queue_id in queue_ids:
            self.active.pop(queue_id, None)
            self.deferred.discard(queue_id)

    def under_way(self, parked):
        """Messages that the queue manager took up, without those that ended or lie in the queue for later."""
        return {queue_id for queue_id, is_active in self.active.items() if is_active} - parked


def told(lines, normal):
    """The lines of a step, normalised: what concerns messages by message and program, and the rest by program."""
    messages, others = {}, {}
    for line in lines:
        match = LINE.match(line)
        if not match:
            others.setdefault("?", []).append(normal.text(line))
            continue
        program, text = match[1], match[2]
        if text.startswith(CLOCKS) or (OURS_ALONE.search(program) and text.startswith("warning: ")):
            continue
        if SILENT.search(program) and not re.search(r"^(warning|fatal|panic|error): ", text):
            continue
        found = ID.match(text)
        group = messages.setdefault(found[1], {}) if found else others
        group.setdefault(program, []).append(normal.text(text))
    blocks = sorted(["  message", *_block(group, is_once=False)] for group in messages.values())
    return [line for block in [_block(others, is_once=True), *blocks] for line in block]


def _block(group, is_once):
    out = []
    for program in sorted(group):
        lines = group[program]
        if not ORDERED.search(program):
            lines = sorted(set(lines) if is_once else lines)
        out += [f"    {program}: {line}" for line in lines]
    return out
