# SPDX-License-Identifier: Apache-2.0
"""A case: one text file with a configuration and the mail that goes through it. README.md beside this file has the format."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
# Before the start, whatever their place in the file; the others are steps, in order.
SETUP = ("main.cf", "master.cf", "table", "aliases", "file", "folder", "dns", "agreed")
STEPS = ("sendmail", "smtp", "command", "shell", "flush", "wait", "reload", "settle")


class BadCase(Exception):
    """The file itself is wrong; the text says where and why."""


@dataclass
class Section:
    name: str
    words: list
    options: dict
    body: str
    line: int
    title: str


@dataclass
class Agreed:
    """A difference that is right: patterns of the lines that differ, "-" stock's, "+" ours."""

    patterns: list
    line: int
    used: set = field(default_factory=set)


@dataclass
class Case:
    path: Path
    sections: list
    agreed: list
    text: str

    @property
    def name(self):
        return self.path.stem

    def setup(self, name):
        return [s for s in self.sections if s.name == name]

    def sinks(self):
        """Those that are there from the start; the default one always is."""
        before = []
        for section in self.sections:
            if section.name in STEPS:
                break
            if section.name == "sink":
                before.append(section)
        return before

    def steps(self):
        """What happens, in order; a sink among them changes what that sink says."""
        first = next((n for n, s in enumerate(self.sections) if s.name in STEPS), len(self.sections))
        return [s for s in self.sections[first:] if s.name not in SETUP]


ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}


def unescape(text):
    r"""\n, \r, \t, \0, \\ and \xNN, the last a byte."""
    def char(match):
        found = match.group(1)
        if found[0] != "x":
            return ESCAPES[found]
        byte = int(found[1:], 16)
        return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|[nrt0\\])", char, text)


def repeated(text):
    r"""%1000*x% is a thousand times x, which may hold \n."""
    return re.sub(r"%(\d+)\*(.+?)%", lambda m: unescape(m.group(2)) * int(m.group(1)), text)


def _section(path, number, head, lines):
    while lines and not lines[-1].strip():
        lines.pop()
    body = "".join(line + "\n" for line in lines)
    name, _, rest = head.partition(" ")
    name, _, how = name.partition("/")
    if how not in ("", "escaped"):
        raise BadCase(f"{path}:{number}: {how}? The only manner is /escaped")
    if name not in SETUP + STEPS + ("sink",):
        raise BadCase(f"{path}:{number}: {name}? Sections are {', '.join(SETUP + STEPS)}, sink")
    body = re.sub(r"(?m)^\\(==|$)", r"\1", body)
    body = repeated(unescape(body) if how else body)
    words = shlex.split(rest) if name not in ("wait", "agreed") else [rest]
    options = {}
    if name in ("sink", "file", "folder", "smtp"):
        options = dict(w.partition("=")[::2] for w in words if "=" in w)
        words = [w for w in words if "=" not in w]
    return Section(name, words, options, body, number, f"{name} {rest}".strip())


def _agreed(path, section):
    document = SOURCE / section.words[0].split("#")[0]
    if "docs/decisions/" not in section.words[0] or not document.is_file():
        raise BadCase(f"{path}:{section.line}: an agreed difference names its file in docs/decisions, not {section.words[0]!r}")
    lines = section.body.splitlines()
    patterns = [line for line in lines if line[:1] in "+-" and line.strip()]
    if not patterns or len(patterns) == len(lines):
        raise BadCase(f"{path}:{section.line}: a reason is wanted, and then patterns of lines that differ, with - or + before each")
    return Agreed(patterns, section.line)


def read_case(path):
    path = Path(path)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    sections, head, lines = [], None, []
    for number, line in enumerate([*text.split("\n"), "== "], 1):
        match = re.match(r"== ?(.*)$", line)
        if not match:
            lines.append(line)
            continue
        if head:
            sections.append(_section(path, head[0], head[1], lines))
        elif not any(re.match(r"#.*\w", l) for l in lines):
            raise BadCase(f"{path}:1: a comment that says what the case is about is wanted")
        head, lines = (number, match.group(1)), []
    agreed = [_agreed(path, s) for s in sections if s.name == "agreed"]
    return Case(path, sections, agreed, text)
