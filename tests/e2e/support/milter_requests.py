# SPDX-License-Identifier: Apache-2.0
"""What a filter may ask for at the end of a message: packets for support/milter.py."""

import struct


def _texts(*texts):
    return b"".join((t if isinstance(t, bytes) else t.encode("utf-8", "surrogateescape")) + b"\0" for t in texts)


def add_header(name, value):
    return b"h" + _texts(name, value)


def insert_header(index, name, value):
    return b"i" + struct.pack(">I", index) + _texts(name, value)


def change_header(index, name, value):
    return b"m" + struct.pack(">I", index) + _texts(name, value)


def delete_header(index, name):
    return change_header(index, name, "")


def add_recipient(address, arguments=None):
    return b"+" + _texts(address) if arguments is None else b"2" + _texts(address, arguments)


def delete_recipient(address):
    return b"-" + _texts(address)


def change_sender(address, arguments=None):
    return b"e" + (_texts(address) if arguments is None else _texts(address, arguments))


def replace_body(text):
    return b"b" + (text if isinstance(text, bytes) else text.encode())
