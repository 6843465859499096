# SPDX-License-Identifier: Apache-2.0
"""What administrators do with a queue by hand, on a backlog of a thousand messages (docs/queue.md)."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from support.instance import BUILD, SOURCE
from support.smtp_sink import STALL
from support.waiting import PATIENCE, free_port, wait_until

BACKLOG = 1000
DEAD = {
    "minimal_backoff_time": "10000s", "maximal_backoff_time": "10000s", "queue_run_delay": "1s",
    "default_destination_recipient_limit": "50", "initial_destination_concurrency": "50",
    "default_destination_concurrency_limit": "50",
    # A burst of refusals makes no dead destination: what is moved by hand is tried, not suspended.
    "default_destination_concurrency_failed_cohort_limit": "0",
}


def send(mail, count, name="user", domain="remote.example"):
    """Sends to user0@, user1@, ... and gives the queue ids, in that order."""
    ids = []
    with mail.smtp() as client:
        client.hello()
        for number in range(count):
            reply = client.deliver("s@example.test", f"{name}{number}@{domain}", f"Subject: {name}{number}\n\nhello\n")
            assert reply.code == 250, reply
            ids.append(reply.text.rsplit(" ", 1)[1])
    return ids


def shell(mail, line, **options):
    """A line of shell as root would type it in the queue directory, the mail commands in its path."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=mail.queue, capture_output=True, text=True, timeout=PATIENCE * 2,
        env={**os.environ, **mail.environment, "MAIL_CONFIG": str(mail.config),
             "PATH": f"{mail.command_directory}:{os.environ['PATH']}"},
        **options,
    )
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    return done.stdout


def count(mail, *queues):
    return sum(int(shell(mail, f"find {queue} -type f | wc -l")) for queue in queues)


def backlog(mail, number=BACKLOG):
    ids = send(mail, number)
    wait_until(lambda: count(mail, "deferred") == number, lambda: f"{number} in deferred/; {mail.tail(5)}", timeout=PATIENCE * 2)
    return ids


def paths(mail, queue):
    return {path.name: path for path in (mail.queue / queue).rglob("*") if path.is_file()}


def recipients(server):
    return sorted(address for message in server.messages for address in message.recipients)


def expected(numbers, name="user"):
    return sorted(f"{name}{number}@remote.example" for number in numbers)


@pytest.fixture
def dead(make_merpati):
    """A running system whose next hop does not answer, and the port where a sink could."""
    port = free_port()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{port}", **DEAD})
    mail.start()
    return mail, port


def test_find_counts_what_waits(dead):
    mail, _port = dead
    ids = backlog(mail)
    assert len(mail.queue_ids()) == BACKLOG
    shell(mail, "postsuper -h -", input="\n".join(ids[:300]) + "\n")
    assert count(mail, "hold") == 300 and count(mail, "deferred") == 700
    shell(mail, "postsuper -H ALL")
    assert count(mail, "hold") == 0
    # What is released is tried at once.
    wait_until(lambda: count(mail, "deferred") == BACKLOG, lambda: f"all in deferred/; {mail.tail(5)}")


def test_find_counts_what_is_older_than_the_segment_age(make_merpati, sink):
    server = sink(replies={"MAIL": STALL})
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", **DEAD, "spool_segment_age": "1s"})
    mail.start()
    send(mail, BACKLOG)
    wait_until(lambda: count(mail, "incoming", "active") == BACKLOG, lambda: f"files for all; {mail.tail(5)}", timeout=PATIENCE * 2)
    assert len(mail.queue_ids()) == BACKLOG


def test_mail_to_one_user_is_deleted_with_a_pipeline(dead):
    """The example of postsuper's manual page."""
    mail, _port = dead
    ids = backlog(mail)
    shell(
        mail,
        "mailq | tail -n +2 | grep -v '^ *(' | awk 'BEGIN { RS = \"\" } { if ($8 == \"user7@remote.example\" && $9 == \"\") print $1 }'"
        " | tr -d '*!' | postsuper -d -",
    )
    assert set(paths(mail, "deferred")) == set(ids) - {ids[7]}
    shell(mail, "mailq | awk '/^[0-9A-F]/ {print $1}' | tr -d '*!' | postsuper -d -")
    assert count(mail, "deferred") == 0
    assert mail.queue_ids() == []


def test_files_moved_between_folders_are_where_they_stand(dead, sink):
    mail, port = dead
    ids = backlog(mail)
    files = paths(mail, "deferred")
    for name in ids[:200]:
        files[name].rename(mail.queue / "hold" / name)
    listing = lambda: mail.command("postqueue", "-p").stdout  # noqa: E731
    wait_until(lambda: listing().count("!") == 200, lambda: f"200 on hold, not {listing().count('!')}")
    server = sink(port=port)
    for name in ids[:100]:
        os.utime(mail.queue / "hold" / name)
        (mail.queue / "hold" / name).rename(mail.queue / "incoming" / name)
    server.wait_for(100)
    wait_until(lambda: len(mail.queue_ids()) == BACKLOG - 100, "the moved ones gone")
    assert recipients(server) == expected(range(100))
    assert count(mail, "hold") == 100 and count(mail, "deferred") == BACKLOG - 200


