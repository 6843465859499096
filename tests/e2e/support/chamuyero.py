# SPDX-License-Identifier: Apache-2.0
"""
Plays dialogues of the .cmy form: "c tcp_connect", "c -> line", "c ~> python bytes expression", "c <- reply",
"c <~ regular expression", "c <... last line of a reply", "c close". Gives the outcome of each expectation, in order.
"""

import re

from .smtp_client import Disconnected, SmtpClient


def needs_more_than_smtp(text):
    """The reason why a dialogue is not for us, or None."""
    if "tls_connect" in text:
        return "needs TLS"
    if re.search(r"-> AUTH", text):
        return "needs AUTH"
    if re.search(r"(?m)^c = ", text):
        return "runs a command of another system"
    return None


class Player:
    def __init__(self, port):
        self.port, self.client, self.outcomes = port, None, []

    def play(self, text):
        for line in text.splitlines():
            match = re.match(r"c (tcp_connect|close|->|~>|<-|<~|<\.\.\.) ?(.*)$", line)
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
        if verb == "tcp_connect":
            if self.client:
                self.client.close()
            self.client = SmtpClient(self.port, greet=False)
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
