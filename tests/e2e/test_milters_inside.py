# SPDX-License-Identifier: Apache-2.0
"""Milters of mail that did not come by SMTP, of what the system writes itself, and what stays when something dies half-way."""

import re

import pytest

from support.instance import IMPORT_ENVIRONMENT
from support.milter import ACCEPT, CLOSE, CONTINUE, REJECT, SHUTDOWN, TEMPFAIL, Milter, quarantine
from support.milter_requests import add_header, add_recipient, change_header, change_sender, delete_recipient, replace_body
from support.smtp_client import Disconnected
from support.waiting import free_port, wait_until


@pytest.fixture
def milter():
    made = Milter()
    yield made
    made.stop()


def headers(session):
    return [data.split(b"\0")[0].decode() for data in session.of("L")]


def test_bounces_are_seen_when_internal_mail_filter_classes_says_so(merpati, sink, milter):
    server = sink(replies={"RCPT": lambda _, line: "550 5.1.1 no such user" if "nobody@" in line else "250 2.1.5 Ok"})
    mail = merpati(main={"non_smtpd_milters": milter.place, "internal_mail_filter_classes": "bounce", "relayhost": f"[127.0.0.1]:{server.port}"})
    milter.forget(E=[add_header("X-Seen", "yes"), *CONTINUE])
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "nobody@x.test", "Subject: x\n\nhello\n").code == 250
    came = wait_until(lambda: server.messages, "the bounce")[0]
    assert came.sender == "" and "\nX-Seen: yes\n" in came.text
    session = milter.sessions[-1]
    assert session.of("M") == [b"\0"] and session.of("R") == [b"s@y.test\0"]
    assert headers(session)[:3] == ["Date", "From", "Subject"]
    milter.forget(E=[add_header("X-Seen", "yes"), *CONTINUE])
    mail.set(internal_mail_filter_classes="notify")
    mail.reload()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "nobody@x.test", "Subject: x\n\nhello\n").code == 250
    wait_until(lambda: len(server.messages) == 2, "the second bounce")
    assert "X-Seen" not in server.messages[1].text and milter.sessions == []


def test_mail_waits_in_the_maildrop_while_a_milter_is_not_there(merpati, sink):
    place, server = f"inet:127.0.0.1:{(port := free_port())}", sink()
    mail = merpati(main={"non_smtpd_milters": place, "relayhost": f"[127.0.0.1]:{server.port}"})
    mail.sendmail("-f", "s@y.test", "r@x.test", input="Subject: x\n\nhello\n")
    mail.wait_log(rf"cleanup\[\d+\]: warning: connect to Milter service {place}: .*Connection refused")
    mail.wait_log(r"milter-reject: CONNECT from localhost\[127\.0\.0\.1\]: 4\.7\.0 Server closing connection; from=<s@y\.test>")
    assert server.messages == []
    milter = Milter(port=port)
    try:
        # What comes next wakes pickup, which looks at all that waits.
        mail.sendmail("-f", "s@y.test", "r@x.test", input="Subject: x\n\nhello\n")
        wait_until(lambda: len(server.messages) == 2, lambda: f"both messages; log:\n{mail.tail()}")
    finally:
        milter.stop()


def test_a_milter_that_refuses_a_recipient_of_submitted_mail_is_a_mistake(merpati, sink, milter):
    server = sink()
    mail = merpati(main={"non_smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}"})
    milter.forget(R=REJECT)
    mail.sendmail("-f", "s@y.test", "r@x.test", input="Subject: x\n\nhello\n")
    mail.wait_log(r"milter-reject: RCPT from localhost\[127\.0\.0\.1\]: 5\.7\.1 Command rejected; from=<s@y\.test> to=<r@x\.test>")
    mail.wait_log(r"warning: \w+: milter configuration error: can't reject recipient in non-smtpd\(8\) submission")
    mail.wait_log(r"warning: \w+: message not accepted, try again later")
    assert server.messages == []


def test_what_a_milter_had_held_is_not_shown_to_it_again_when_it_is_requeued(merpati, sink, milter):
    server = sink()
    mail = merpati(main={"smtpd_milters": milter.place, "non_smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}"})
    milter.forget(E=[quarantine("virus"), *CONTINUE])
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", "Subject: x\n\nhello\n").code == 250
    wait_until(mail.queue_ids, "the message in the queue")
    mail.command("postsuper", "-r", "ALL")
    wait_until(lambda: server.messages, lambda: f"the message; log:\n{mail.tail()}")
    assert len(milter.sessions) == 1 or "E" not in "".join(s.letters() for s in milter.sessions[1:])


