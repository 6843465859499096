# SPDX-License-Identifier: Apache-2.0
"""Mail that was acknowledged is in the listing at once, and found by its id, also while the queue manager has not been told of it."""

import contextlib
import fcntl
import re
import struct

import pytest
from support.waiting import wait_until

SMALL = "Subject: x\n\nsmall\n"
LARGE = "Subject: x\n\n" + "0123456789\n" * 20000


@pytest.fixture
def mail(make_merpati):
    return make_merpati(main={"defer_transports": "smtp", "spool_segment_age": "1000s"}).start()


@contextlib.contextmanager
def told_late(mail):
    """A cleanup that begins in here does not reach the queue manager, and tries again after a second."""
    place, away = mail.queue / "public" / "qmgr", mail.queue / "public" / "away"
    mail.kill("cleanup")
    place.rename(away)
    try:
        yield
    finally:
        away.rename(place)


def deliver(mail, *texts):
    with told_late(mail), mail.smtp() as client:
        client.hello()
        return [client.deliver("s@example.com", "a@far.test", text).text.split()[-1] for text in texts]


@contextlib.contextmanager
def locked(path):
    """As its writer has it until it is durable and acknowledged."""
    with open(path, "r+b") as held:
        fcntl.fcntl(held, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        yield


def deliver_to_files(mail, count):
    """Of which the queue manager never hears."""
    ids = deliver(mail, *[LARGE] * count)
    mail.kill("cleanup")
    return [(id, mail.queue / "incoming" / id) for id in ids]


def listed(mail):
    return re.findall(r"(?m)^([0-9A-F]{10,})[*!]? ", mail.command("postqueue", "-p").stdout)


@pytest.mark.sanitized
def test_it_is_listed(mail):
    assert sorted(deliver(mail, SMALL, LARGE, SMALL)) == sorted(listed(mail))


def test_it_is_listed_when_its_cleanup_died(mail):
    ids = deliver(mail, SMALL, SMALL)
    mail.kill("cleanup")
    assert sorted(ids) == sorted(listed(mail))


def test_it_is_found_by_its_id(mail):
    small, large = deliver(mail, SMALL, LARGE)
    assert "s@example.com" in mail.command("postcat", "-q", small).stdout
    assert mail.command("postsuper", "-h", small).stderr.endswith("Placed on hold: 1 message\n")
    assert mail.command("postsuper", "-h", large).stderr.endswith("Placed on hold: 1 message\n")
    deliver(mail, SMALL, LARGE)
    assert mail.command("postsuper", "-d", "ALL").stderr == "postsuper: Deleted: 4 messages\n"
    assert listed(mail) == []


def test_what_is_not_durable_yet_is_not_there_for_commands(mail):
    (arriving, path), (whole, _) = deliver_to_files(mail, 2)
    with locked(path):
        assert listed(mail) == [whole]
        assert mail.command("postsuper", "-h", "ALL").stderr.endswith("Placed on hold: 1 message\n")
        assert mail.command("postsuper", "-d", arriving).stderr == "postsuper: Deleted: 0 messages\n"
        assert path.exists()
    assert sorted(listed(mail)) == sorted([arriving, whole])


def test_what_is_not_durable_yet_is_not_delivered(mail):
    (arriving, path), (_, other) = deliver_to_files(mail, 2)
    with locked(path):
        mail.command("postqueue", "-f")
        mail.wait_log(f"{other.name}: .*status=deferred")
        assert path.exists() and not mail.log_lines(f"{arriving}: from=")
    mail.command("postqueue", "-f")
    wait_until(lambda: not path.exists(), "it is taken up when its writer has let go of it")
