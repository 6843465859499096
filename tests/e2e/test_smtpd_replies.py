# SPDX-License-Identifier: Apache-2.0
"""What Debian's Postfix does not have yet, or words otherwise: filters of replies, hidden sessions, tables that cannot be read."""

import re

import pytest

from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port

FILTER = """\
/^550 5\\.1\\.1 (<.*>): Recipient address rejected: User unknown.*/ 550 5.1.1 $1: nobody here
/^502/ 250 2.0.0 fine
/^500/ 500-5.5.2 two\\n500 lines
/^554 5\\.5\\.1/ 451 4.7.9 later
/^501/ no reply at all
"""
SERVICES = {
    "filter": ["smtpd_reject_filter_maps = pcre:DIR/filter", "smtpd_reject_footer = \\c (asked)", "disable_vrfy_command = yes"],
    "hidden": ["smtpd_hide_client_session = yes", "local_recipient_maps ="],
    "command": ["smtpd_command_filter = hash:DIR/missing"],
    "lists": ["smtpd_authorized_xclient_hosts = 192.0.2.1, hash:DIR/missing"],
    "replies": ["smtpd_reject_filter_maps = hash:DIR/missing", "smtpd_reject_footer_maps = hash:DIR/missing", "smtpd_reject_footer = \\c (asked)"],
}


@pytest.fixture(scope="module")
def mail():
    from support.instance import Merpati

    instance = Merpati(main={"smtpd_error_sleep_time": "0", "local_recipient_maps": "inline:{root=x}"})
    instance.ports = {}
    (instance.directory / "filter").write_text(FILTER)
    for name, options in SERVICES.items():
        instance.ports[name] = port = free_port()
        words = "".join(f" -o {{ {option.replace('DIR', str(instance.directory))} }}" for option in options)
        instance.services.append(f"127.0.0.1:{port} inet n - n - - smtpd -o syslog_name={name}{words}")
    instance.write_config()
    yield instance.start()
    instance.finish()


def test_refusals_are_replaced_and_stay_refusals(mail):
    with SmtpClient(mail.ports["filter"]) as client:
        assert client.commands("HELO x", "MAIL FROM:<>", "RCPT TO:<nobody@example.test>", "VRFY root", "FOO", "RCPT TO:<", "DATA")[2:] == [
            "550 5.1.1 <nobody@example.test>: nobody here (asked)",
            "502 5.5.1 VRFY command is disabled (asked)",
            "500 5.5.2 Error: command not recognized (asked)",
            "501 5.1.3 Bad recipient address syntax (asked)",
            "451 4.7.9 later (asked)",
        ]
    # The log has what the server meant.
    assert "550 5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in local recipient table; " in mail.log_line(
        r"filter/smtpd\[\d+\]: NOQUEUE: reject: RCPT")
    for reply in ("250 2.0.0 fine", "500-5.5.2 two\\n500 lines", "no reply at all"):
        mail.wait_log(rf"filter/smtpd\[\d+\]: warning: smtpd_reject_filter_maps: not a reply of 4xx or 5xx, ignored: {re.escape(reply)}$")


def test_a_hidden_session_leaves_nothing_in_the_message(mail, account):
    with SmtpClient(mail.ports["hidden"]) as client:
        client.hello("secret.example")
        reply = client.deliver("a@example.com", f"{account}@example.test", "Subject: x\n\nhello\n")
        queue_id = reply.text.split()[-1]
    mail.wait_log(rf"{queue_id}: removed$")
    message = str(mail.wait_mailbox(account)[0])
    assert re.search(rf"Received: by mail\.example\.test \(Merpati\)\n\tid {queue_id}; \w+, ", message)
    assert "secret.example" not in message and "127.0.0.1" not in message


def test_tables_that_cannot_be_read(mail):
    with SmtpClient(mail.ports["command"]) as client:
        assert client.hello().text == "421 4.3.0 mail.example.test Server local data error"
        with pytest.raises((Disconnected, ConnectionError)):
            client.command("NOOP")
    mail.wait_log(r"command/smtpd\[\d+\]: warning: smtpd_command_filter: table lookup problem: ")
    mail.wait_log(r"command/smtpd\[\d+\]: NOQUEUE: reject: CONNECT from localhost\[127\.0\.0\.1\]: 421 4\.3\.0 mail\.example\.test Server local data error$")
    with SmtpClient(mail.ports["lists"]) as client:
        assert client.command("XCLIENT ADDR=192.0.2.1").text == "421 4.3.0 mail.example.test Server local data error"
    mail.wait_log(r"lists/smtpd\[\d+\]: warning: don't know if command XCLIENT should be allowed from localhost\[127\.0\.0\.1\]$")
    with SmtpClient(mail.ports["lists"]) as client:
        assert client.commands("HELO x") == ["250 mail.example.test"]
        assert client.hello().text == "421 4.3.0 mail.example.test Server local data error"
    mail.wait_log(r"lists/smtpd\[\d+\]: warning: don't know if EHLO feature XCLIENT should be announced to localhost\[127\.0\.0\.1\]$")
    mail.wait_log(r"lists/smtpd\[\d+\]: NOQUEUE: reject: EHLO from localhost\[127\.0\.0\.1\]: 421 4\.3\.0 mail\.example\.test Server local data error$")
    with SmtpClient(mail.ports["replies"]) as client:
        assert client.command("FOO").text == "500 5.5.2 Error: command not recognized (asked)"
    for name in ("filter", "footer"):
        mail.wait_log(rf"replies/smtpd\[\d+\]: warning: smtpd_reject_{name}_maps: table lookup problem: ")
