# SPDX-License-Identifier: Apache-2.0
"""Each kind of report is read by others: Python and a strict reader, Dovecot's Sieve, Exim's filter; Exim and Postfix pass it on."""

import os
import re
import shutil
import smtplib
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.dsn_reader import read_report
from support.instance import IS_ROOT, Merpati, drop_to
from support.mail_peers import Exim
from support.smtp_sink import SmtpSink
from support.waiting import wait_until

ACCOUNT = "merpati-test"
ME = f"{ACCOUNT}@localhost"
pytestmark = pytest.mark.skipif(not IS_ROOT, reason="reports are delivered with another's rights")

# Kind: the action that the reader must find for whom.
KINDS = {
    "failure": {"rejected@x.example": "failed", "nosuch-one@example.test": "failed", "nosuch-two@example.test": "failed"},
    "delay": {"later@x.example": "delayed"},
    "success": {"many@alias.test": "expanded", "plain@plain.test": "relayed", ME: "delivered"},
    "route": {ME: "deliverable", "nosuch@localhost": "undeliverable"},
    "global": {"rejectedö@x.example": "failed"},
}
SUBJECTS = {
    "failure": "Undelivered Mail Returned to Sender",
    "delay": "Delayed Mail (still being retried)",
    "success": "Successful Mail Delivery Report",
    "route": "Mail Delivery Status Report",
    "global": "Undelivered Mail Returned to Sender",
}


def answer_rcpt(session, line):
    if "rejected" in line:
        return "550-5.1.1 no such user\r\n550 5.1.1 really: " + "none " * 30
    return "450 4.2.0 come back" if "later" in line else None


def deliver(mail, mark, recipients, rcpt_options=(), mail_options=()):
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.ehlo("c.example")
        code, reply = client.mail(ME, [*mail_options, "ENVID=id+2B1"] if "SMTPUTF8" not in mail_options else mail_options)
        assert code == 250, reply
        for recipient in recipients:
            if mail_options:
                client.command_encoding = "utf-8"
            code, reply = client.rcpt(recipient, rcpt_options)
            assert code == 250, reply
        code, reply = client.data(f"Subject: {mark} \u00f1\n\nb\u00f6dy\n--\nan end that looks like a boundary\n".encode())
        assert code == 250, reply


