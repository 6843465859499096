# SPDX-License-Identifier: Apache-2.0
"""Where a message stands on disk at each moment, and that it is never nowhere (docs/queue.md)."""

import os
import shutil
import signal
import struct
import threading
import time

import pytest
from support.instance import IMPORT_ENVIRONMENT
from support.smtp_client import Disconnected
from support.smtp_sink import STALL
from support.waiting import HOLD, free_port, wait_until

pytestmark = pytest.mark.sanitized

DEAD = {"minimal_backoff_time": "1000s", "maximal_backoff_time": "1000s"}


def relay_to(port, **more):
    return {"relayhost": f"[127.0.0.1]:{port}", **more}


def files(mail, queue):
    return sorted(path.name for path in (mail.queue / queue).rglob("*") if path.is_file())


def live_segments(mail):
    """Numbers of the segments whose header says that they are in use."""
    live = []
    for path in sorted((mail.queue / "journal").glob("segment-*")):
        with open(path, "rb") as segment:
            magic, _version, number, state = struct.unpack("<4sIII", segment.read(16))
        assert magic == b"MPJS"
        if state:
            live.append(number)
    return live


def send(mail, recipient="someone@remote.example", body="hello\n", count=1):
    """Queue ids of messages that were acknowledged."""
    ids = []
    with mail.smtp() as client:
        client.hello()
        for number in range(count):
            reply = client.deliver("sender@example.test", recipient, f"Subject: number {number}\n\n{body}")
            assert reply.code == 250, reply
            ids.append(reply.text.rsplit(" ", 1)[1])
    return ids


def test_a_deferred_message_is_one_file_with_its_reason(merpati):
    mail = merpati(main=relay_to(free_port(), **DEAD))
    ids = send(mail, count=3)
    wait_until(lambda: files(mail, "deferred") == sorted(ids), lambda: f"{ids} in deferred/: {mail.tail()}")
    path = next((mail.queue / "deferred").rglob(ids[0]))
    assert path.parent.name == ids[0][0]
    assert path.stat().st_mtime > time.time() + 500
    listing = mail.command("postqueue", "-p").stdout
    assert "Connection refused" in listing and all(name in listing for name in ids)


def test_deferred_mail_goes_out_when_the_host_comes_back(merpati, sink):
    port = free_port()
    mail = merpati(main=relay_to(port, **DEAD))
    ids = send(mail, count=3)
    wait_until(lambda: files(mail, "deferred") == sorted(ids), "deferral")
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(3)
    mail.wait_empty()
    assert files(mail, "deferred") == [] and files(mail, "active") == []
    for name in ids:
        mail.wait_log(f"{name}: removed")


def test_mail_older_than_the_segment_age_is_a_file(merpati, sink):
    server = sink(replies={"DOT": STALL})
    mail = merpati(main=relay_to(server.port, spool_segment_age="1s"))
    ids = send(mail)
    wait_until(lambda: files(mail, "active") == ids, lambda: f"a file in active/: {mail.tail()}")
    server.stop()
    wait_until(lambda: files(mail, "deferred") == ids, lambda: f"the file in deferred/: {mail.tail()}")


def test_a_large_message_is_a_file_at_once(merpati, sink):
    server = sink(replies={"DOT": STALL})
    mail = merpati(main=relay_to(server.port, spool_inline_limit="4096"))
    ids = send(mail, body="a line of some length, again and again\n" * 200)
    # It may go from one to the other between the two looks.
    assert set(files(mail, "incoming") + files(mail, "active")) == set(ids)
    server.replies.clear()
    wait_until(lambda: len(server.sessions) >= 1, "the first attempt")


def test_large_mail_arrives_whole(merpati, sink):
    server = sink()
    mail = merpati(main=relay_to(server.port))
    body = "".join(f"line {number}\n" for number in range(200000))
    send(mail, body=body)
    server.wait_for(1, timeout=60)
    assert server.messages[0].text.endswith(body)
    mail.wait_empty()
    assert files(mail, "incoming") + files(mail, "active") == []


def test_stop_leaves_files_only_and_they_go_on_elsewhere(make_merpati, sink):
    port = free_port()
    mail = make_merpati(main=relay_to(port, **DEAD))
    mail.start()
    deferred = send(mail, count=5)
    wait_until(lambda: files(mail, "deferred") == sorted(deferred), "deferral")
    mail.stop()
    assert live_segments(mail) == []
    assert not (mail.queue / "journal" / "manager").exists()
    # Another machine has the files and no journal.
    shutil.rmtree(mail.queue / "journal")
    for path in (mail.queue / "deferred").rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))
    server = sink(port=port)
    mail.start()
    server.wait_for(5)
    mail.wait_empty()


def test_untried_mail_is_spilled_at_stop(make_merpati, sink):
    server = sink(replies={"MAIL": STALL})
    mail = make_merpati(main=relay_to(server.port, smtp_mail_timeout="3s", default_destination_concurrency_limit="1"))
    mail.start()
    ids = send(mail, count=6)
    mail.stop()
    assert live_segments(mail) == []
    assert sorted(files(mail, "incoming") + files(mail, "active") + files(mail, "deferred")) == sorted(ids)


def test_a_dead_qmgr_forgets_nothing(merpati, sink):
    server = sink()
    mail = merpati(main=relay_to(free_port(), **DEAD))
    deferred = send(mail, count=2)
    wait_until(lambda: files(mail, "deferred") == sorted(deferred), "deferral")
    mail.kill("qmgr")
    mail.set(relayhost=f"[127.0.0.1]:{server.port}")
    mail.reload()
    fresh = send(mail, count=2)
    mail.command("postqueue", "-f")
    server.wait_for(4)
    mail.wait_empty()
    for name in deferred + fresh:
        assert len(mail.log_lines(f"{name}: to=.*status=sent")) == 1


def test_everything_killed_at_once_loses_nothing_acknowledged(make_merpati, sink):
    port = free_port()
    mail = make_merpati(main=relay_to(port, **DEAD))
    mail.start()
    ids = send(mail, count=20)
    for pid in mail.all_pids():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    mail.wait_for_end()
    mail.is_running = False
    server = sink(port=port)
    mail.start()
    mail.command("postqueue", "-f")
    server.wait_for(20)
    mail.wait_empty()
    assert {name for name in ids if mail.log_lines(f"{name}: to=.*status=sent")} == set(ids)


def test_cleanup_killed_after_the_sync_leaves_its_segment_to_qmgr(merpati, sink):
    server = sink()
    mail = merpati(main=relay_to(server.port))
    send(mail)
    server.wait_for(1)
    mail.kill("cleanup")
    wait_until(lambda: live_segments(mail) == [], lambda: f"the segment free again: {mail.tail()}")
    send(mail)
    server.wait_for(2)


def test_a_file_moved_or_removed_by_hand_is_noticed(merpati):
    mail = merpati(main=relay_to(free_port(), queue_run_delay="1s", **DEAD))
    ids = send(mail, count=3)
    wait_until(lambda: files(mail, "deferred") == sorted(ids), "deferral")
    first, second, third = (next((mail.queue / "deferred").rglob(name)) for name in ids)
    first.unlink()
    second.rename(mail.queue / "hold" / ids[1])
    wait_until(lambda: ids[0] not in mail.queue_ids(), lambda: f"{ids[0]} gone from the listing")
    wait_until(lambda: f"{ids[1]}!" in mail.command("postqueue", "-p").stdout, "the other on hold")
    assert ids[2] in mail.queue_ids() and third.exists()


def test_a_file_restored_from_a_backup_is_taken_up(merpati, sink):
    port = free_port()
    mail = merpati(main=relay_to(port, queue_run_delay="1s", **DEAD))
    (name,) = send(mail)
    wait_until(lambda: files(mail, "deferred") == [name], "deferral")
    path = next((mail.queue / "deferred").rglob(name))
    kept = mail.directory / "kept"
    shutil.copy2(path, kept)
    shutil.chown(kept, path.owner(), path.group())
    mail.command("postsuper", "-d", name)
    wait_until(lambda: mail.queue_ids() == [], "an empty queue")
    server = sink(port=port)
    os.utime(kept, (1, 1))
    kept.rename(path)
    server.wait_for(1)
    mail.wait_empty()


def test_what_cannot_be_read_goes_to_corrupt(merpati, sink):
    port = free_port()
    mail = merpati(main=relay_to(port, **DEAD))
    good, bad, cut = sorted(send(mail, count=3))
    wait_until(lambda: len(files(mail, "deferred")) == 3, "deferral")
    path = next((mail.queue / "deferred").rglob(bad))
    content = bytearray(path.read_bytes())
    content[130] ^= 1
    path.write_bytes(content)
    os.truncate(next((mail.queue / "deferred").rglob(cut)), 200)
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(1)
    mail.wait_log(f"{bad}: saved in corrupt/")
    mail.wait_log(f"{cut}: saved in corrupt/")
    assert files(mail, "corrupt") == sorted([bad, cut])
    mail.wait_log(f"{good}: removed")


def test_what_was_cut_in_hold_before_it_was_a_message_goes_to_corrupt(merpati):
    """cleanup moves mail that is to be held before it completes it: one that dies there leaves a file that nobody would release."""
    mail = merpati(main=relay_to(free_port(), **DEAD))
    cut, held = send(mail, count=2)
    wait_until(lambda: len(files(mail, "deferred")) == 2, "deferral")
    mail.command("postsuper", "-h", "ALL")
    wait_until(lambda: len(files(mail, "hold")) == 2, "being held")
    mail.stop()
    with open(next((mail.queue / "hold").rglob(cut)), "r+b") as file:
        file.seek(64)
        file.write(bytes(48))
    mail.start()
    mail.wait_log(f"{cut}: saved in corrupt/")
    assert files(mail, "corrupt") == [cut] and files(mail, "hold") == [held]
    assert held + "!" in mail.command("postqueue", "-p").stdout


def test_an_expired_message_is_returned(merpati, account):
    mail = merpati(main=relay_to(free_port(), maximal_queue_lifetime="0s"))
    mail.set(virtual_alias_maps=mail.table("virtual", f"sender@example.test {account}@localhost\n"))
    mail.reload()
    (name,) = send(mail)
    mail.wait_log(f"{name}: from=<sender@example.test>, status=expired, returned to sender")
    assert "Connection refused" in " ".join(mail.wait_mailbox(account)[0].split())
    mail.wait_log(f"{name}: removed")
    mail.wait_empty()


def test_a_full_journal_refuses_clients_and_empties_again(merpati, sink):
    server = sink(replies={"MAIL": STALL})
    mail = merpati(
        main=relay_to(
            server.port, spool_segment_size="1048576", spool_journal_limit="4194304", spool_journal_reserve="1048576",
            spool_segment_age="1000s",
        )
    )
    refused = None
    accepted = 0
    with mail.smtp() as client:
        client.hello()
        for number in range(300):
            try:
                reply = client.deliver("sender@example.test", "x@remote.example", "Subject: x\n\n" + "y" * 70 + "\n" * 20000)
            except (Disconnected, ValueError):
                break
            if reply.code != 250:
                refused = reply
                break
            accepted += 1
    assert refused is not None and refused.code == 452, refused
    assert accepted > 50
    server.replies.clear()
    server.stop()
    wait_until(lambda: len(live_segments(mail)) <= 1, lambda: f"the journal empty: {live_segments(mail)}\n{mail.tail(5)}")


def deferred(make_merpati, count, **main):
    """A stopped system with so many deferred messages, their ids in order and the port of their next hop."""
    port = free_port()
    mail = make_merpati(main=relay_to(port, queue_run_delay="1s", **{**DEAD, **main}))
    mail.start()
    ids = [send(mail, recipient=f"u{number}@remote.example")[0] for number in range(count)]
    wait_until(lambda: files(mail, "deferred") == sorted(ids), lambda: f"deferral; {mail.tail(5)}")
    mail.stop()
    return mail, ids, port


def file_of(mail, queue, name):
    return next((mail.queue / queue).rglob(name))


def flush_to(mail, server, count):
    """Each message arrives once, and nothing is left."""
    mail.command("postqueue", "-f")
    server.wait_for(count)
    mail.wait_empty()
    assert len(server.messages) == count
    return sorted(message.recipients[0].split("@")[0] for message in server.messages)


def test_files_in_wrong_folders_go_where_they_belong(make_merpati, sink):
    mail, (flat, wrong, deep), port = deferred(make_merpati, 3)
    folder = mail.queue / "deferred"
    file_of(mail, "deferred", flat).rename(folder / flat)
    digit = "0" if wrong[0] != "0" else "1"
    for name, place in ((wrong, folder / digit), (deep, folder / "A" / "B")):
        path = file_of(mail, "deferred", name)
        for made in (place.parent, place):
            if not made.exists():
                made.mkdir(mode=0o700)
                shutil.chown(made, path.owner(), path.group())
        path.rename(place / name)
    mail.start()
    for name in (flat, wrong, deep):
        wait_until(lambda: (folder / name[0] / name).exists(), lambda: f"{name} where it belongs; {mail.tail(5)}")
    assert flush_to(mail, sink(port=port), 3) == ["u0", "u1", "u2"]


def test_two_files_of_one_message_are_delivered_once(make_merpati, sink):
    mail, (name, *_others), port = deferred(make_merpati, 3)
    path = file_of(mail, "deferred", name)
    for copy in (mail.queue / "hold" / name, mail.queue / "incoming" / name):
        shutil.copy2(path, copy)
        shutil.chown(copy, path.owner(), path.group())
    # The one in incoming/ is older: it knows nothing of the attempt.
    os.truncate(mail.queue / "incoming" / name, path.stat().st_size - 8)
    mail.start()
    mail.wait_log(f"{name}: more than one file: the one in deferred/ counts")
    wait_until(lambda: files(mail, "hold") + files(mail, "incoming") == [], lambda: f"one file; {mail.tail(5)}")
    assert files(mail, "corrupt") == [name, f"{name}.2"]
    assert flush_to(mail, sink(port=port), 3) == ["u0", "u1", "u2"]


def test_what_a_cut_spill_left_elsewhere_goes_before_the_next(make_merpati):
    """A spill died while it wrote the message's file, and the next one is for another queue: then there is one file, and nothing is damaged."""
    mail = make_merpati(main=relay_to(free_port(), **DEAD, import_environment=IMPORT_ENVIRONMENT + " MERPATI_FAULTS"))
    mail.environment["MERPATI_FAULTS"] = "spill/create:1:EIO"
    mail.start()
    name = send(mail)[0]
    mail.wait_log(f"{name}: .*status=deferred")
    mail.wait_log("cannot write queue files")
    assert files(mail, "deferred") == []
    # As if that spill had been one of mail in delivery.
    cut = mail.queue / "active" / name[0] / name
    cut.parent.mkdir(parents=True, exist_ok=True)
    cut.write_bytes(b"MPQF")
    for path in (cut, cut.parent):
        shutil.chown(path, cut.parent.parent.owner(), cut.parent.parent.group())
    mail.command("postqueue", "-f")
    wait_until(lambda: files(mail, "deferred") == [name], lambda: f"the file in deferred/: {mail.tail()}")
    mail.command("postsuper", "-s")
    # The look that -f asks for may have seen it before it went, and have the message tried once more.
    wait_until(lambda: (files(mail, "active"), files(mail, "deferred")) == ([], [name]), lambda: f"it to rest: {mail.tail()}")
    assert files(mail, "corrupt") == []
    assert mail.queue_ids() == [name]


def test_a_cut_spill_is_not_taken_for_a_damaged_message_while_its_segment_cannot_be_read(merpati, sink):
    """Queue manager and spill are dead, and the segment's writer has not yet said how far it is durable: the frame is not known."""
    server = sink(replies={"DOT": STALL})
    mail = merpati(main=relay_to(server.port))
    (name,) = send(mail)
    mail.wait_log(f"{name}: .*queue active")
    (writer,) = mail.pids("cleanup")
    os.kill(writer, signal.SIGSTOP)
    try:
        for pid in mail.pids("qmgr") + mail.pids("smtp"):
            os.kill(pid, signal.SIGKILL)
        cut = mail.queue / "active" / name[0] / name
        cut.parent.mkdir(parents=True, exist_ok=True)
        cut.write_bytes(b"MPQF")
        for path in (cut, cut.parent):
            shutil.chown(path, cut.parent.parent.owner(), cut.parent.parent.group())
        mail.wait_log(f"{name}: .*queue file")
        assert files(mail, "corrupt") == []
    finally:
        os.kill(writer, signal.SIGCONT)
    server.replies.clear()
    server.wait_for(1)
    mail.wait_empty()
    assert files(mail, "corrupt") == []


def test_a_file_under_the_name_of_another_message(make_merpati, sink):
    """One that was renamed gets its name back; a copy under a new name is no second message."""
    mail, (renamed, copied), port = deferred(make_merpati, 2)
    path = file_of(mail, "deferred", renamed)
    strange = renamed[:-1] + ("0" if renamed[-1] != "0" else "1")
    path.rename(path.parent / strange)
    path = file_of(mail, "deferred", copied)
    twin = copied[:-1] + ("0" if copied[-1] != "0" else "1")
    shutil.copy2(path, path.parent / twin)
    shutil.chown(path.parent / twin, path.owner(), path.group())
    mail.start()
    assert flush_to(mail, sink(port=port), 2) == ["u0", "u1"]
    mail.wait_log(f"{strange}: the file of this name holds {renamed}: it has its name back")
    assert files(mail, "corrupt") == [twin]


def test_what_is_not_understood_is_left_alone_or_kept(make_merpati, sink):
    mail, (name,), port = deferred(make_merpati, 1)
    owner = file_of(mail, "deferred", name)
    left = {
        "deferred/notes.txt": b"to be looked at\n", "deferred/.nfs00012": b"x", "hold/core": b"\x7fELF",
        "incoming/README": b"", "deferred/A/letter.eml": b"Subject: x\n\nx\n", "active/0123": b"1",
    }
    kept = {"ABCDEF123456": b"C\x10 a queue file of another system\n", "FEDCBA654321": b""}
    for place, content in {**left, **{f"deferred/{id}": content for id, content in kept.items()}}.items():
        path = mail.queue / place
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700)
            shutil.chown(path.parent, owner.owner(), owner.group())
        path.write_bytes(content)
        shutil.chown(path, owner.owner(), owner.group())
        os.utime(path, (1, 1))
    mail.start()
    mail.wait_log("deferred: 3 names are no message's and are left alone")
    assert flush_to(mail, sink(port=port), 1) == ["u0"]
    for id in kept:
        mail.wait_log(f"{id}: saved in corrupt/")
    for command in (["postsuper", "-s"], ["postsuper"]):
        mail.command(*command)
    mail.stop()
    mail.command("postsuper", "-s")
    for place, content in left.items():
        assert (mail.queue / place).read_bytes() == content, place
    assert {id: (mail.queue / "corrupt" / id).read_bytes() for id in kept} == kept


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_that_root_restored_without_their_owner(make_merpati, sink):
    mail, (foreign, shut, linked), port = deferred(make_merpati, 3)
    owner = file_of(mail, "deferred", foreign).owner()
    os.chown(file_of(mail, "deferred", foreign), 0, 0)
    file_of(mail, "deferred", shut).chmod(0)
    os.chown(file_of(mail, "deferred", linked), 0, 0)
    os.link(file_of(mail, "deferred", linked), mail.directory / "second-name")
    mail.start()
    said = mail.command("postsuper", "-s").stderr
    assert f"{foreign}: given to the owner of the queue" in said and f"{shut}: given" in said
    assert file_of(mail, "deferred", foreign).owner() == owner
    # One with two names could be anybody's: it stays as it is.
    assert linked not in said and file_of(mail, "deferred", linked).owner() == "root"
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(2)
    assert sorted(message.recipients[0].split("@")[0] for message in server.messages) == ["u0", "u1"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_whole_queue_that_root_restored_without_its_owners(make_merpati, sink):
    mail, ids, port = deferred(make_merpati, 2)
    owner = (mail.queue / "deferred").owner()
    stranger = mail.directory / "stranger"
    stranger.mkdir(mode=0o700)
    link = next(path for path in (mail.queue / "deferred" / digit for digit in "0123456789ABCDEF") if not path.exists())
    link.symlink_to(stranger)
    (stranger / "1").mkdir()
    for place in ("deferred", "hold", "journal"):
        for path in [mail.queue / place, *(mail.queue / place).rglob("*")]:
            os.chown(path, 0, 0, follow_symlinks=False)
    said = mail.control("check").stderr
    assert said.count('"postsuper -s" puts it and the like right') == 2, said
    mail.command("postsuper", "-s")
    assert "postsuper -s" not in mail.control("check").stderr
    for place in ("deferred", "hold", "journal"):
        for path in [mail.queue / place, *(mail.queue / place).rglob("*")]:
            assert path.is_symlink() or path.owner() == owner, path
    assert stranger.owner() == "root" and (stranger / "1").owner() == "root"
    link.unlink()
    mail.start()
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(2)
    send(mail, recipient="new@remote.example")
    server.wait_for(3)
    mail.wait_empty()


def test_segments_that_cannot_be_opened_are_told(make_merpati, run_as):
    mail = make_merpati(run_as=run_as)
    mail.start()
    send(mail, recipient="nobody@example.test")
    mail.stop()
    segments = sorted((mail.queue / "journal").glob("segment-*"))
    for path in segments:
        path.chmod(0)
    mail.start()
    mail.wait_log(f"error: {len(segments)} segments of the journal cannot be opened, and mail in them waits: "
                  r"open journal/segment-\d+: Permission denied")


def test_a_file_that_is_moved_while_it_is_delivered_goes_when_it_is_delivered(merpati, sink):
    """Otherwise it would be delivered again, as soon as it is released."""
    held_back = threading.Event()

    def answer(session, line):
        held_back.wait(HOLD)

    server = sink(replies={"DOT": answer})
    mail = merpati(main=relay_to(server.port, spool_segment_age="1s", queue_run_delay="1s"))
    (name,) = send(mail)
    wait_until((mail.queue / "active" / name).exists, lambda: f"its file; {mail.tail(9)}")
    (mail.queue / "active" / name).rename(mail.queue / "hold" / name)
    held_back.set()
    mail.wait_log(f"{name}: removed")
    assert not (mail.queue / "hold" / name).exists()
    mail.wait_empty()
    assert len(server.messages) == 1
