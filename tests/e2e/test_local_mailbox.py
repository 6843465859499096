# SPDX-License-Identifier: Apache-2.0
"""A message in a mailbox: its form, its rights, its locks, its limits; and what is done when it cannot be written."""

import fcntl
import os
import pwd
import re
import shutil
import socket
import stat
import struct
import threading
import time

import pytest
from support import mailboxes
from support.waiting import PATIENCE, wait_until

SENDER = "a@example.com"
TO = r"to=<{0}@example\.test>, (orig_to=<{0}>, )?relay=local, delay=[\d.]+, delays=[\d./]+, "


def send(mail, recipient, text="Subject: x\n\nhello\n", *words):
    mail.sendmail("-f", SENDER, *words, recipient, input=text)


def delivered(user, what="delivered to mailbox"):
    return TO.format(re.escape(user)) + rf"dsn=2\.0\.0, status=sent \({what}\)$"


def flush_until_delivered(mail, user, count=1):
    """A message that is just being deferred is not there yet for a flush: ask again."""

    def enough():
        mail.command("postqueue", "-c", mail.config, "-f")
        return len(mail.mailbox(user)) >= count

    wait_until(enough, lambda: f"{count} messages for {user}; log:\n{mail.tail()}")


def test_a_message_in_an_mbox(either, account):
    mail = either().start()
    send(mail, account, "Subject: x\n\nFrom here on\n>From quoted\nFromage\nFrom")
    message = mail.wait_mailbox(account)[0]
    assert re.match(r"From a@example\.com  (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n", message)
    names = [name for name, _ in mailboxes.headers(message)]
    assert names[:4] == ["Return-Path", "X-Original-To", "Delivered-To", "Received"]
    assert mailboxes.header(message, "Return-Path") == "<a@example.com>"
    assert mailboxes.header(message, "X-Original-To") == account
    assert mailboxes.header(message, "Delivered-To") == f"{account}@example.test"
    assert mailboxes.body(message) == ">From here on\n>From quoted\nFromage\nFrom\n\n"
    mail.wait_log(delivered(account))
    status = (mail.mail / account).stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == pwd.getpwnam(account).pw_uid
    assert [p.name for p in mail.mail.iterdir()] == [account]


def test_a_message_after_half_a_line_begins_a_line(merpati, account):
    """Stock appends to the line, where no reader of mail finds the message."""
    mail = merpati()
    mailbox = mail.mail / account
    mailbox.write_bytes(b"From a@example.com  Sun Nov 22 06:26:58 2026\nSubject: torn\n\nhalf a li")
    mailbox.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(mailbox, account, account)
    mail.sendmail(account, input="Subject: whole\n\nhello\n")
    torn, whole = mail.wait_mailbox(account, 2)
    assert torn.endswith("half a li\n") and "\nSubject: whole\n" in whole


def test_the_null_sender_has_a_name_in_the_from_line(either, account):
    mail = either().start()
    mail.sendmail("-f", "", account, input="Subject: x\n\nhello\n")
    message = mail.wait_mailbox(account)[0]
    assert message.startswith("From MAILER-DAEMON  ")
    assert mailboxes.header(message, "Return-Path") == "<>"


def test_messages_follow_one_another(either, account):
    mail = either().start()
    for number in range(20):
        send(mail, account, f"Subject: {number}\n\nbody {number}\n")
    messages = mail.wait_mailbox(account, 20)
    assert {mailboxes.header(m, "Subject") for m in messages} == {str(n) for n in range(20)}
    mail.wait_empty()


def test_a_large_message_is_whole(either, account):
    lines = "".join(f"line {n} " + "x" * 60 + "\n" for n in range(20000))
    mail = either().start()
    send(mail, account, "Subject: big\n\n" + lines)
    mail.wait_log(delivered(account))
    assert mailboxes.body(mail.wait_mailbox(account)[0]) == lines + "\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
@pytest.mark.parametrize("mode, group", [(0o2775, "mail"), (0o1777, "root"), (0o755, "root")])
def test_rights_in_the_spool_directory(either, account, mode, group):
    """Group-writable as Debian's, world-writable, and writable by root alone."""
    mail = either()
    shutil.chown(mail.mail, "root", group)
    mail.mail.chmod(mode)
    mail.start()
    send(mail, account)
    send(mail, account)
    mail.wait_mailbox(account, 2)
    status = (mail.mail / account).stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (pwd.getpwnam(account).pw_uid, 0o600)
    mail.wait_empty()
    assert [p.name for p in mail.mail.iterdir()] == [account]


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_a_mailbox_of_somebody_else_is_left_alone(either, account):
    mail = either()
    (mail.mail / account).write_text("")
    (mail.mail / account).chmod(0o666)
    mail.start()
    send(mail, account)
    mail.wait_log(TO.format(account) + r"dsn=4\.2\.0, status=deferred \(cannot update mailbox .* for user .*\. destination .* is not owned by recipient\)")
    assert mail.mailbox(account) == []


