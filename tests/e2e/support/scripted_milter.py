# SPDX-License-Identifier: Apache-2.0
"""
A mail filter that says what a test wants: a server of the milter protocol that also knows how to break it.

    milter = ScriptedMilter({"header": tempfail, "end": [add_header("X", "y"), ACCEPT]})
    main["smtpd_milters"] = milter.place

What a stage's answer may be: one packet (bytes: letter and payload), a list of them (the last one ends the stage), None to close,
Raw bytes to send as they are, a number of seconds to hold the answer back (a float, in a list), or a function of (session, payload) that gives one
of these. A stage that is not named goes on.
"""

import contextlib
import os
import socket
import socketserver
import struct
import threading
import time

from .waiting import free_port

STAGES = {
    "O": "negotiate", "C": "connect", "H": "helo", "M": "mail", "R": "rcpt", "T": "data", "L": "header",
    "N": "end_of_headers", "B": "body", "E": "end", "U": "unknown", "A": "abort", "Q": "quit", "K": "quit_reuse", "D": "macros",
}
LETTERS = {name: letter for letter, name in STAGES.items()}
SILENT = {"macros", "abort", "quit", "quit_reuse"}

CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SKIP, PROGRESS, SHUTDOWN = b"c", b"a", b"r", b"t", b"d", b"s", b"p", b"4"
CONNECTION_FAILED = b"f"

# Of SMFIC_OPTNEG: what a filter may change, and what it does not want to hear or say.
ALL_ACTIONS = 0x1FF
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADERS, NO_END_OF_HEADERS = (1 << n for n in range(7))
NO_HEADER_REPLY, NO_UNKNOWN, NO_DATA, CAN_SKIP, WANT_REJECTED = (1 << n for n in range(7, 12))
NO_CONNECT_REPLY, NO_HELO_REPLY, NO_MAIL_REPLY, NO_RCPT_REPLY, NO_DATA_REPLY = (1 << n for n in range(12, 17))
NO_UNKNOWN_REPLY, NO_END_OF_HEADERS_REPLY, NO_BODY_REPLY, LEADING_BLANK = (1 << n for n in range(17, 21))


class Raw(bytes):
    """Not a packet: its bytes are sent as they are."""


def _texts(*texts):
    return b"".join((t if isinstance(t, bytes) else t.encode("utf-8", "surrogateescape")) + b"\0" for t in texts)


def reply(text):
    return b"y" + _texts(text)


def add_header(name, value):
    return b"h" + _texts(name, value)


def insert_header(index, name, value):
    return b"i" + struct.pack(">I", index) + _texts(name, value)


def change_header(index, name, value):
    return b"m" + struct.pack(">I", index) + _texts(name, value)


def delete_header(index, name):
    return change_header(index, name, "")


def add_recipient(address, arguments=None):
    return b"+" + _texts(address) if arguments is None else b"2" + _texts(address, arguments)


def delete_recipient(address):
    return b"-" + _texts(address)


def change_sender(address, arguments=None):
    return b"e" + (_texts(address) if arguments is None else _texts(address, arguments))


def replace_body(text):
    return b"b" + (text if isinstance(text, bytes) else text.encode())


def quarantine(reason):
    return b"q" + _texts(reason)


