# SPDX-License-Identifier: Apache-2.0
"""merpati import --queue: what waits in a Postfix's queue goes out by Merpati, byte for byte, and once."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
from support import milter_requests
from support.milter import Milter
from support.waiting import wait_until

POSTCAT = "/usr/sbin/postcat"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Debian's postfix runs as root")


def nobody_listens():
    """A port that refuses connections as long as the test holds the socket."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held


@pytest.fixture
def stopped_stock(make_stock):
    """A stock Postfix, started, whose mail waits."""
    held = nobody_listens()
    mail = make_stock(main={"relayhost": f"[127.0.0.1]:{held.getsockname()[1]}", "smtp_dns_support_level": "disabled"})
    yield mail.start()
    held.close()


def tree(directory):
    """What there is of messages, but for the time when it was read."""
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, path.read_bytes() if path.is_file() else None)
    return found


def queued(mail, count, folder="deferred"):
    def enough():
        files = [path for path in (mail.queue / folder).rglob("*") if path.is_file()]
        return files if len(files) == count else None

    return wait_until(enough, lambda: f"{count} files in {folder}; log:\n{mail.tail()}")


def content_of(stock, path):
    return subprocess.run([POSTCAT, "-c", stock.config, "-bh", path], capture_output=True, check=True).stdout


def take(mail, stock, *options, **more):
    return mail.command(mail.program, "-c", mail.config, "import", "--queue", *options, stock.config, **more)


def lines(text):
    return text.replace(b"\r\n", b"\n")


CONTENTS = {
    "plain": "Subject: plain\n\nhello\n",
    "dots": "Subject: dots\n\n.\n..\n.x\n",
    "eight-bit": "Subject: eight-bit\n\nä ö \x00-free ü\n",
    "long": "Subject: long\n\n" + "x" * 70_000 + "\n",
    "markers": "Subject: markers\n\n*** MESSAGE FILE END x ***\nrecipient: a@example.com\n",
    "large": "Subject: large\n\n" + "all work and no play\n" * 200_000,
}


def test_all_contents_arrive_as_they_were(stopped_stock, make_merpati, sink):
    for content in CONTENTS.values():
        stopped_stock.sendmail("-f", "s@example.com", "r@example.org", input=content)
    files = queued(stopped_stock, len(CONTENTS))
    stopped_stock.stop()
    expected = sorted(content_of(stopped_stock, path) for path in files)
    before = tree(stopped_stock.queue)
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_line_length_limit": "0"})
    assert f"{len(CONTENTS)} messages taken over, 0 were before, 0 left" in take(mail, stopped_stock).stdout
    assert tree(stopped_stock.queue) == before
    assert f"0 messages taken over, {len(CONTENTS)} were before, 0 left" in take(mail, stopped_stock).stdout
    mail.start()
    messages = server.wait_for(len(CONTENTS))
    mail.wait_empty()
    assert len(server.messages) == len(CONTENTS)
    assert sorted(lines(message.content) for message in messages) == expected


def test_the_envelope_comes_along(stopped_stock, make_merpati, sink):
    stopped_stock.set(mydestination="example.test", local_recipient_maps="", mailbox_transport="discard:")
    stopped_stock.reload()
    with stopped_stock.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s+x@example.com> RET=HDRS ENVID=a+2Bb BODY=8BITMIME SMTPUTF8")
        client.command("RCPT TO:<done@example.test>")
        client.command("RCPT TO:<one@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;first+2Bone@example.org")
        client.command('RCPT TO:<"two words"@example.org> NOTIFY=NEVER')
        client.command("DATA")
        assert client.command("Subject: hä\r\n\r\nhello\r\n.").code == 250
    stopped_stock.sendmail("-f", "", "null@example.org", input="Subject: null\n\nx\n")
    queued(stopped_stock, 2)
    wait_until(lambda: "to=<done@example.test>" in stopped_stock.log_text(), "the first recipient")
    stopped_stock.stop()
    server = sink(extensions=["DSN", "8BITMIME", "SMTPUTF8"])
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    take(mail, stopped_stock)
    arrival = mail.command("postqueue", "-c", mail.config, "-j").stdout
    stock_arrival = subprocess.run(["/usr/sbin/postqueue", "-c", stopped_stock.config, "-j"], capture_output=True, text=True).stdout
    times = sorted(re.findall(r'"arrival_time": (\d+)', arrival))
    assert times and times == sorted(re.findall(r'"arrival_time": (\d+)', stock_arrival))
    mail.start()
    server.wait_for(2)
    mail.wait_empty()
    said = "\n".join(server.lines())
    assert re.search(r"MAIL FROM:<s\+x@example\.com> .*SMTPUTF8.*ENVID=a\+2Bb RET=HDRS", said) and "MAIL FROM:<>" in said
    assert re.search(r"RCPT TO:<one@example\.org> (?=.*NOTIFY=FAILURE,DELAY).*ORCPT=rfc822;first\+2Bone@example\.org", said)
    assert re.search(r'RCPT TO:<"two words"@example\.org> .*NOTIFY=NEVER', said) and "done@example.test" not in said


