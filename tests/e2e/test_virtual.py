# SPDX-License-Identifier: Apache-2.0
"""Virtual mailboxes: where they are, whose, their form, their trouble; each story is stock Postfix's."""

import os
import pwd
import re
import shutil
import stat

import pytest
from support import mailboxes
from support.instance import IS_ROOT, Merpati, Stock
from support.waiting import wait_until

SENDER = "s@example.com"
OWNER = 65534
TEXT = "Subject: x\n\nFrom here\nhello\n"
LARGE = "Subject: large\n\n" + ("y" * 70 + "\n") * 200

MAILBOXES = """\
box@v.test box
Mdir@v.test d/mdir/
nouid@v.test x
nogid@v.test x
lowuid@v.test x
minimum@v.test minimum
baduid@v.test x
badgid@v.test x
zerogid@v.test x
nodir@v.test sub/nodir
closed@v.test closed/maildir/
closedbox@v.test closed/box
isdir@v.test isdir
fifo@v.test fifo
linked@v.test linked
twice@v.test twice
owned@v.test owned
full@v.test full
fullmdir@v.test fullmdir/
absolute@v.test /absolute
spaced@v.test with space
quoted local@v.test quoted
bär@v.test bär
straße@v.test straße
"two words"@v.test two words
@w.test catch
"""
OTHER = {"nouid": (None, 1), "nogid": (OWNER, None), "lowuid": (99, OWNER), "minimum": (100, OWNER), "baduid": ("x", 1),
         "badgid": (OWNER, "y"), "zerogid": (OWNER, 0)}
NAMES = ["box", "mdir", "nodir", "closed", "closedbox", "isdir", "fifo", "linked", "twice", "owned", "full", "fullmdir", "absolute", "spaced", "bär"]


def owners(place):
    rows = {**dict.fromkeys(NAMES, OWNER), **{name: pair[place] for name, pair in OTHER.items()}}
    lines = [f"{name}@v.test {value}\n" for name, value in rows.items() if value is not None]
    return "".join(lines) + f"@w.test {OWNER}\n" + f'"two words"@v.test {OWNER}\n'


def prepare(make, **main):
    mail = make(main={"recipient_delimiter": "+", "virtual_mailbox_domains": "v.test, w.test", "message_size_limit": "20000",
                      "virtual_mailbox_limit": "20000", "queue_minfree": "1", "deliver_lock_attempts": "1", **main})
    base = mail.path("boxes")
    base.mkdir()
    shutil.chown(base, OWNER, OWNER)
    (base / "closed").mkdir()
    (base / "isdir").mkdir()
    os.mkfifo(base / "fifo")
    for name in ("target", "owned", "twice"):
        (base / name).write_text("")
        (base / name).chmod(0o666)
    for name in ("target", "twice", "fifo"):
        shutil.chown(base / name, OWNER, OWNER)
    (base / "linked").symlink_to(base / "target")
    os.link(base / "twice", base / "twice-more")
    mail.set(virtual_mailbox_base=base, virtual_mailbox_maps=mail.table("mailboxes", MAILBOXES),
             virtual_uid_maps=mail.table("uids", owners(0)), virtual_gid_maps=mail.table("gids", owners(1)))
    return mail


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = []
    try:
        for kind in (Stock, Merpati):
            prepare(lambda **options: made.append(kind(**options)) or made[-1]).start()
        yield made
    finally:
        for mail in made:
            mail.finish()


def normal(mail, text):
    text = text.replace(str(mail.directory), "DIR")
    text = re.sub(r"delay=.*?, dsn", "dsn", text)
    text = re.sub(r"^\w{10,12}: ", "ID: ", text)
    text = re.sub(r"tmp/\d+\.\S+:", "tmp/NAME:", text)
    return text


def found(mail):
    """What is below the base: names, owners, modes, and the heads and bodies of messages."""
    rows = []
    base = mail.path("boxes")
    for path in sorted(base.rglob("*")):
        status = path.lstat()
        name = re.sub(r"(new|cur|tmp)/.*", r"\1/NAME", str(path.relative_to(base)))
        row = [name, stat.filemode(status.st_mode), status.st_uid, status.st_gid]
        if stat.S_ISREG(status.st_mode):
            text = path.read_text()
            row += re.findall(r"(?m)^(?:Return-Path|X-Original-To|Delivered-To|Subject): .*", text)
            row += [re.sub(r"From (\S+)  .*", r"From \1 DATE", line) for line in text.split("\n") if "From " in line]
            row.append(text[-16:])
        rows.append(row)
    return rows


