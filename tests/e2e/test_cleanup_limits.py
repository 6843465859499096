# SPDX-License-Identifier: Apache-2.0
"""What comes in is bounded, has a defined answer, and is acknowledged only when it is on disk."""

import os
import smtplib
import socket

import pytest
from support.waiting import wait_until

DISCARD = {"default_transport": "discard:", "relay_transport": "discard:"}
FAULTS = "MAIL_CONFIG TZ LANG=C MERPATI_FAULTS MERPATI_FAULTS_LOG"


def resident_kilobytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1])


def client(mail):
    connection = smtplib.SMTP("127.0.0.1", mail.port, timeout=120)
    connection.ehlo("c.example")
    return connection


def test_a_hundred_thousand_recipients(merpati):
    mail = merpati(main={**DISCARD, "smtpd_recipient_limit": "200000", "smtpd_recipient_overshoot_limit": "200000"})
    count = 100_000
    with socket.create_connection(("127.0.0.1", mail.port), timeout=120) as connection:
        stream = connection.makefile("rwb")
        stream.readline()
        for line in (b"EHLO c.example", b"MAIL FROM:<a@b.example>"):
            stream.write(line + b"\r\n")
            stream.flush()
            while not stream.readline().startswith(b"250 "):
                pass
        for start in range(0, count, 500):
            stream.write(b"".join(b"RCPT TO:<user%d@far.example>\r\n" % n for n in range(start, start + 500)))
            stream.flush()
            for _ in range(500):
                assert stream.readline().startswith(b"250 2.1.5")
        stream.write(b"DATA\r\n")
        stream.flush()
        assert stream.readline().startswith(b"354")
        stream.write(b"Subject: many\r\n\r\nx\r\n.\r\n")
        stream.flush()
        assert stream.readline().startswith(b"250 2.0.0")
    mail.wait_log(rf"nrcpt={count} \(queue active\)", timeout=60)
    assert max(resident_kilobytes(pid) for pid in mail.pids("cleanup")) < 300_000


@pytest.mark.sanitized
def test_a_header_line_of_ten_megabytes_is_cut(merpati, account):
    mail = merpati(main={"message_size_limit": "50000000", "mailbox_size_limit": "0"})
    with client(mail) as connection:
        connection.sendmail("a@b.example", f"{account}@localhost",
                            "X-Long: " + "y" * 10_000_000 + "\r\nSubject: after\r\n\r\nbody\r\n")
    text = mail.wait_mailbox(account)[0]
    assert "\nSubject: after\n" in text and "body" in text
    longest = max(len(line) for line in text.split("\n"))
    assert 100_000 < longest <= 102_400
    assert max(resident_kilobytes(pid) for pid in mail.pids("cleanup")) < 300_000


def test_a_body_line_of_ten_megabytes_is_kept(merpati, account):
    mail = merpati(main={"message_size_limit": "50000000", "mailbox_size_limit": "0"})
    with client(mail) as connection:
        connection.sendmail("a@b.example", f"{account}@localhost", "Subject: x\r\n\r\n" + "y" * 10_000_000 + "\r\n")
    wait_until(lambda: sum(text.count("y") for text in mail.mailbox(account)) >= 10_000_000, "the whole line")


def test_nul_bytes_and_eight_bits_come_through(merpati, account):
    mail = merpati()
    with client(mail) as connection:
        connection.sendmail("a@b.example", f"{account}@localhost",
                            b"Subject: n\x00l \xff\r\nX-\xe9: y\r\n\r\nbo\x00dy \xff\xfe\r\n")
    text = (mail.mail / account)
    wait_until(lambda: text.exists() and b"bo\x00dy \xff\xfe" in text.read_bytes(), "the message")


def test_a_message_that_grows_too_large_is_refused_while_it_comes(merpati):
    mail = merpati(main={**DISCARD, "message_size_limit": "1000000"})
    with socket.create_connection(("127.0.0.1", mail.port), timeout=60) as connection:
        stream = connection.makefile("rwb")
        stream.readline()
        for line in (b"HELO c.example", b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@far.example>", b"DATA"):
            stream.write(line + b"\r\n")
            stream.flush()
            assert stream.readline()[:1] in b"23"
        line = b"x" * 998 + b"\r\n"
        for _ in range(60):
            stream.write(line * 1000)
        stream.write(b".\r\n")
        stream.flush()
        assert stream.readline().startswith(b"552 5.3.4")
    assert max(resident_kilobytes(pid) for pid in mail.pids("cleanup")) < 200_000
    assert mail.queue_ids() == []
    assert list((mail.queue / "incoming").iterdir()) == []


@pytest.mark.parametrize("size", [100, 200_000])
def test_a_failed_sync_is_no_acknowledgement(make_merpati, size, account):
    mail = make_merpati(main={"import_environment": FAULTS})
    mail.environment["MERPATI_FAULTS"] = "cleanup/sync:20:EIO cleanup/sync:21:EIO"
    mail.start()
    body = "Subject: {}\r\n\r\n" + "z" * 70 + "\r\n" * (size // 72 + 1)
    codes = []
    for number in range(40):
        with client(mail) as connection:
            connection.mail("a@b.example")
            connection.rcpt(f"{account}@localhost")
            codes.append((number, connection.data(body.format(number))[0]))
    good = {number for number, code in codes if code == 250}
    bad = {number for number, code in codes if code != 250}
    assert bad and all(code in (250, 451) for _, code in codes), codes
    texts = mail.wait_mailbox(account, len(good))
    mail.wait_empty()
    seen = {int(t.split("\nSubject: ")[1].split("\n")[0]) for t in mail.mailbox(account)}
    assert seen == good


def test_a_killed_cleanup_costs_only_the_message_in_hand(merpati, account):
    mail = merpati()
    with client(mail) as connection:
        connection.mail("a@b.example")
        connection.rcpt(f"{account}@localhost")
        connection.docmd("DATA")
        connection.send(b"Subject: lost\r\n\r\nhalf of it\r\n")
        mail.wait_log("client=")
        assert mail.kill("cleanup") == 1
        connection.send(b"the other half\r\n.\r\n")
        assert connection.getreply()[0] == 451
        connection.rset()
        connection.sendmail("a@b.example", f"{account}@localhost", "Subject: next\r\n\r\nwhole\r\n")
    assert "whole" in mail.wait_mailbox(account)[0]
    mail.wait_empty()
    assert len(mail.mailbox(account)) == 1


def test_a_lookup_that_fails_defers(merpati):
    mail = merpati(main={**DISCARD, "sender_canonical_maps": "hash:/nonexistent/table"})
    with client(mail) as connection:
        connection.mail("a@b.example")
        connection.rcpt("c@far.example")
        code, text = connection.data("Subject: x\r\n\r\nx\r\n")
    assert (code, text) == (451, b"4.3.0 Error: queue file write error")
    assert os.listdir(mail.queue / "incoming") == []


def test_a_notification_is_never_too_large(merpati, account):
    mail = merpati(main={"message_size_limit": "3000", "mailbox_size_limit": "0", "local_recipient_maps": ""})
    with client(mail) as connection:
        connection.sendmail(f"{account}@localhost", "nosuchuser-merpati@localhost",
                            "Subject: nearly too large\r\n\r\n" + ("x" * 70 + "\r\n") * 30)
    assert "nearly too large" in mail.wait_mailbox(account)[0]
    mail.wait_empty()
