# SPDX-License-Identifier: Apache-2.0
"""
A corpus of messages, the same ones each time: those of Python's own tests of mail (Debian's libpython3.11-testsuite), and many made here of the
things that parsers of mail disagree on. One case holds them all; see case() for the checks that look at them.
"""

import difflib
import random
import re
from pathlib import Path

PYTHONS = Path("/usr/lib/python3.11/test/test_email/data")

MAIN = """
header_checks = pcre:%dir%/header
mime_header_checks = pcre:%dir%/mime
nested_header_checks = pcre:%dir%/nested
body_checks = pcre:%dir%/body
transport_maps = inline:{seven.test=relay:[127.0.0.1]:%sink:seven%}
smtp_header_checks = pcre:%dir%/smtp_header
smtp_mime_header_checks = pcre:%dir%/smtp_mime
smtp_nested_header_checks = pcre:%dir%/smtp_nested
smtp_body_checks = pcre:%dir%/smtp_body
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 10000
smtpd_soft_error_limit = 10000
smtpd_junk_command_limit = 10000
smtpd_forbid_bare_newline = no
"""
# By name: what is refused is a word to its sender, a small limit is one that is reached.
PROFILES = {
    "usual": """
message_strip_characters = \\0
""",
    "strict": """
strict_7bit_headers = yes
strict_mime_encoding_domain = yes
strict_8bitmime_body = yes
message_reject_characters = \\1
message_strip_characters = \\0
""",
    "narrow": """
header_size_limit = 300
line_length_limit = 600
body_checks_size_limit = 120
mime_nesting_limit = 2
mime_boundary_length_limit = 5
message_strip_characters = k\\0
""",
    "blind": """
disable_mime_input_processing = yes
disable_mime_output_conversion = yes
message_strip_characters = \\0
""",
}

# Every action but those that keep a message from where it is compared; what holds, discards, redirects and filters has cases of its own.
TABLES = {
    "header": r"""
/^X-Spam-Level: \*{5,}/ REJECT 5.7.1 too much of it
/^Subject:.*viagra/ REJECT
if /^Subject:/
/test/ WARN a test
/\S{60,}/ INFO a long word
/^Subject: (.*)hello(.*)$/ REPLACE Subject: ${1}HELLO$2
endif
/^X-Mailer: (.*)$/ REPLACE X-Was-Mailer: $1
/^(Received|Status|X-Status):/ IGNORE
/^X-Origin: *(.+)/ PREPEND X-Saw: $1
/^Precedence: (bulk|list)/ PREPEND X-Is-Bulk: $1
/^X-Strip:/ STRIP a header
/^MIME-Version: (?!1\.0)/ WARN an odd version
/[\x80-\xff]/ INFO eight bits
/^$/ WARN an empty field
!/^[!-9;-~]+:/ WARN no field
""",
    "mime": r"""
/name *= *"?[^"]*\.(exe|bat|scr)\b/ REJECT 5.7.1 no ${1} files
/^Content-Type: *(multipart\/[a-z]+)/ INFO $1
/^Content-Type: *(message\/[a-z0-9]+)/ WARN $1
/^Content-Disposition: *(.*)$/ REPLACE Content-Disposition: $1
/^Content-Description: (.*)$/ PREPEND X-Description: $1
/^Content-ID:/ IGNORE
/^Content-Transfer-Encoding: *(?!7bit|8bit|binary|base64|quoted-printable)/ WARN an odd encoding
/^X-Part: (.*)/ REPLACE X-Was-Part: $1
""",
    "nested": r"""
/^Subject: (.*)/ REPLACE Subject: nested $1
/^X-Mailer:/ IGNORE
/^From: / WARN nested
/^Received:/ INFO nested
""",
    "body": r"""
/secret (\w+)/ REPLACE the secret $1 was here
/^-- ?$/ WARN signature
/^>/ IGNORE
/GTUBE/ REJECT
/^.{400,}/ INFO a long line
/[\x80-\xff]{3,}/ INFO eight bits
if /^begin/
/^begin [0-7]{3} (.*\.exe)$/ REJECT no $1 in text
/^begin/ PREPEND it begins:
endif
/\r/ WARN a bare CR
""",
    "smtp_header": r"""
/^X-Was-Mailer: (.*)/ REPLACE X-Mailer-Was: $1
/^(?:Errors-To|Return-Receipt-To):/ IGNORE
/^Message-Id: (.*)/ PREPEND X-Id: $1
/^X-Long:/ INFO long
""",
    "smtp_mime": r"""
/^Content-Type: *([a-z]+)\/([a-z0-9]+)/ PREPEND X-Type: $1, $2
/^X-Was-Part: (.*)/ IGNORE
/^Content-Transfer-Encoding:/ INFO encoded
""",
    "smtp_nested": r"""
/^Subject: nested (.*)/ REPLACE Subject: sent $1
/^Resent/ IGNORE
""",
    "smtp_body": r"""
/^the secret/ REPLACE there was none
/^GTUB$/ IGNORE
/^\.+$/ PREPEND dots:
/^trailing/ WARN trailing
""",
}

