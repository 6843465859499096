# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true, with a deadline and a reason when it does not."""

import os
import random
import socket
import time

# The figure bounds a failure, it never slows a success: enough for a machine that others keep busy.
PATIENCE = float(os.environ.get("MERPATI_TEST_PATIENCE", "60"))
# How long a peer of ours holds an answer back unless it is told to go on: longer than a test waits for what comes meanwhile.
HOLD = 4 * PATIENCE


def wait_until(condition, what, timeout=None):
    """Calls condition until it returns something true, and returns that."""
    deadline = time.monotonic() + max(timeout or 0, PATIENCE)
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


_given = {}


def _claim(port):
    """A name that one process at a time can have, for the time of its life; None if another has it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0merpati-test-port-{port}")
        return claim
    except OSError:
        claim.close()
        return None


def free_port(address="127.0.0.1"):
    """
    A port nobody listens on, never the same twice, nor in another run of tests at the same time. It is below the range
    that outgoing connections draw theirs from, so that none of them takes it before the server listens.
    """
    while True:
        port = random.randrange(10000, 30000)
        if port in _given:
            continue
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
        _given[port] = _claim(port)
        if _given[port]:
            return port
