# SPDX-License-Identifier: Apache-2.0
"""Lists within lists, commands that do not end, .forward files that are no such thing, locks: other mail is not held up."""

import fcntl
import os
import re
import shutil

import pytest
from support import mailboxes
from support.waiting import wait_until

ACCOUNT = "merpati-test"
SENDER = "s@example.com"
LEVELS = 24  # more are a loop

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="delivers with another's rights")


def send(mail, *recipients, **options):
    mail.sendmail("-f", SENDER, *recipients, input="Subject: x\n\nhello\n", **options)


def chain(name, end):
    """NAME0 leads to the end over as many aliases as there may be."""
    return "".join(f"{name}{i}: {name}{i + 1}\n" for i in range(LEVELS - 1)) + f"{name}{LEVELS - 1}: {end}\n"


@needs_root
def test_the_deepest_lists_end_in_a_mailbox_a_maildir_a_file_and_a_command(make_merpati):
    """Each of them does the most that a delivery does, where a call within a call for each list would have used up the stack."""
    mail = make_merpati()
    files = mail.path("files")
    files.mkdir()
    files.chmod(0o1777)
    ends = {"box": f"\\{ACCOUNT}", "dir": f"{files}/dir/", "file": f"{files}/box", "command": f'"|cat > {files}/command"'}
    mail.set(alias_maps=mail.aliases("".join(chain(name, end) for name, end in ends.items())))
    mail.start()
    send(mail, *(f"{name}0" for name in ends))
    mail.wait_empty()
    assert len(mail.mailbox(ACCOUNT)) == 1
    assert len(mailboxes.maildir_messages(files / "dir")) == 1
    assert len(mailboxes.mbox_messages(files / "box")) == 1
    assert "hello" in (files / "command").read_text()
    assert not list(files.glob("*.lock"))


@needs_root
def test_include_files_within_include_files_end(make_merpati):
    mail = make_merpati()
    for i in range(LEVELS - 2):
        mail.write(f"list{i}", f":include:{mail.path(f'list{i + 1}')}\n")
    mail.write(f"list{LEVELS - 2}", f"{ACCOUNT}\n")
    mail.set(alias_maps=mail.aliases(f"list: :include:{mail.path('list0')}\n"))
    mail.start()
    send(mail, "list")
    mail.wait_mailbox(ACCOUNT)


@needs_root
def test_a_command_that_hangs_is_ended_and_holds_nobody_up(either):
    mail = either(main={"command_time_limit": "1s"})
    mark = mail.path("pid")
    mark.touch()
    mark.chmod(0o666)
    mail.set(alias_maps=mail.aliases(f'hang: "|echo $$ > {mark}; exec sleep 600"\n'))
    mail.start()
    send(mail, "hang")
    wait_until(lambda: mark.read_text().strip(), "the command")
    send(mail, ACCOUNT)
    mail.wait_mailbox(ACCOUNT)
    mail.wait_log(r'to=<hang@.*dsn=5\.3\.0, status=bounced \(Command time limit exceeded: "echo \$\$ .*"\)')
    wait_until(lambda: not os.path.exists(f"/proc/{mark.read_text().strip()}"), "the end of the command")


@needs_root
def test_a_command_that_leaves_others_behind_or_says_too_much_is_over_when_it_ends(either):
    mail = either()
    stop = mail.path("stop")
    left = mail.path("left")
    left.touch()
    left.chmod(0o666)
    mail.set(alias_maps=mail.aliases(
        f'fork: "|(while [ ! -e {stop} ]; do sleep 0.1; done; echo left > {left}) > /dev/null 2>&1 &"\n'
        'much: "|yes | head -c 3000000; exit 1"\n'
        'full: "|cat > /dev/full; exit 75"\n'))
    mail.start()
    send(mail, "fork", "much", "full")
    mail.wait_log(r"to=<fork@.*status=sent \(delivered to command: ")
    said = mail.log_line(r"to=<much@.*status=bounced \(Command died with status 1: .*Command output: y y y ")
    assert len(said) < 10_000
    mail.wait_log(r"to=<full@.*status=deferred \(temporary failure.*No space left on device")
    stop.touch()
    wait_until(lambda: left.read_text() == "left\n", "what the command left behind")


@needs_root
def test_a_forward_file_of_ten_gigabytes_waits_alone(make_merpati, home_account):
    name, home = home_account
    mail = make_merpati().start()
    with open(home / ".forward", "wb") as file:
        file.truncate(10 << 30)
    shutil.chown(home / ".forward", name)
    try:
        send(mail, name, ACCOUNT)
        mail.wait_log(rf"to=<{name}@.*status=deferred \(.*\.forward.*too (large|big|long)|to=<{name}@.*status=deferred \(.*\.forward")
        mail.wait_mailbox(ACCOUNT)
    finally:
        (home / ".forward").unlink()


@pytest.mark.parametrize("locks, is_taken", [("fcntl", True), ("flock", False), ("dotlock", True)])
@needs_root
def test_a_lock_that_is_not_configured_is_not_looked_at(either, locks, is_taken):
    """Somebody holds the flock, and nothing else."""
    mail = either(main={"mailbox_delivery_lock": locks, "deliver_lock_attempts": "1", "deliver_lock_delay": "1s"})
    box = mail.mail / ACCOUNT
    box.touch()
    shutil.chown(box, ACCOUNT)
    with open(box, "r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        mail.start()
        send(mail, ACCOUNT)
        if is_taken:
            mail.wait_log(rf"to=<{ACCOUNT}@.*status=sent \(delivered to mailbox\)")
        else:
            mail.wait_log(rf"to=<{ACCOUNT}@.*dsn=4\.2\.0, status=deferred \(cannot update mailbox .*unable to lock for exclusive access")
    assert bool(re.search("hello", box.read_text())) == is_taken


@needs_root
def test_a_stranger_cannot_name_a_file_or_command_through_luser_relay(make_merpati):
    mail = make_merpati(main={"luser_relay": "$local", "local_recipient_maps": ""})
    files = mail.path("files")
    files.mkdir()
    files.chmod(0o1777)
    mail.start()
    strangers = [f"|touch {files}/command", f"{files}/file", f"x,{files}/second", f":include:{files}/x", f"\\{ACCOUNT}"]
    for local in strangers:
        quoted = local.replace("\\", "\\\\")
        send(mail, f'"{quoted}"@example.test')
    mail.wait_empty()
    assert not list(files.iterdir())
