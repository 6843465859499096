# SPDX-License-Identifier: Apache-2.0
"""bounce_template_file, postconf -b and -t, and what else shapes a report: as stock Postfix's."""

import re
import shutil
import smtplib
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.instance import BUILD, Stock
from support.side_by_side import make_pair
from support.waiting import wait_until

ACCOUNT = "merpati-test"
ME = f"{ACCOUNT}@localhost"

TEMPLATES = b"""# ours
failure_template = <<EOF
Charset: iso-8859-1
From: Post <post>
Subject: Sorry
Postmaster-Subject: Look here

Gr\xfc\xdfe from $myhostname.
  It was to be tried for $maximal_queue_lifetime_hours hours.
$$ \\n

EOF

delay_template = <<HERE
Subject: It takes longer

Waiting for $delay_warning_time_seconds seconds.
HERE
success_template = There it is.
bogus_template = x
verify_template = <<EOF
Bogus: x

left out
EOF
"""

# Each is read by postconf -b and -t of both.
FILES = {
    "whole": TEMPLATES,
    "eight-bit": b"failure_template = <<EOF\nCharset: us-ascii\n\nh\xc3\xa9\nEOF\n",
    "header": b"failure_template = <<EOF\n\n\nfrom:    x  y\nSUBJECT:z\nSubject : two\n \n \na: b\n\n\nEOF\n",
    "bad-header": b"delay_template = <<EOF\nSubject: h\xc3\xa9\n\nx\nEOF\nverify_template=<<EOF\nSubject:\n\nx\nEOF\n",
    "inapplicable": b"success_template = <<EOF\nPostmaster-Subject: x\n\nx\nEOF\n",
    "no-text": b"failure_template = <<EOF\nFrom: x\nEOF\ndelay_template =\n",
    "no-end": b"failure_template = <<EOF\n\ntext\nEOF \n",
    "twice": b"failure_template = one\nfailure_template = <<EOF\ntwo ${nosuch?a}${nosuch:b}$(mydomain)\nEOF\n",
    "no-entry": b"failure_template <<EOF\nx\nEOF\n",
    "no-marker": b"failure_template = <<\nx\n",
    "undefined": b"failure_template = <<EOF\nfine\nbad $nosuch\nEOF\n",
    "syntax": b"failure_template = <<EOF\n$ x\nEOF\n",
    "suffix": b"failure_template = <<EOF\n$delay_warning_time_years\nEOF\n",
    "zero": b"failure_template = <<EOF\n$maximal_queue_lifetime_weeks $maximal_queue_lifetime_days\nEOF\n",
}


