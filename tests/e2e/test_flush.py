# SPDX-License-Identifier: Apache-2.0
"""Mail that somebody asks for: ETRN, postqueue -s and -i, sendmail -q, and who may; replies and ends as with stock Postfix."""

import re

import pytest
from support.waiting import wait_until

REFUSED = "retry:4.4.1 connect to far.test[192.0.2.1]:25: Connection refused"
ACCESS = "inline:{ {no.test = REJECT go away}, {later.test = DEFER}, {yes.test = OK}, {t4.test = 450 4.7.1 hm} }"
MAIN = {
    "default_transport": REFUSED,
    "relay_transport": REFUSED,
    "relay_domains": "relay.test, other.test, no.test, yes.test, later.test",
    "smtpd_etrn_restrictions": f"check_etrn_access {ACCESS}",
    "smtpd_hard_error_limit": "1000",
    "smtpd_error_sleep_time": "0",
}
DIALOGUE = [
    "ETRN relay.test", "EHLO client.test", "ETRN", "ETRN a b", "ETRN relay.test", "ETRN RELAY.test", "ETRN @relay.test",
    "ETRN #relay.test", "ETRN sub.relay.test", "ETRN unknown.test", "ETRN [192.0.2.6]", "ETRN 192.0.2.5", "ETRN a_b.test",
    "ETRN -x.test", "ETRN no.test", "ETRN sub.no.test", "ETRN later.test", "ETRN yes.test", "ETRN t4.test", 'ETRN "x"',
    "ETRN relay.test.", "ETRN <relay.test>", "MAIL FROM:<a@b.test>", "ETRN relay.test", "RSET",
    "ETRN " + "a" * 70 + ".test", "QUIT",
]  # fmt: skip


def converse(mail):
    with mail.smtp() as client:
        replies = [str(client.command(line)) for line in DIALOGUE]
    mail.wait_log("disconnect from .*etrn=")
    return replies, [line for line in mail.log_lines(r"ETRN|etrn=") if "midna" not in line]


def test_etrn_is_answered_as_postfix_does(make_stock, make_merpati):
    replies, lines = zip(*(converse(make(main=MAIN).start()) for make in (make_stock, make_merpati)))
    assert list(zip(DIALOGUE, replies[1])) == list(zip(DIALOGUE, replies[0]))
    assert lines[1] == lines[0]


def test_etrn_may_be_kept_from_strangers(either):
    """Client and HELO restrictions wait for ETRN too; HELO is asked for where it is required."""
    main = {**MAIN, "smtpd_helo_required": "yes", "smtpd_etrn_restrictions": "reject",
            "smtpd_helo_restrictions": "check_helo_access inline:{{bad.test = REJECT bad name}}"}
    mail = either(main=main).start()
    with mail.smtp() as client:
        assert str(client.command("ETRN relay.test")) == "503 Error: send HELO/EHLO first"
        client.hello("bad.test")
        assert str(client.command("ETRN relay.test")) == "554 5.7.1 <bad.test>: Helo command rejected: bad name"
        client.hello("good.test")
        assert str(client.command("ETRN relay.test")).startswith("554 5.7.1 <relay.test>: Etrn command rejected: Access denied")


def test_etrn_is_announced_unless_it_is_discarded(either):
    mail = either(main={**MAIN, "smtpd_discard_ehlo_keywords": "etrn, silent-discard"}).start()
    with mail.smtp() as client:
        assert "ETRN" not in str(client.command("EHLO client.test"))


def submit(mail, *recipients):
    seen = len(mail.log_lines("status=deferred"))
    mail.sendmail("-f", "s@example.com", *recipients, input="Subject: x\n\nhello\n")
    mail.wait_log("status=deferred", seen + len(recipients))
    queue_id = re.search(rf"(\w+): to=<{re.escape(recipients[0])}>", mail.log_text()).group(1)
    wait_until(lambda: queue_id in mail.queue_ids(), lambda: mail.tail())
    return queue_id


def tries(mail, recipient):
    return len(mail.log_lines(rf"to=<{re.escape(recipient)}>.*status=deferred"))


@pytest.fixture
def backlog(either):
    """A mail system with three messages that wait: one of two recipients, one elsewhere, one that nobody may ask for."""
    mail = either(main={**MAIN, "minimal_backoff_time": "1h", "maximal_backoff_time": "2h"}).start()
    ids = [submit(mail, "a@relay.test", "b@other.test"), submit(mail, "c@yes.test"), submit(mail, "d@unknown.test")]
    # Stock's flush hears of it, and qmgr has put the file away, a moment after the log line.
    wait_until(lambda: "*" not in mail.command("postqueue", "-p").stdout, lambda: mail.tail())
    return mail, ids


def test_the_mail_of_a_site_is_tried_and_no_other(backlog):
    mail, _ = backlog
    with mail.smtp() as client:
        client.hello()
        assert str(client.command("ETRN RELAY.test")) == "250 Queuing started"
    # The message, with all its recipients.
    wait_until(lambda: tries(mail, "a@relay.test") == tries(mail, "b@other.test") == 2, lambda: mail.tail())
    mail.command("postqueue", "-s", "yes.test")
    wait_until(lambda: tries(mail, "c@yes.test") == 2, lambda: mail.tail())
    assert (tries(mail, "a@relay.test"), tries(mail, "d@unknown.test")) == (2, 1)


def test_a_site_is_found_after_a_restart(backlog):
    mail, _ = backlog
    mail.stop()
    mail.start()
    mail.sendmail("-qRother.test")
    wait_until(lambda: tries(mail, "b@other.test") == 2, lambda: mail.tail())
    assert tries(mail, "c@yes.test") == 1