def test_a_milter_that_shuts_down_or_leaves_nobody(merpati, sink, milter):
    server = sink()
    mail = merpati(main={"smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}"})
    milter.forget(E=SHUTDOWN)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", "Subject: x\n\nhello\n").text == "421 4.7.0 Server closing connection"
        assert client.is_closed()
    milter.forget(E=[delete_recipient("<r@x.test>"), *CONTINUE])
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", "Subject: x\n\nhello\n").code == 250
    mail.wait_log(r"milter-discard: END-OF-MESSAGE from localhost\[127\.0\.0\.1\]: milter deletes all recipients; from=<s@y\.test> to=<r@x\.test>")
    milter.forget()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", "".join(f"X-{n}: {'y' * 200}\n" for n in range(6000)) + "\nx\n").text == \
            "552 5.3.4 message header exceeds size limit"
    assert server.messages == [] and mail.queue_ids() == []


def test_a_milter_that_dies_with_accept_as_default_has_changed_nothing(merpati, sink, milter):
    server = sink()
    second = Milter(script={"E": [add_recipient("a@x.test"), *CONTINUE]})
    places = f"{{{milter.place}, default_action=accept}}, {second.place}"
    mail = merpati(main={"smtpd_milters": places, "relayhost": f"[127.0.0.1]:{server.port}"})
    milter.forget(E=[change_header(1, "Subject", "new"), delete_recipient("r@x.test"), add_recipient("a@x.test"), change_sender("n@z.test"),
                     quarantine("x"), replace_body("half"), CLOSE])
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", "Subject: old\n\nhello\n").code == 250
    came = wait_until(lambda: server.messages, lambda: f"the message; log:\n{mail.tail()}")[0]
    second.stop()
    assert (came.sender, sorted(came.recipients)) == ("s@y.test", ["a@x.test", "r@x.test"])
    assert "\nSubject: old\n" in came.text and came.text.endswith("\n\nhello\n")


def test_no_milters_means_none(merpati, sink, milter):
    server = sink()
    mail = merpati(main={"non_smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}", "receive_override_options": "no_milters"})
    mail.sendmail("-f", "s@y.test", "r@x.test", input="Subject: x\n\nhello\n")
    wait_until(lambda: server.messages, "the message")
    assert milter.sessions == []


def test_recipients_of_the_header_and_of_aliases_are_told_as_a_client_would(merpati, sink, milter):
    server = sink()
    mail = merpati(main={"non_smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}",
                         "virtual_alias_maps": "inline:{{alias@y.test=v1@x.test,v2@x.test}}"})
    mail.sendmail("-t", "-f", "s@y.test", input="To: alias@y.test, r@x.test\nSubject: x\n\nhello\n")
    wait_until(lambda: server.messages, "the message")
    assert milter.sessions[-1].of("R") == [b"alias@y.test\0", b"r@x.test\0"]
    assert milter.sessions[-1].letters().replace("D", "").startswith("OCHMRRTLL")


@pytest.mark.parametrize("size", ["small", "large"])
def test_cleanup_that_dies_during_a_change_leaves_nothing_of_the_message(merpati, sink, milter, size):
    """The client is told nothing but that it failed: it has the message, and the queue has neither the old nor half of the new one."""
    server = sink()
    mail = merpati(main={"smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}"})

    def die(data):
        mail.kill("cleanup")
        return [change_header(1, "Subject", "new"), *[replace_body(b"0123456789\r\n" * 5000)] * 4]

    milter.forget(E=die)
    content = "Subject: old\n\n" + "a line of text\n" * (20000 if size == "large" else 2)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", content).code == 451
    milter.forget(E=CONTINUE)
    with mail.smtp() as client:
        client.hello()
        wait_until(lambda: client.deliver("s@y.test", "r@x.test", "Subject: after\n\nx\n").code == 250 or client.command("RSET").code == 0,
                   lambda: f"cleanup to be there again; log:\n{mail.tail()}")
    wait_until(lambda: server.messages, "the message that came after")
    mail.wait_empty(is_told=False)
    assert ["after" in m.text for m in server.messages] == [True]


