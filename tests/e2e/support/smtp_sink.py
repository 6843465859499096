# SPDX-License-Identifier: Apache-2.0
"""
A programmable SMTP server, to see what Merpati sends and how it bears misbehaviour.

    sink = SmtpSink(replies={"RCPT": "450 4.2.0 later", "QUIT": CLOSE})
    sink.port; sink.messages; sink.wait_for(2)

With is_lmtp it is an LMTP server (RFC 2033): LHLO, and after the content one answer for each recipient. An address with a
slash is the path of a Unix socket.

With tls (an ssl.SSLContext, or a function of the session that makes one) it offers STARTTLS and takes it; with is_wrapped, too, it speaks TLS from the first byte. session.tls is
what the client has agreed to: the version, or None; session.certificate the one that it has shown.

replies maps a step (GREETING, EHLO, HELO, MAIL, RCPT, DATA, DOT, RSET, QUIT, ...) to what happens there: a reply
text (may hold "\\n" for many lines), bytes sent as they are, CLOSE, RESET, STALL, or a function
(session, line) -> one of these, or None for the usual answer; a list gives each call its turn, the last one stays. An LMTP server's DOT is called with the recipient's line.
"""

import itertools
import os
import socket
import threading
from dataclasses import dataclass, field

from .waiting import wait_until

CLOSE = object()
RESET = object()
STALL = object()

_connections = itertools.count(1)


@dataclass
class Received:
    """One message as it came; content has CRLF as sent, dots unstuffed."""

    sender: str
    recipients: list
    content: bytes
    hello: str
    mail_line: str
    recipient_lines: list
    connection: int
    peer: tuple

    @property
    def text(self):
        return self.content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


@dataclass
class Session:
    socket: socket.socket
    number: int
    peer: tuple
    hello: str = ""
    mail_line: str = ""
    recipient_lines: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    tls: str = None
    certificate: dict = None

    def is_left(self):
        """True once the client has closed its end of a session in which nobody reads."""
        try:
            return self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True


def _path(line):
    return line[line.index("<") + 1 : line.index(">")] if "<" in line else line.partition(":")[2].strip()


