# SPDX-License-Identifier: Apache-2.0
"""
Plays dialogues of the .test form: "C: line" and "S: regular expression of a line", where lines of "S:" stand in any place behind what they
answer. Gives each reply as it came, and whether each line that is expected is one of the reply's. A STARTTLS that is
taken is followed by the handshake and an EHLO.
"""

import re
import ssl

from .certificates import client_context
from .smtp_client import Disconnected, SmtpClient


def expected_replies(lines):
    """The lines of S: in groups, a reply each: a reply goes on while its lines, but for the first, have a '-'."""
    replies, is_open = [], False
    for line, following in zip(lines, [*lines[1:], ""]):
        if not is_open:
            replies.append([])
        replies[-1].append(line)
        is_open = following.startswith(line[:3]) and (line[3:4] == "-" or following[3:4] == "-")
    return replies


class Player:
    def __init__(self, port):
        self.client, self.replies, self.is_content = SmtpClient(port, greet=False), [], False

    def play(self, text):
        lines = [line.split(":", 1) for line in text.splitlines() if re.match("[CS]:", line)]
        try:
            self.take_reply()
            for words in (rest.removeprefix(" ") for who, rest in lines if who == "C"):
                self.say(words)
        except (Disconnected, OSError) as gone:
            self.replies.append([f"gone: {type(gone).__name__}"])
        finally:
            self.client.close()
        wanted = expected_replies([rest.removeprefix(" ") for who, rest in lines if who == "S"])
        met = [any(re.fullmatch(line, said) for said in reply) for group, reply in zip(wanted, self.replies) for line in group]
        return self.replies, met

    def take_reply(self):
        self.replies.append(self.client.reply().lines)

    def say(self, words):
        self.client.line(words.replace("\\r\\n", "\r\n"))
        if self.is_content and words != ".":
            return
        self.take_reply()
        self.is_content = self.replies[-1][-1].startswith("354")
        if words.lower().startswith("starttls") and self.replies[-1][-1].startswith("220"):
            self.begin_tls()

    def begin_tls(self):
        """What was said in clear behind STARTTLS has no answer."""
        self.client.pending = b""
        try:
            self.client.socket = client_context().wrap_socket(self.client.socket)
        except ssl.SSLError as error:
            self.replies.append([f"no handshake: {error.reason}"])
            return
        self.client.line("EHLO after.tls")
        self.take_reply()
