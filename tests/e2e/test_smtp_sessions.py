# SPDX-License-Identifier: Apache-2.0
"""Sessions and the life of the service: names of clients, notes, reload, stop, a lost cleanup, a full disk."""

import subprocess
import threading
import time

import pytest
from support.instance import IS_ROOT
from support.smtp_client import Disconnected, SmtpClient
from support.waiting import HOLD, wait_until


def test_bare_newlines_are_noted(merpati, account):
    mail = merpati(main={"smtpd_forbid_bare_newline": "note", "smtpd_forbid_bare_newline_exclusions": ""})
    with mail.smtp() as client:
        client.hello()
        client.commands("MAIL FROM:<a@example.com>", f"RCPT TO:<{account}@localhost>", "DATA")
        client.send(b"Subject: x\r\n\r\na\nb\r\n.\r\n")
        assert client.reply().code == 250
        client.quit()
    mail.wait_log(r"disconnect from localhost\[127\.0\.0\.1\] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5 notes=bare_lf$")


def test_client_port_is_logged(merpati):
    mail = merpati(main={"smtpd_client_port_logging": "yes"})
    with mail.smtp() as client:
        port = client.socket.getsockname()[1]
        client.quit()
    mail.wait_log(rf"connect from localhost\[127\.0\.0\.1\]:{port}$")


def test_without_name_lookup_everybody_is_unknown(merpati):
    mail = merpati(main={"smtpd_peername_lookup": "no"})
    with mail.smtp() as client:
        client.quit()
    mail.wait_log(r"disconnect from unknown\[127\.0\.0\.1\] quit=1 commands=1$")


def test_name_that_does_not_lead_back(make_merpati):
    """The reverse name must have the client's address among its own."""
    mail = make_merpati()
    hosts = mail.write("hosts", "127.0.0.1 localhost\n127.0.0.9 liar.example\n")
    mail.environment["MERPATI_HOSTS"] = str(hosts)
    mail.set(import_environment="MERPATI_HOSTS MAIL_CONFIG TZ")
    mail.start()
    with mail.smtp(source="127.0.0.9") as client:
        client.quit()
    mail.wait_log(r"disconnect from \S+\[127\.0\.0\.9\] quit=1 commands=1$")


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2", "127.3.2.1"])
def test_client_names_are_those_of_stock(merpati, stock, source):
    lines = []
    for instance in (stock(), merpati()):
        with instance.smtp(source=source) as client:
            client.quit()
        instance.wait_log(rf"disconnect from \S+\[{source}\] quit=1")
        lines.append([line for line in instance.log_lines(r"smtpd\[") if source in line][-2:])
    assert lines[1] == lines[0]


def test_a_client_on_the_ipv6_loopback_is_called_as_by_stock(make_merpati, make_stock):
    lines = []
    for instance in (make_stock(), make_merpati()):
        instance.set(inet_interfaces="127.0.0.1, [::1]", inet_protocols="all")
        instance.services.append(f"[::1]:{instance.port} inet n - {instance.chroot} - - smtpd")
        instance.write_config()
        instance.start()
        with SmtpClient(instance.port, host="::1") as client:
            client.quit()
        instance.wait_log(r"disconnect from \S+\[::1\] quit=1")
        lines.append(instance.log_lines(r"smtpd\[.*::1"))
    assert lines[1] == lines[0]


def test_reload_drops_no_session(merpati, account):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        client.commands("MAIL FROM:<a@example.com>", f"RCPT TO:<{account}@localhost>")
        mail.set(smtpd_banner="changed ESMTP")
        mail.reload()
        mail.wait_log(r"master\[\d+\]: reload")
        assert client.command("DATA").code == 354
        client.send(b"Subject: over a reload\r\n\r\nx\r\n.\r\n")
        assert client.reply().code == 250
        with mail.smtp() as other:
            assert other.greeting.text == "220 changed ESMTP"
        assert client.quit().code == 221
    assert "over a reload" in mail.wait_mailbox(account)[0]


def test_stop_says_goodbye_to_the_idle(merpati):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        mail.stop()
        assert client.reply().text == "421 4.3.2 mail.example.test Service shutting down and closing the connection"
        assert client.is_closed()


