# SPDX-License-Identifier: Apache-2.0
"""Mail to servers that others wrote, and mail from a mail reader."""

import getpass
import os
import shutil
import subprocess

import pytest
from support.instance import IS_ROOT
from support.waiting import free_port, wait_until

# An ordinary user's own path does not lead to what servers are kept in.
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
BODY = "Subject: to a peer\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" \
       ".a dot first\n..two\ngr\u00fc\u00dfe\n" + "x" * 900 + "\n.\nlast\n"


@pytest.fixture
def peer(tmp_path):
    """Starts a server on a free port; ends it with the test."""
    running = []

    def start(*words):
        port = free_port()
        program = shutil.which(words[0], path=PATH)
        if program is None:
            pytest.skip(f"{words[0]} is not installed")
        running.append(subprocess.Popen([program, *(word.replace("PORT", str(port)) for word in words[1:])],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return port

    tmp_path.chmod(0o755)
    yield start
    for process in running:
        process.kill()
        process.wait()


def relay(merpati, port):
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{port}", "smtp_host_lookup": "native"})
    mail.wait_for_port(port)
    mail.sendmail("-i", "-f", "s@example.test", "a@peer.example", input=BODY)
    mail.wait_log(rf"to=<a@peer\.example>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{port}, .* dsn=2\.0\.0, status=sent \(250 ")
    mail.wait_empty()


@pytest.mark.parametrize("options", [[], ["-e"], ["-p", "-8"], ["-E", "-F"]], ids=["all", "no ESMTP", "no extensions", "bare"])
def test_smtp_sink(merpati, peer, tmp_path, options):
    user = ["-u", getpass.getuser()] if IS_ROOT else []
    relay(merpati, peer("smtp-sink", *user, *options, "-d", f"{tmp_path}/message.", "127.0.0.1:PORT", "100"))
    text = wait_until(lambda: "".join(p.read_text() for p in tmp_path.glob("message.*")), "the message at the peer")
    assert "\n.a dot first\n..two\n" in text and text.rstrip("\n").endswith("\n.\nlast")
    if "-8" in options or "-e" in options:
        assert text.isascii() and "gr=C3=BC=C3=9Fe" in text
    else:
        assert "\ngr\u00fc\u00dfe\n" in text


def test_aiosmtpd(merpati, peer, tmp_path):
    relay(merpati, peer("/usr/bin/aiosmtpd", "-n", "-l", "127.0.0.1:PORT", "-c", "aiosmtpd.handlers.Mailbox",
                        str(tmp_path / "box")))
    text = next((tmp_path / "box" / "new").iterdir()).read_bytes().decode()
    assert "\n.a dot first\n..two\ngr\u00fc\u00dfe\n" in text and text.endswith("\n.\nlast\n")


def test_s_nail(merpati, run_as, account):
    if shutil.which("s-nail") is None:
        pytest.skip("s-nail is not installed")
    mail = merpati(run_as=run_as)
    mail.run("s-nail", "-:/", f"-Smta={mail.command_directory}/sendmail", f"-Smta-arguments=-C {mail.config}",
             "-s", "from a mail reader", f"{account}@localhost", input="first\n.\nlast\n")
    message = mail.wait_mailbox(account)[0]
    assert "\nSubject: from a mail reader\n" in message and "\nUser-Agent: s-nail" in message
    assert "\n\nfirst\n.\nlast\n" in message
