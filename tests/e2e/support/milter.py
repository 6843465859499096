# SPDX-License-Identifier: Apache-2.0
"""
A mail filter that does as it is told, over the bare protocol: it can be whatever libmilter would not be. It remembers every packet.
"""

import contextlib
import os
import socket
import struct
import threading

from .waiting import free_port, wait_until

CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SKIP, PROGRESS, CONNECTION_FAILURE, SHUTDOWN = (
    [packet] for packet in (b"c", b"a", b"r", b"t", b"d", b"s", b"p", b"f", b"4")
)
CLOSE = None

# Steps that a filter can ask for in the negotiation.
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADERS, NO_END_OF_HEADERS = (1 << bit for bit in range(7))
NO_REPLY_HEADER, NO_UNKNOWN, NO_DATA, WANT_SKIP, WANT_REJECTED_RCPT = (1 << bit for bit in range(7, 12))
NO_REPLY = {letter: 1 << bit for letter, bit in zip("CHMRTUNB", range(12, 20))} | {"L": NO_REPLY_HEADER}
LEADING_SPACE = 1 << 20
ALL_STEPS = (1 << 21) - 1
# Commands that nobody answers.
SILENT = "ADQK"


def reply(text):
    """SMFIR_REPLYCODE: lines with code and text."""
    return [b"y" + text.encode() + b"\0"]


def quarantine(reason):
    return b"q" + reason.encode() + b"\0"


def negotiation(version=6, actions=0x1FF, steps=0, macros=None):
    """macros: stage number -> names."""
    lists = b"".join(struct.pack(">I", stage) + names.encode() + b"\0" for stage, names in (macros or {}).items())
    return [b"O" + struct.pack(">III", version, actions, steps) + lists]


class Raw(bytes):
    """Bytes to send as they are, not as a packet."""


class Session:
    """One connection: packets is a list of (letter, data); macros of those told before a letter, a dictionary of dictionaries."""

    def __init__(self):
        self.packets = []
        self.is_over = False

    def letters(self):
        return "".join(letter for letter, _ in self.packets)

    def of(self, letter):
        return [data for found, data in self.packets if found == letter]

    def macros(self, letter):
        """The macros told for a command, in order, [(name, value)]; None when none were."""
        for found, data in self.packets:
            if found == "D" and chr(data[0]) == letter:
                words = data[1:].split(b"\0")[:-1]
                return [(name.decode(), value.decode("utf-8", "replace")) for name, value in zip(words[::2], words[1::2])]
        return None

    @property
    def offer(self):
        """(version, actions, steps) of the server."""
        return struct.unpack(">III", self.of("O")[0][:12])


class Milter:
    """
    script: letter of a command -> what is answered: a list of packets (bytes), Raw, CLOSE in it to close; or a function of the
    data that returns that. A missing letter is CONTINUE. It may be changed at any time, and holds from the next packet on.
    """

    def __init__(self, path=None, script=None, port=None):
        self.script = dict(script or {})
        self.sessions = []
        self.steps = 0
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            os.chmod(path, 0o666)
            self.place = f"unix:{path}"
        else:
            self.port = port or free_port()
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
            self.place = f"inet:127.0.0.1:{self.port}"
        self.listener.listen(50)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            session = Session()
            with self.changed:
                self.sessions.append(session)
                self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection, session), daemon=True).start()

    def _serve(self, connection, session):
        try:
            with connection, contextlib.suppress(OSError):
                stream = connection.makefile("rb")
                steps = 0
                while packet := self._read(stream):
                    letter, data = chr(packet[0]), packet[1:]
                    with self.changed:
                        session.packets.append((letter, data))
                        self.changed.notify_all()
                    answers = self._answers(letter, data, steps)
                    for answer in answers:
                        if answer is CLOSE:
                            connection.shutdown(socket.SHUT_RDWR)
                            return
                        if letter == "O" and answer[:1] == b"O" and not isinstance(answer, Raw):
                            steps = struct.unpack(">III", answer[1:13])[2]
                        connection.sendall(answer if isinstance(answer, Raw) else struct.pack(">I", len(answer)) + answer)
        finally:
            with self.changed:
                session.is_over = True
                self.changed.notify_all()

    @staticmethod
    def _read(stream):
        head = stream.read(4)
        if len(head) < 4:
            return b""
        length = struct.unpack(">I", head)[0]
        packet = stream.read(length)
        return packet if len(packet) == length else b""

    def _answers(self, letter, data, steps):
        if letter in self.script:
            scripted = self.script[letter]
            return scripted(data) if callable(scripted) else scripted
        if letter == "O":
            version, actions, offered = struct.unpack(">III", data[:12])
            return negotiation(version, actions & 0x1FF, 0)
        if letter in SILENT or steps & NO_REPLY.get(letter, 0):
            return []
        return CONTINUE

    def wait(self, condition):
        """Until condition(sessions) is true; gives its value."""
        return wait_until(lambda: condition(self.sessions), lambda: f"{condition}; heard {[s.packets for s in self.sessions]}")

    def forget(self, **script):
        """Begins anew with that script."""
        with self.changed:
            self.sessions = []
            self.script = script

    def stop(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.close()
