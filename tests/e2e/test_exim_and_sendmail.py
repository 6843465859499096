# SPDX-License-Identifier: Apache-2.0
"""Mail to the servers that most of the other mail of the world comes to: Exim and sendmail, the real ones."""

import re

HEADER = ("From: s@example.test\nSubject: to a peer\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
          "Content-Transfer-Encoding: 8bit\n\n")
BODY = (".a dot first\n..two\n.\ngr\u00fc\u00dfe\nFrom nobody\n\n" + "x" * 998 + "\n" + "long " * 300 + "\n\n.\nlast\n")


def relay(merpati, peer):
    return merpati(main={"relayhost": f"[127.0.0.1]:{peer.port}", "smtp_host_lookup": "native"})


def body_of(message):
    return message.split("\n\n", 1)[1]


def test_content_arrives_as_it_was_sent(merpati, either_peer):
    mail = relay(merpati, either_peer)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@example.test", ["a@peer.example", "b@peer.example"], HEADER + BODY).code == 250
    for user in "ab":
        mail.wait_log(rf"to=<{user}@peer\.example>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{either_peer.port}, .* status=sent \(250 ")
    for message in either_peer.wait_messages(2):
        assert body_of(message).replace("\n ", "") == BODY.replace("\n ", "")
        assert max(map(len, body_of(message).splitlines())) <= 998
        assert "Return-path: <s@example.test>" in message or "Return-Path: <s@example.test>" in message


def test_one_of_several_recipients_is_refused(merpati, either_peer, account):
    mail = relay(merpati, either_peer)
    with mail.smtp() as client:
        client.hello()
        recipients = [f"{user}@peer.example" for user in ("a", "refused", "b")]
        assert client.deliver(f"{account}@example.test", recipients, "Subject: x\n\nhello\n").code == 250
    mail.wait_log(r"to=<refused@peer\.example>, .* dsn=5\.\d\.\d, status=bounced \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 550 "
                  r".*no such user \(in reply to RCPT TO command\)\)")
    for user in "ab":
        mail.wait_log(rf"to=<{user}@peer\.example>, .* status=sent")
    assert [body_of(message) for message in either_peer.wait_messages(2)] == ["hello\n"] * 2
    report = mail.wait_mailbox(account)[0]
    assert "\nFinal-Recipient: rfc822; refused@peer.example\n" in report and "no such user" in report
    assert "Final-Recipient: rfc822; a@peer.example" not in report


def test_what_is_asked_of_reports_is_passed_on(merpati, either_peer):
    """The peer delivers, and sends the report that was asked for; it takes its own mail to the same files."""
    mail = relay(merpati, either_peer)
    with mail.smtp() as client:
        client.hello()
        for command in ("MAIL FROM:<s@elsewhere.example> RET=HDRS ENVID=e+2B1",
                        "RCPT TO:<a@peer.example> NOTIFY=SUCCESS ORCPT=rfc822;first@peer.example",
                        "RCPT TO:<b@peer.example> NOTIFY=NEVER"):
            assert client.command(command).code == 250
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\nhello\r\n.").code == 250
    mail.wait_log(r"to=<a@peer\.example>.*status=sent")
    reports = [m for m in either_peer.wait_messages(3) if "message/delivery-status" in m]
    assert len(reports) == 1
    assert re.search(r"(?im)^Original-Envelope-Id: e\+?(2B|\+)1$", reports[0])
    assert re.search(r"(?im)^Original-Recipient: rfc822; ?first@peer\.example$", reports[0])
    assert re.search(r"(?im)^Action: delivered", reports[0])
    assert "b@peer.example" not in reports[0]