def test_a_link_in_the_spool_leads_nowhere(merpati, account):
    mail = merpati()
    target = mail.path("target")
    target.write_text("")
    target.chmod(0o666)
    (mail.mail / account).symlink_to(target)
    send(mail, account)
    mail.wait_log(r"status=deferred \(cannot update mailbox")
    assert target.read_text() == ""


def test_a_directory_is_no_mailbox(merpati, account):
    mail = merpati()
    (mail.mail / account).mkdir()
    send(mail, account)
    mail.wait_log(r"status=(deferred|bounced) \(")
    assert mail.log_lines(r"status=sent \(delivered to mailbox") == []


def test_a_mailbox_that_is_full_is_refused_and_unchanged(either, account):
    mail = either(main={"mailbox_size_limit": "5000", "message_size_limit": "5000"}).start()
    text = "Subject: y\n\n" + ("y" * 70 + "\n") * 40
    send(mail, account, text)
    mail.wait_log(delivered(account))
    before = mail.mailbox(account)
    send(mail, account, text)
    mail.wait_log(
        TO.format(account) + r"dsn=5\.2\.2, status=bounced \(cannot update mailbox .* for user .*\. error writing message: "
        r"File too large\)"
    )
    assert mail.mailbox(account) == before


def test_a_locked_mailbox_is_waited_for_and_then_deferred(either, account):
    mail = either(main={"deliver_lock_attempts": "2", "deliver_lock_delay": "1s"})
    box = mail.mail / account
    box.write_text("")
    if os.geteuid() == 0:
        shutil.chown(box, account)
    with open(box, "r+") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        mail.start()
        send(mail, account)
        mail.wait_log(
            TO.format(account) + r"dsn=4\.2\.0, status=deferred \(cannot update mailbox .* for user .*\. unable to lock "
            r"for exclusive access: Resource temporarily unavailable\)"
        )
        assert box.read_text() == ""
    flush_until_delivered(mail, account)


def test_each_service_waits_for_a_lock_as_long_as_its_deliver_lock_delay_says(make_merpati, account):
    mail = make_merpati(
        main={"deliver_lock_attempts": "2", "deliver_lock_delay": "1h", "transport_maps": "inline:{quick.test=quick}"},
        services=["quick unix - n n - - local -o deliver_lock_delay=1s"],
    )
    box = mail.mail / account
    box.write_text("")
    if os.geteuid() == 0:
        shutil.chown(box, account)
    with open(box, "r+") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        mail.start()
        send(mail, account)
        wait_until((mail.mail / f"{account}.lock").exists, "the attempt")
        send(mail, f"{account}@quick.test")
        mail.wait_log(r"@quick\.test>, relay=local, .* status=deferred ")
    mail.wait_log(delivered(account))
    assert not mail.log_lines(r"@example\.test>, .* status=deferred")


def test_a_dot_lock_is_respected(either, account):
    mail = either(main={"deliver_lock_attempts": "2", "deliver_lock_delay": "1s"})
    lock = mail.mail / f"{account}.lock"
    lock.write_text("1")
    mail.start()
    send(mail, account)
    mail.wait_log(TO.format(account) + r"dsn=4\.2\.0, status=deferred \(cannot update mailbox .*unable to create lock file")
    assert mail.mailbox(account) == []
    lock.unlink()
    flush_until_delivered(mail, account)
    wait_until(lambda: not lock.exists(), "the lock to go")


def test_a_stale_dot_lock_is_taken_away(either, account):
    mail = either(main={"stale_lock_time": "10s"})
    lock = mail.mail / f"{account}.lock"
    lock.write_text("1")
    old = time.time() - 100
    os.utime(lock, (old, old))
    if os.geteuid() == 0:
        shutil.chown(lock, account)
    mail.start()
    send(mail, account)
    mail.wait_mailbox(account)


def test_a_user_who_is_not_there(either):
    mail = either(main={"local_recipient_maps": ""}).start()
    send(mail, "no-such-user")
    mail.wait_log(
        TO.format("no-such-user") + r'dsn=5\.1\.1, status=bounced \(unknown user: "no-such-user"\)$'
    )


