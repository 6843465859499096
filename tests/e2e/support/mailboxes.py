# SPDX-License-Identifier: Apache-2.0
"""Reading mailboxes as they lie on disk."""

import fcntl
import os
import re
import struct
from pathlib import Path

F_OFD_SETLKW = 38


def mbox_messages(path):
    """The messages of an mbox as text, each beginning with its From_ line; a writer is waited for."""
    try:
        with open(path, "rb") as mailbox:
            # A lock of the open file: closing it leaves the process's own locks on the mailbox alone.
            fcntl.fcntl(mailbox, F_OFD_SETLKW, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
            text = mailbox.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return []
    return [m for m in re.split(r"(?m)^(?=From )", text) if m]


def maildir_messages(path):
    """The messages in new/ of a Maildir as text, by file name."""
    new = Path(path) / "new"
    if not new.is_dir():
        return []
    return [(new / n).read_bytes().decode("utf-8", "surrogateescape") for n in sorted(os.listdir(new))]


def headers(message):
    """(name, value) pairs in order, values unfolded; the From_ line is left out."""
    head = message.split("\n\n", 1)[0]
    head = re.sub(r"^From .*\n", "", head)
    unfolded = re.sub(r"\n[ \t]+", " ", head)
    return [tuple(line.split(": ", 1)) for line in unfolded.split("\n") if ": " in line]


def header(message, name):
    """The first header of that name, or None."""
    return next((v for n, v in headers(message) if n.lower() == name.lower()), None)


def body(message):
    return message.split("\n\n", 1)[1] if "\n\n" in message else ""