WORDS = "one two three hello test secret word naïve Grüße 日本 viagra x=y a.b \"q\" <a@b.test> ; , =20 =?utf-8?q?z=C3=A9?= -- begin".split()
FIELDS = [
    "Subject: {w}", "Subject:{w}", "Subject : {w}", "SUBJECT:\t{w}", "From: {w} <f@x.example>", "To: t@x.example, {w} <u@x.example>",
    "Date: Mon, 1 Jan 2024 00:00:00 +0000 (UTC)", "Message-Id: <{n}@x.example>", "X-Mailer: {w}", "Received: from a by b; {w}",
    "X-Origin: {w}", "Precedence: bulk", "X-Strip: {w}", "Status: RO", "Reply-To: {w} <r@x.example>", "X-Long: {long}", "X-Folded: {w}\n {w}\n\t{w}",
    "X-Empty:", "X-Empty-Fold:\n {w}", "Resent-From: r@x.example", "Resent-To: q@x.example", "Bcc: secret@x.example", "Return-Path: <r@x.example>",
    "Content-Length: 17", "MIME-Version: 1.0", "MIME-Version: 2.0 (odd)", "X-8: \udcff\udcfe {w}", "X-Nul: a\0b", "X-CR: a\rb", "Errors-To: e@x.example",
    "no colon here {w}", ": no name", "X-\x7f: {w}", "X Y: {w}", "X-Spam-Level: ***", "Disposition-Notification-To: d@x.example",
    "Mail-Followup-To: m@x.example",
]
TYPES = [
    "text/plain", "text/plain; charset=utf-8", "text/html; charset=\"iso-8859-1\"", "TEXT/Plain; name=a.txt", "application/octet-stream; name=\"run.exe\"",
    "message/rfc822", "message/partial; id=x; number=1", "message/external-body; access-type=x", "message/delivery-status", "image/gif; name=\"x.gif\"",
    "text", "/", "text/plain; charset", "multipart/mixed", "multipart/mixed; boundary", "application/x; name*=utf-8''a.exe", "text/x;\n name=folded.bat",
]
ENCODINGS = ["7bit", "8bit", "binary", "base64", "quoted-printable", "8BIT", "x-uuencode", "7bit (comment)", "\"8bit\"", "", "quoted-printable; x"]
PART_FIELDS = ["X-Blank : {w}", "Content-Description : {w}", "Subject\t: {w}", "Content-Disposition: attachment; filename={w}", "Content-Description: {w}", "Content-ID: <{n}@x>", "X-Part: {w}", "Subject: in a part",
               "Content-Language: en", "Content-MD5: x", "not a field", "Content-Type : text/html", "Content-Disposition:\n inline", "\0: x"]
LINES = ["{w} {w} {w}", "", ".", "..", ".{w}", "-- ", "--", "--{w}", "> {w}", "From {w}", "secret {w}", "GTUB", "{long}", "\udcc3\udca4\udcc3\udcb6\udcc3\udcbc", "\udcff",
         "begin 644 a.txt", "begin", "tab\tand\x01control", "trailing blanks  \t", "=", "=3D=", "a\rb", "nul\0nul", "Subject: in the body", "\t", " "]
RARE = ["begin 644 evil.exe", "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD"]