@pytest.fixture
def comsat():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("127.0.0.1", 512))
        except OSError as error:
            pytest.skip(f"port 512: {error.strerror}")
        server.settimeout(PATIENCE)
        yield server


def test_comsat_is_told_of_new_mail_if_biff_says_so(either, account, comsat):
    mail = either(main={"biff": "yes"}).start()
    for offset in (0, None):
        offset = offset if offset is not None else (mail.mail / account).stat().st_size
        send(mail, account)
        assert comsat.recv(1000).decode() == f"{account}@{offset}\0"
    mail.wait_mailbox(account, 2)
    mail.set(biff="no")
    mail.reload()
    send(mail, account)
    mail.wait_mailbox(account, 3)
    wait_until(lambda: len(re.findall(delivered(account), mail.log_text(), re.M)) == 3, "its line in the log")
    comsat.settimeout(0)
    with pytest.raises(BlockingIOError):
        comsat.recv(1000)


def test_luser_relay_takes_mail_for_unknown_users(either, account):
    mail = either(main={"local_recipient_maps": "", "luser_relay": account}).start()
    send(mail, "no-such-user")
    assert mailboxes.header(mail.wait_mailbox(account)[0], "X-Original-To") == "no-such-user"


def test_a_message_that_comes_back_is_returned(either, account):
    mail = either().start()
    send(mail, account, f"Delivered-To: {account.upper()}@example.test\nSubject: x\n\nhello\n")
    mail.wait_log(
        TO.format(account) + rf"dsn=5\.4\.6, status=bounced \(mail forwarding loop for {account}@example\.test\)$"
    )
    assert mail.mailbox(account) == []


def test_a_maildir_in_the_spool(either, account):
    mail = either()
    mail.set(mail_spool_directory=f"{mail.mail}/")
    mail.start()
    send(mail, account, "Subject: x\n\nFrom me\n")
    mail.wait_log(delivered(account, "delivered to maildir"))
    message = mailboxes.maildir_messages(mail.mail / account)[0]
    assert message.startswith("Return-Path: <a@example.com>\nX-Original-To: ")
    assert mailboxes.body(message) == "From me\n"
    assert os.listdir(mail.mail / account / "tmp") == []


def test_a_maildir_and_a_mailbox_in_the_home(either, home_account):
    user, home = home_account
    mail = either(main={"home_mailbox": "Maildir/"}).start()
    send(mail, user)
    mail.wait_log(delivered(user, "delivered to maildir"))
    assert len(mailboxes.maildir_messages(home / "Maildir")) == 1
    status = (home / "Maildir" / "new").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (pwd.getpwnam(user).pw_uid, 0o700)
    mail.set(home_mailbox="Mailbox")
    mail.reload()
    send(mail, user)
    mail.wait_log(delivered(user))
    assert len(mailboxes.mbox_messages(home / "Mailbox")) == 1
    shutil.rmtree(home / "Maildir")
    (home / "Mailbox").unlink()


def test_writers_of_one_mailbox_wait_for_each_other(either, account):
    """Others that lock as we do never see half a message."""
    mail = either().start()
    box = mail.mail / account
    torn = []
    stop = threading.Event()

    def look():
        while not stop.wait(0.005):
            if not box.exists():
                continue
            with open(box, "rb+") as held:
                try:
                    # Of the open file: one of the process would go when another thread closes the mailbox.
                    fcntl.fcntl(held, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
                except OSError:
                    continue
                text = held.read()
                if text and not text.endswith(b"end\n\n"):
                    torn.append(text[-50:])

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for number in range(10):
            send(mail, account, f"Subject: {number}\n\n" + ("x" * 70 + "\n") * 3000 + "end\n")
        mail.wait_mailbox(account, 10)
    finally:
        stop.set()
        looker.join()
    assert torn == []


def test_a_limit_below_message_size_limit_makes_mail_wait(merpati, account):
    mail = merpati(main={"message_size_limit": "20000", "mailbox_size_limit": "19999", "virtual_mailbox_limit": "19998"})
    told = mail.control("check", check=False).stderr
    for name in ("mailbox_size_limit", "virtual_mailbox_limit"):
        assert f"warning: {name} is smaller than message_size_limit" in told
    mail.sendmail("-f", "s@example.com", account, input="Subject: x\n\nbody\n")
    mail.wait_log(r"local\[\d+\]: error: configuration error: mailbox_size_limit is smaller than message_size_limit")
    mail.wait_log(r"relay=local, .*dsn=4\.3\.5, status=deferred \(mail system configuration error\)")
