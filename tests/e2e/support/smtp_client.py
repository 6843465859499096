# SPDX-License-Identifier: Apache-2.0
"""A raw SMTP client: sends exactly the bytes it is told to and reads whole replies."""

import socket
from dataclasses import dataclass

from .waiting import PATIENCE


@dataclass
class Reply:
    """One reply; lines are whole, with code and separator, without CRLF."""

    lines: list

    @property
    def code(self):
        return int(self.lines[0][:3])

    @property
    def text(self):
        """The last line, which is the whole reply for all but EHLO and HELP."""
        return self.lines[-1]

    def __str__(self):
        return "\n".join(self.lines)


class Disconnected(Exception):
    """The server closed where a reply was expected."""


class SmtpClient:
    """Connects at once; greeting holds the first reply unless greet=False."""

    def __init__(self, port, host="127.0.0.1", greet=True, source=None, timeout=None):
        self.socket = socket.create_connection(
            (host, port), timeout or PATIENCE, (source, 0) if source else None
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.greeting = self.reply() if greet else None

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self, text):
        self.send((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def read_line(self):
        while b"\n" not in self.pending:
            got = self.socket.recv(65536)
            if not got:
                raise Disconnected(self.pending)
            self.pending += got
        line, self.pending = self.pending.split(b"\n", 1)
        assert line.endswith(b"\r"), f"reply line without CR: {line!r}"
        return line[:-1].decode("utf-8", "surrogateescape")

    def reply(self):
        lines = [self.read_line()]
        while lines[-1][3:4] == "-":
            lines.append(self.read_line())
        return Reply(lines)

    def command(self, text):
        self.line(text)
        return self.reply()

    def commands(self, *texts):
        """The last lines of the replies to commands sent one by one."""
        return [self.command(text).text for text in texts]

    def hello(self, name="client.example"):
        return self.command(f"EHLO {name}")

    def deliver(self, sender, recipients, content):
        """A whole transaction; the reply to the dot, or the first refusal. content without the dot."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        for text in [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{r}>" for r in recipients), "DATA"]:
            answer = self.command(text)
            if answer.code >= 400:
                return answer
        content = content if isinstance(content, bytes) else content.encode()
        content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        if content.startswith(b"."):
            content = b"." + content
        self.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return self.reply()

    def is_closed(self):
        """Waits for the server to close; anything it still says is an error of the test."""
        try:
            rest = self.pending or self.socket.recv(65536)
        except ConnectionResetError:
            return True
        assert rest == b"", f"expected the end, got {rest!r}"
        return True

    def quit(self):
        answer = self.command("QUIT")
        self.close()
        return answer

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
