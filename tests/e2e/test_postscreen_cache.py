# SPDX-License-Identifier: Apache-2.0
"""A crash leaves postscreen's cache cut or spoiled: it is named, begun anew, and no client pays more than a test."""

import random

import pytest
from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port, wait_until

DAMAGED = r"postscreen\[\d+\]: warning: \S+/postscreen_cache\.lmdb is damaged or unreadable: it is removed, and begun anew"


@pytest.fixture(scope="module")
def door():
    from support.instance import Merpati

    mail = Merpati(main={"mynetworks": "10.0.0.0/8", "smtpd_peername_lookup": "no", "postscreen_greet_wait": "1s", "postscreen_pre_queue_limit": "500", "postscreen_post_queue_limit": "500"})
    mail.screened = free_port()
    mail.services += ["smtpd pass - - y - - smtpd", f"127.0.0.1:{mail.screened} inet n - y - 1 postscreen"]
    mail.write_config()
    mail.start()
    yield mail
    mail.finish()


def cache_of(mail):
    return mail.data / "postscreen_cache.lmdb"


def come(mail, source):
    """"NEW" or "OLD": what postscreen said of it when it came."""
    client = SmtpClient(mail.screened, source=source, greet=False)
    while not client.reply().lines[-1].startswith("220 "):
        pass
    shown = rf"\[{source.replace('.', '[.]')}\]:{client.socket.getsockname()[1]}"
    client.close()
    return mail.wait_log(rf"postscreen\[\d+\]: PASS (NEW|OLD) {shown}$")[1]


def fill(mail, first=1):
    """Pages of clients that are known."""
    clients = [SmtpClient(mail.screened, source=f"127.0.{first + number // 200}.{2 + number % 200}", greet=False) for number in range(300)]
    for client in clients:
        client.reply()
        client.close()
    mail.wait_log(rf"PASS \w+ \[127[.]0[.]{first + 1}[.]101\]")


def damaged(whole, how):
    if how == "noise":
        return whole[:8192] + random.Random(1).randbytes(len(whole) - 8192)
    if how == "head":
        return b"no database " + whole[12:]
    return whole[:how] if isinstance(how, int) else whole[: int(len(whole) * how)]


def test_a_cut_or_spoiled_cache_is_named_and_begun_anew(door):
    fill(door)
    door.stop()
    whole = cache_of(door).read_bytes()
    for count, how in enumerate([4096, 0.5, -4096, "noise", "head"], 1):
        cache_of(door).write_bytes(damaged(whole, how))
        door.start()
        assert come(door, "127.0.1.2") == "NEW", how
        door.wait_log(DAMAGED, count)
        door.stop()
    door.start()
    assert come(door, "127.0.1.2") == "OLD"
    assert len(door.log_lines(DAMAGED)) == count


def test_a_cache_that_is_cut_under_the_service_costs_a_process_and_no_more(door):
    """What is mapped is gone: the process may die of it. The next one begins anew."""
    fill(door, first=10)
    door.reload()
    known = come(door, "127.0.10.2")
    cache_of(door).write_bytes(b"")

    def served():
        try:
            return come(door, "127.0.10.3")
        except (Disconnected, OSError, IndexError):
            return None

    # That process is not one that is broken.
    door.complaints = list
    wait_until(served, "a client to be served")
    wait_until(lambda: served() == "OLD", "clients to be known again")
    assert known == "OLD"