def test_held_mail_stays_held_and_submitted_mail_is_submitted(stopped_stock, make_merpati, sink):
    stopped_stock.sendmail("-f", "s@example.com", "held@example.org", input="Subject: held\n\nx\n")
    path = queued(stopped_stock, 1)[0]
    stopped_stock.command("postsuper", "-c", stopped_stock.config, "-h", path.name)
    stopped_stock.stop()
    stopped_stock.sendmail("-f", "s@example.com", "dropped@example.org", input="Subject: dropped\n\nx\n")
    queued(stopped_stock, 1, "maildrop")
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    take(mail, stopped_stock)
    mail.start()
    assert [message.recipients for message in server.wait_for(1)] == [["dropped@example.org"]]
    wait_until(lambda: re.search(r"(?m)^[0-9A-Z]{12}!", mail.command("postqueue", "-c", mail.config, "-p").stdout), "a held message")
    mail.command("postsuper", "-c", mail.config, "-H", "ALL")
    server.wait_for(2)


def test_a_sender_is_told_of_who_failed_before(stopped_stock, make_merpati, sink):
    """As a stop between a bounce and its notification leaves it."""
    stopped_stock.sendmail("-f", "s@example.com", "waits@example.org", input="Subject: x\n\nx\n")
    path = queued(stopped_stock, 1)[0]
    stopped_stock.stop()
    (stopped_stock.queue / "bounce" / path.name).write_text(
        "\n<gone@example.org>: no such user\nrecipient=gone@example.org\noffset=500\nstatus=5.1.1\naction=failed\nreason=no such user\n\n"
    )
    server = sink()
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    take(mail, stopped_stock)
    mail.start()
    server.wait_for(2)
    mail.wait_empty(is_told=False)
    report = next(message for message in server.messages if message.recipients == ["s@example.com"])
    assert "Final-Recipient: rfc822; gone@example.org" in report.text and "no such user" in report.text
    assert not any("gone@example.org" in message.recipients for message in server.messages)


def test_what_cannot_be_taken_is_named_and_the_rest_is_taken(stopped_stock, make_merpati):
    for name in ("a", "b"):
        stopped_stock.sendmail("-f", "s@example.com", f"{name}@example.org", input=f"Subject: {name}\n\nx\n")
    files = queued(stopped_stock, 2)
    stopped_stock.stop()
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) // 2])
    mail = make_merpati()
    done = take(mail, stopped_stock, check=False)
    assert done.returncode == 1 and re.search(rf"{files[0]} is left there: ", done.stdout) and "1 messages taken over, 0 were before, 1 left" in done.stdout
    files[0].write_bytes(whole)
    assert "1 messages taken over, 1 were before, 0 left" in take(mail, stopped_stock).stdout


def test_both_must_be_down(stopped_stock, make_merpati):
    stopped_stock.sendmail("-f", "s@example.com", "a@example.org", input="Subject: a\n\nx\n")
    queued(stopped_stock, 1)
    mail = make_merpati()
    done = take(mail, stopped_stock, check=False)
    assert done.returncode == 1 and f"the mail system of {stopped_stock.queue} runs: stop it first" in done.stderr
    stopped_stock.stop()
    mail.start()
    done = take(mail, stopped_stock, check=False)
    assert done.returncode == 1 and f"the mail system of {mail.queue} runs: stop it first" in done.stderr
    mail.stop()
    assert "1 messages taken over" in take(mail, stopped_stock).stdout


def test_our_own_postcat_is_refused(stopped_stock, make_merpati):
    stopped_stock.stop()
    mail = make_merpati()
    done = take(mail, stopped_stock, "-p", Path(mail.command_directory) / "postcat", check=False)
    assert done.returncode == 1 and "is Merpati's own: name Postfix's with -p" in done.stderr
    done = take(mail, stopped_stock, "-p", "/nonexistent/postcat", check=False)
    assert done.returncode == 1 and "Postfix's own postcat, which -p names" in done.stderr


def said_to(server):
    """MAIL FROM of each address of RCPT TO."""
    found, sender = {}, None
    for line in server.lines():
        if line.startswith("MAIL FROM:"):
            sender = line
        elif line.startswith("RCPT TO:"):
            found[re.match(r"RCPT TO:<([^>]*)>", line)[1]] = (sender, line)
    return found


