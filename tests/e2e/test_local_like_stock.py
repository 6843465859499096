# SPDX-License-Identifier: Apache-2.0
"""Aliases, :include: files and .forward files: the lines of the log, the new messages and the copies are stock Postfix's."""

import re
import shutil

import pytest
from support.instance import Merpati, Stock, untold
from support.waiting import wait_until

ACCOUNT = "merpati-test"
OTHER = "merpati-map"
HOME_ACCOUNT = "merpati-home"
SENDER = "s@example.com"

ALIASES = f"""\
two: three
three: two
one: one
round: round2
round2: round3
round3: round
case: CASE2
case2: cAsE
both: both, {ACCOUNT}
loopuser: loopother, {ACCOUNT}
loopother: loopuser
owned: owned2
owned2: owned
owner-owned: {ACCOUNT}
extended: extended+foo
bare: \\bare
list: {ACCOUNT}, inner, nosuchuser
inner: {OTHER}
owner-list: {OTHER}
lists: innerlist
innerlist: {OTHER}, {ACCOUNT}
owner-lists: {OTHER}
owner-innerlist: {ACCOUNT}
file: :include:%FILE%
nested: :include:%NESTED%
own: :include:%OWN%
itself: :include:%ITSELF%
ownedfile: :include:%FILE%
owner-ownedfile: {OTHER}
again: {ACCOUNT}, {OTHER}, {ACCOUNT}, {OTHER}
fwd: {HOME_ACCOUNT}
pair: {ACCOUNT}, {OTHER}
named: <>, {ACCOUNT}
filed: /dev/null {ACCOUNT} \\{OTHER}
""" + "".join(f"deep{i}: deep{i + 1}\n" for i in range(60)) + f"deep60: {ACCOUNT}\n"

RECIPIENTS = ["two", "one", "round", "Case", "both", "loopuser", "owned", "extended", "bare", "deep0", "deep35", "deep36",
              "list", "lists", "file", "nested", "own", "itself", "ownedfile", "again",
              "postmaster", "MAILER-DAEMON", "named", "filed"]

FILES = {
    "FILE": f"{ACCOUNT}, inner\nnosuchuser, \\{OTHER}\n",
    "NESTED": ":include:%FILE%\n",
    "OWN": f"{ACCOUNT}\n",
    "ITSELF": "itself\n",
    "FORWARDED": f"{HOME_ACCOUNT}, {ACCOUNT}\n",
}

FORWARDS = ["fwd\n", f"\\{HOME_ACCOUNT}, {ACCOUNT}\n", f"{HOME_ACCOUNT}\n", "nosuchuser\n", "pair\n",
            ":include:%FORWARDED%\n", "two\n", "# nobody\n", ",\n", "<>\n"]


def fill(mail, text):
    for name in FILES:
        text = text.replace(f"%{name}%", str(mail.path(name)))
    return text


def prepare(make, **main):
    mail = make(main={"recipient_delimiter": "+", **main})
    for name, content in FILES.items():
        mail.write(name, fill(mail, content))
    shutil.chown(mail.path("OWN"), ACCOUNT)
    mail.set(alias_maps=mail.aliases(fill(mail, ALIASES)))
    return mail.start()


@pytest.fixture(scope="module")
def pair(home_account):
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = []
    try:
        for kind in (Stock, Merpati):
            prepare(lambda **options: made.append(kind(**options)) or made[-1])
        yield made
    finally:
        for mail in made:
            mail.finish()


def is_over(log):
    """Each message that has come, or was announced by another, has gone: those to other hosts are returned."""
    come = set(re.findall(r"cleanup\[\d+\]: ([0-9A-F]+): message-id", log))
    announced = set(re.findall(r"(?:forwarded as|notification:) ([0-9A-F]+)", log))
    return come and come | announced == set(re.findall(r": ([0-9A-F]+): removed", log)) and not untold(log)


def story(mail, recipient):
    """What local and the queue manager say of a message, and the heads of the copies in mailboxes."""
    log_before = len(mail.log_text())
    boxes = (ACCOUNT, OTHER, HOME_ACCOUNT)
    before = {user: len(mail.mailbox(user)) for user in boxes}
    mail.sendmail("-f", SENDER, f"{recipient}@example.test", input="Subject: x\n\nhello\n")
    wait_until(lambda: is_over(mail.log_text()[log_before:]), lambda: f"the end of all messages; log:\n{mail.tail()}")
    told = []
    for line in mail.log_text()[log_before:].splitlines():
        found = re.search(r"/(?:local|qmgr)\[\d+\]: (.*(?:warning:|queue active|relay=local).*)", line)
        if found:
            text = re.sub(r"delay=.*?, dsn", "dsn", found[1])
            text = re.sub(r"size=\d+", "size=N", text)
            told.append(re.sub(r"\b[0-9A-F]{9,12}\b", "ID", text))
    for user in boxes:
        for message in mail.mailbox(user)[before[user]:]:
            head = message.split("\n\n")[0]
            told.append(f"{user}: " + " ".join(re.findall(r"(?m)^(?:Return-Path|X-Original-To|Delivered-To): .*", head)))
    # Messages that are on their way at one time have no order.
    return sorted(told)


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_an_alias_goes_as_in_stock(pair, recipient):
    stories = [story(mail, recipient) for mail in pair]
    assert stories[1] == stories[0]


@pytest.mark.parametrize("text", FORWARDS)
def test_a_forward_file_goes_as_in_stock(pair, home_account, text):
    name, home = home_account
    stories = []
    for mail in pair:
        (home / ".forward").write_text(fill(mail, text))
        shutil.chown(home / ".forward", name)
        stories.append(story(mail, name))
        (home / ".forward").unlink()
    assert stories[1] == stories[0]


@pytest.mark.parametrize("limit", ["1", "2"])
def test_as_many_copies_are_known_as_in_stock(make_stock, make_merpati, limit):
    stories = [story(prepare(make, duplicate_filter_limit=limit), "again") for make in (make_stock, make_merpati)]
    assert stories[1] == stories[0]


def test_files_that_include_each_other_end(make_merpati):
    """Each is read once in a delivery."""
    mail = make_merpati()
    mail.write("one", f":include:{mail.path('two')}\n:include:{mail.path('two')}\n")
    mail.write("two", f":include:{mail.path('one')}\n:include:{mail.path('one')}\n")
    mail.set(alias_maps=mail.aliases(f"list: :include:{mail.path('one')}\n"))
    mail.start()
    mail.sendmail("-f", SENDER, "list", input="Subject: x\n\nhello\n")
    mail.wait_log(r"to=<list@example\.test>.*dsn=2\.0\.0, status=sent \(no destination\)")
    mail.wait_empty()


def test_aliases_that_double_at_each_turn_end(make_merpati):
    mail = make_merpati()
    mail.set(alias_maps=mail.aliases("aa: bb, bb\nbb: aa, aa\n"))
    mail.start()
    mail.sendmail("-f", SENDER, "aa", input="Subject: x\n\nhello\n")
    mail.wait_log(r"to=<bb@example\.test>, orig_to=<aa>.*dsn=5\.4\.6, status=bounced \(alias database loop for bb\)")
    mail.wait_empty()
