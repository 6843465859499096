# SPDX-License-Identifier: Apache-2.0
"""Aliases: users, lists, commands, files, :include:, owners, loops, extensions, and a table that is broken."""

import os
import re

import pytest
from support import mailboxes
from support.waiting import wait_until

pytestmark = pytest.mark.sanitized

SENDER = "a@example.com"


def send(mail, recipient, text="Subject: x\n\nhello\n"):
    mail.sendmail("-f", SENDER, recipient, input=text)


def with_aliases(either, text, **main):
    mail = either(main=main)
    mail.set(alias_maps=mail.aliases(text))
    return mail.start()


def line(to, original, rest):
    return rf"to=<{re.escape(to)}@example\.test>, (orig_to=<{re.escape(original)}>, )?relay=local, .*{rest}$"


def wait_text(path, wanted):
    return wait_until(lambda: path.exists() and wanted in path.read_text() and path.read_text(), f"{wanted!r} in {path}")


def test_an_alias_for_a_user(either, account):
    mail = with_aliases(either, f"Info: {account}\n")
    send(mail, "info")
    message = mail.wait_mailbox(account)[0]
    assert mailboxes.header(message, "X-Original-To") == "info"
    assert mailboxes.header(message, "Delivered-To") == "info@example.test"
    mail.wait_log(line(account, "info", r"dsn=2\.0\.0, status=sent \(delivered to mailbox\)"))


def test_a_user_named_twice_has_one_copy(either, account):
    mail = with_aliases(either, f"info: one, two, {account}\none: {account}\ntwo: {account}@example.test\n")
    send(mail, "info")
    mail.wait_empty()
    assert len(mail.wait_mailbox(account)) == 1


