# SPDX-License-Identifier: Apache-2.0
"""procmail and maildrop, as mailbox_command and through pipe, get what they get under stock Postfix."""

import shutil

import pytest
from support import mailboxes
from support.instance import IS_ROOT

SENDER = "s@example.com"
TEXT = "Subject: {}\n\nFrom here\n.dot\nhello\n"

PROCMAIL = """\
MAILDIR={place}
DEFAULT={place}/inbox
LOCKSLEEP=1
:0:
* ^Subject:.*sorted
sorted
:0
* ^Subject:.*folder
folder/
:0
* ^Subject:.*refuse
{{
    EXITCODE=67
    HOST
}}
:0:
* EXTENSION ?? ^ext$
with-extension
"""

MAILDROP = """\
DEFAULT="{place}/inbox"
if (/^Subject:.*sorted/)
    to "{place}/sorted"
if (/^Subject:.*folder/)
    to "{place}/folder"
if (/^Subject:.*refuse/)
{{
    EXITCODE=67
    exit
}}
if ($EXTENSION eq "ext" || /^Delivered-To:.*[+]ext@/)
    to "{place}/with-extension"
"""

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="delivers with the rights of others")


def program(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def make_place(path, owner):
    path.mkdir(mode=0o755)
    for folder in ("", "folder", "folder/new", "folder/cur", "folder/tmp"):
        (path / folder).mkdir(mode=0o700, exist_ok=True)
        shutil.chown(path / folder, owner, owner)
    return path


def write_rules(path, text, owner):
    path.write_text(text)
    path.chmod(0o600)
    shutil.chown(path, owner, owner)


def send(mail, address):
    """A message for each of the places that the rules know, and one that the program refuses."""
    local, _, domain = address.partition("@")
    for subject, recipient in [("sorted", address), ("folder", address), ("plain", address), ("other", f"{local}+ext@{domain}"), ("refuse", address)]:
        mail.sendmail("-f", SENDER, recipient, input=TEXT.format(subject))


def check(mail, place, address, relay):
    local, _, domain = address.lower().partition("@")
    to = rf"(?i)to=<{local}(\+ext)?@{domain}>, .*relay={relay}, .*"
    mail.wait_log(rf"{to}dsn=2\.0\.0, status=sent ", 4)
    mail.wait_log(rf"{to}dsn=5\.1\.1, status=bounced \(user unknown")
    for name, subject in [("sorted", "sorted"), ("inbox", "plain"), ("with-extension", "other")]:
        messages = mailboxes.mbox_messages(place / name)
        assert [mailboxes.header(text, "Subject") for text in messages] == [subject]
        assert ">From here\n.dot\nhello\n" in messages[0] and f"Return-Path: <{SENDER}>" in messages[0]
    assert [mailboxes.header(text, "Subject") for text in mailboxes.maildir_messages(place / "folder")] == ["folder"]
    for file in place.rglob("*"):
        assert file.owner() == place.owner(), file


def test_procmail_and_maildrop(either, account, home_account):
    """Each as mailbox_command and through pipe; all at one time."""
    person, home = home_account
    procmail, maildrop = program("procmail"), program("maildrop")
    mail = either()
    places = {name: make_place(mail.path(name), owner) for name, owner in
              [("procmail-local", account), ("procmail", account), ("maildrop-local", person), ("maildrop", account)]}
    for name in ("procmail", "procmail-local"):
        extension = "EXTENSION=$1\n" if name == "procmail-local" else ""
        write_rules(mail.path(f"{name}.rules"), extension + PROCMAIL.format(place=places[name]), account)
    write_rules(mail.path("maildrop.rules"), MAILDROP.format(place=places["maildrop"]), account)
    write_rules(home / ".mailfilter", MAILDROP.format(place=places["maildrop-local"]), person)
    mail.set(recipient_delimiter="+", default_transport="discard", transport_maps="inline:{procmail.test=procmail:, maildrop.test=maildrop:}",
             mailbox_command=f'{procmail} -a "$EXTENSION" {mail.path("procmail-local.rules")}', mailbox_command_maps=f"inline:{{{person}={maildrop}}}",
             procmail_destination_recipient_limit="1", maildrop_destination_recipient_limit="1")
    attributes = f"flags=DRhu user={account} directory={mail.directory} argv"
    mail.services += [
        f"procmail unix - n n - - pipe\n  {attributes}={procmail} -t -m EXTENSION=${{extension}} SENDER=${{sender}} {mail.path('procmail.rules')}",
        f"maildrop unix - n n - - pipe\n  {attributes}={maildrop} {mail.path('maildrop.rules')}",
    ]
    mail.write_config()
    mail.start()
    addresses = {"procmail-local": f"{account}@example.test", "maildrop-local": f"{person}@example.test",
                 "procmail": "Box@Procmail.test", "maildrop": "Box@Maildrop.test"}
    for address in addresses.values():
        send(mail, address)
    for name, address in addresses.items():
        check(mail, places[name], address, "local" if name.endswith("-local") else name)