class Maker:
    """Messages from one seed. Text is held as surrogateescape, so that every byte can be written."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0

    def fill(self, text):
        def value(match):
            self.number += 1
            if match[1] == "n":
                return str(self.number)
            if match[1] == "long":
                return self.random.choice(["x", "word ", "äö", "a.b,"]) * self.random.choice([70, 200, 990, 1100])
            return self.random.choice(WORDS)

        return re.sub(r"\{(w|n|long)\}", value, text)

    def lines(self, count):
        chosen = self.random.choices(LINES, k=count)
        if self.random.random() < 0.04:
            chosen.append(self.random.choice(RARE))
        return [self.fill(line) for line in chosen]

    def content(self, depth):
        """Header lines that say what it is, and the body."""
        kind = self.random.random()
        if depth < 4 and kind < 0.45:
            return self.multipart(depth)
        if depth < 4 and kind < 0.6:
            inner_fields, inner = self.content(depth + 1)
            subtype = self.random.choice(["rfc822", "rfc822", "global", "news"])
            return [f"Content-Type: message/{subtype}", *self.encoding(0.2)], [*self.header(4), *inner_fields, "", *inner]
        fields = [f"Content-Type: {self.random.choice(TYPES)}"] if kind < 0.9 else []
        return [*fields, *self.encoding(0.6)], self.lines(self.random.randrange(1, 9))

    def encoding(self, chance):
        return [f"Content-Transfer-Encoding: {self.random.choice(ENCODINGS)}"] if self.random.random() < chance else []

    def multipart(self, depth):
        boundary = self.random.choice(["b", "b", "=_next", "a b", "x" * 60, "B'()+_,-./:=?", "b "]) + str(depth)
        shown = self.random.choice([f'"{boundary}"', f'"{boundary}"', boundary, f'"{boundary}', f"\"{boundary}\" (c)"])
        name = self.random.choice(["boundary", "boundary", "BOUNDARY", "Boundary "])
        subtype = self.random.choice(["mixed", "alternative", "digest", "report", "signed"])
        body = self.lines(self.random.randrange(3))
        for _ in range(self.random.randrange(1, 4)):
            fields, inner = self.content(depth + 1)
            extra = [self.fill(f) for f in self.random.choices(PART_FIELDS, k=self.random.randrange(3))]
            body += [f"--{boundary}{self.random.choice(['', '', '', ' ', 'x'])}", *fields, *extra, *[""] * (self.random.random() < 0.95), *inner]
        if self.random.random() < 0.85:
            body += [f"--{boundary}--", *self.lines(self.random.randrange(2))]
        fold = self.random.choice([" ", "\n ", "\n\t"])
        return [f"Content-Type: multipart/{subtype};{fold}{name}={shown}", *self.encoding(0.15)], body

    def header(self, count):
        return [self.fill(field) for field in self.random.sample(FIELDS, self.random.randrange(count + 1))]

    def message(self):
        fields, body = self.content(0)
        header = self.header(9)
        place = self.random.randrange(len(header) + 1)
        lines = [*header[:place], *fields, *header[place:]]
        if self.random.random() < 0.96:
            lines += ["", *body]
        return as_labelled("\n".join(lines).encode("utf-8", "surrogateescape") + b"\n")


def as_labelled(data):
    """Parts that may not be encoded are encoded all the same, and say so with us alone (docs/decisions/0010-smtp-client-differences.md)."""
    return data.replace(b"message/delivery-status", b"text/x-status").replace(b"message/partial", b"text/x-partial")


def messages(count=320):
    """(name, bytes with LF) of all of them."""
    found = [(path.name, re.sub(rb"\r\n?", b"\n", path.read_bytes())) for path in sorted(PYTHONS.glob("msg_*.txt"))]
    return found + [(f"made {n}", Maker(n).message()) for n in range(count - len(found))]


def escaped(data):
    """As a case's ">> " takes it."""
    return "".join(chr(b) if 0x20 <= b < 0x7F and b not in b"\\%" else f"\\x{b:02x}" for b in data)


def on_the_wire(data):
    return re.sub(rb"(?m)^\.", b"..", data).replace(b"\n", b"\r\n") + b".\r\n"


def case(found, profile):
    """The text of a case: each message to a host that takes eight bits and to one that does not."""
    out = ["# A corpus of messages, looked at by checks of every class.", "== main.cf", MAIN + PROFILES[profile]]
    for name, rules in TABLES.items():
        out += [f"== file {name}", rules.strip()]
    out += ["== sink seven", "extensions: PIPELINING, ENHANCEDSTATUSCODES", "== smtp", "EHLO client.example"]
    for number, (_, data) in enumerate(found):
        out += [f"MAIL FROM:<s{number}@x.example>", f"RCPT TO:<r{number}@far.test>", f"RCPT TO:<r{number}@seven.test>", ">> DATA\\r\\n", "<<",
                ">> " + escaped(on_the_wire(data)), "<<"]
    return "\n".join(out) + "\n"


def _blocks(lines, is_head):
    """Each from a line that is_head picks to the next, without it."""
    block = None
    for line in lines:
        if is_head(line):
            if block:
                yield block
            block = []
        elif block is not None:
            block.append(line)
    if block:
        yield block


def by_message(seen):
    """What one side did, {number: {what: lines}}."""
    found = {}
    sources = [("log", seen["log"]), *((name, seen[name]) for name in sorted(seen) if name.startswith("sink "))]
    for what, lines in sources:
        for block in _blocks(lines, lambda line: line.strip() == "message"):
            number = re.search(r"(?:from=|MAIL FROM:)<s(\d+)@", "\n".join(block))
            if number:
                found.setdefault(int(number[1]), {}).setdefault(what, []).extend(block)
    replies = seen["replies and output"]
    for n, line in enumerate(replies):
        number = re.match(r"MAIL FROM:<s(\d+)@", line)
        if number:
            end = next((m for m in range(n + 1, len(replies)) if replies[m].startswith(("MAIL FROM:", "QUIT"))), len(replies))
            found.setdefault(int(number[1]), {})["replies"] = replies[n:end]
    return found


def differences_by_message(names, stock, ours):
    """A text a message that is not the same."""
    stock, ours = by_message(stock), by_message(ours)
    found = []
    for number, name in enumerate(names):
        lines = []
        for what in sorted(stock.get(number, {}).keys() | ours.get(number, {}).keys()):
            both = [side.get(number, {}).get(what, []) for side in (stock, ours)]
            if both[0] != both[1]:
                lines += difflib.unified_diff(*both, f"stock: {what}", f"merpati: {what}", lineterm="", n=1)
        if lines:
            found.append("\n".join([f"message {number} ({name}):", *lines]))
    return found
