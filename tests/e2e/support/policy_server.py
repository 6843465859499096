# SPDX-License-Identifier: Apache-2.0
"""A policy server: gives each question to a function, and remembers what it was told."""

import os
import socketserver
import threading

from .waiting import free_port


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        owner = self.server.owner
        with owner.lock:
            owner.connections += 1
        while (question := self.read_question()) is not None:
            with owner.lock:
                owner.questions.append(question)
            answer = owner.answer(question)
            if answer is None:
                return
            whole = answer if isinstance(answer, bytes) else f"action={answer}\n\n".encode()
            self.wfile.write(whole)
            if not whole.endswith(b"\n\n"):
                return

    def read_question(self):
        question = {}
        while (line := self.rfile.readline()) != b"\n":
            if not line:
                return None
            name, _, value = line.decode().rstrip("\n").partition("=")
            assert name not in question, f"{name} is said twice"
            question[name] = value
        return question


class PolicyServer:
    """
    answer(question) gives the text of an action, bytes to send as they are (half an answer ends the connection), or None to close. Listens on `port`, or at
    the Unix socket `path`.
    """

    def __init__(self, answer, path=None):
        self.answer = answer
        self.questions = []
        self.connections = 0
        self.lock = threading.Lock()
        if path:
            kind, place = socketserver.ThreadingUnixStreamServer, path
        else:
            self.port = free_port()
            kind, place = socketserver.ThreadingTCPServer, ("127.0.0.1", self.port)
        self.server = type("Server", (kind,), {"allow_reuse_address": True, "daemon_threads": True})(place, _Connection)
        self.server.owner = self
        if path:
            os.chmod(path, 0o666)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def place(self):
        return f"inet:127.0.0.1:{self.port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