def test_stop_takes_the_message_in_hand(merpati, account):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        client.commands("MAIL FROM:<a@example.com>", f"RCPT TO:<{account}@localhost>", "DATA")
        client.send(b"Subject: in hand\r\n\r\n")
        stopping = threading.Thread(target=mail.stop)
        stopping.start()
        mail.wait_log(r"master\[\d+\]: .*(terminating|stop)")
        client.send(b"body\r\n.\r\n")
        assert client.reply().code == 250
        stopping.join(HOLD)
    mail.start()
    assert "in hand" in mail.wait_mailbox(account)[0]


def test_cleanup_that_dies_costs_a_451(merpati, account):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        client.commands("MAIL FROM:<a@example.com>", f"RCPT TO:<{account}@localhost>", "DATA")
        assert mail.kill("cleanup") > 0
        client.send(b"Subject: lost\r\n\r\nx\r\n.\r\n")
        assert client.reply().text == "451 4.3.0 Error: queue file write error"
        assert client.deliver("a@example.com", f"{account}@localhost", "Subject: kept\n\nx\n").code == 250
    assert "kept" in mail.wait_mailbox(account)[0]


def test_rewrite_that_dies_costs_nothing(merpati, account):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("a@example.com", f"{account}@localhost", "one\n").code == 250
        mail.kill("trivial-rewrite")
        assert client.deliver("a@example.com", f"{account}@localhost", "two\n").code == 250
    mail.wait_mailbox(account, 2)


def test_changed_table_is_seen_without_a_reload(merpati, account):
    mail = merpati()
    table = mail.table("access", "nobody REJECT\n")
    mail.set(smtpd_recipient_restrictions=f"check_sender_access {table}, permit_mynetworks, reject")
    mail.reload()
    mail.wait_log(r"master\[\d+\]: reload")
    mail.table("access", "a@example.com REJECT not you\n")

    def answer():
        with mail.smtp() as client:
            client.hello()
            client.command("MAIL FROM:<a@example.com>")
            return client.command(f"RCPT TO:<{account}@localhost>").text

    wait_until(lambda: answer() == "554 5.7.1 <a@example.com>: Sender address rejected: not you", "the new table")


@pytest.mark.skipif(not IS_ROOT, reason="needs a filesystem of its own")
def test_full_disk_is_said_at_mail(make_merpati, account):
    mail = make_merpati()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", mail.queue], check=True)
    try:
        mail.start()
        with mail.smtp() as client:
            client.hello()
            assert client.command("MAIL FROM:<a@example.com>").text == "452 4.3.1 Insufficient system storage"
        mail.wait_log("warning: not enough free space in mail queue: ")
    finally:
        mail.control("abort", check=False)
        mail.is_running = False
        mail.wait_for_end()
        subprocess.run(["umount", mail.queue], check=True)


def test_no_relay_control_refuses_everybody(merpati, account):
    mail = merpati(main={"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions": "permit_mynetworks"})
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<a@example.com>")
        assert client.command(f"RCPT TO:<{account}@localhost>").text == "451 4.3.5 Server configuration error"
    mail.wait_log("error: in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one")


def test_restriction_that_nobody_knows_is_named(merpati, account):
    mail = merpati(main={"smtpd_client_restrictions": "reject_unknown_clients, permit"})
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<a@example.com>")
        assert client.command(f"RCPT TO:<{account}@localhost>").text == "451 4.3.5 Server configuration error"
    mail.wait_log('warning: unknown smtpd restriction: "reject_unknown_clients"')


def test_soft_errors_slow_the_client_down(merpati):
    """The first two cost no time: with an hour for each, nobody would see them answered. The third one does."""
    patient = merpati(main={"smtpd_soft_error_limit": "2", "smtpd_error_sleep_time": "3600s"})
    with patient.smtp() as client:
        client.commands("FOO", "FOO")
    mail = merpati(main={"smtpd_soft_error_limit": "2", "smtpd_error_sleep_time": "1s"})
    with mail.smtp() as client:
        client.commands("FOO", "FOO")
        began = time.monotonic()
        client.command("FOO")
        assert time.monotonic() - began >= 0.99


def test_pipelined_commands_share_a_write(merpati, account):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        client.send(f"MAIL FROM:<a@example.com>\r\nRCPT TO:<{account}@localhost>\r\nDATA\r\n".encode())
        try:
            assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        except Disconnected as gone:
            raise AssertionError("closed") from gone
