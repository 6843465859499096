# SPDX-License-Identifier: Apache-2.0
"""
Reads and plays dialogues in the smtpscript language: test-case [name "x"] [no-autoconnect] [skip]
[expect fail] { ... }, proc NAME %args { ... }, expect, writeln, write, repeat, random, call, sleep, noop, fail, connect.
A played case gives the outcome of each expectation, in order.
"""

import re

from .smtp_client import Disconnected, SmtpClient

TOKEN = re.compile(r'\s+|#[^\n]*|"(?:[^"\\]|\\.)*"|[{}]|[^\s{}"#]+')


class Case:
    def __init__(self, name, body, flags):
        self.name, self.body, self.flags = name, body, flags


def tokens(text):
    return [t for t in TOKEN.findall(text) if not t.isspace() and not t.startswith("#")]


class Script:
    def __init__(self, text):
        self.words, self.at = tokens(text), 0
        self.procedures, self.cases = {}, []
        while self.at < len(self.words):
            word = self.take()
            if word == "proc":
                self.procedure()
            elif word == "test-case":
                self.case()
            else:
                raise ValueError(f"unexpected {word}")

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self):
        self.at += 1
        return self.words[self.at - 1]

    def procedure(self):
        name = self.take()
        while self.peek() != "{":
            self.take()
        self.procedures[name] = self.block()

    def case(self):
        flags, name = set(), f"case {len(self.cases) + 1}"
        while self.peek() != "{":
            word = self.take()
            if word == "name":
                name = self.take().strip('"')
            elif word == "expect":
                flags.add("expect " + self.take())
            else:
                flags.add(word)
        self.cases.append(Case(name, self.block(), flags))

    def block(self):
        assert self.take() == "{"
        statements = []
        while self.peek() != "}":
            statements.append(self.statement())
        self.take()
        return ("block", statements)

    def statement(self):
        if self.peek() == "{":
            return self.block()
        word = self.take()
        if word in ("writeln", "write", "fail"):
            return (word, self.take()[1:-1])
        if word == "sleep":
            return (word, self.take())
        if word == "repeat":
            return (word, int(self.take()), self.statement())
        if word == "random":
            return self.block()
        if word == "call":
            return (word, self.take())
        if word == "connect":
            self.take(), self.take(), self.take()
            return (word,)
        if word == "expect":
            what = self.take()
            kind = "any"
            if what == "smtp" and self.peek() in ("ok", "permfail", "tempfail", "helo"):
                kind = self.take()
            return (word, what, kind)
        return (word,)


MATCHES = {
    "any": lambda code: True,
    "ok": lambda code: 200 <= code < 400,
    "helo": lambda code: code == 250,
    "permfail": lambda code: code >= 500,
    "tempfail": lambda code: 400 <= code < 500,
}


class Player:
    def __init__(self, script, port):
        self.script, self.port = script, port
        self.client, self.outcomes = None, []

    def play(self, case):
        if "no-autoconnect" not in case.flags:
            self.connect()
        try:
            self.run(case.body)
        except (Disconnected, OSError) as gone:
            self.outcomes.append((f"gone {type(gone).__name__}", False))
        finally:
            if self.client:
                self.client.close()
        return self.outcomes

    def connect(self):
        self.client = SmtpClient(self.port, greet=False)

    def run(self, statement):
        verb = statement[0]
        if verb == "block":
            for inner in statement[1]:
                self.run(inner)
        elif verb == "repeat":
            for _ in range(statement[1]):
                self.run(statement[2])
        elif verb == "call":
            self.run(self.script.procedures[statement[1]])
        elif verb == "connect":
            self.connect()
        elif verb in ("write", "writeln"):
            self.client.send(statement[1].encode() + (b"\r\n" if verb == "writeln" else b""))
        elif verb == "fail":
            self.outcomes.append((f"fail {statement[1]}", False))
        elif verb == "expect":
            self.expect(statement[1], statement[2])

    def expect(self, what, kind):
        if what == "disconnect":
            self.outcomes.append(("disconnect", self.client.is_closed()))
            return
        reply = self.client.reply()
        self.outcomes.append((f"{kind}: {reply.text}", MATCHES[kind](reply.code)))
