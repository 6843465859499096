# SPDX-License-Identifier: Apache-2.0
"""One call to a service of Merpati's over its own socket, as src/lib/ipc has it: for services that no outside program asks."""

import os
import socket
import struct

HEADER = struct.Struct("<IIBBBB")
MESSAGE, END, CREDIT, GOODBYE = range(4)


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def text(value):
    return raw(value.encode())


def raw(value):
    return varint(len(value)) + value


def time(seconds):
    return varint(int(seconds * 1_000_000) * 2)


class Fields:
    """What a message says, field after field."""

    def __init__(self, data):
        self.data = data

    def number(self):
        value = shift = 0
        while True:
            byte, self.data = self.data[0], self.data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def text(self):
        size = self.number()
        value, self.data = self.data[:size], self.data[size:]
        return value.decode()


class Call:
    """The first call of a channel of its own."""

    def __init__(self, path, protocol, version=1):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.socket.sendall(b"\0MPI" + struct.pack("<I", version) + protocol.encode().ljust(24, b"\0"))
        self.fds = []
        self.bytes = b""
        self.take(32)

    def take(self, count):
        while len(self.bytes) < count:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 8)
            self.fds += fds
            if not data:
                raise EOFError("the service has closed the channel")
            self.bytes += data
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def send(self, number, payload, fd=None):
        frame = HEADER.pack(len(payload), 1, MESSAGE, number, fd is not None, 0) + payload
        if fd is None:
            self.socket.sendall(frame)
        else:
            socket.send_fds(self.socket, [frame], [fd])

    def receive(self):
        """The next message: its number and its fields; None when the service has ended the call."""
        while True:
            size, _, kind, number, _, _ = HEADER.unpack(self.take(HEADER.size))
            payload = self.take(size)
            if kind == MESSAGE:
                return number, Fields(payload)
            if kind == END:
                return None

    def close(self):
        self.socket.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []
