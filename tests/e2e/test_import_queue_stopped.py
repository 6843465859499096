# SPDX-License-Identifier: Apache-2.0
"""merpati import --queue that ends on the way: the next one goes on, nothing is lost, and nothing comes twice."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Debian's postfix runs as root")
FOLDERS = ("incoming", "active", "deferred", "hold", "corrupt", "maildrop", "journal")
STEPS = ("open", "create", "write", "mode", "sync", "link", "unlink", "rename", "truncate")


@pytest.fixture
def stock(make_stock):
    """Started; what is sent to example.org waits."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        main = {"relayhost": f"[127.0.0.1]:{held.getsockname()[1]}", "smtp_dns_support_level": "disabled", "header_checks": "regexp:{ {/^Subject: held/ HOLD} }"}
        yield make_stock(main=main).start()


def files(mail, folder):
    return [path for path in (mail.queue / folder).rglob("*") if path.is_file()]


def wait_files(mail, folder, count):
    wait_until(lambda: len(files(mail, folder)) == count, lambda: f"{count} in {folder}: {mail.tail()}")


def send(mail, subject, size=0):
    mail.sendmail("-f", "s@example.com", f"{subject}@example.org", input=f"Subject: {subject}\n\n" + "x" * 70 + "\n" + ("y" * 79 + "\n") * (size // 80))


def words(mail, stock):
    return [Path(mail.command_directory) / mail.program, "-c", mail.config, "import", "--queue", stock.config]


def take(mail, stock, **environment):
    return subprocess.run(words(mail, stock), capture_output=True, text=True, env=os.environ | mail.environment | environment)


def recipients(listing):
    return sorted(one["address"] for line in listing.splitlines() for one in json.loads(line)["recipients"])


def queued(mail):
    """By recipient; postqueue tells of no maildrop that is yet to be finished."""
    return recipients(mail.command("postqueue", "-c", mail.config, "-j").stdout)


def wipe(mail):
    for place in (mail.queue, Path(mail.command("postconf", "-c", mail.config, "-h", "data_directory").stdout.strip())):
        for path in place.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_an_import_that_ends_anywhere_is_taken_up_by_the_next(stock, make_merpati):
    send(stock, "held")
    send(stock, "deferred")
    wait_files(stock, "deferred", 1)
    wait_files(stock, "hold", 1)
    stock.stop()
    send(stock, "dropped")
    mail = make_merpati()
    wanted = [f"{name}@example.org" for name in ("deferred", "dropped", "held")]
    ends = set()
    for step in STEPS:
        number = 1
        while True:
            where = f"{step}:{number}:exit"
            wipe(mail)
            first = take(mail, stock, MERPATI_FAULTS=where)
            if first.returncode == 0:
                break
            there = queued(mail) if all((mail.queue / name).is_dir() for name in FOLDERS) else []
            assert len(set(there)) == len(there), where
            second = take(mail, stock)
            assert second.returncode == 0 and " 0 left" in second.stdout, (where, second.stdout, second.stderr)
            assert queued(mail) == wanted, (where, second.stdout)
            assert len(files(mail, "deferred")) == 1 and len(files(mail, "hold")) == 1, where
            third = take(mail, stock)
            assert "0 messages taken over, 3 were before, 0 left" in third.stdout and queued(mail) == wanted, where
            ends.add(len(there))
            number += 1
    assert ends == {0, 1, 2, 3}


def test_a_full_disk_stops_it_and_with_room_it_goes_on(stock, make_merpati, tmp_path):
    for name, size in (("a", 0), ("b", 300_000), ("c", 300_000), ("d", 300_000), ("e", 0)):
        send(stock, name, size)
    wait_files(stock, "deferred", 5)
    stock.stop()
    mail = make_merpati()
    script = f"""
        mount -t tmpfs -o size=700k tmpfs {mail.queue} || exit 77
        status=0; "$@" > {tmp_path}/first 2>&1 || status=$?
        mount -o remount,size=16m {mail.queue}
        "$@" > {tmp_path}/second 2>&1 || status=99
        find {mail.queue}/deferred -type f | wc -l > {tmp_path}/count
        {mail.command_directory}/postqueue -c {mail.config} -j > {tmp_path}/listing
        exit $status"""
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", script, "sh", *words(mail, stock)], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    first, second = (tmp_path / "first").read_text(), (tmp_path / "second").read_text()
    assert done.returncode == 1, (done.stderr, first, second)
    assert " of 5 messages are here; make room and run it again: " in first and "No space left on device" in first and "is left there" not in first
    assert " 0 left" in second and recipients((tmp_path / "listing").read_text()) == [f"{name}@example.org" for name in "abcde"]
    assert (tmp_path / "count").read_text() == "5\n"


def test_progress_is_told_of_many(stock, make_merpati):
    send(stock, "x")
    wait_files(stock, "deferred", 1)
    stock.stop()
    path = files(stock, "deferred")[0]
    for number in range(500):
        copy = path.parent / f"{path.name[0]}{number:010X}"
        shutil.copy2(path, copy)
        shutil.chown(copy, path.owner(), path.group())
    mail = make_merpati()
    done = take(mail, stock)
    assert "merpati: 500 of 501 messages" in done.stderr and "501 messages taken over, 0 were before, 0 left" in done.stdout, [line for line in done.stdout.splitlines() if " is left there: " in line] + [done.stdout[-300:], done.stderr]
