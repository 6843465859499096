# SPDX-License-Identifier: Apache-2.0
"""A command for pipe and its like that writes down how it was called: words, environment, rights, place, input."""

import re

from .waiting import wait_until

SCRIPT = """\
#!/bin/sh
here=%HERE%
label=$1
shift
file=$(mktemp "$here/records/$label.XXXXXX") || exit 75
for word in "$@"; do printf '<%s>\\n' "$word"; done >"$file.words"
{ id -u; id -g; id -G; pwd; umask; } >"$file.rights"
tr '\\0' '\\n' </proc/$$/environ | sort >"$file.environment"
cat >"$file.input"
mv "$file" "$file.done"
[ ! -e "$here/behaviour.$label" ] || . "$here/behaviour.$label"
exit 0
"""


class Recorder:
    """A command of one instance: argv={path} LABEL word..."""

    def __init__(self, mail):
        self.mail = mail
        self.folder = mail.path("records")
        self.folder.mkdir()
        self.folder.chmod(0o1777)
        self.path = mail.write("recorder", SCRIPT.replace("%HERE%", str(mail.directory)))
        self.path.chmod(0o755)

    def behave(self, label, shell):
        """What it does after it has read its input: lines of shell."""
        path = self.mail.path(f"behaviour.{label}")
        path.with_suffix(".new").write_text(shell + "\n")
        path.with_suffix(".new").rename(path)

    def calls(self, label):
        """One dictionary a call, in no order."""
        found = []
        for path in self.folder.glob(f"{label}.??????.done"):
            parts = ("words", "rights", "environment", "input")
            found.append({part: path.with_suffix(f".{part}").read_bytes().decode("utf-8", "surrogateescape") for part in parts})
        return found

    def wait_calls(self, label, count=1):
        def enough():
            calls = self.calls(label)
            return calls if len(calls) >= count else None

        return wait_until(enough, lambda: f"{count} calls of {label}; log:\n{self.mail.tail()}")

    def forget(self):
        for path in self.folder.iterdir():
            path.unlink()


def normal(mail, text):
    """Without what differs from run to run: places, ids, dates, ports."""
    text = text.replace(str(mail.directory), "DIR").replace(str(mail.port), "PORT")
    text = re.sub(r"[A-Z][a-z]{2}, [ \d]?\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)", "DATE", text)
    text = re.sub(r"(?m)^From (.*?)  ?[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", r"From \1 DATE", text)
    text = re.sub(r"\b\d{14}\.[0-9A-F]{8,15}@", "ID@", text)
    text = re.sub(r"delay=.*?, dsn", "dsn", text)
    text = re.sub(r"\b[0-9A-F]{9,12}\b", "ID", text)
    return text
