# SPDX-License-Identifier: Apache-2.0
"""What a sender asked to hear is told at the first attempt, whenever that is, and not again at each that follows."""

import re
import smtplib
import threading

import pytest
from support.waiting import HOLD, wait_until

LATE = {"minimal_backoff_time": "1h", "maximal_backoff_time": "2h"}
TEXT = "Subject: told\n\nhello\n"


def submit(mail, sender, recipient):
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.ehlo("c.example")
        client.mail(sender)
        assert client.rcpt(recipient, ["NOTIFY=SUCCESS"])[0] == 250
        code, reply = client.data(TEXT)
        assert code == 250, reply
    return re.search(r"queued as (\w+)", reply.decode())[1]


def marks(mail):
    """The ids in the queue with what is behind them: ! on hold, * in delivery."""
    return dict(re.findall(r"(?m)^(\w{10,})([*!#]*) ", mail.command("postqueue", "-p").stdout))


def wait_attempt(mail, act, pattern):
    """Whoever acts causes one more line like that, and then nothing is in delivery any more."""
    seen = len(mail.log_lines(pattern))
    act()
    wait_until(lambda: len(mail.log_lines(pattern)) > seen, lambda: f"{pattern}; log:\n{mail.tail()}")
    wait_until(lambda: "*" not in marks(mail).values(), lambda: f"the end of the attempt; log:\n{mail.tail()}")


def told(mail):
    return len(mail.log_lines(r"sender delivery status notification"))


def hold_untried(make_merpati, sink, submit_held):
    """A message that was put on hold while another kept it from being tried."""
    go = threading.Event()
    slow = sink(replies={"DOT": lambda session, line: go.wait(HOLD) and None})
    mail = make_merpati(main={
        **LATE, "qmgr_message_active_limit": "1", "smtp_host_lookup": "native",
        "virtual_alias_maps": "inline:{ {many@alias.test = one@far.test, two@far.test} }",
        "transport_maps": f"inline:{{ {{far.test = retry:4.4.1 not now}}, {{slow.test = smtp:[127.0.0.1]:{slow.port}}} }}",
    }).start()
    mail.sendmail("-f", "s@far.test", "a@slow.test", input=TEXT)
    first = wait_until(lambda: next((name for name, mark in marks(mail).items() if mark == "*"), None), lambda: mail.tail())
    held = submit_held(mail)
    mail.command("postsuper", "-h", held)
    go.set()
    mail.wait_log(rf"{first}: removed")
    assert marks(mail) == {held: "!"} and told(mail) == 0
    return mail, held


@pytest.mark.parametrize("way", ["-H", "-r"])
def test_mail_that_was_held_before_its_first_attempt(make_merpati, account, sink, way):
    mail, held = hold_untried(make_merpati, sink, lambda mail: submit(mail, f"{account}@example.test", "many@alias.test"))
    deferred = r"to=<two@far\.test>.* status=deferred"
    wait_attempt(mail, lambda: mail.command("postsuper", way, held), deferred)
    (report,) = mail.wait_mailbox(account)
    assert "Subject: Successful Mail Delivery Report" in report and "<many@alias.test>: alias expanded" in report
    wait_attempt(mail, lambda: mail.command("postqueue", "-f"), deferred)
    wait_attempt(mail, lambda: mail.command("postsuper", "-r", "ALL"), deferred)
    assert told(mail) == 1


@pytest.mark.parametrize("option, status", [("-v", "deferred"), ("-bv", "undeliverable")])
def test_a_verbose_message_that_was_held_before_its_first_attempt(make_merpati, account, sink, option, status):
    def submit_verbose(mail):
        taken = r"/pickup\[\d+\]: \w+: uid="
        before = len(mail.log_lines(taken))
        mail.sendmail(option, "-f", f"{account}@example.test", "one@far.test", input=TEXT)
        wait_until(lambda: len(mail.log_lines(taken)) > before, lambda: mail.tail())
        # In maildrop it has another name.
        queue_id = mail.log_lines(taken)[-1].split(":")[0]
        wait_until(lambda: queue_id in marks(mail), lambda: mail.tail())
        return queue_id

    mail, held = hold_untried(make_merpati, sink, submit_verbose)
    tried = rf"{held}: to=<one@far\.test>.* status={status}"
    wait_attempt(mail, lambda: mail.command("postsuper", "-H", held), tried)
    (report,) = mail.wait_mailbox(account)
    assert "Subject: Mail Delivery Status Report" in report and "<one@far.test>: not now" in report
    if option == "-v":
        wait_attempt(mail, lambda: mail.command("postqueue", "-f"), tried)
        mail.command("postsuper", "-h", held)
        wait_attempt(mail, lambda: mail.command("postsuper", "-H", held), tried)
    assert told(mail) == 1


def test_an_alias_of_which_a_member_is_bounced_softly(make_merpati, account):
    mail = make_merpati(main={**LATE, "soft_bounce": "yes", "alias_maps": f"inline:{{ {{team = nosuchuser, {account}}} }}"})
    mail.start()
    wait_attempt(mail, lambda: submit(mail, f"{account}@example.test", "team@example.test"), r"status=SOFTBOUNCE")
    wait_attempt(mail, lambda: mail.command("postqueue", "-f"), r"status=SOFTBOUNCE")
    assert told(mail) == 0


def test_a_verbose_message_that_is_returned_after_a_delay(make_merpati, account):
    """The report of -v is about the first attempt alone."""
    mail = make_merpati(main={**LATE, "transport_maps": "inline:{ {far.test = discard:} }"})
    mark = mail.path("mark")
    mail.set(alias_maps=mail.aliases(f'team: other@far.test, "|test -e {mark} && exit 69; exit 75"\n'))
    mail.start()
    wait_attempt(mail, lambda: mail.sendmail("-v", "-f", f"{account}@example.test", "team", input=TEXT),
                 r"orig_to=<team>.*status=deferred")  # fmt: skip
    wait_until(lambda: told(mail) == 1, lambda: mail.tail())
    mark.write_text("")
    wait_attempt(mail, lambda: mail.command("postqueue", "-f"), r"sender non-delivery notification")
    assert told(mail) == 1
