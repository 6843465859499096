# SPDX-License-Identifier: Apache-2.0
"""What clients cost postscreen that wait in its dialogue: 10,000 of them are to take 150 MB at most."""

import re
import resource
import socket
from pathlib import Path

import pytest

from support.instance import IS_SANITIZED
from support.waiting import PATIENCE, free_port

FEW, MANY = 200, 1200
KILOBYTES_EACH = 14  # and 10 MB for what the process is itself


def proportional_kilobytes(pid):
    return int(re.search(r"(?m)^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text()).group(1))


def come(port, count):
    clients = []
    for n in range(count):
        clients.append(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(f"127.2.{n // 200}.{n % 200 + 1}", 0)))
    for client in clients:
        heard = b""
        while b"220 " not in heard:
            heard += client.recv(1000)
        client.sendall(b"EHLO client.example\r\n")
        assert client.recv(1000).startswith(b"250")
    return clients


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer's own memory is many times that")
def test_clients_that_wait_in_the_dialogue_take_little_memory(merpati):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port = free_port()
    mail = merpati(
        main={"postscreen_greet_wait": "1s", "postscreen_pipelining_enable": "yes", "postscreen_cache_map": "", "mynetworks": "10.0.0.0/8",
              "postscreen_pre_queue_limit": "5000"},
        services=[f"127.0.0.1:{port} inet n - n - 1 postscreen", "smtpd pass - - n - - smtpd"])
    clients = []
    try:
        clients += come(port, FEW)
        (pid,) = mail.pids("postscreen")
        few = proportional_kilobytes(pid)
        clients += come(port, MANY - FEW)
        assert (proportional_kilobytes(pid) - few) / (MANY - FEW) < KILOBYTES_EACH
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
