# SPDX-License-Identifier: Apache-2.0
"""Local delivery as an ordinary user, on a full disk, through the death of the agent, and for root."""

import os
import pwd
import re
import subprocess

import pytest
from support import mailboxes
from support.waiting import wait_until

SENDER = "a@example.com"


def send(mail, recipient, text="Subject: x\n\nhello\n", **options):
    mail.sendmail("-f", SENDER, recipient, input=text, **options)


def flush_until_delivered(mail, user, count=1):
    """A message that is just being deferred is not there yet for a flush: ask again."""

    def enough():
        mail.command("postqueue", "-c", mail.config, "-f")
        return len(mail.mailbox(user)) >= count

    wait_until(enough, lambda: f"{count} messages for {user}; log:\n{mail.tail()}")


def test_an_ordinary_user_gets_mail_and_others_wait(make_merpati, account):
    mail = make_merpati(run_as=account if os.geteuid() == 0 else None).start()
    send(mail, account)
    mail.wait_log(rf"to=<{account}@example\.test>.*status=sent \(delivered to mailbox\)")
    send(mail, "daemon")
    mail.wait_log(
        r"to=<daemon@example\.test>.*dsn=4\.3\.0, status=deferred \(this mail system runs as user \d+ and cannot deliver "
        r"as user \d+; start it as root for that\)"
    )
    status = (mail.mail / account).stat()
    assert status.st_mode & 0o7777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small filesystem")
def test_a_full_disk_defers_and_leaves_nothing_half_written(make_merpati, account):
    mail = make_merpati()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=1777", "none", mail.mail], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no mount here")
    try:
        mail.start()
        send(mail, account)
        before = mail.wait_mailbox(account)
        ballast = mail.mail / "ballast"
        big = "Subject: big\n\n" + ("x" * 70 + "\n") * 600
        ballast.write_bytes(b"0" * 40000)
        send(mail, account, big)
        mail.wait_log(r"status=deferred \(cannot update mailbox .* No space left on device\)")
        assert mail.mailbox(account) == before
        ballast.unlink()
        flush_until_delivered(mail, account, 2)
        mail.wait_empty()
    finally:
        subprocess.run(["umount", "-l", mail.mail])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small filesystem")
def test_a_full_disk_leaves_no_maildir_file(make_merpati, account):
    mail = make_merpati()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=1777", "none", mail.mail], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no mount here")
    try:
        mail.set(mail_spool_directory=f"{mail.mail}/")
        mail.start()
        send(mail, account, "Subject: big\n\n" + ("x" * 70 + "\n") * 1200)
        mail.wait_log(r"status=deferred \(maildir delivery failed: .* No space left on device\)")
        assert mailboxes.maildir_messages(mail.mail / account) == []
        assert os.listdir(mail.mail / account / "tmp") == []
    finally:
        subprocess.run(["umount", "-l", mail.mail])


def test_the_agent_may_die_at_any_time(make_merpati, account):
    """Each message is in the mailbox at least once, whole."""
    mail = make_merpati().start()
    count = 60
    for number in range(count):
        send(mail, account, f"Subject: n{number}\n\n" + ("y" * 70 + "\n") * 50 + "end\n")
        if number % 10 == 5:
            mail.kill("local")

    def is_all_there():
        # A transport whose agents die one after the other is left alone for a while.
        mail.command("postqueue", "-f")
        return len({mailboxes.header(m, "Subject") for m in mail.mailbox(account)}) == count

    wait_until(is_all_there, lambda: f"{count} messages; log:\n{mail.tail()}", 90)
    wait_until(lambda: all(m.endswith("end\n\n") for m in mail.mailbox(account)), "whole messages")


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only")
def test_mail_for_root_goes_to_roots_mailbox_but_commands_do_not_run_as_root(make_merpati):
    mail = make_merpati(main={"local_recipient_maps": ""})
    out = mail.path("out")
    out.mkdir()
    out.chmod(0o777)
    mail.set(forward_path=f"{mail.directory}/forward-of-root")
    mail.start()
    send(mail, "root")
    mail.wait_mailbox("root")
    assert (mail.mail / "root").owner() == "root"
    mail.path("forward-of-root").write_text(f'"|id -un >{out}/who"\n')
    send(mail, "root")
    text = wait_until(lambda: (out / "who").exists() and (out / "who").read_text(), "the command's output")
    assert text == "nobody\n"


def test_a_user_without_a_home_gets_mail(make_merpati, account):
    if os.path.isdir(pwd.getpwnam(account).pw_dir):
        pytest.skip("this account has a home")
    mail = make_merpati().start()
    send(mail, account)
    mail.wait_mailbox(account)


def test_a_large_message_comes_through_a_file(make_merpati, account):
    """Beyond the inline limit the agent is handed a descriptor instead of bytes."""
    text = "".join(f"{n:08d} " + "z" * 60 + "\n" for n in range(60000))
    mail = make_merpati().start()
    send(mail, account, "Subject: large\n\n" + text)
    mail.wait_log(r"status=sent \(delivered to mailbox\)")
    assert mailboxes.body(mail.mailbox(account)[0]) == text + "\n"


def test_an_unknown_lock_is_no_lock_left_out_but_mail_that_waits(make_merpati, account):
    """Changed without the check that a reload makes: local reads it with the first delivery."""
    mail = make_merpati().start()
    mail.set(mailbox_delivery_lock="fcntl, foo")
    mail.write_config()
    send(mail, account)
    mail.wait_log(r'unknown mailbox_delivery_lock value "foo": mailbox_delivery_lock = fcntl, foo: write any of: flock fcntl dotlock')
    assert not mail.mailbox(account)
    mail.main["mailbox_delivery_lock"] = "fcntl"
    mail.write_config()
    mail.control("reload")
    flush_until_delivered(mail, account)
