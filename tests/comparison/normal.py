# SPDX-License-Identifier: Apache-2.0
"""Takes out of texts what differs between any two runs, and puts in order what has none."""

import re

RFC_DATE = r"[A-Z][a-z]{2}, [ \d]?\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)"
# What a queue id looks like at the head of a log line; ids are learnt from there.
# Short ones are hexadecimal, long ones have no vowels.
QUEUE_ID = r"(?:[0-9A-F]{6,15}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20})"
LOGGED_ID = re.compile(rf"\]: ({QUEUE_ID}): |queued as ({QUEUE_ID})\b|notification: ({QUEUE_ID})$", re.M)

REPLACEMENTS = [
    (re.compile(p, re.M), r)
    for p, r in [
        (RFC_DATE, "DATE"),
        (r"^From (.*?)  ?[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$", r"From \1 DATE"),
        (r"\b\d{14}\.QID@", "TIME.QID@"),
        (r"/tmp/\d+\.P\d+\S*: ", "/tmp/MESSAGE: "),
        (r"\bQID\.\d{10}/", "QID.TIME/"),
        (r"\bdelay=[\d.]+, delays=[\d./]+, ", ""),
        (r"\b(localhost\[127[.\d]+\]):[3-6]\d{4}\b", r"\1:PORT"),
        (r"\bconn_use=\d+, ", ""),
        (r"\bSINK\d+\b", "SINK"),
        (r"\b(size=|SIZE=|message size )\d+\b", r"\1N"),
        (r"\b(process id|pid) \d+\b", r"\1 PID"),
        (r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\b", "DATE"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\b", "DATE"),
        (r"^QID([*!]?#?) +\d+ DATE", r"QID\1 N DATE"),
        (r"^-- \d+ Kbytes", "-- N Kbytes"),
    ]
]
ADDRESS_HEADER = re.compile(r"(?mi)^(?:resent-)?(?:from|sender|to|cc|bcc|reply-to|errors-to|mail-followup-to):.*(?:\n[ \t].*)+")


class Normal:
    """Of one side: words is [(text, name)], longest first by itself; a port is a whole word."""

    def __init__(self, words):
        self.words = []
        for text, name in sorted(words, key=lambda w: -len(w[0])):
            bounds = "{}"
            if text.isdigit():
                bounds = r"(?<![\w.]){}(?!\w)" if len(text) > 4 else r"(?<=uid=|rid ){}(?!\w)"
            self.words.append((re.compile(bounds.format(re.escape(text))), name))
        self.ids = set()
        self.id = None

    def learn(self, log):
        """The queue ids of a log."""
        found = {next(filter(None, m.groups())) for m in LOGGED_ID.finditer(log)} - self.ids
        if found:
            self.ids |= found
            self.id = re.compile(r"\b(?:" + "|".join(sorted(self.ids, key=len, reverse=True)) + r")\b")

    def text(self, text):
        if self.id:
            text = self.id.sub("QID", text)
        for expression, name in self.words:
            text = expression.sub(lambda _, name=name: name, text)
        for expression, replacement in REPLACEMENTS:
            text = expression.sub(replacement, text)
        return text

    def message(self, text):
        return in_order(one_line(self.text(text)))


def one_line(message):
    """Postfix folds the address headers anew that it rewrites, we leave the folds (docs/decisions/0020-mail-entry-differences.md)."""
    return ADDRESS_HEADER.sub(lambda m: re.sub(r"\s*\n\s+", " ", m[0]), message)


def listing(text):
    """Of postqueue -p: messages and recipients in order, each recipient with the reason that stands before him."""
    messages = []
    for block in re.split(r"\n\n+", text.strip("\n")):
        head, reason, recipients = [], "", []
        for line in block.split("\n"):
            if re.match(r" *\(.*\)$", line):
                reason = line.strip()
            elif line.startswith(" " * 20):
                recipients.append(f"  {line.strip()} {reason}")
            else:
                head.append(line)
        if re.match(r"-Queue ID-", head[0]):
            head = head[1:]
        messages.append("\n".join([*head, *sorted(recipients)]))
    return "\n".join(sorted(messages))


def _sorted_blocks(text, is_free):
    """Paragraphs that is_free picks come in alphabetical order, one after the other where the first stood."""
    blocks = re.split(r"\n\n+", text.strip("\n"))
    free = sorted(b for b in blocks if is_free(b))
    where = next((n for n, b in enumerate(blocks) if is_free(b)), 0)
    fixed = [b for b in blocks if not is_free(b)]
    return "\n\n".join(fixed[:where] + free + fixed[where:])


def in_order(message):
    """A report tells of several recipients in the order in which they were delivered, which is nobody's promise."""
    boundary = re.search(r'(?mi)^Content-Type: multipart/report;(?:.*\n[ \t]+)*?.*boundary="([^"]+)"', message)
    if not boundary:
        return message
    parts = message.split("--" + boundary.group(1))
    for n, part in enumerate(parts):
        if re.search(r"(?mi)^Content-Type: (text/plain|message/(global-)?delivery-status)", part):
            parts[n] = "\n" + _sorted_blocks(part, lambda b: b.startswith("<") or "Final-Recipient:" in b) + "\n\n"
    return ("--" + boundary.group(1)).join(parts)