def test_who_is_served_is_not_asked_for(merpati, sink):
    """Only recipients that wait make a message one of their site's."""
    server = sink(replies={"RCPT": lambda session, line: "450 4.2.0 later" if b"later" in line.encode() else None})
    mail = merpati(main={**MAIN, "relayhost": f"[127.0.0.1]:{server.port}", "default_transport": "smtp", "relay_transport": "smtp"})
    mail.sendmail("-f", "s@example.com", "now@relay.test", "later@other.test", input="x\n")
    mail.wait_log(r"to=<later@other\.test>.*status=deferred")
    wait_until(lambda: "*" not in mail.command("postqueue", "-p").stdout, lambda: mail.tail())
    mail.command("postqueue", "-s", "relay.test")
    mail.command("postqueue", "-s", "other.test")
    mail.wait_log(r"to=<later@other\.test>.*status=deferred", 2)
    mail.command("postqueue", "-s", "other.test")
    mail.wait_log(r"to=<later@other\.test>.*status=deferred", 3)
    assert tries(mail, "later@other.test") == 3


COMMANDS = [
    ["postqueue", "-s", "relay.test"], ["postqueue", "-s", "unknown.test"], ["postqueue", "-s", "bad site"],
    ["postqueue", "-s", "192.0.2.5"], ["postqueue", "-s", ""], ["postqueue", "-i", "NOSUCH"], ["postqueue", "-i", "bad id"],
    ["postqueue", "-i", ""], ["postqueue", "-s", "relay.test", "-f"], ["postqueue"], ["postqueue", "-x"],
    ["postqueue", "-f", "x"], ["sendmail", "-qRrelay.test"], ["sendmail", "-qRunknown.test"], ["sendmail", "-qR"],
    ["sendmail", "-qI"], ["sendmail", "-qINOSUCH"], ["sendmail", "-qSx"], ["sendmail", "-qS"], ["sendmail", "-q"],
    ["sendmail", "-qfoo"], ["sendmail", "-bp", "-qRx"],
]  # fmt: skip


def test_commands_end_as_stocks(make_stock, make_merpati):
    ends = []
    for make in (make_stock, make_merpati):
        mail = make(main=MAIN).start()
        done = [mail.command(*words, check=False) for words in COMMANDS]
        ends.append([(words, one.returncode, one.stdout, one.stderr) for words, one in zip(COMMANDS, done)])
    assert ends[1] == ends[0]


def test_eligible_are_those_that_fast_flush_domains_has(merpati):
    mail = merpati(main={**MAIN, "fast_flush_domains": "only.test", "parent_domain_matches_subdomains": ""})
    done = [mail.command("postqueue", "-s", site, check=False).returncode for site in ("only.test", "sub.only.test", "relay.test")]
    assert done == [0, 69, 69]
    mail.set(fast_flush_domains="")
    mail.reload()
    assert mail.command("postqueue", "-s", "only.test", check=False).returncode == 69


def test_users_that_may_not(make_merpati, account):
    mail = make_merpati(main={**MAIN, "authorized_mailq_users": "nobody-here", "authorized_flush_users": "!" + account + ", static:all",
                              "authorized_submit_users": "nobody-here"}).start()  # fmt: skip
    if mail.user == account:
        pytest.skip("the owner of the queue may do all")
    for words, to_do in (
        (["postqueue", "-p"], "view the mail queue"), (["postqueue", "-j"], "view the mail queue"),
        (["postqueue", "-f"], "flush the mail queue"), (["postqueue", "-i", "ABC"], "flush the mail queue"),
        (["postqueue", "-s", "relay.test"], "flush the mail queue"), (["sendmail", "-q"], "flush the mail queue"),
    ):  # fmt: skip
        done = mail.command(*words, check=False, user=account)
        assert done.returncode == 69
        assert re.fullmatch(rf"postqueue: fatal: User {account}\(\d+\) is not allowed to {to_do}\n", done.stderr)
    done = mail.sendmail("x@y.test", check=False, user=account, input="x\n")
    assert done.returncode == 75
    assert re.search(rf"^sendmail: fatal: User {account}\(\d+\) is not allowed to submit mail$", done.stderr, re.M)


SENDERS = {
    "root": True, None: True, "": True, "a@root.test": True, "x@y.test": True, "x+e@y.test": True, "X@Y.test": True,
    "root+z": True, "other": False, "o@else.test": False, "root@a.root.test": False,
}  # fmt: skip


def test_senders_that_a_user_may_give(either):
    mail = either(main={"default_transport": "discard", "recipient_delimiter": "+",
                        "local_login_sender_maps": "inline:{ {root = root, <>, @root.test, x@y.test} }"}).start()  # fmt: skip
    if mail.user != "root":
        pytest.skip("the table is about root")
    for sender, may in SENDERS.items():
        done = mail.sendmail(*([] if sender is None else ["-f", sender]), "to@z.test", input="x\n", check=False)
        assert done.returncode == (0 if may else 75), sender
        if not may:
            assert re.search(rf"^sendmail: fatal: \S+\(0\): not authorized to use sender='{sender}'$", done.stderr, re.M)
    mail.set(local_login_sender_maps="inline:{ {root = root, none} }", empty_address_local_login_sender_maps_lookup_key="none")
    assert mail.sendmail("-f", "", "to@z.test", input="x\n", check=False).returncode == 0
    mail.set(local_login_sender_maps="fail:x")
    assert mail.sendmail("to@z.test", input="x\n", check=False).returncode == 75
