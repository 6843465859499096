# SPDX-License-Identifier: Apache-2.0
"""
Plays dialogues of the .cmy form: "c tcp_connect", "c tls_connect", "c -> line", "c ~> python bytes expression", "c <- reply",
"c <~ regular expression", "c <... last line of a reply", "c close". Gives the outcome of each expectation, in order.
"""

import re

from .certificates import client_context
from .smtp_client import Disconnected, SmtpClient


def needs_more_than_smtp(text):
    """The reason why a dialogue is not for us, or None."""
    if re.search(r"(?m)^c = ", text):
        return "runs a command of another system"
    return None


class Player:
    """tls_port speaks TLS from the first byte."""

    def __init__(self, port, tls_port=None):
        self.port, self.tls_port, self.client, self.outcomes = port, tls_port, None, []

    def play(self, text):
        for line in text.splitlines():
            match = re.match(r"c (tcp_connect|tls_connect|close|->|~>|<-|<~|<\.\.\.) ?(.*)$", line)
            if not match:
                continue
            try:
                self.step(*match.groups())
            except (Disconnected, OSError):
                self.outcomes.append((line, False))
        if self.client:
            self.client.close()
        return self.outcomes

    def step(self, verb, rest):
        if verb in ("tcp_connect", "tls_connect"):
            if self.client:
                self.client.close()
            is_tls = verb == "tls_connect"
            self.client = SmtpClient(self.tls_port if is_tls else self.port, greet=False)
            if is_tls:
                self.client.socket = client_context().wrap_socket(self.client.socket)
        elif verb == "close":
            self.client.close()
        elif verb == "->":
            self.client.send(rest.encode() + b"\r\n")
        elif verb == "~>":
            self.client.send(eval(rest, {"__builtins__": {}}).encode())
        else:
            self.expect(verb, rest)

    def expect(self, verb, wanted):
        reply = self.client.reply()
        if verb == "<~":
            is_match = re.match(wanted, reply.text) is not None
        else:
            is_match = reply.text == wanted
        self.outcomes.append((f"{verb} {wanted}: {reply.text}", is_match))
