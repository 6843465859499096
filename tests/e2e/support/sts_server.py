# SPDX-License-Identifier: Apache-2.0
"""
An HTTPS server of MTA-STS policies (RFC 8461 section 3.3) on loopback, for many domains:

    server = StsServer(context)
    server.policies["example.test"] = "version: STSv1\\n..."     # or a function of the request's handler
    server.contexts["other.test"] = context                    # a certificate of its own
    server.asked                                               # the domains, request after request
"""

import http.server
import ssl
import threading

PREFIX = "mta-sts."


def policy(mode, *patterns, max_age=86400):
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in patterns), f"max_age: {max_age}"]
    return "".join(f"{line}\r\n" for line in lines)


class Handler(http.server.BaseHTTPRequestHandler):
    def setup(self):
        # Here, so that a client which stalls holds up no other.
        self.request.do_handshake()
        super().setup()

    def do_GET(self):
        domain = self.headers.get("Host", "").partition(":")[0].removeprefix(PREFIX)
        self.server.asked.append(domain)
        answer = self.server.policies.get(domain)
        if callable(answer):
            answer(self)
        elif answer is None or self.path != "/.well-known/mta-sts.txt":
            self.answer("", status=404)
        else:
            self.answer(answer)

    def answer(self, text, status=200, kind="text/plain; charset=us-ascii", **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(text), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


class StsServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context, address="127.0.0.1"):
        super().__init__((address, 0), Handler)
        self.policies, self.contexts, self.asked = {}, {}, []
        self.address, self.port = self.server_address
        self.released = threading.Event()
        context.sni_callback = self._choose
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _choose(self, connection, name, _):
        connection.context = self.contexts.get((name or "").removeprefix(PREFIX), connection.context)

    def handle_error(self, request, client_address):
        """A client that leaves is no news."""

    def stall(self, handler):
        """An answer that never comes to its end."""
        handler.send_response(200)
        handler.end_headers()
        self.released.wait()

    def stop(self):
        self.released.set()
        self.shutdown()
        self.server_close()


def server_context(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