def story(mail, recipient, text=TEXT):
    """What the agent says of a message, and what was changed below the base."""
    before = len(mail.log_text())
    files = found(mail)
    mail.sendmail("-f", SENDER, recipient, input=text)
    wait_until(lambda: re.search(r"/virtual\[.*status=\w+ .*\n", mail.log_text()[before:]), lambda: f"a fate; log:\n{mail.tail()}")
    lines = [line for line in mail.log_text()[before:].splitlines() if "/virtual[" in line]
    told = [normal(mail, re.sub(r"^.*?/virtual\[\d+\]: ", "", line)) for line in lines]
    return told + [row for row in found(mail) if row not in files]


RECIPIENTS = ["box@v.test", "BOX+Ext@v.test", "mdir@v.test", "MDIR+Ext@v.test", "any+ext@w.test", "nouid@v.test", "nogid@v.test",
              "lowuid@v.test", "baduid@v.test", "badgid@v.test", "zerogid@v.test", "nodir@v.test", "closed@v.test", "isdir@v.test", "owned@v.test",
              "linked@v.test", "absolute@v.test", "nosuch@v.test", "nosuch+ext@v.test", '"two words"@v.test', "B\u00c4R@v.test", "STRA\u1e9eE@v.test"]


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_a_mailbox_is_found_and_written_as_in_stock(pair, recipient):
    stories = [story(mail, recipient) for mail in pair]
    assert stories[1] == stories[0]
    assert stories[1]


@pytest.mark.parametrize("recipient", ["fifo@v.test", "twice@v.test"])
def test_what_is_no_mailbox_has_stocks_fate(pair, recipient):
    """In our words, as far as they are the system's."""
    fates = [re.search(r"dsn=(\S+), status=(\w+) ", " ".join(map(str, story(mail, recipient))))[0] for mail in pair]
    assert fates[1] == fates[0]


@pytest.mark.parametrize("recipient", ["full@v.test", "fullmdir@v.test"])
def test_the_limit_is_of_the_file(pair, recipient):
    for _ in range(2):
        stories = [story(mail, recipient, LARGE) for mail in pair]
        assert stories[1] == stories[0]


def test_a_message_that_has_been_there_comes_again(pair):
    """virtual looks for no loop."""
    text = "Delivered-To: box@v.test\n" + TEXT
    stories = [story(mail, "box@v.test", text) for mail in pair]
    assert stories[1] == stories[0]


@pytest.mark.skipif(not IS_ROOT, reason="acts as others")
def test_settings_of_the_agent(either):
    mail = prepare(either, enable_original_recipient="no", strict_mailbox_ownership="no", virtual_minimum_uid="65534").start()
    story(mail, "owned@v.test")
    text = (mail.path("boxes") / "owned").read_text()
    assert "X-Original-To" not in text and "Delivered-To: owned@v.test" in text
    mail.set(virtual_minimum_uid="65535")
    mail.reload()
    assert story(mail, "owned@v.test")[0] == "warning: recipient owned@v.test: bad uid 65534 in virtual_uid_maps"


@pytest.mark.skipif(not IS_ROOT, reason="acts as others")
@pytest.mark.parametrize("lock", ["dotlock", "fcntl"])
def test_locks_are_those_of_virtual_mailbox_lock(either, lock):
    mail = prepare(either, virtual_mailbox_lock=lock).start()
    dot = mail.path("boxes") / "box.lock"
    dot.write_text("1")
    lines = story(mail, "box@v.test")
    if lock == "dotlock":
        assert "dsn=4.2.0, status=deferred (delivery failed to mailbox DIR/boxes/box: unable to create lock file DIR/boxes/box.lock: " in lines[0]
    else:
        assert "status=sent (delivered to mailbox)" in lines[0]
        assert "(delivery failed to mailbox DIR/boxes/closed/box: cannot create file exclusively: Permission denied)" in story(mail, "closedbox@v.test")[0]
    assert dot.exists()


@pytest.mark.skipif(not IS_ROOT, reason="acts as others")
@pytest.mark.parametrize("parameter", ["virtual_mailbox_maps", "virtual_uid_maps", "virtual_gid_maps"])
@pytest.mark.parametrize("table", ["fail:broken", "pcre:{{/^(.*)@/ $1}}"])
def test_a_table_that_cannot_say_defers(either, parameter, table):
    """Among them one whose answer would be of a stranger's words."""
    mail = prepare(either)
    mail.set(**{parameter: table.replace("$", "$$")})
    mail.start()
    lines = " ".join(map(str, story(mail, "box@v.test")))
    if (parameter, table[:4]) == ("virtual_mailbox_maps", "pcre"):
        assert 'dsn=5.1.1, status=bounced (unknown user: "box@v.test")' in lines
    else:
        assert "dsn=4.3.5, status=deferred (mail system configuration error)" in lines


