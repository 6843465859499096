# SPDX-License-Identifier: Apache-2.0
"""postgrey as policy server: a stranger is deferred, comes again, and gets through."""

import re
import shutil
import subprocess

import pytest
from support.waiting import free_port, wait_until


@pytest.fixture
def postgrey(tmp_path):
    if not shutil.which("postgrey"):
        pytest.skip("postgrey is not installed")
    directory = tmp_path / "postgrey"
    directory.mkdir(mode=0o700)
    port = free_port()
    log = open(tmp_path / "postgrey.log", "w+")
    words = ["postgrey", f"--inet=127.0.0.1:{port}", f"--dbdir={directory}", "--delay=1", "--greylist-text=Greylisted for a test"]
    if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() == "0":
        words.append("--user=root")
        words.append("--group=root")
    process = subprocess.Popen(words, stdout=log, stderr=log)

    def listens():
        assert process.poll() is None, (tmp_path / "postgrey.log").read_text()
        return re.search(rf":{port:04X} 00000000:0000 0A ", open("/proc/net/tcp").read())

    wait_until(listens, "postgrey to listen")
    yield f"inet:127.0.0.1:{port}"
    process.terminate()
    process.wait()


def test_a_stranger_is_let_in_the_second_time(merpati, sink, postgrey):
    server = sink()
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "relay_domains": "example.net", "mynetworks": "192.0.2.250/32",
                         "smtpd_authorized_xclient_hosts": "127.0.0.1",
                         "smtpd_relay_restrictions": "reject_unauth_destination",
                         "smtpd_recipient_restrictions": f"check_policy_service {postgrey}"})

    def come():
        with mail.smtp() as client:
            client.command("XCLIENT ADDR=192.0.2.7 NAME=stranger.example")
            client.command("EHLO stranger.example")
            return client.deliver("s@example.com", "a@example.net", "Subject: x\n\nhello\n").text

    assert come() == "450 4.2.0 <a@example.net>: Recipient address rejected: Greylisted for a test"
    assert mail.log_line(r"NOQUEUE: reject: RCPT from stranger\.example\[192\.0\.2\.7\]: 450 4\.2\.0 <a@example\.net>: "
                         r"Recipient address rejected: Greylisted for a test; from=<s@example\.com> to=<a@example\.net>")
    wait_until(lambda: come().startswith("250 "), "the delay to end")
    server.wait_for(1)
    # postgrey says so with PREPEND.
    assert re.match(r"X-Greylist: delayed \d+ seconds by postgrey", server.messages[0].text)
