# SPDX-License-Identifier: Apache-2.0
"""Header and body checks where things go wrong: rules that refuse for now, tables that break or run away, odd messages; what is made inside is left alone. What
each action does is in tests/comparison/cases/checks-*."""

import queue
import smtplib
import threading

import pytest
from support.waiting import wait_until

pytestmark = pytest.mark.sanitized

PLAIN = "Subject: hello\r\n\r\nhello\r\n"


def maildrop(mail):
    return list((mail.queue / "maildrop").iterdir())


def content(mail, text, to):
    """The reply to a message."""
    with smtplib.SMTP("127.0.0.1", mail.port, "client.example") as client:
        client.ehlo()
        client.mail("someone@client.example")
        client.rcpt(to)
        return client.data(text)


def test_local_mail_that_is_refused_for_now_waits_in_maildrop(make_merpati, account):
    mail = make_merpati()
    rules = mail.write("rules", "/^Subject: wait/ REJECT 4.2.1 not yet\n")
    mail.set(header_checks=f"pcre:{rules}")
    mail.start()
    mail.sendmail(f"{account}@localhost", input="Subject: wait\n\nlater\n")
    mail.wait_log(r"reject: header Subject: wait from local; from=<\S+> to=<\S+>: 4\.2\.1 not yet")
    mail.wait_log(r"pickup\[\d+\]: warning: maildrop/\w+: message not queued: not yet")
    assert len(maildrop(mail)) == 1
    mail.set(header_checks="")
    mail.reload()
    assert "later" in mail.wait_mailbox(account)[0]


def test_a_changed_table_is_in_force_without_a_reload(make_merpati, account):
    mail = make_merpati()
    rules = mail.write("rules", "/^Subject: hello/ REJECT not today\n")
    mail.set(header_checks=f"regexp:{rules}")
    mail.start()
    assert content(mail, PLAIN, f"{account}@localhost") == (550, b"5.7.1 not today")
    mail.write("rules", "/^Subject: bye/ REJECT not today\n")
    wait_until(lambda: content(mail, PLAIN, f"{account}@localhost")[0] == 250, "the new rules")


def test_a_table_that_is_missing_and_a_pattern_that_runs_away_defer(make_merpati, account):
    mail = make_merpati()
    rules = mail.write("rules", "/^X-Long: ((a+)+)+$/ REJECT\n")
    mail.set(header_checks=f"pcre:{rules}", body_checks="regexp:/nonexistent/rules", notify_classes="")
    mail.start()
    to = f"{account}@localhost"
    assert content(mail, "Subject: no body asked\r\n\r\n", to)[0] == 250
    assert content(mail, PLAIN, to) == (451, b"4.3.0 Error: queue file write error")
    mail.wait_log(r"warning: [0-9A-F]+: body_checks map lookup problem -- message not accepted, try again later")
    assert content(mail, f"X-Long: {'a' * 60}b\r\n\r\n", to)[0] == 451
    mail.wait_log(rf"warning: header_checks: .*{rules}, line 1: cannot match: match limit exceeded")
    mail.wait_log(r"warning: [0-9A-F]+: header_checks map lookup problem -- message not accepted, try again later")


def test_notices_made_inside_are_not_asked_about(make_merpati, account):
    mail = make_merpati(main={"header_checks": "static:REJECT", "body_checks": "static:REJECT", "strict_7bit_headers": "yes"}).start()
    mail.sendmail("-f", f"{account}@localhost", "x@localhost", input="Subject: back\n\nhello\n")
    text = mail.wait_mailbox(account)[0]
    assert "Status: 5.7.1" in text and "message content rejected" in text and "Subject: back" in text
    assert maildrop(mail) == []


def test_with_internal_mail_filter_classes_notices_are_asked_about(make_merpati, account):
    mail = make_merpati()
    rules = mail.write("rules", "/^Subject: back/ REJECT\n/^Subject: Undelivered/ INFO seen\n")
    mail.set(header_checks=f"pcre:{rules}", nested_header_checks="", internal_mail_filter_classes="bounce")
    mail.start()
    mail.sendmail("-f", f"{account}@localhost", "x@localhost", input="Subject: back\n\nhello\n")
    mail.wait_log(r"info: header Subject: Undelivered Mail Returned to Sender from local; from=<> to=<\S+>: seen")
    mail.wait_mailbox(account)


def test_many_parts_endless_boundaries_and_no_ends_are_read_within_bounds(make_merpati, account):
    mail = make_merpati(main={"header_checks": "static:DUNNO", "body_checks": "static:DUNNO", "message_size_limit": "0", "mailbox_size_limit": "0", "virtual_mailbox_limit": "0"}).start()
    to = f"{account}@localhost"
    many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b\r\nX: y\r\n\r\nz\r\n" * 10000
    assert content(mail, many, to)[0] == 250
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(10000))
    assert content(mail, deep, to) == (550, b"5.6.0 MIME nesting exceeds safety limit")
    long = f"Content-Type: multipart/mixed; boundary={'b' * 100000}\r\n\r\n--{'b' * 100000}\r\n\0\0\r\n"
    assert content(mail, long, to)[0] == 250
    assert content(mail, f"X: {'y' * 500000}\r\n\r\n{'z' * 500000}", to)[0] == 250


def test_rules_that_take_long_for_one_message_keep_no_other_waiting(make_merpati, account):
    mail = make_merpati()
    rules = mail.write("rules", "/^begin/ INFO now\n/^(a|aa)+$/ REJECT\n")
    mail.set(body_checks=f"pcre:{rules}", body_checks_size_limit="0")
    mail.start()
    to = f"{account}@localhost"
    answers = queue.Queue()
    hostile = "Subject: slow\r\n\r\nbegin\r\n" + f"{'a' * 24}b\r\n" * 3000
    thread = threading.Thread(target=lambda: answers.put(content(mail, hostile, to)[0]))
    thread.start()
    mail.wait_log(r"info: body begin from .*: now")
    assert content(mail, PLAIN, to)[0] == 250
    assert answers.empty(), "the plain message waited for the other"
    thread.join()
    assert answers.get() == 250