@pytest.fixture(scope="module")
def reports():
    """{kind: text}, all of one instance."""
    sink = SmtpSink(replies={"RCPT": answer_rcpt})
    plain = SmtpSink(extensions=["PIPELINING", "8BITMIME"])
    mail = Merpati(main={
        "relayhost": f"[127.0.0.1]:{sink.port}",
        "smtp_host_lookup": "native",
        "transport_maps": f"inline:{{ {{plain.test = smtp:[127.0.0.1]:{plain.port}}} }}",
        "virtual_alias_domains": "alias.test",
        "virtual_alias_maps": "inline:{ {many@alias.test = one@x.example, two@x.example} }",
        "alias_maps": "inline:{ {gone = nosuch-one, nosuch-two} }",
        "local_recipient_maps": "",
        "delay_warning_time": "1s",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "1s",
        "queue_run_delay": "1s",
    })
    try:
        mail.start()
        deliver(mail, "mark-failure", ["rejected@x.example", "gone@localhost"], ["NOTIFY=FAILURE", "ORCPT=rfc822;o+2Bx@old.example"])
        deliver(mail, "mark-delay", ["later@x.example"])
        deliver(mail, "mark-success", ["many@alias.test", "plain@plain.test", ME], ["NOTIFY=SUCCESS"])
        deliver(mail, "mark-global", ["rejectedö@x.example"], mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        mail.sendmail("-bv", "-f", ME, ME, "nosuch@localhost")
        found = {}
        for kind, subject in SUBJECTS.items():
            mark = "Subject: probe" if kind == "route" else f"mark-{kind}"

            def whole(subject=subject, mark=mark):
                return [m for m in mail.mailbox(ACCOUNT) if f"\nSubject: {subject}\n" in m and mark in m and m.rstrip("\n").endswith("--")]

            text = wait_until(whole, lambda kind=kind: f"a report of {kind}; log:\n{mail.tail()}")[0]
            found[kind] = text.split("\n", 1)[1].rstrip("\n") + "\n" if text.startswith("From ") else text
        yield found
    finally:
        mail.finish()
        sink.stop()
        plain.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_a_strict_reader_and_python_understand_it(reports, kind):
    report = read_report(reports[kind])
    assert report.actions() == KINDS[kind]
    assert report.fields["reporting-mta"] == ("dns", "mail.example.test")
    assert report.is_global == (kind == "global")
    if kind == "failure":
        by_address = {r["final-recipient"][1]: r for r in report.recipients}
        assert by_address["rejected@x.example"]["remote-mta"] == ("dns", "127.0.0.1")
        assert by_address["rejected@x.example"]["diagnostic-code"][0] == "smtp"
        assert by_address["nosuch-one@example.test"]["original-recipient"] == ("rfc822", "o+x@old.example")
        assert report.fields["original-envelope-id"] == "id+1"
        assert report.original_type == "message/rfc822" and "an end that looks like a boundary" in report.original


SIEVE = """\
require ["body", "fileinto", "variables", "mailbox"];
if not allof (header :contains "content-type" "multipart/report", header :contains "content-type" "delivery-status",
              header :matches "auto-submitted" "auto-*") { fileinto "other"; stop; }
if body :raw :contains "Action: failed" { fileinto "failed"; }
elsif body :raw :contains "Action: delayed" { fileinto "delayed"; }
elsif body :raw :contains "Action: undeliverable" { fileinto "undeliverable"; }
elsif body :content ["message/delivery-status", "message/global-delivery-status"] :contains "Action: expanded" { fileinto "expanded"; }
else { fileinto "unread"; }
"""
FOLDERS = {"failure": "failed", "delay": "delayed", "success": "expanded", "route": "undeliverable", "global": "failed"}


@pytest.fixture
def open_folder():
    """A directory of ours that Dovecot's user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="merpati-sieve-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        shutil.chown(folder, "root")


def test_sieve_files_them_by_what_they_say(reports, open_folder):
    program = shutil.which("sieve-test", path="/usr/bin:/usr/sbin")
    if program is None:
        pytest.skip("dovecot-sieve is not installed")
    shutil.chown(open_folder, ACCOUNT)
    (open_folder / "by-action.sieve").write_text(SIEVE)
    (open_folder / "dovecot.conf").write_text(f"mail_uid = {ACCOUNT}\nfirst_valid_uid = 1\nmail_location = maildir:{open_folder}/maildir\n")
    filed = {}
    for kind, text in reports.items():
        (open_folder / kind).write_bytes(text.encode("utf-8", "surrogateescape"))
        done = subprocess.run([*drop_to(ACCOUNT), program, "-c", open_folder / "dovecot.conf", "-x", "+body",
                               open_folder / "by-action.sieve", open_folder / kind], capture_output=True, text=True, env={"HOME": str(open_folder), "PATH": os.defpath})
        assert done.returncode == 0, done.stderr
        filed[kind] = re.findall(r"store message in folder: (\S+)", done.stdout)
    assert filed == {kind: [folder] for kind, folder in FOLDERS.items()}


EXIM_FILTER = """\
# Exim filter
if error_message and $h_auto-submitted: contains "auto-replied" and $h_content-type: contains "report-type=delivery-status"
   and $message_body contains "Action: ACTION"
then save /tmp/understood endif
"""


def test_exim_filters_them_by_what_they_say(reports, mail_peer):
    exim = mail_peer(Exim)
    config = exim.write("config", "message_body_visible = 20000\n" + (exim.directory / "config").read_text())
    told = {}
    for kind, text in reports.items():
        script = exim.write("filter", EXIM_FILTER.replace("ACTION", FOLDERS[kind]))
        done = subprocess.run([*drop_to(exim.account), "env", "-i", exim.directory / "exim4", "-C", config, "-f", "<>", "-bf", script],
                              input=text.encode("utf-8", "surrogateescape"), capture_output=True)
        told[kind] = b"Save message to: /tmp/understood" in done.stdout
    assert told == dict.fromkeys(reports, True)


def pass_on(port, text):
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo("c.example")
        is_global = "message/global" in text and client.has_extn("smtputf8")
        code, reply = client.mail("", ["BODY=8BITMIME", *(["SMTPUTF8"] if is_global else [])])
        assert code == 250, reply
        assert client.rcpt("somebody@far.example")[0] == 250
        assert client.data(text.encode("utf-8", "surrogateescape"))[0] == 250


def test_postfix_and_exim_pass_them_on_whole(reports, mail_peer, make_stock, sink):
    server = sink()
    stock = make_stock(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_host_lookup": "native"})
    stock.start()
    exim = mail_peer(Exim)
    for port, got in ((stock.port, lambda: [m.text for m in server.messages]), (exim.port, exim.messages)):
        for kind, text in reports.items():
            pass_on(port, text)
            mark = re.search(r'boundary="([^"]+)"', text)[1]

            def passed(got=got, mark=mark):
                return [m.replace("\r\n", "\n").rstrip("\n") + "\n" for m in got() if m.rstrip().endswith(f"--{mark}--")]

            whole = wait_until(passed, f"the report of {kind} behind port {port}")[0]
            assert whole.endswith(text[text.index(f"--{mark}\n"):])
            assert read_report(whole).actions() == KINDS[kind]
