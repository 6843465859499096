# SPDX-License-Identifier: Apache-2.0
"""A user's .forward: where it is looked for, what it may hold, and what is done when it cannot be read."""

import os
import re
import shutil

import pytest
from support import mailboxes
from support.waiting import wait_until

pytestmark = pytest.mark.sanitized

SENDER = "a@example.com"


@pytest.fixture
def home(home_account):
    user, path = home_account
    yield path
    for entry in path.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


@pytest.fixture
def user(home_account):
    return home_account[0]


def forward(home, user, text, name=".forward", mode=0o644):
    path = home / name
    path.write_text(text)
    path.chmod(mode)
    shutil.chown(path, user, user)
    return path


def send(mail, recipient):
    mail.sendmail("-f", SENDER, recipient, input="Subject: x\n\nhello\n")


def sent(user, what):
    return rf"to=<{re.escape(user)}@example\.test>, (orig_to=<.*>, )?relay=local, .*dsn=2\.0\.0, status=sent \({what}\)$"


def test_to_another_user_here(either, home, user, account):
    forward(home, user, f"# all of it\n{account}\n")
    mail = either().start()
    send(mail, user)
    message = mail.wait_mailbox(account)[0]
    delivered = [value for name, value in mailboxes.headers(message) if name == "Delivered-To"]
    assert delivered == [f"{account}@example.test", f"{user}@example.test"]
    mail.wait_log(sent(user, "forwarded as [0-9A-Za-z]+"))
    mail.wait_empty()
    assert mail.mailbox(user) == []


def test_a_copy_for_oneself(either, home, user, account):
    forward(home, user, f"\\{user}, {account}\n")
    mail = either().start()
    send(mail, user)
    mail.wait_mailbox(account)
    mail.wait_mailbox(user)
    mail.wait_empty()
    assert len(mail.mailbox(user)) == 1


def test_naming_oneself_means_the_mailbox(either, home, user):
    forward(home, user, f"{user}\n")
    mail = either().start()
    send(mail, user)
    mail.wait_mailbox(user)


def test_an_empty_file_does_not_forward(either, home, user):
    forward(home, user, "\n")
    mail = either().start()
    send(mail, user)
    mail.wait_mailbox(user)


def test_a_command_runs_as_the_user(either, home, user):
    command = "(id -un; id -Gn; pwd; echo $HOME $SHELL; cat) >out"
    forward(home, user, f'"|cd $HOME && {command}"\n')
    mail = either().start()
    send(mail, user)
    text = wait_until(lambda: (home / "out").exists() and "hello" in (home / "out").read_text() and (home / "out").read_text(), "the output")
    assert text.splitlines()[:2] == [user, user]
    assert f"{home} /bin/sh" in text
    mail.wait_log(sent(user, r"delivered to command: cd .*"))


def test_a_file_is_written_as_the_user(either, home, user):
    forward(home, user, f"{home}/archive, {home}/Maildir/\n")
    mail = either().start()
    send(mail, user)
    mail.wait_log(sent(user, rf"delivered to file: {home}/archive"))
    mail.wait_log(sent(user, r"delivered to maildir"))
    assert (home / "archive").owner() == user
    assert len(mailboxes.mbox_messages(home / "archive")) == 1
    assert len(mailboxes.maildir_messages(home / "Maildir")) == 1


def test_a_file_that_the_user_may_not_write_is_not_written(either, home, user):
    forward(home, user, "/etc/merpati-must-not-be-here\n")
    mail = either().start()
    send(mail, user)
    mail.wait_log(rf"to=<{user}@example\.test>.*status=(bounced|deferred) \(")
    assert not os.path.exists("/etc/merpati-must-not-be-here")


def test_extensions_choose_the_file(either, home, user, account):
    forward(home, user, f"{account}\n", ".forward+list")
    mail = either(main={"recipient_delimiter": "+"}).start()
    send(mail, f"{user}+list")
    mail.wait_mailbox(account)
    send(mail, f"{user}+other")
    mail.wait_mailbox(user)
    send(mail, user)
    mail.wait_mailbox(user, 2)


def test_a_world_writable_file_is_not_believed(either, home, user, account):
    forward(home, user, f"{account}\n", mode=0o666)
    mail = either().start()
    send(mail, user)
    mail.wait_mailbox(user)
    assert mail.mailbox(account) == []
    mail.wait_log("world writable")


def test_a_file_that_root_alone_could_read_is_not_read_for_the_user(either, home, user, account):
    path = forward(home, user, f"{account}\n", mode=0o600)
    shutil.chown(path, "root", "root")
    mail = either().start()
    send(mail, user)
    mail.wait_empty()
    assert mail.mailbox(account) == []


def test_to_other_hosts_as_a_new_message(either, home, user, sink):
    peer = sink()
    forward(home, user, "x@remote.test\n")
    mail = either(main={"relayhost": f"[127.0.0.1]:{peer.port}"}).start()
    send(mail, user)
    new = mail.wait_log(sent(user, "forwarded as ([0-9A-Za-z]+)")).group(2)
    mail.wait_log(rf"{new}: from=<a@example\.com>, size=")
    mail.wait_log(rf"{new}: to=<x@remote\.test>, orig_to=<{user}>.*status=sent")


def test_two_users_who_forward_to_each_other(either, home, user, account):
    """The message ends in a mailbox and is not lost, nor does it go round."""
    mail = either()
    forward(home, user, "other\n")
    mail.set(alias_maps=mail.aliases(f"other: {user}\n"))
    mail.start()
    send(mail, user)
    mail.wait_mailbox(user)
    mail.wait_empty()
    assert len(mail.mailbox(user)) == 1


def test_the_mailbox_command_runs_as_the_user(either, home, user):
    mail = either(main={"mailbox_command": f'/bin/sh -c "cat >{home}/by-command" -a "$EXTENSION"'}).start()
    send(mail, user)
    mail.wait_log(sent(user, r"delivered to command: /bin/sh -c .* -a \"\$EXTENSION\""))
    text = wait_until(lambda: (home / "by-command").exists() and (home / "by-command").read_text(), "the output")
    assert "hello" in text
    assert (home / "by-command").owner() == user


def test_mailbox_command_maps_come_first(either, home, user, account):
    mail = either(main={"mailbox_command": "/bin/false"})
    mail.set(mailbox_command_maps=mail.table("commands", f"{user} /bin/true for him\n"))
    mail.start()
    send(mail, user)
    mail.wait_log(sent(user, r"delivered to command: /bin/true for him"))
