# SPDX-License-Identifier: Apache-2.0
"""Mail to LMTP servers that others wrote."""

import getpass
import os
import shutil
import subprocess

import pytest
from support import mailboxes
from support.instance import IS_ROOT
from support.waiting import free_port, wait_until

# An ordinary user's own path does not lead to what servers are kept in.
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
BODY = "Subject: to a peer\n\n.a dot first\n..two\n" + "x" * 900 + "\n.\nlast\n"


@pytest.fixture
def peer(tmp_path):
    """Starts a server; ends it with the test."""
    running = []

    def start(*words):
        program = shutil.which(words[0], path=PATH)
        if program is None:
            pytest.skip(f"{words[0]} is not installed")
        with open(tmp_path / "peer.log", "wb") as log:
            running.append(subprocess.Popen([program, *map(str, words[1:])], stdout=log, stderr=log))

    tmp_path.chmod(0o755)
    yield start
    for process in running:
        process.terminate()
        process.wait()


def send(mail, *recipients):
    mail.sendmail("-i", "-f", "s@example.test", *recipients, input=BODY)


def test_smtp_sink(merpati, peer, tmp_path):
    port = free_port()
    user = ["-u", getpass.getuser()] if IS_ROOT else []
    peer("smtp-sink", *user, "-L", "-d", f"{tmp_path}/message.", f"127.0.0.1:{port}", "100")
    mail = merpati(main={"default_transport": f"lmtp:inet:127.0.0.1:{port}", "lmtp_host_lookup": "native"})
    mail.wait_for_port(port)
    send(mail, "a@peer.example", "b@peer.example")
    for name in ("a", "b"):
        mail.wait_log(rf"to=<{name}@peer\.example>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{port}, .* dsn=2\.\d\.\d, status=sent \(250 ")
    mail.wait_empty()
    text = wait_until(lambda: "".join(p.read_text() for p in tmp_path.glob("message.*")), "the message at the peer")
    assert "\n.a dot first\n..two\n" in text and text.rstrip("\n").endswith("\n.\nlast")


AIOSMTPD = """
import asyncio, sys
from aiosmtpd.handlers import Mailbox
from aiosmtpd.lmtp import LMTP

async def serve():
    handler = Mailbox(sys.argv[2])
    server = await asyncio.get_running_loop().create_server(lambda: LMTP(handler), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(serve())
"""


def test_aiosmtpd(merpati, peer, tmp_path):
    """It has one answer for all recipients, as for SMTP: so it gets one recipient at a time."""
    port = free_port()
    peer("/usr/bin/python3", "-c", AIOSMTPD, port, tmp_path / "box")
    mail = merpati(main={"default_transport": f"lmtp:inet:127.0.0.1:{port}", "lmtp_host_lookup": "native",
                         "lmtp_destination_recipient_limit": "1"})
    mail.wait_for_port(port)
    send(mail, "a@peer.example", "b@peer.example")
    for name in ("a", "b"):
        mail.wait_log(rf"to=<{name}@peer\.example>, .* dsn=2\.0\.0, status=sent \(250 ")
    mail.wait_empty()
    messages = mailboxes.maildir_messages(tmp_path / "box")
    assert len(messages) == 2 and all("\n.a dot first\n..two\n" in text for text in messages)


DOVECOT = """
base_dir = {top}/run
state_dir = {top}/state
log_path = {top}/dovecot.log
protocols = lmtp
ssl = no
listen = 127.0.0.1
default_internal_user = dovecot
default_login_user = dovenull
mail_location = maildir:{top}/mail/%u
mail_uid = merpati-test
mail_gid = merpati-test
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {top}/users
}}
userdb {{
  driver = passwd-file
  args = {top}/users
}}
service lmtp {{
  unix_listener {queue}/private/dovecot-lmtp {{
    mode = 0600
    user = merpati-net
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
mail_plugins = quota
plugin {{
  quota = count:User quota
  quota_vsizes = yes
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@pytest.mark.skipif(not IS_ROOT, reason="Dovecot with users of its own needs root")
def test_dovecot(make_merpati, peer, account):
    """As Dovecot's manual has it: a socket in private/, owned by the user who connects, or a port; one answer a recipient."""
    port = free_port()
    mail = make_merpati(main={"virtual_mailbox_domains": "box.test, net.test", "virtual_transport": "lmtp:unix:private/dovecot-lmtp",
                              "transport_maps": f"inline:{{net.test=lmtp:inet:127.0.0.1:{port}}}", "lmtp_host_lookup": "native"}).start()
    top = mail.path("dovecot")
    for folder in (top, top / "mail", top / "run", top / "state"):
        folder.mkdir()
    shutil.chown(top / "mail", account)
    (top / "users").write_text("".join(f"{name}@{domain}:::::::{'userdb_quota_rule=*:bytes=100' if name == 'full' else ''}\n"
                                       for name in ("a", "b", "full") for domain in ("box.test", "net.test")))
    (top / "dovecot.conf").write_text(DOVECOT.format(top=top, queue=mail.queue, port=port))
    peer("dovecot", "-F", "-c", top / "dovecot.conf")
    wait_until((mail.queue / "private" / "dovecot-lmtp").exists, "Dovecot's socket")
    mail.wait_for_port(port)
    for domain, place in (("box.test", r"mail\.example\.test\[private/dovecot-lmtp\]"), ("net.test", rf"127\.0\.0\.1\[127\.0\.0\.1\]:{port}")):
        send(mail, *(f"{name}@{domain}" for name in ("a", "full", "b", "nobody")))
        relay = f"relay={place}"
        for name in ("a", "b"):
            mail.wait_log(rf"to=<{name}@{domain}>, {relay}, .* dsn=2\.0\.0, status=sent \(250 2\.0\.0 <{name}@{domain}> \S+ Saved\)")
            text = wait_until(lambda name=name, domain=domain: mailboxes.maildir_messages(top / "mail" / f"{name}@{domain}"), "the message")[0]
            assert "\n.a dot first\n..two\n" in text and "Return-Path: <s@example.test>" in text
        mail.wait_log(rf"to=<nobody@{domain}>, {relay}, .* dsn=5\.1\.1, status=bounced \(host \S+ said: 550 5\.1\.1 <nobody@{domain}> User doesn't exist")
        mail.wait_log(rf"to=<full@{domain}>, {relay}, .* dsn=5\.2\.2, status=bounced \(host \S+ said: 552 5\.2\.2 <full@{domain}> Quota exceeded")
        assert mailboxes.maildir_messages(top / "mail" / f"full@{domain}") == []
