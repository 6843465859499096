# SPDX-License-Identifier: Apache-2.0
"""Programs of others at both ends: s-nail through sendmail, aiosmtpd and Postfix's smtp-sink as next hops."""

import re
import shutil
import socket
import subprocess

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from support import mailboxes
from support.instance import BUILD
from support.waiting import wait_until


class Keeper(Message):
    """Keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def handle_message(self, message):
        self.messages.append(message)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def aiosmtpd_server():
    keeper = Keeper()
    controller = Controller(keeper, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield keeper, controller.port
    controller.stop()


@pytest.mark.skipif(shutil.which("s-nail") is None, reason="no s-nail")
def test_s_nail_through_sendmail(merpati, account):
    mail = merpati()
    done = subprocess.run(
        ["s-nail", "-:", "/", "-S", f"mta={BUILD}/bin/sendmail", "-S", "sendwait", "-r", "author@example.com",
         "-s", "from s-nail", f"{account}@localhost"],
        input="A line.\n.\nAfter a dot.\n", capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "MAIL_CONFIG": str(mail.directory / "etc"), "HOME": str(mail.directory), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    got = mail.wait_mailbox(account)[0]
    assert mailboxes.header(got, "Subject") == "from s-nail"
    assert "author@example.com" in mailboxes.header(got, "From")
    assert "A line.\n" in got and "After a dot." in got


def test_aiosmtpd_gets_what_was_sent(merpati, aiosmtpd_server):
    keeper, port = aiosmtpd_server
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{port}"})
    text = "Subject: to aiosmtpd\n\n.a dot first\n" + "x" * 900 + "\nGr\u00fc\u00dfe\n"
    mail.sendmail("-f", "a@example.com", "b@example.org", "c@example.org", input=text)
    wait_until(lambda: keeper.messages, "a message at aiosmtpd")
    message = keeper.messages[0]
    assert message["Subject"] == "to aiosmtpd"
    assert message["X-MailFrom"] == "a@example.com"
    assert message["X-RcptTo"] == "b@example.org, c@example.org"
    body = message.get_payload(decode=True).decode()
    assert ".a dot first" in body and "x" * 900 in body and "Gr\u00fc\u00dfe" in body
    mail.wait_empty()
    assert len(mail.log_lines(r"status=sent \(250 OK\)")) == 2


def test_a_dead_host_keeps_mail_until_it_comes_back(merpati):
    port = free_port()
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{port}"})
    mail.sendmail("-f", "a@example.com", "b@example.org", input="Subject: patience\n\nx\n")
    mail.wait_log(r"status=deferred \(connect to 127.0.0.1\[127.0.0.1\]:\d+: Connection refused\)")
    wait_until(lambda: "Connection refused" in mail.command("postqueue", "-p").stdout, "the reason in the listing")
    listing = mail.command("postqueue", "-p").stdout
    assert re.search(r"^[0-9A-Z]+ +\d+ .* a@example.com$", listing, re.M), listing
    assert "-- 0 Kbytes in 1 Request." in listing
    keeper = Keeper()
    controller = Controller(keeper, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        mail.command("postqueue", "-f")
        wait_until(lambda: keeper.messages, "a message at aiosmtpd")
    finally:
        controller.stop()
    mail.wait_empty()
    assert mail.command("postqueue", "-p").stdout == "Mail queue is empty\n"


@pytest.mark.skipif(shutil.which("smtp-sink") is None, reason="no smtp-sink (package postfix)")
def test_smtp_sink_gets_every_message(merpati, tmp_path):
    port, count = free_port(), 200
    sink = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "100"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0 or sink.poll() is not None, "smtp-sink")
        if sink.poll() is not None:
            pytest.skip("smtp-sink needs root to change its user")
        mail = merpati(main={"relayhost": f"[127.0.0.1]:{port}"})
        with mail.smtp() as client:
            client.hello()
            for number in range(count):
                assert client.deliver("a@example.com", f"user{number}@example.org", "Subject: x\n\nx\n").code == 250
        mail.wait_empty()
        assert len(mail.log_lines("status=sent")) == count
    finally:
        if sink.poll() is None:
            sink.kill()
        sink.wait()