@pytest.mark.skipif(not IS_ROOT, reason="acts as others")
def test_a_limit_below_message_size_limit_is_refused(either):
    mail = prepare(either, virtual_mailbox_limit="19999").start()
    mail.sendmail("-f", SENDER, "box@v.test", input=TEXT)
    mail.wait_log(r"virtual\[\d+\]: (?:fatal|warning): configuration error: virtual_mailbox_limit is smaller than message_size_limit")
    assert len(mail.queue_ids()) == 1


def test_without_a_base_mail_waits(merpati):
    mail = merpati(main={"transport_maps": "static:virtual:", "virtual_mailbox_maps": "static:tmp/box", "virtual_uid_maps": "static:1000",
                         "virtual_gid_maps": "static:1000"})
    mail.sendmail("-f", SENDER, "a@b.test", input=TEXT)
    mail.wait_log(r"to=<a@b\.test>, relay=virtual, .*dsn=4\.3\.5, status=deferred \(mail system configuration error\)")
    mail.wait_log("warning: configuration error: virtual_mailbox_base is empty")


@pytest.mark.skipif(not IS_ROOT, reason="acts as others")
def test_status_filters(either):
    rules = "pcre:{{/^5\\.1\\.1 (unknown user.*)/ 4.1.9 not yet: $1}, {/^2\\.0\\.0 delivered to (.*)/ 2.9.9 in the $1}, " \
            "{/^4\\.2\\.0/ 2.0.0 never}, {/^4\\.3\\.5/ nonsense}}"
    mail = prepare(either, virtual_delivery_status_filter=rules.replace("$", "$$")).start()
    assert 'dsn=4.1.9, status=deferred (not yet: unknown user: "nosuch@v.test")' in story(mail, "nosuch@v.test")[0]
    assert "dsn=2.9.9, status=sent (in the mailbox)" in story(mail, "box@v.test")[0]
    for recipient, fate in (("nodir@v.test", "dsn=4.2.0, status=deferred (delivery failed"), ("nouid@v.test", "dsn=4.3.5, status=deferred (mail system")):
        assert any(fate in str(line) for line in story(mail, recipient))


@pytest.mark.skipif(not IS_ROOT, reason="stock Postfix as the oracle needs root")
def test_the_default_filter_is_everybodys(either):
    mail = either(main={"default_delivery_status_filter": "static:{5.9.9 filtered}", "transport_maps": "static:virtual:",
                        "virtual_mailbox_base": "/nowhere"}).start()
    mail.sendmail("-f", "", "a@b.test", input=TEXT)
    mail.wait_log(r"relay=virtual, .*dsn=5\.9\.9, status=bounced \(filtered\)")


def test_an_ordinary_users_system_delivers_as_that_user_alone(make_merpati, account):
    entry = pwd.getpwnam(account)
    mail = make_merpati(run_as=account, main={"virtual_mailbox_domains": "v.test", "virtual_mailbox_maps": "static:box/",
                                               "virtual_uid_maps": f"inline:{{own@v.test={entry.pw_uid}, other@v.test=1234}}",
                                               "virtual_gid_maps": f"static:{entry.pw_gid}", "virtual_minimum_uid": "1"})
    base = mail.path("boxes")
    base.mkdir()
    shutil.chown(base, account, entry.pw_gid) if IS_ROOT else None
    mail.set(virtual_mailbox_base=base)
    mail.start()
    for recipient in ("own@v.test", "other@v.test"):
        mail.sendmail("-f", SENDER, recipient, input=TEXT)
    mail.wait_log(r"to=<own@v\.test>, relay=virtual, .*dsn=2\.0\.0, status=sent \(delivered to maildir\)")
    mail.wait_log(r"to=<other@v\.test>, relay=virtual, .*dsn=4\.3\.0, status=deferred \(this mail system runs as user \d+ and cannot deliver as user 1234")
    assert len(mailboxes.maildir_messages(base / "box")) == 1


@pytest.mark.skipif(not IS_ROOT, reason="acts as others")
def test_many_messages_at_one_time(make_merpati):
    mail = prepare(make_merpati).start()
    for number in range(40):
        mail.sendmail("-f", SENDER, "mdir@v.test", "any@w.test", "absolute@v.test", input=f"Subject: {number}\n\nx\n")
    mail.wait_empty()
    base = mail.path("boxes")
    expected = {str(number) for number in range(40)}
    assert {mailboxes.header(m, "Subject") for m in mailboxes.maildir_messages(base / "d" / "mdir")} == expected
    for name in ("catch", "absolute"):
        messages = mailboxes.mbox_messages(base / name)
        assert len(messages) == 40 and {mailboxes.header(m, "Subject") for m in messages} == expected
    assert list((base / "d" / "mdir" / "tmp").iterdir()) == []
    assert not list(base.glob("*.lock"))
