# SPDX-License-Identifier: Apache-2.0
"""Local accounts that tests need; only root can make them."""

import contextlib
import pwd
import subprocess

from .instance import IS_ROOT
from .waiting import wait_until

TEST_ACCOUNT = "merpati-test"


def ensure_account(name, home="/nonexistent"):
    try:
        pwd.getpwnam(name)
    except KeyError:
        _change("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/bin/sh", name)


def remove_account(name):
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        _change("userdel", name)


def ensure_accounts():
    """Those of the system itself and of its tests; what scripts/test has made already is left as it is."""
    if IS_ROOT:
        for name in ("merpati", "merpati-net", "merpati-map", "merpati-sasl", TEST_ACCOUNT):
            ensure_account(name)
        if subprocess.run(["getent", "group", "postdrop"], capture_output=True).returncode != 0:
            subprocess.run(["groupadd", "--system", "postdrop"], check=True)


def _change(*words):
    """Another worker may hold the lock on the accounts just now: then the tool ends at once."""
    def is_done():
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0 or "cannot lock" in done.stderr, done.stderr
        return done.returncode == 0

    wait_until(is_done, f"{words[0]} {words[-1]}")
