# SPDX-License-Identifier: Apache-2.0
"""Filters that people run: rspamd and opendkim as they are, and clamav behind a scripted milter."""

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

from support.instance import IS_ROOT
from support.milter import ACCEPT, CONTINUE, Milter, reply
from support.waiting import free_port, wait_until

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@contextlib.contextmanager
def running(words, port, log):
    """A filter that listens on the port."""
    import socket

    def listens():
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with open(log, "wb") as out:
        process = subprocess.Popen([str(w) for w in words], stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(listens, lambda: f"{words[0]} to listen: {log.read_text()}")
        yield
    finally:
        # Some take their time to end in order; they have nothing to keep.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (scripts/install-packages)")


def deliver(mail, content, port=None, sender="s@y.test"):
    from support.smtp_client import SmtpClient

    with SmtpClient(port or mail.port) as client:
        client.hello()
        return client.deliver(sender, "r@x.test", content)


def next_message(sink, count):
    return wait_until(lambda: sink.messages[count] if len(sink.messages) > count else None, "the message at the next hop")


# ---- rspamd ----


def rspamd_configuration(folder, port):
    (folder / "domains").write_text("test\norg\n")
    (folder / "rules.lua").write_text(
        "rspamd_config.MARKED = { score = 7.0, callback = function(task) return task:get_header('Subject') == 'mark me' end }\n"
    )
    (folder / "rspamd.conf").write_text(
        f"""\
options {{
  pidfile = "{folder}/pid";
  filters = "";
  tempdir = "{folder}";
  control_socket = "{folder}/control mode=0600";
  url_tld = "{folder}/domains";
  disable_hyperscan = yes;
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 0; }}
}}
logging {{ type = "console"; level = "warning"; }}
lua = "{folder}/rules.lua";
actions {{ reject = 15; add_header = 6; }}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{port}";
  milter = yes;
  spam_header = "X-Spam";
  count = 1;
  quarantine_on_reject = QUARANTINE;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""
    )
    return folder / "rspamd.conf"


@pytest.mark.parametrize("on_reject", ["reject", "quarantine"])
def test_rspamd_marks_and_refuses_mail(merpati, sink, tmp_path, on_reject):
    need("rspamd")
    port, server = free_port(), sink()
    config = rspamd_configuration(tmp_path, port)
    config.write_text(config.read_text().replace("QUARANTINE", "yes" if on_reject == "quarantine" else "no"))
    words = ["rspamd", "-f", *(["-i"] if IS_ROOT else []), "-c", config]
    with running(words, port, tmp_path / "log"):
        mail = merpati(main={"smtpd_milters": f"inet:127.0.0.1:{port}", "relayhost": f"[127.0.0.1]:{server.port}",
                             "milter_connect_timeout": "60s"})
        head = "From: s@y.test\nSubject: x\nMessage-Id: <{}@y.test>\nDate: Sun, 22 Nov 2026 18:00:00 +0000\n\n"
        assert deliver(mail, head.format("plain") + "hello\n").code == 250
        assert "X-Spam" not in next_message(server, 0).text
        if on_reject == "reject":
            assert deliver(mail, head.format("marked").replace("Subject: x", "Subject: mark me") + "hello\n").code == 250
            assert "\nX-Spam: Yes\n" in next_message(server, 1).text
            answer = deliver(mail, head.format("refused") + GTUBE + "\n")
            assert answer.code == 554 and "Gtube" in answer.text
            mail.wait_log(r"milter-reject: END-OF-MESSAGE from .*: 5\.7\.1 Gtube pattern; from=<s@y\.test> to=<r@x\.test>")
        else:
            assert deliver(mail, head.format("held") + GTUBE + "\n").code == 250
            mail.wait_log(r"milter-hold: END-OF-MESSAGE from .*: milter triggers HOLD action; from=<s@y\.test>")
            assert len(mail.queue_ids()) == 1


# ---- opendkim ----


def opendkim(folder, mode, port, public):
    config = folder / f"opendkim-{mode}.conf"
    config.write_text(
        f"""\
Socket inet:{port}@127.0.0.1
Mode {mode}
Domain y.test
Selector sel
KeyFile {folder}/key.pem
Canonicalization relaxed/relaxed
TestPublicKeys {folder}/public
InternalHosts {folder}/internal-{mode}
RequireSafeKeys no
AuthservID mail.example.test
Syslog no
"""
    )
    (folder / f"internal-{mode}").write_text("127.0.0.1\n" if mode == "s" else "192.0.2.1\n")
    (folder / "public").write_text(f"sel._domainkey.y.test v=DKIM1; k=rsa; p={public}\n")
    return ["opendkim", "-f", "-x", config]


def make_key(folder):
    subprocess.run(["openssl", "genrsa", "-out", folder / "key.pem", "1024"], check=True, capture_output=True)
    done = subprocess.run(["openssl", "rsa", "-in", folder / "key.pem", "-pubout", "-outform", "DER"], check=True, capture_output=True)
    return base64.b64encode(done.stdout).decode()


def test_opendkim_signs_what_opendkim_then_finds_good(make_merpati, sink, tmp_path):
    """A signature is over what goes out, so nothing may change behind the milter; a large message goes through files."""
    need("opendkim")
    signer, verifier, entrance, server = free_port(), free_port(), free_port(), sink()
    public = make_key(tmp_path)
    mail = make_merpati(main={"smtpd_milters": f"inet:127.0.0.1:{signer}", "relayhost": f"[127.0.0.1]:{server.port}",
                              "non_smtpd_milters": f"inet:127.0.0.1:{signer}", "smtp_host_lookup": "native"})
    mail.services.append(f"127.0.0.1:{entrance} inet n - y - - smtpd -o smtpd_milters=inet:127.0.0.1:{verifier}")
    mail.write_config()
    with running(opendkim(tmp_path, "s", signer, public), signer, tmp_path / "log-s"), \
            running(opendkim(tmp_path, "v", verifier, public), verifier, tmp_path / "log-v"):
        mail.start()
        head = "From: s@y.test\nTo: r@x.test\nSubject: x\nMessage-Id: <1@y.test>\nDate: Sun, 22 Nov 2026 18:00:00 +0000\n\n"
        for number, body in enumerate(["hello\n", "a line of text\n" * 20000]):
            assert deliver(mail, head + body).code == 250
            signed = next_message(server, 3 * number).text
            assert "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=y.test; s=sel;" in signed
            assert deliver(mail, signed, entrance).code == 250
            assert re.search(r"Authentication-Results: mail\.example\.test;\s+dkim=pass", next_message(server, 3 * number + 1).text)
            assert deliver(mail, signed.replace("Subject: x", "Subject: y"), entrance).code == 250
            assert re.search(r"Authentication-Results: mail\.example\.test;\s+dkim=fail", next_message(server, 3 * number + 2).text)
        mail.sendmail("-f", "s@y.test", "r@x.test", input=head + "submitted\n")
        assert "DKIM-Signature: v=1;" in next_message(server, 6).text


# ---- clamav ----


def test_a_virus_that_clamav_knows_is_refused(merpati, sink, tmp_path):
    need("clamscan")
    (tmp_path / "own.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
    server = sink()

    def scan(data):
        session = filter_.sessions[-1]
        message = b"".join(h.rstrip(b"\0").replace(b"\0", b": ") + b"\r\n" for h in session.of("L")) + b"\r\n" + b"".join(session.of("B"))
        done = subprocess.run(["clamscan", "--no-summary", "--infected", "-d", tmp_path / "own.ndb", "-"], input=message, capture_output=True)
        found = re.search(rb": (\S+) FOUND", done.stdout)
        assert done.returncode in (0, 1), done
        return reply(f"554 5.7.1 {found[1].decode()}") if found else ACCEPT

    filter_ = Milter(script={"E": scan, "C": CONTINUE})
    try:
        mail = merpati(main={"smtpd_milters": filter_.place, "relayhost": f"[127.0.0.1]:{server.port}", "milter_content_timeout": "300s"})
        head = "Subject: x\nMIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
        assert deliver(mail, head + base64.b64encode(b"good").decode() + "\n").code == 250
        answer = deliver(mail, head + base64.b64encode(EICAR).decode() + "\n")
        assert answer.text == "554 5.7.1 Test.Eicar.UNOFFICIAL"
        mail.wait_log(r"milter-reject: END-OF-MESSAGE from \S+: 5\.7\.1 Test\.Eicar\.UNOFFICIAL; from=<s@y\.test> to=<r@x\.test>")
        assert len(server.messages) <= 1
    finally:
        filter_.stop()