def complaints(text):
    """Without who says it, the numbers of lines (stock counts one too many), and repetitions."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r"^.*?: (warning|fatal): ", r"\1: ", line)
        line = re.sub(r"(, line )\d+", r"\1N", line)
        if line not in lines and "empty macro name" not in line:
            lines.append(line)
    return lines


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "main.cf").write_text(
        "myhostname = mail.example.com\ncompatibility_level = 3.6\nmaximal_queue_lifetime = 5d\ndelay_warning_time = 90m\n")
    (tmp_path / "master.cf").write_text("")
    return tmp_path


@pytest.mark.parametrize("option", ["-t", "-b"])
@pytest.mark.parametrize("name", FILES)
def test_postconf_shows_what_stock_shows(directory, name, option):
    stock = shutil.which("postconf") or "/usr/sbin/postconf"
    if not Path(stock).exists():
        pytest.skip("no stock Postfix here")
    (directory / "templates").write_bytes(FILES[name])
    said = []
    for program in (stock, BUILD / "bin" / "postconf"):
        done = subprocess.run([program, "-c", directory, option, "templates"], cwd=directory, capture_output=True)
        # What stock's -b has printed before it finds a bad $name is no whole text.
        output = done.stdout if done.returncode == 0 else b""
        said.append((done.returncode != 0, output, sorted(complaints(done.stderr.decode("utf-8", "replace")))))
    assert said[1] == said[0]


def test_postconf_takes_the_configured_file_or_none(directory):
    (directory / "templates").write_bytes(TEMPLATES)
    with open(directory / "main.cf", "a") as file:
        file.write(f"bounce_template_file = {directory}/templates\n")

    def ask(*words):
        return subprocess.run([BUILD / "bin" / "postconf", "-c", directory, *words], capture_output=True)

    assert b"\nSubject: Sorry\n" in ask("-t").stdout
    assert b"from mail.example.com.\n" in ask("-b").stdout
    assert b"Undelivered Mail Returned to Sender" in ask("-t", "").stdout
    assert b"at most one template file" in ask("-b", "a", "b").stderr
    assert b"specify one of -b and -t" in ask("-bt").stderr
    assert ask("-b", "/nonexistent/file").returncode == 1


def test_check_tells_what_is_wrong_with_the_templates(make_merpati):
    mail = make_merpati()
    path = mail.write("templates", FILES["undefined"] + FILES["inapplicable"])
    mail.set(bounce_template_file=path)
    told = mail.control("check", check=False).stderr
    assert "undefined $name in failure template: bad $nosuch" in told
    assert 'inapplicable "Postmaster-Subject" header label in success template' in told


def answer_rcpt(session, line):
    return "550 5.1.1 no such user" if "rejected" in line else None


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="merpati-templates-"))
    folder.chmod(0o755)
    (folder / "templates").write_bytes(TEMPLATES)
    state = {"later": True}

    def rcpt(session, line):
        if "later" in line and state["later"]:
            return "450 4.2.0 come back"
        return answer_rcpt(session, line)

    main = {
        "notify_classes": "bounce, delay",
        "bounce_notice_recipient": f"{ACCOUNT}+copy",
        "2bounce_notice_recipient": f"{ACCOUNT}+double",
        "delay_notice_recipient": f"{ACCOUNT}+delay",
        "recipient_delimiter": "+",
        "bounce_template_file": f"{folder}/templates",
        "enable_threaded_bounces": "yes",
        "confirm_delay_cleared": "yes",
        "delay_warning_time": "1s",
        "smtp_connection_cache_on_demand": "no",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "1s",
        "queue_run_delay": "1s",
    }
    sides = make_pair(main, {"RCPT": rcpt})
    yield sides, state
    for side in sides:
        side.finish()
    shutil.rmtree(folder)


def send(side, sender, recipient, mark, mail_options=(), rcpt_options=()):
    with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
        client.ehlo("c.example")
        client.mail(sender, mail_options)
        code, reply = client.rcpt(recipient, rcpt_options)
        assert code == 250, reply
        code, reply = client.data(f"Subject: {mark}\nMessage-ID: <{mark}@c.example>\nReferences: <a@b>\n\nbody\n")
        assert code == 250, reply


def notice(side, subject, mark):
    def found():
        matching = [m.rstrip("\n") + "\n" for m in side.instance.mailbox(ACCOUNT)
                    if f"\nSubject: {subject}\n" in m and mark in m and m.rstrip("\n").endswith("--")]
        return matching[0] if matching else None

    return side.normal(wait_until(found, lambda: f"{subject} about {mark}; log:\n{side.instance.tail()}"))


def same(pair, subject, mark):
    texts = [notice(side, subject, mark) for side in pair[0]]
    assert texts[1].split("\n") == texts[0].split("\n")
    return texts[0]


def test_a_bounce_has_the_templates_header_and_text(pair):
    for side in pair[0]:
        send(side, ME, "rejected@x.example", "mark-1")
    text = same(pair, "Sorry", "mark-1")
    assert "charset=iso-8859-1" in text and "\nIn-Reply-To: <mark-1@c.example>\n" in text
    same(pair, "Look here", "mark-1")


def test_success_in_other_words(pair):
    for side in pair[0]:
        send(side, ME, ME, "mark-2", [], ["NOTIFY=SUCCESS"])
    assert "\nThere it is.\n" in same(pair, "Successful Mail Delivery Report", "mark-2")


def test_a_template_that_is_left_out_does_no_harm(pair):
    for side in pair[0]:
        side.instance.sendmail("-v", "-f", ME, ME, input="Subject: mark-3\nMessage-ID: <mark-3@c.example>\n\nbody\n")
    same(pair, "Mail Delivery Status Report", "mark-3")
    for side in pair[0]:
        assert 'unknown "Bogus" header label in verify template -- ignoring this template' in side.instance.log_text()


def test_who_was_warned_hears_of_the_end_of_the_delay(pair):
    sides, state = pair
    state["later"] = True
    for side in sides:
        send(side, ME, "later@x.example", "mark-4")
    text = same(pair, "It takes longer", "mark-4")
    assert "\nWaiting for 1 seconds.\n" in text
    state["later"] = False
    same(pair, "Successful Mail Delivery Report", "mark-4")


def test_who_wants_nothing_hears_nothing(pair):
    sides, state = pair
    state["later"] = True
    for side in sides:
        send(side, ME, "later@x.example", "mark-5", [], ["NOTIFY=NEVER"])
        send(side, ME, "later@x.example", "mark-6", [], ["NOTIFY=FAILURE"])
        send(side, ME, "later@x.example", "mark-8", [], ["NOTIFY=DELAY"])
        send(side, ME, "later@x.example", "mark-7")
    same(pair, "It takes longer", "mark-7")
    state["later"] = False
    for side in sides:
        notice(side, "Successful Mail Delivery Report", "mark-7")
        side.instance.wait_empty()
    same(pair, "Postmaster Warning: Delayed Mail", "mark-5")
    told = [{mark: sorted(re.search(r"\nSubject: (.*)", m)[1] for m in side.instance.mailbox(ACCOUNT) if mark in m)
             for mark in ("mark-5", "mark-6", "mark-8")} for side in sides]
    assert told[1] == told[0]


def test_the_postmaster_sees_what_the_sender_does_not_want_to_see(pair):
    for side in pair[0]:
        send(side, ME, "rejected@x.example", "mark-10", [], ["NOTIFY=NEVER"])
    same(pair, "Look here", "mark-10")


def test_a_report_goes_out_as_stock_sends_it(pair):
    lines = []
    for side in pair[0]:
        send(side, "sender@x.example", "rejected@x.example", "mark-11")
        found = wait_until(lambda side=side: [m for m in side.sink.messages if "mark-11" in m.text],
                           lambda side=side: f"a bounce; log:\n{side.instance.tail()}")[0]
        lines.append((re.sub(r"SIZE=\d+", "SIZE", found.mail_line), found.recipient_lines))
    assert lines[1] == lines[0]


def test_a_report_that_cannot_be_returned_is_the_postmasters(pair):
    for side in pair[0]:
        send(side, "rejected2@x.example", "rejected@x.example", "mark-12")
    text = same(pair, "Look here", "mark-12")
    assert "From: Post" in text
