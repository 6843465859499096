# SPDX-License-Identifier: Apache-2.0
"""
What an earlier build left, this one delivers: spools/ keeps a spool that was stopped, and one whose system was killed, as
they were written when their format was new. With a new format comes a new pair:

    MERPATI_KEEP_SPOOLS=tests/e2e/spools/N pytest tests/e2e/test_earlier_spools.py -k left
"""

import os
import signal
import tarfile
from pathlib import Path

import pytest
from support.smtp_sink import STALL
from support.waiting import free_port, wait_until

SPOOLS = Path(__file__).parent / "spools"
KEPT = ("incoming", "active", "deferred", "hold", "journal", "maildrop")
WHOLE = [f"d{number}@remote.example" for number in range(3)] + ["later@remote.example", "large@slow.example"]
WHOLE += [f"f{number}@slow.example" for number in range(3)]
HELD = "held@remote.example"
BIG = 150_000  # more than a frame may have


def send(mail, recipients, subject, size=0):
    with mail.smtp() as client:
        client.hello()
        text = f"From: s@example.test\nSubject: {subject}\n\n" + "y" * 70 * bool(size) + "\n" + ("y" * 70 + "\n") * (size // 71)
        reply = client.deliver("s@example.test", recipients, text)
        assert reply.code == 250, reply
        return reply.text.rsplit(" ", 1)[1]


def is_in(mail, queue, name):
    return any(path.name == name for path in (mail.queue / queue).rglob(name))


def without_owner(entry):
    """As a restore on a machine whose accounts have other numbers finds it: postsuper -s gives it to who is to have it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry if entry.isfile() or entry.isdir() else None


def leave(make_merpati, sink, way, archive):
    """Deferred mail, one of its recipients served; held mail; mail that is being delivered, in the journal and as a file."""
    stalled = sink(replies={"MAIL": STALL})
    half = sink(replies={"RCPT": lambda session, line: "450 4.2.0 later" if "later@" in line else None})
    mail = make_merpati(main={
        "relayhost": f"[127.0.0.1]:{free_port()}", "spool_segment_size": "1048576", "spool_segment_age": "1000s",
        "transport_maps": f"inline:{{ {{ slow.example = smtp:[127.0.0.1]:{stalled.port} }}, "
        f"{{ half.example = smtp:[127.0.0.1]:{half.port} }}, {{ later@remote.example = smtp:[127.0.0.1]:{half.port} }} }}",
        "hash_queue_names": "deferred", "minimal_backoff_time": "10000s", "maximal_backoff_time": "10000s",
    })
    mail.start()
    deferred = [send(mail, f"d{number}@remote.example", f"d{number}") for number in range(3)]
    deferred.append(send(mail, ["now@half.example", "later@remote.example"], "two"))
    held = send(mail, HELD, "held")
    wait_until(lambda: all(is_in(mail, "deferred", name) for name in [*deferred, held]), lambda: f"all deferred; {mail.tail(9)}")
    mail.command("postsuper", "-c", mail.config, "-h", held)
    for number in range(3):
        send(mail, f"f{number}@slow.example", f"f{number}")
    large = send(mail, "large@slow.example", "large", BIG)
    wait_until(lambda: is_in(mail, "active", large), lambda: f"the large one in delivery; {mail.tail(9)}")
    if way == "stopped":
        mail.stop()
    else:
        for pid in mail.all_pids():
            os.kill(pid, signal.SIGKILL)
        mail.wait_for_end()
        mail.is_running = False
    with tarfile.open(archive, "w:xz") as tar:
        for folder in KEPT:
            tar.add(mail.queue / folder, folder, filter=without_owner)
    assert [m.recipients for m in half.messages] == [["now@half.example"]]


def expect_mail(make_merpati, sink, archive):
    """Each recipient that was left gets it once, the held one after its release."""
    server = sink()
    # However old the spool is, one attempt is made.
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "maximal_queue_lifetime": "0"})
    mail.start()
    mail.stop()
    with tarfile.open(archive) as tar:
        tar.extractall(mail.queue)
    mail.command("postsuper", "-c", mail.config, "-s")
    mail.start()
    mail.command("postqueue", "-c", mail.config, "-f")

    def reached():
        return sorted(address for message in server.messages for address in message.recipients)

    wait_until(lambda: len(reached()) >= len(WHOLE) and len(mail.queue_ids()) == 1, lambda: f"not only {reached()}; {mail.tail(20)}")
    assert reached() == sorted(WHOLE)
    mail.command("postsuper", "-c", mail.config, "-H", "ALL")
    mail.wait_empty(is_told=False)
    assert reached() == sorted([*WHOLE, HELD])
    for message in server.messages:
        subject = message.text.split("Subject: ")[1].split("\n")[0]
        assert message.recipients[0].startswith({"two": "later"}.get(subject, subject)), message
        assert len(message.content) > BIG if subject == "large" else message.text.endswith("\n\n\n"), message
    assert not list((mail.queue / "corrupt").iterdir())


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_what_this_build_left_goes_on(make_merpati, sink, way, tmp_path):
    folder = Path(os.environ.get("MERPATI_KEEP_SPOOLS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    leave(make_merpati, sink, way, folder / f"{way}.tar.xz")
    expect_mail(make_merpati, sink, folder / f"{way}.tar.xz")


@pytest.mark.parametrize("name", sorted(str(path.relative_to(SPOOLS)) for path in SPOOLS.glob("*/*.tar.xz")))
def test_what_an_earlier_build_wrote_goes_on(make_merpati, sink, name):
    expect_mail(make_merpati, sink, SPOOLS / name)
