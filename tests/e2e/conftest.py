# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests; README.md beside this file tells how to use them."""

import contextlib
import functools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.accounts import TEST_ACCOUNT, ensure_account, ensure_accounts, remove_account  # noqa: E402
from support.dns_server import DnsServer  # noqa: E402
from support.instance import BUILD, IS_ROOT, Merpati, Stock, drop_to  # noqa: E402
from support.mail_peers import Exim, Sendmail  # noqa: E402
from support.own_names import own_names  # noqa: E402
from support.smtp_sink import SmtpSink  # noqa: E402
from support.world import World  # noqa: E402

# Its home is filled and emptied by tests: each of several workers has one of its own.
HOME_ACCOUNT = f"merpati-home-{os.environ.get('PYTEST_XDIST_WORKER', 'one')}"


def _end_in_order(number, frame):
    """A run that is told to end still ends what it has started."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pytest.exit("told to end", returncode=128 + number)


def pytest_sessionstart(session):
    """The accounts that the tests need."""
    # A worker on a busy machine may run in another thread than the first, where no signal comes.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end_in_order)
    ensure_accounts()


def pytest_report_header(config):
    who = "root" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
    reason = Stock.why_not()
    return [f"merpati build: {BUILD}, run as {who}", f"stock Postfix: {reason or 'used as the oracle'}"]


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its instances' logs."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for instance in getattr(item, "instances", []):
            report.sections.append((f"log of {instance.directory}", instance.tail()))


@pytest.fixture
def account():
    """The name of a local account that mail can be delivered to."""
    return TEST_ACCOUNT if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="session")
def home_account(tmp_path_factory):
    """(name, home) of a local account with a home directory; only root can have one made."""
    if not IS_ROOT:
        pytest.skip("making an account needs root")
    home = Path(f"/var/tmp/{HOME_ACCOUNT}")
    remove_account(HOME_ACCOUNT)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    ensure_account(HOME_ACCOUNT, str(home))
    shutil.chown(home, HOME_ACCOUNT, HOME_ACCOUNT)
    yield HOME_ACCOUNT, home
    remove_account(HOME_ACCOUNT)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def make_merpati(request):
    """Makes instances that are configured but not started: make_merpati(main={...}, services=[...], run_as=...)."""
    request.node.instances = made = []

    def make(**options):
        instance = Merpati(**options)
        made.append(instance)
        return instance

    yield make
    with contextlib.ExitStack() as stack:
        for instance in made:
            stack.callback(instance.finish)


@pytest.fixture
def merpati(make_merpati):
    """Makes and starts an instance: merpati(main={"relay_domains": "x.test"})."""
    return lambda **options: make_merpati(**options).start()


@functools.cache
def _account_reaches_build():
    return subprocess.run([*drop_to(TEST_ACCOUNT), "test", "-x", BUILD / "bin" / "merpati"]).returncode == 0


@pytest.fixture(params=["root", "user"])
def run_as(request):
    """Runs the test twice when we are root: as root and as an ordinary user. Pass on as run_as=."""
    if request.param == "root":
        if not IS_ROOT:
            pytest.skip("not root")
        return None
    if not IS_ROOT:
        return None
    if not _account_reaches_build():
        pytest.skip(f"{TEST_ACCOUNT} may not enter a directory above {BUILD}")
    return TEST_ACCOUNT


@pytest.fixture
def make_stock(request):
    """As make_merpati, for Debian's Postfix; skips the test where it cannot run."""
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = []

    def make(**options):
        instance = Stock(**options)
        made.append(instance)
        return instance

    yield make
    for instance in made:
        instance.finish()


@pytest.fixture
def stock(make_stock):
    return lambda **options: make_stock(**options).start()


@pytest.fixture(params=["stock", "merpati"])
def either(request):
    """Plays the test against stock Postfix and then Merpati: either(main={...}), configured but not started."""
    return request.getfixturevalue(f"make_{request.param}")


@pytest.fixture
def sink():
    """Makes SmtpSinks that end with the test: sink(replies={...})."""
    made = []

    def make(**options):
        made.append(SmtpSink(**options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def dns():
    """Makes DnsServers that end with the test: dns()."""
    made = []

    def make(**options):
        made.append(DnsServer(**options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def mail_peer():
    """Starts Exim or sendmail (support/mail_peers.py), which end with the test: mail_peer(Exim)."""
    running = []

    def start(kind):
        if kind.why_not():
            pytest.skip(kind.why_not())
        ensure_account(kind.account)
        # pytest keeps its directories to itself; the peer removes this one.
        directory = tempfile.mkdtemp(prefix="merpati-peer-")
        os.chmod(directory, 0o755)
        running.append(kind(directory))
        return running[-1].start()

    yield start
    for peer in running:
        peer.stop()


@pytest.fixture(params=[Exim, Sendmail], ids=["exim", "sendmail"])
def either_peer(request, mail_peer):
    """Plays the test against Exim and then sendmail."""
    return mail_peer(request.param)


@pytest.fixture
def world(either, sink):
    """A World (support/world.py), played against stock Postfix and then Merpati."""
    mail = either()
    names = own_names(mail)
    yield World(mail, names, sink)
    names.stop()


@pytest.fixture
def own_world(make_merpati, sink):
    """A World of Merpati alone."""
    mail = make_merpati()
    names = own_names(mail)
    yield World(mail, names, sink)
    names.stop()


def pytest_terminal_summary(terminalreporter):
    """What failed and then was run again is told, whatever came of it."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"run again: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
        for name, text in report.sections:
            terminalreporter.section(name, "-")
            terminalreporter.line(text)