class Session:
    """One connection, and what was heard on it: events are (stage, payload, macros of that stage)."""

    def __init__(self, milter):
        self.milter = milter
        self.events = []
        self.macros = {}

    def told(self, stage):
        """Payloads of a stage."""
        return [payload for name, payload, _ in self.events if name == stage]

    def texts(self, stage):
        """The same, cut at the NULs."""
        return [payload.split(b"\0")[:-1] for payload in self.told(stage)]

    @property
    def headers(self):
        return [(name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in self.texts("header")]

    @property
    def body(self):
        return b"".join(self.told("body"))


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        milter = self.server.owner
        session = Session(milter)
        with milter.changed:
            milter.sessions.append(session)
            milter.sockets.append(self.request)
        with contextlib.suppress(OSError):
            while (packet := self.receive()) is not None:
                if not self.take(session, packet):
                    return

    def receive(self):
        length = self.exactly(4)
        return self.exactly(struct.unpack(">I", length)[0]) if length else None

    def exactly(self, count):
        parts = []
        while count:
            part = self.request.recv(count)
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def take(self, session, packet):
        milter = self.server.owner
        stage, payload = STAGES.get(chr(packet[0]), f"letter {packet[0]}"), packet[1:]
        if stage == "macros":
            of = STAGES.get(chr(payload[0]))
            words = [w.decode("utf-8", "surrogateescape") for w in payload[1:].split(b"\0")[:-1]]
            session.macros[of] = dict(zip(words[::2], words[1::2]))
        with milter.changed:
            session.events.append((stage, payload, dict(session.macros.get(stage, {}))))
            milter.changed.notify_all()
        answer = milter.answers.get(stage, self.usual(stage, payload))
        if callable(answer):
            answer = answer(session, payload)
        if answer is None and stage not in SILENT:
            return False
        return all(self.say(one) for one in (answer if isinstance(answer, list) else [answer])) and stage != "quit"

    def usual(self, stage, payload):
        milter = self.server.owner
        if stage == "negotiate":
            version, actions, steps = struct.unpack(">III", payload[:12])
            return struct.pack(">cIII", b"O", min(version, milter.version), actions & milter.actions,
                               steps & milter.steps) + milter.symbols
        if stage in SILENT:
            return None
        letter = LETTERS.get(stage)
        return [] if letter and milter.steps & _SILENCING.get(stage, 0) else CONTINUE

    def say(self, answer):
        if answer is None:
            return True
        if isinstance(answer, float):
            time.sleep(answer)
        elif isinstance(answer, Raw):
            self.request.sendall(answer)
        else:
            self.request.sendall(struct.pack(">I", len(answer)) + answer)
        return True


# A stage that is answered with nothing when this was negotiated.
_SILENCING = {
    "connect": NO_CONNECT_REPLY, "helo": NO_HELO_REPLY, "mail": NO_MAIL_REPLY, "rcpt": NO_RCPT_REPLY, "data": NO_DATA_REPLY,
    "unknown": NO_UNKNOWN_REPLY, "header": NO_HEADER_REPLY, "end_of_headers": NO_END_OF_HEADERS_REPLY, "body": NO_BODY_REPLY,
}


class ScriptedMilter:
    """
    Listens on a port of its own, or at the Unix socket `path`. version, actions and steps are what it negotiates; symbols is
    what follows them: for each stage a number and a list of macros (symbols_of).
    """

    def __init__(self, answers=None, version=6, actions=ALL_ACTIONS, steps=0, symbols=b"", path=None):
        self.answers = dict(answers or {})
        self.version, self.actions, self.steps, self.symbols = version, actions, steps, symbols
        self.sessions = []
        self.sockets = []
        self.changed = threading.Condition()
        if path:
            self.place = f"unix:{path}"
            kind, where = socketserver.ThreadingUnixStreamServer, str(path)
        else:
            self.port = free_port()
            self.place = f"inet:127.0.0.1:{self.port}"
            kind, where = socketserver.ThreadingTCPServer, ("127.0.0.1", self.port)
        options = {"allow_reuse_address": True, "daemon_threads": True, "block_on_close": False, "request_queue_size": 64}
        self.server = type("Server", (kind,), options)(where, _Connection)
        if path:
            os.chmod(path, 0o666)
        self.server.owner = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait_told(self, stage, count=1, timeout=60):
        """Waits until that many of the stage have come, in all sessions together."""
        with self.changed:
            assert self.changed.wait_for(lambda: sum(len(s.told(stage)) for s in self.sessions) >= count, timeout), \
                f"no {stage} came: {[s.events for s in self.sessions]}"

    def clear(self):
        """Forgets what was heard; the sessions that are open go on unseen."""
        with self.changed:
            self.sessions = []

    @staticmethod
    def symbols_of(**lists):
        """For symbols: connect="j {client_addr}", ..."""
        numbers = {"connect": 0, "helo": 1, "mail": 2, "rcpt": 3, "data": 4, "end": 5, "end_of_headers": 6}
        return b"".join(struct.pack(">I", numbers[stage]) + _texts(names) for stage, names in lists.items())

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
