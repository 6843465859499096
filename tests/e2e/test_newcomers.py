# SPDX-License-Identifier: Apache-2.0
"""Mail that was acknowledged is in the listing at once, and found by its id, also while the queue manager has not been told of it."""

import contextlib
import re

import pytest

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