def test_a_change_that_the_disk_refuses_refuses_the_message(merpati, sink, milter):
    server = sink()
    mail = merpati(main={"smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}", "notify_classes": ""})
    taken = []

    def close_the_queue(data):
        (mail.queue / "incoming").chmod(0o500)
        taken.append(True)
        return [replace_body(b"0123456789\r\n" * 5000), replace_body(b"0123456789\r\n" * 5000), *ACCEPT]

    milter.forget(E=close_the_queue)
    with mail.smtp() as client:
        client.hello()
        answer = client.deliver("s@y.test", "r@x.test", "Subject: old\n\nhello\n")
    (mail.queue / "incoming").chmod(0o700)
    assert taken and answer.text == "451 4.3.0 Error: queue file write error"
    mail.wait_log(r"write queue file: ")
    milter.forget(E=TEMPFAIL)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@y.test", "r@x.test", "Subject: old\n\nhello\n").code == 451
    assert server.messages == [] and mail.queue_ids() == []


def test_proxymap_connects_to_what_non_smtpd_milters_names_and_to_nothing_else(make_merpati, sink, milter):
    """A service may have milters of its own; what only it can make out of its parameters is a place that nobody has allowed."""
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    plain = mail.master
    mail.master = re.sub(r"(?m)^cleanup\s.*$", rf"\g<0> -o non_smtpd_milters={milter.place}", plain)
    mail.write_config()
    mail.start()
    mail.sendmail("-f", "s@y.test", "r@x.test", input="Subject: x\n\nhello\n")
    wait_until(lambda: server.messages, lambda: f"the message; log:\n{mail.tail()}")
    assert len(milter.sessions) == 1
    mail.master = re.sub(r"(?m)^cleanup\s.*$", rf"\g<0> -o place={milter.place} -o non_smtpd_milters=$place", plain)
    mail.write_config()
    mail.reload()
    mail.sendmail("-f", "s@y.test", "r@x.test", input="Subject: x\n\nhello\n")
    mail.wait_log(rf'proxymap\[\d+\]: warning: request for a milter that non_smtpd_milters does not name: "{milter.place}"')
    mail.wait_log(rf"cleanup\[\d+\]: warning: connect to Milter service {milter.place}: non_smtpd_milters does not name it")
    assert len(milter.sessions) == 1


@pytest.mark.parametrize("fault", ["create:4:EIO", "create:5:ENOSPC", "unlink:1:EIO", "unlink:2:EIO", "write:8:short", "write:12:EIO", "sync:4:EIO", "sync:5:EIO", "read:6:EIO", "write:6:exit"])
def test_where_the_disk_fails_a_changed_message_is_whole_or_not_there(make_merpati, sink, milter, fault):
    """Three files of one name: what came, the new body, and the result. Whichever of them fails at whatever step, nothing half-done goes on."""
    server = sink()
    mail = make_merpati(main={"smtpd_milters": milter.place, "relayhost": f"[127.0.0.1]:{server.port}", "notify_classes": "",
                              "import_environment": IMPORT_ENVIRONMENT + " MERPATI_FAULTS"})
    mail.environment["MERPATI_FAULTS"] = f"cleanup/{fault}"
    mail.start()
    body = "0123456789\n" * 20000
    milter.forget(E=[change_header(1, "Subject", "new"), *[replace_body(part) for part in pieces(body.replace("\n", "\r\n"), 60000)],
                     add_header("X-Last", "y"), *CONTINUE])
    taken = 0
    for _ in range(3):
        try:
            with mail.smtp() as client:
                client.hello()
                answer = client.deliver("s@y.test", "r@x.test", "Subject: old\n\n" + "a line of text\n" * 20000)
        except Disconnected:
            continue
        assert answer.code == 250 or 421 <= answer.code <= 452, answer
        taken += answer.code == 250
    mail.wait_empty(is_told=False)
    # One that ends does so in each process that follows it.
    assert len(server.messages) == taken and (taken > 0 or fault.endswith("exit"))
    for message in server.messages:
        header, _, rest = message.text.partition("\n\n")
        assert rest == body and "\nSubject: new\n" in header and header.endswith("\nX-Last: y") and "old" not in header


def pieces(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]