class SmtpSink:
    """Listens at once on a random port of address; stop() ends it."""

    def __init__(self, address="127.0.0.1", port=0, replies=None, extensions=None, name="sink.example", is_lmtp=False,
                 tls=None, is_wrapped=False):
        self.replies = {step: list(v) if isinstance(v, list) else v for step, v in (replies or {}).items()}
        if extensions is None:
            extensions = ["PIPELINING", "SIZE 0", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8"]
        self.extensions = extensions
        self.name = name
        self.is_lmtp = is_lmtp
        self.tls = tls
        self.is_wrapped = is_wrapped
        self.messages = []
        self.sessions = []
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        if "/" in str(address):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(address))
            os.chmod(address, 0o666)
            self.address, self.port = str(address), None
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((address, port))
            self.address, self.port = self.listener.getsockname()[:2]
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.stopping.set()
        # shutdown wakes accept, which close alone does not
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for session in self.sessions:
            try:
                session.socket.close()
            except OSError:
                pass

    def wait_for(self, count=1, timeout=None):
        """The messages, once there are at least count."""
        wait_until(lambda: len(self.messages) >= count, lambda: f"{count} messages, got {len(self.messages)}", timeout)
        return self.messages

    def lines(self):
        """Every command line of every session, in order of arrival within each."""
        return [line for session in self.sessions for line in session.lines]

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            session = Session(connection, next(_connections), peer)
            self.sessions.append(session)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _scripted(self, session, step, line):
        action = self.replies.get(step)
        if isinstance(action, list):
            action = action.pop(0) if len(action) > 1 else action[0]
        if callable(action):
            action = action(session, line)
        return action

    def _answer(self, session, step, usual, line="", before=None):
        """False if the session is over; otherwise the code said. before is called with it, before the client can know."""
        action = self._scripted(session, step, line)
        if action is None:
            action = usual
        if action is STALL:
            self.stopping.wait()
            return 0
        if action is CLOSE:
            return 0
        if action is RESET:
            session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return 0
        before = before or (lambda code: None)
        if isinstance(action, bytes):
            code = int(action[:3]) if action[:3].isdigit() else 250
            before(code)
            session.socket.sendall(action)
            return code
        lines = action.split("\n")
        wire = "".join(
            (text[:3] + ("-" if i < len(lines) - 1 else " ") + text[4:]) + "\r\n" for i, text in enumerate(lines)
        )
        before(int(lines[-1][:3]))
        session.socket.sendall(wire.encode())
        return int(lines[-1][:3])

    def _serve(self, session):
        try:
            if self.is_wrapped:
                self._encrypt(session)
            greeting = True
            while self._dialogue_on(session, greeting):
                self._encrypt(session)
                greeting = False
        except (OSError, ValueError):
            pass
        finally:
            session.socket.close()

    def _encrypt(self, session):
        context = self.tls(session) if callable(self.tls) else self.tls
        session.socket = context.wrap_socket(session.socket, server_side=True)
        session.tls = session.socket.version()
        session.certificate = session.socket.getpeercert()

    def _dialogue_on(self, session, greeting):
        """True when the client wants TLS."""
        with session.socket.makefile("rb", buffering=0 if self.tls else -1) as reader:
            return self._dialogue(session, reader, greeting) == "TLS"

    def _dialogue(self, session, reader, greeting=True):
        if greeting and not self._answer(session, "GREETING", f"220 {self.name} {'LMTP' if self.is_lmtp else 'ESMTP'}"):
            return
        while True:
            raw = reader.readline()
            if not raw:
                return None
            line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            session.lines.append(line)
            verb = line.split(" ")[0].upper()
            code = self._command(session, verb, line, reader)
            if not code:
                return None
            if verb == "STARTTLS" and code == 220 and self.tls:
                return "TLS"

    def _command(self, session, verb, line, reader):
        if verb == ("LHLO" if self.is_lmtp else "EHLO"):
            session.hello = line
            offers = [*self.extensions, *(["STARTTLS"] if self.tls and not session.tls else [])]
            said = "\n".join([f"250 {self.name}", *(f"250 {e}" for e in offers)])
            return self._answer(session, verb, said, line)
        if verb == "HELO" and not self.is_lmtp:
            session.hello = line
            return self._answer(session, verb, f"250 {self.name}", line)
        if verb == "MAIL":
            code = self._answer(session, verb, "250 2.1.0 Ok", line)
            if code and code < 400:
                session.mail_line, session.recipient_lines = line, []
            return code
        if verb == "RCPT":
            code = self._answer(session, verb, "250 2.1.5 Ok", line)
            if code and code < 400:
                session.recipient_lines.append(line)
            return code
        if verb == "DATA":
            usual = "354 go on" if session.recipient_lines else "554 5.5.1 no valid recipients"
            code = self._answer(session, verb, usual, line)
            return self._content(session, reader) if code == 354 else code
        if verb == "STARTTLS" and self.tls:
            return self._answer(session, verb, "220 2.0.0 Ready", line)
        if verb == "RSET":
            session.mail_line, session.recipient_lines = "", []
            return self._answer(session, verb, "250 2.0.0 Ok", line)
        if verb == "QUIT":
            self._answer(session, verb, "221 2.0.0 Bye", line)
            return 0
        return self._answer(session, verb, "250 2.0.0 Ok" if verb == "NOOP" else "502 5.5.2 what?", line)

    def _content(self, session, reader):
        parts = []
        while True:
            raw = reader.readline()
            if not raw:
                return 0
            if raw == b".\r\n":
                break
            parts.append(raw[1:] if raw.startswith(b".") else raw)
        message = Received(
            _path(session.mail_line),
            [_path(r) for r in session.recipient_lines],
            b"".join(parts),
            session.hello,
            session.mail_line,
            session.recipient_lines,
            session.number,
            session.peer,
        )
        session.mail_line, session.recipient_lines = "", []
        usual = f"250 2.0.0 Ok: queued as SINK{len(self.messages) + 1}"
        if self.is_lmtp:
            return self._answer_each(session, message, usual)
        return self._answer(session, "DOT", usual, before=lambda code: self._take(message, code))

    def _take(self, message, code):
        if code < 400:
            with self.changed:
                self.messages.append(message)

    def _answer_each(self, session, message, usual):
        """One answer for each recipient; those who were taken are the message's, which is there before the last answer."""
        taken, code, left = [], 0, len(message.recipient_lines)

        def take(code, line):
            if code and code < 400:
                taken.append(_path(line))
            if taken and not left:
                message.recipients = taken
                self._take(message, 250)

        for line in message.recipient_lines:
            left -= 1
            code = self._answer(session, "DOT", usual, line, before=lambda code, line=line: take(code, line))
            if not code:
                left = 0
                take(0, line)
                break
        return code
