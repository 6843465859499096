# SPDX-License-Identifier: Apache-2.0
"""Clients that people use: Python's smtplib, swaks and curl."""

import shutil
import smtplib
import subprocess
from email.message import EmailMessage

import pytest
from support import mailboxes
from support.waiting import PATIENCE


def test_smtplib(merpati, run_as, account):
    mail = merpati(run_as=run_as)
    user = run_as or account
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", f"{user}@localhost", "Grüße"
    message.set_content("Ein Text mit Ümlauten.\n")
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        assert client.send_message(message) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("a@example.com", ["nobody-here@localhost"], "x")
        assert refused.value.recipients["nobody-here@localhost"][0] == 550
    got = mail.wait_mailbox(user)[0]
    assert mailboxes.header(got, "Subject") == "=?utf-8?q?Gr=C3=BC=C3=9Fe?="


def test_smtplib_with_internationalized_addresses(merpati, account):
    mail = merpati(main={"local_recipient_maps": ""})
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.ehlo()
        client.mail("jörg@example.com", ["SMTPUTF8"])
        assert client.rcpt(f"{account}@localhost")[0] == 250
        assert client.data("Subject: Zürich\n\nx\n".encode())[0] == 250
    assert "jörg@example.com" in mailboxes.header(mail.wait_mailbox(account)[0], "Return-Path")


@pytest.mark.skipif(shutil.which("swaks") is None, reason="no swaks")
def test_swaks(merpati, run_as, account):
    mail = merpati(run_as=run_as)
    user = run_as or account
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{mail.port}", "--from", "a@example.com", "--to", f"{user}@localhost",
         "--pipeline", "--body", "from swaks"],
        capture_output=True, text=True, timeout=PATIENCE * 2,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from swaks" in mail.wait_mailbox(user)[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl(merpati, run_as, account):
    mail = merpati(run_as=run_as)
    user = run_as or account
    path = mail.write("letter", "Subject: from curl\n\n.dots\n..at the start\n")
    done = subprocess.run(
        ["curl", "-sS", f"smtp://127.0.0.1:{mail.port}", "--mail-from", "a@example.com",
         "--mail-rcpt", f"{user}@localhost", "--upload-file", path, "--crlf"],
        capture_output=True, text=True, timeout=PATIENCE * 2,
    )
    assert done.returncode == 0, done.stderr
    assert mailboxes.body(mail.wait_mailbox(user)[0]) == ".dots\n..at the start\n\n"


def test_sendmail_bs(merpati, run_as, account):
    """SMTP on standard input: the message goes by postdrop."""
    mail = merpati(run_as=run_as)
    user = run_as or account
    done = mail.sendmail(
        "-bs",
        input=f"HELO x\r\nMAIL FROM:<{user}@localhost>\r\nRCPT TO:<{user}@localhost>\r\nDATA\r\n"
        "Subject: by hand\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
    )
    codes = [line[:3] for line in done.stdout.splitlines()]
    assert codes == ["220", "250", "250", "250", "354", "250", "221"], done.stdout
    got = mail.wait_mailbox(user)[0]
    assert mailboxes.header(got, "Subject") == "by hand"
    assert mailboxes.body(got).startswith(".dot\n")
