# SPDX-License-Identifier: Apache-2.0
"""
An SMTP proxy as a filter: passes commands and replies between its client and the server behind it, puts a header in front of each
message, and refuses those that the judge does not like.
"""

import socket
import socketserver
import threading

from .waiting import free_port


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        owner = self.server.owner
        try:
            with socket.create_connection(("127.0.0.1", owner.back)) as back, back.makefile("rb") as reader:
                self.back, self.reader = back, reader
                if self.pass_reply():
                    while self.pass_command():
                        pass
        except OSError:
            pass

    def pass_reply(self):
        """The code that was passed on; 0 at the end."""
        while line := self.reader.readline():
            self.wfile.write(line)
            if line[3:4] != b"-":
                return int(line[:3])
        return 0

    def pass_command(self):
        line = self.rfile.readline()
        if not line:
            return False
        self.back.sendall(line)
        code = self.pass_reply()
        if code == 354:
            return self.pass_content()
        return bool(code) and not line.upper().startswith(b"QUIT")

    def pass_content(self):
        owner = self.server.owner
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                with owner.lock:
                    owner.unfinished += 1
                return False
            lines.append(line)
        content = b"".join(line[1:] if line.startswith(b".") else line for line in lines)
        refusal = owner.judge(content)
        with owner.lock:
            owner.contents.append(content)
        if refusal:
            self.wfile.write(refusal.encode() + b"\r\n")
            return True
        self.back.sendall(b"X-Filtered: yes\r\n" + b"".join(lines) + b".\r\n")
        return bool(self.pass_reply())


class SmtpProxy:
    """back: port of the server behind; judge(content) gives a refusal, or None."""

    def __init__(self, back, judge=lambda content: None, port=None):
        self.back, self.judge = back, judge
        self.port = port or free_port()
        self.contents, self.unfinished, self.lock = [], 0, threading.Lock()
        server = type("Server", (socketserver.ThreadingTCPServer,), {"allow_reuse_address": True, "daemon_threads": True})
        self.server = server(("127.0.0.1", self.port), _Connection)
        self.server.owner = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