def test_files_restored_from_tar_are_taken_up(dead, sink):
    mail, port = dead
    backlog(mail)
    shell(mail, f"tar cf {mail.directory}/deferred.tar deferred && find deferred -type f -delete")
    wait_until(lambda: mail.queue_ids() == [], "an empty queue")
    shell(mail, f"tar xpf {mail.directory}/deferred.tar")
    wait_until(lambda: len(mail.queue_ids()) == BACKLOG, lambda: f"all back, not {len(mail.queue_ids())}")
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(BACKLOG, timeout=PATIENCE * 2)
    mail.wait_empty()
    assert recipients(server) == expected(range(BACKLOG))


def test_files_removed_while_the_system_runs_are_gone(dead, sink):
    mail, port = dead
    ids = backlog(mail)
    files = paths(mail, "deferred")
    for name in ids[::2]:
        files[name].unlink()
    wait_until(lambda: set(mail.queue_ids()) == set(ids[1::2]), lambda: f"half of them, not {len(mail.queue_ids())}")
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(BACKLOG // 2, timeout=PATIENCE * 2)
    mail.wait_empty(is_told=False)
    assert recipients(server) == expected(range(1, BACKLOG, 2))


def test_a_backup_of_the_live_spool_goes_on_elsewhere(make_merpati, sink):
    """Deferred mail, held mail, and mail that is in the journal only, while somebody works on it."""
    stalled = sink(replies={"MAIL": STALL})
    mail = make_merpati(
        main={"relayhost": f"[127.0.0.1]:{free_port()}", **DEAD, "spool_segment_age": "1000s",
              "transport_maps": f"inline:{{ {{slow.example=smtp:[127.0.0.1]:{stalled.port}}} }}"}
    )
    mail.start()
    ids = backlog(mail)
    shell(mail, "postsuper -h -", input="\n".join(ids[:10]) + "\n")
    fresh = send(mail, 20, name="fresh", domain="slow.example")
    wait_until(lambda: len(mail.queue_ids()) == BACKLOG + 20, "all in the listing")
    archive = mail.directory / "spool.tar"
    shell(mail, f"tar cf {archive} deferred hold active incoming journal maildrop corrupt")
    server = sink()
    other = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", **DEAD})
    other.start()
    other.stop()
    with tarfile.open(archive) as tar:
        tar.extractall(other.queue)
    other.start()
    other.command("postqueue", "-f")
    server.wait_for(BACKLOG + 10, timeout=PATIENCE * 2)
    wait_until(lambda: len(other.queue_ids()) == 10, lambda: f"only what is held; {other.tail(5)}")
    assert sorted(other.queue_ids()) == sorted(ids[:10])
    assert recipients(server) == sorted(
        expected(range(10, BACKLOG)) + [f"fresh{number}@slow.example" for number in range(20)]
    )
    assert len(fresh) == 20


def next_build():
    """Another build of the same source, as complete as this one."""
    for folder in sorted(Path(SOURCE / "build").iterdir(), key=lambda path: path.name != "release"):
        if folder != BUILD and all((folder / name).exists() for name in ("libexec/qmgr", "libexec/master", "bin/merpati",
                                                                         "libexec/smtp", "libexec/spill", "bin/postqueue")):
            return folder
    return None


def test_a_spool_stopped_under_one_build_starts_under_the_next(dead, sink):
    mail, port = dead
    other = next_build()
    if other is None:
        pytest.skip("there is one build only")
    ids = backlog(mail)
    mail.stop()
    mail.set(daemon_directory=other / "libexec", command_directory=other / "bin")
    mail.daemon_directory, mail.command_directory = other / "libexec", other / "bin"
    mail.start()
    wait_until(lambda: set(mail.queue_ids()) == set(ids), "all in the listing")
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(BACKLOG, timeout=PATIENCE * 2)
    mail.wait_empty()
    assert recipients(server) == expected(range(BACKLOG))


def test_the_shape_of_the_backlog(dead):
    mail, _port = dead
    backlog(mail)
    send(mail, 5, domain="other.example")
    wait_until(lambda: count(mail, "deferred") == BACKLOG + 5, "the others deferred")
    shape = shell(mail, f"qshape -c {mail.config} deferred")
    assert [line.split()[:2] for line in shape.splitlines()[1:]] == [
        ["TOTAL", str(BACKLOG + 5)], ["remote.example", str(BACKLOG)], ["other.example", "5"]]