def test_an_alias_that_names_itself_means_the_user(either, account):
    mail = with_aliases(either, f"{account}: {account}, other\nother: {account}\n")
    send(mail, account)
    mail.wait_empty()
    assert len(mail.wait_mailbox(account)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the rights of others")
def test_a_command_runs_as_nobody_and_knows_the_message(either):
    mail = either()
    out = mail.path("out")
    out.mkdir()
    out.chmod(0o777)
    command = f"(id -un; env | sort; cat) >{out}/it"
    mail.set(alias_maps=mail.aliases(f'cmd: "|{command}"\n'), recipient_delimiter="+")
    mail.start()
    send(mail, "cmd+ext")
    text = wait_text(out / "it", "hello\n")
    assert text.startswith("nobody\n")
    environment = dict(x.split("=", 1) for x in text.split("From ")[0].splitlines()[1:] if "=" in x)
    wanted = {
        "SENDER": SENDER,
        "RECIPIENT": "cmd+ext@example.test",
        "ORIGINAL_RECIPIENT": "cmd+ext",
        "LOCAL": "cmd+ext",
        "DOMAIN": "example.test",
        "EXTENSION": "ext",
        "USER": "cmd",
        "LOGNAME": "cmd",
        "PATH": "/usr/bin:/bin",
    }
    for name, value in wanted.items():
        assert environment.get(name) == value, (name, environment)
    assert "HOME" not in environment
    message = text[text.index("From ") :]
    assert re.match(r"From a@example\.com  \w{3} ", message)
    assert mailboxes.header(message, "Return-Path") == f"<{SENDER}>"
    assert mailboxes.header(message, "X-Original-To") == "cmd+ext"
    assert mailboxes.header(message, "Delivered-To") == "cmd+ext@example.test"
    assert not message.endswith("\n\n")
    mail.wait_log(line("cmd+ext", "cmd+ext", r"dsn=2\.0\.0, status=sent \(delivered to command: " + re.escape(command) + r"\)"))


STATUSES = [
    ("exit 67", r"dsn=5\.1\.1, status=bounced \(user unknown\)"),
    ("exit 75", r"dsn=4\.3\.0, status=deferred \(temporary failure\)"),
    ("echo oh no; exit 75", r"dsn=4\.3\.0, status=deferred \(temporary failure\. Command output: oh no \)"),
    ("echo one; echo two; exit 69", r"dsn=5\.3\.0, status=bounced \(service unavailable\. Command output: one two \)"),
    ("exit 1", r'dsn=5\.3\.0, status=bounced \(Command died with status 1: "exit 1"\)'),
    ("echo bad; exit 3", r'dsn=5\.3\.0, status=bounced \(Command died with status 3: "echo bad; exit 3"\. Command output: bad \)'),
    ("echo 4.7.9 come later; exit 1", r"dsn=4\.7\.9, status=deferred \(come later \)"),
    ("echo 5.7.9 go away; exit 75", r"dsn=5\.7\.9, status=bounced \(go away \)"),
    ("yes abcdefgh | head -c 20000; exit 75", r"dsn=4\.3\.0, status=deferred \(temporary failure\. Command output: (abcdefgh ){100}.*"),
    ("kill -9 $$", r'dsn=4\.3\.0, status=deferred \(Command died with signal 9: "kill -9 \$\$"\)'),
    ("sleep 60", r'dsn=5\.3\.0, status=bounced \(Command time limit exceeded: "sleep 60"\)'),
    ("exit 0", r"dsn=2\.0\.0, status=sent \(delivered to command: exit 0\)"),
    ("/bin/true", r"dsn=2\.0\.0, status=sent \(delivered to command: /bin/true\)"),
]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the rights of others")
def test_what_the_end_of_a_command_means(either):
    text = "".join(f'c{number}: "|{command}"\n' for number, (command, _) in enumerate(STATUSES))
    mail = with_aliases(either, text, command_time_limit="5s")
    for number in range(len(STATUSES)):
        send(mail, f"c{number}")
    for number, (_, wanted) in enumerate(STATUSES):
        mail.wait_log(line(f"c{number}", f"c{number}", wanted))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the rights of others")
def test_a_command_that_cannot_be_run_is_not_lost_in_silence(either):
    mail = with_aliases(either, 'cmd: "|/nonexistent/program"\n')
    send(mail, "cmd")
    mail.wait_log(r"to=<cmd@example\.test>.*status=(bounced|deferred) \(")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the rights of others")
def test_a_file_gets_the_message_as_nobody(either):
    mail = either()
    out = mail.path("out")
    out.mkdir()
    out.chmod(0o777)
    mail.set(alias_maps=mail.aliases(f"file: {out}/archive\nnull: /dev/null\ndir: {out}/Maildir/\n"))
    mail.start()
    send(mail, "file")
    send(mail, "null")
    send(mail, "dir")
    mail.wait_log(line("file", "file", rf"dsn=2\.0\.0, status=sent \(delivered to file: {out}/archive\)"))
    mail.wait_log(line("null", "null", r"dsn=2\.0\.0, status=sent \(delivered to file: /dev/null\)"))
    mail.wait_log(line("dir", "dir", r"dsn=2\.0\.0, status=sent \(delivered to maildir\)"))
    assert len(mailboxes.mbox_messages(out / "archive")) == 1
    assert (out / "archive").owner() == "nobody"


def test_an_include_file_lists_destinations(either, account):
    mail = either()
    names = mail.write("list", f"# comment\n{account},\n  other\n\n")
    mail.set(alias_maps=mail.aliases(f"list: :include:{names}\nother: {account}\n"))
    mail.start()
    send(mail, "list")
    mail.wait_empty()
    assert len(mail.wait_mailbox(account)) == 1


def test_commands_in_an_include_file_are_refused(either, account):
    mail = either()
    names = mail.write("list", '"|/bin/true"\n')
    mail.set(alias_maps=mail.aliases(f"list: :include:{names}\n"))
    mail.start()
    send(mail, "list")
    mail.wait_log(line("list", "list", r"dsn=5\.7\.1, status=bounced \(.*\)"))


@pytest.mark.parametrize("value", [",", "<>"])
def test_an_alias_for_nobody_loses_no_mail(either, value):
    mail = with_aliases(either, f"info: {value}\n")
    send(mail, "info")
    mail.wait_log(r"warning: no recipient in alias lookup result for info$")
    mail.wait_log(r"to=<info@example\.test>, (orig_to=<info>, )?relay=local, .*dsn=4\.3\.0, status=deferred \(alias database unavailable\)$")


def test_an_include_file_that_is_missing_defers(make_merpati):
    mail = with_aliases(make_merpati, "list: :include:/nonexistent/list\n")
    send(mail, "list")
    mail.wait_log(r"to=<list@example\.test>.*status=deferred \(")


def test_a_table_that_is_missing_defers(either, account):
    mail = either(main={"alias_maps": "hash:/nonexistent/aliases", "local_recipient_maps": ""}).start()
    send(mail, account)
    mail.wait_log(line(account, account, r"dsn=4\.3\.0, status=deferred \(alias database unavailable\)"))
    assert mail.mailbox(account) == []


def test_an_owner_gets_the_bounces_of_a_list(either, account, sink):
    peer = sink()
    mail = with_aliases(either, f"list: x@remote.test\nowner-list: {account}\n", relayhost=f"[127.0.0.1]:{peer.port}")
    send(mail, "list")
    mail.wait_log(line("list", "list", r"dsn=2\.0\.0, status=sent \(forwarded as [0-9A-Za-z]+\)"))
    mail.wait_log(r"from=<owner-list@example\.test>, size=")


def test_other_hosts_get_a_new_message(either, sink):
    peer = sink()
    mail = with_aliases(either, "list: x@remote.test, y@remote.test\n", relayhost=f"[127.0.0.1]:{peer.port}")
    send(mail, "list")
    new = mail.wait_log(r"to=<list@example\.test>.*status=sent \(forwarded as ([0-9A-Za-z]+)\)$").group(1)
    mail.wait_log(rf"{new}: to=<x@remote\.test>, orig_to=<list>.*status=sent")
    mail.wait_log(rf"{new}: to=<y@remote\.test>, orig_to=<list>.*status=sent")
    message = wait_until(lambda: peer.messages and peer.messages[0], "a message at the peer")
    text = message.text if hasattr(message, "text") else str(message)
    assert "Delivered-To: list@example.test" in text
    assert re.search(rf"Received: by mail\.example\.test \(Merpati\)\s+id {new}; ", text), text


def test_extensions_are_tried_with_and_without(either, account):
    mail = with_aliases(either, f"one+special: {account}\none: /dev/null\n", recipient_delimiter="+")
    send(mail, "one+special")
    send(mail, "one+other")
    mail.wait_mailbox(account)
    mail.wait_log(r"to=<one\+other@example\.test>.*status=(sent|deferred)")
    assert len(mail.mailbox(account)) == 1


def test_aliases_that_go_round_end(either):
    mail = with_aliases(either, "aa: bb\nbb: aa\n")
    send(mail, "aa")
    mail.wait_log(r"orig_to=<aa>.*status=bounced|to=<aa@example\.test>.*status=bounced")


def test_a_bad_part_of_a_list_does_not_keep_it_from_the_others(either, account):
    mail = with_aliases(either, f"list: no-such-user-here, {account}\n")
    send(mail, "list")
    mail.wait_mailbox(account)
    mail.wait_log(r'to=<no-such-user-here@example\.test>, orig_to=<list>.*dsn=5\.1\.1, status=bounced \(unknown user: "no-such-user-here"\)$')
