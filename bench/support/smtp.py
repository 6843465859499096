# SPDX-License-Identifier: Apache-2.0
"""smtp - one message to many recipients, without waiting for each answer."""

import socket


def send(port, recipients, size):
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        replies = connection.makefile("rb")

        def answer(expected):
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            if not line.startswith(expected):
                raise SystemExit(f"expected {expected}, got {line}")

        answer(b"220")
        connection.sendall(b"EHLO client.example.com\r\n")
        answer(b"250")
        connection.sendall(b"MAIL FROM:<sender@example.com>\r\n")
        answer(b"250")
        for begin in range(0, len(recipients), 100):
            some = recipients[begin:begin + 100]
            connection.sendall("".join(f"RCPT TO:<{address}>\r\n" for address in some).encode())
            for _ in some:
                answer(b"250")
        connection.sendall(b"DATA\r\n")
        answer(b"354")
        connection.sendall(b"Subject: to many\r\n\r\n" + b"A line of text, as many others.\r\n" * (size // 33) + b".\r\n")
        answer(b"250")
        connection.sendall(b"QUIT\r\n")
        answer(b"221")
