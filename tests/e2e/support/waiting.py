# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true, with a deadline and a reason when it does not."""

import os
import random
import socket
import time

# Sanitized builds and loaded machines need more; the figure bounds a failure, it never slows a success.
PATIENCE = float(os.environ.get("MERPATI_TEST_PATIENCE", "20"))


def wait_until(condition, what, timeout=None):
    """Calls condition until it returns something true, and returns that."""
    deadline = time.monotonic() + (timeout or PATIENCE)
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


_given = set()
# Several workers at one time draw from ranges that do not meet.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def free_port(address="127.0.0.1"):
    """
    A port nobody listens on, never the same twice, below the range that outgoing connections draw theirs
    from, so that no other test's connection takes it before the server listens.
    """
    while True:
        port = random.randrange(10000 + _WORKER, 30000, _WORKERS)
        if port in _given:
            continue
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            try:
                probe.bind((address, port))
                _given.add(port)
                return port
            except OSError:
                continue