def test_a_submission_keeps_what_its_user_asked_for(stopped_stock, make_merpati, sink):
    stopped_stock.stop()
    stopped_stock.sendmail("-f", "s@example.com", "-N", "failure,delay", "-V", "env1", "-R", "hdrs", "dsn@example.org", input="Subject: x\n\nx\n")
    stopped_stock.sendmail("-f", "s@example.com", "-F", "Full Name", "-XV", "verp@example.org", input="Subject: x\n\nx\n")
    arrivals = set()
    for path in queued(stopped_stock, 2, "maildrop"):
        os.chown(path, 65534, -1)
        arrivals.add(int(path.stat().st_mtime))
    wait_until(lambda: time.time() > max(arrivals) + 1, "the next second")
    server = sink(extensions=["DSN"])
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    take(mail, stopped_stock)
    status = [path.stat() for path in (mail.queue / "maildrop").iterdir()]
    assert {file.st_uid for file in status} == {65534} and {int(file.st_mtime) for file in status} == arrivals
    mail.start()
    messages = server.wait_for(2)
    said = said_to(server)
    assert "ENVID=env1 RET=HDRS" in said["dsn@example.org"][0] and "NOTIFY=FAILURE,DELAY" in said["dsn@example.org"][1]
    assert "<s+verp=example.org@example.com>" in said["verp@example.org"][0]
    assert all("from userid 65534)" in message.text for message in messages)
    assert any("From: Full Name <s@example.com>" in message.text for message in messages)


def test_what_postsuper_sent_round_again_goes_on_round(stopped_stock, make_merpati, sink):
    with stopped_stock.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.com>")
        client.command("RCPT TO:<r@example.org> NOTIFY=NEVER")
        client.command("DATA")
        client.command("Subject: x\r\n\r\nhello\r\n.")
    path = queued(stopped_stock, 1)[0]
    stopped_stock.stop()
    stopped_stock.command("postsuper", "-c", stopped_stock.config, "-r", path.name, check=False)
    server = sink(extensions=["DSN"])
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    take(mail, stopped_stock)
    mail.start()
    message = server.wait_for(1)[0]
    assert message.text.count("Received:") == 2 and "with ESMTP" in message.text
    assert "NOTIFY=NEVER" in said_to(server)["r@example.org"][1]
    assert f"orig_id={path.name}" in mail.log_text()


def test_what_filters_and_checks_have_changed_stays_so(stopped_stock, make_merpati, sink):
    place = stopped_stock.path("milter")
    milter = Milter(
        path=str(place),
        script={
            "E": [
                milter_requests.change_header(1, "Subject", "other " * 50), milter_requests.delete_recipient("<gone@example.org>"),
                milter_requests.add_recipient("<new@example.org>"), milter_requests.change_sender("<changed@example.com>"),
                milter_requests.replace_body("new body\r\n"), b"c",
            ]
        },
    )
    place.chmod(0o666)
    stopped_stock.set(smtpd_milters=f"unix:{place}", header_checks="regexp:{ {/^X-R:/ REDIRECT q@example.net} }")
    stopped_stock.reload()
    with stopped_stock.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.com>")
        client.command("RCPT TO:<gone@example.org> NOTIFY=NEVER")
        client.command("RCPT TO:<one@example.org>")
        client.command("DATA")
        assert client.command("Subject: h\r\n\r\nhello\r\n.").code == 250
    stopped_stock.sendmail("-f", "s@example.com", "a@example.org", "b@example.org", input="X-R: 1\n\nx\n")
    files = queued(stopped_stock, 2)
    stopped_stock.stop()
    milter.stop()
    expected = sorted(content_of(stopped_stock, path) for path in files)
    server = sink(extensions=["DSN"])
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    take(mail, stopped_stock)
    mail.start()
    messages = server.wait_for(2)
    mail.wait_empty()
    assert sorted(lines(message.content) for message in messages) == expected
    said = said_to(server)
    assert set(said) == {"new@example.org", "one@example.org", "q@example.net"}
    assert "<changed@example.com>" in said["one@example.org"][0] and "NOTIFY" not in said["one@example.org"][1]


def test_the_time_of_arrival_is_right_in_every_zone(stopped_stock, make_merpati):
    stopped_stock.set(import_environment="TZ=Asia/Jakarta")
    stopped_stock.reload()
    stopped_stock.sendmail("-f", "s@example.com", "a@example.org", input="Subject: a\n\nx\n")
    path = queued(stopped_stock, 1)[0]
    stopped_stock.stop()
    mail = make_merpati()
    take(mail, stopped_stock)
    arrival = re.search(r'"arrival_time": (\d+)', mail.command("postqueue", "-c", mail.config, "-j").stdout)
    assert abs(int(arrival[1]) - path.stat().st_ctime) < 60


def test_a_message_is_known_again_in_another_folder(stopped_stock, make_merpati):
    stopped_stock.sendmail("-f", "s@example.com", "a@example.org", input="Subject: a\n\nx\n")
    path = queued(stopped_stock, 1)[0]
    stopped_stock.stop()
    mail = make_merpati()
    assert "1 messages taken over" in take(mail, stopped_stock).stdout
    stopped_stock.command("postsuper", "-c", stopped_stock.config, "-h", path.name, check=False)
    assert "0 messages taken over, 1 were before, 0 left" in take(mail, stopped_stock).stdout
