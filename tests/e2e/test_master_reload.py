# SPDX-License-Identifier: Apache-2.0
"""Reload: sessions go on, what changed is taken up, a mistake leaves the old configuration in force."""

import os
import re
import signal
import socket

import pytest
from support.smtp_client import SmtpClient
from support.waiting import free_port, wait_until


def test_a_session_goes_on_over_a_reload_and_new_ones_see_the_new_configuration(merpati, account, run_as):
    account = account if run_as is None else run_as
    mail = merpati(run_as=run_as)
    with mail.smtp() as old:
        old.hello()
        assert old.command("MAIL FROM:<a@example.com>").code == 250
        mail.set(smtpd_banner="$myhostname changed")
        mail.reload()

        def is_new():
            with mail.smtp() as new:
                return new.greeting.text.endswith("changed")

        wait_until(is_new, "the new configuration to be in force")
        assert old.command(f"RCPT TO:<{account}@localhost>").code == 250
        assert old.command("DATA").code == 354
        old.send("Subject: over a reload\r\n\r\nhello\r\n.\r\n")
        assert old.reply().code == 250
    assert "over a reload" in mail.wait_mailbox(account)[0]


def test_a_service_that_is_added_listens_and_one_that_is_removed_does_not(merpati):
    mail = merpati()
    port = free_port()
    mail.services.append(f"127.0.0.1:{port} inet n - y - - smtpd")
    mail.write_config()
    mail.reload()
    mail.wait_for_port(port)
    mail.services.clear()
    mail.write_config()
    mail.reload()
    mail.wait_log(r"master\[\d+\]: reload", count=2)

    def is_closed():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    wait_until(is_closed, "the end of the service")


def test_a_mistake_in_master_cf_leaves_the_old_configuration_in_force(merpati):
    mail = merpati()
    (mail.config / "master.cf").write_text("smtp inet n\n")
    failed = mail.control("reload", check=False)
    assert failed.returncode == 1 and "master.cf: line 1" in failed.stderr
    with mail.smtp() as client:
        assert client.hello().code == 250


def test_a_mistake_that_master_itself_finds_is_logged_and_changes_nothing(merpati):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
    mail.set(inet_protocols="ipv9")
    # The command would refuse it before master hears of it.
    os.kill(mail.master_pid(), signal.SIGHUP)
    mail.wait_log(r"master\[\d+\]: error: .*inet_protocols")
    with mail.smtp() as client:
        assert client.hello().code == 250


def test_a_changed_table_is_picked_up_without_a_reload(merpati, account):
    mail = merpati()
    table = mail.table("access", "bad@example.com OK\n")
    mail.set(smtpd_sender_restrictions=f"check_sender_access {table}")
    mail.reload()
    mail.wait_log(r"reload -- version")
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<bad@example.com>")
        assert client.command(f"RCPT TO:<{account}@localhost>").code == 250
    mail.table("access", "bad@example.com REJECT not you\n")
    def is_refused():
        with mail.smtp() as client:
            client.hello()
            client.command("MAIL FROM:<bad@example.com>")
            return client.command(f"RCPT TO:<{account}@localhost>").code == 554

    wait_until(is_refused, "the new table to be in force")


def test_a_port_goes_from_one_service_to_another_with_its_sessions(merpati):
    """The socket itself goes over: no moment without one, though a session of the old service is still there."""
    mail = merpati()
    port = free_port()
    mail.services = [f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_banner=before"]
    mail.write_config()
    mail.reload()
    mail.wait_for_port(port)
    with SmtpClient(port) as old:
        assert old.greeting.text.endswith("before")
        mail.services = [f"localhost:{port} inet n - n - - smtpd -o smtpd_banner=after"]
        mail.write_config()
        mail.reload()
        mail.wait_log(r"master\[\d+\]: reload", count=2)
        with SmtpClient(port) as new:
            assert new.greeting.text.endswith("after")
        assert old.command("NOOP").code == 250
    assert "Address already in use" not in mail.log_text()


def test_a_port_that_another_program_has_does_not_hold_a_reload_and_is_taken_when_it_is_free(merpati):
    mail = merpati()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", 0))
        stranger.listen(1)
        port = stranger.getsockname()[1]
        mail.services.append(f"127.0.0.1:{port} inet n - n - - smtpd")
        mail.write_config()
        told = mail.control("reload", check=False)
        expected = f"service 127.0.0.1:{port}/inet: listen on 127.0.0.1 port {port}: bind: Address already in use"
        assert told.returncode == 1 and f"merpati: error: {expected}\n" in told.stderr
        mail.wait_log(rf"master\[\d+\]: error: {re.escape(expected)}")
        mail.wait_log(r"master\[\d+\]: reload")
        with mail.smtp() as client:
            assert client.hello().code == 250
    mail.wait_log(rf"master\[\d+\]: service 127\.0\.0\.1:{port}/inet listens now")
    with SmtpClient(port) as client:
        assert client.hello().code == 250
    # What was told is told of that reload alone.
    assert "error" not in mail.control("reload").stderr


def test_two_services_on_one_port_leave_the_old_configuration_in_force(merpati):
    mail = merpati()
    mail.services.append(f"localhost:{mail.port} inet n - n - - smtpd")
    mail.write_config()
    refused = mail.control("reload", check=False)
    assert refused.returncode == 1 and "both listen on 127.0.0.1 port" in refused.stderr
    os.kill(mail.master_pid(), signal.SIGHUP)
    mail.wait_log(r"master\[\d+\]: error: services .* both listen on 127\.0\.0\.1 port \d+; the configuration in force "
                  r"stays")
    with mail.smtp() as client:
        assert client.hello().code == 250


def test_from_all_addresses_to_one_of_them_and_back_takes_a_reload(make_merpati):
    """And no session that is open ends by it."""
    mail = make_merpati(main={"inet_interfaces": "all"})
    port = free_port()
    mail.services.append(f"{port} inet n - n - - smtpd")
    mail.write_config()
    mail.start()
    mail.wait_for_port(port)

    def answers(host):
        with socket.socket() as probe:
            return probe.connect_ex((host, port)) == 0

    with SmtpClient(port, host="127.0.0.2") as earlier:
        assert earlier.hello().code == 250
        mail.set(inet_interfaces="127.0.0.1")
        mail.reload()
        assert answers("127.0.0.1") and not answers("127.0.0.2")
        with socket.socket() as other:
            with pytest.raises(OSError):
                other.bind(("127.0.0.1", port))
        mail.set(inet_interfaces="all")
        mail.reload()
        assert answers("127.0.0.1") and answers("127.0.0.2")
        assert earlier.command("NOOP").code == 250
    assert "it stays where it listened" not in mail.log_text()


def test_sessions_of_replaced_processes_are_told_to_end_after_their_time_or_when_there_are_too_many(make_merpati):
    mail = make_merpati(main={"service_retire_limit": "1s", "service_workers": "1"}).start()
    with mail.smtp() as old:
        old.hello()
        mail.reload()
        # Idle, it hears that the service stops, long before smtpd_timeout.
        assert old.reply().code == 421
    mail.set(service_retire_limit=None, service_generation_limit="1")
    mail.reload()
    with mail.smtp() as first:
        first.hello()
        mail.reload()
        with mail.smtp() as second:
            second.hello()
            mail.reload()
            mail.reload()
            assert first.reply().code == 421
            assert second.command("NOOP").code == 250


@pytest.mark.parametrize("line, told", [
    ("{port} inet n - n - - smtpd -o smtpd_recipient_restrictions=permit_mynetworks, reject",
     "unexpected command-line argument: reject; a value with blanks is written -o {{ name = value }}"),
    ("sbmission inet n - n - - smtpd", "no port is known by the name of service sbmission"),
    ("{port} inet n - n - - smtpd -o", "option -o needs a value"),
])
def test_a_line_that_a_start_refuses_is_refused_at_a_reload(merpati, line, told):
    mail = merpati()
    mail.services.append(line.format(port=free_port()))
    mail.write_config()
    number = mail.path("etc/master.cf").read_text().splitlines().index(mail.services[-1]) + 1
    for verb in ("check", "reload"):
        refused = mail.control(verb, check=False)
        assert refused.returncode == 1
        assert f"master.cf: line {number}: service {mail.services[-1].split()[0]}/inet: {told.format()}" in refused.stderr
    assert "the configuration in force stays" in refused.stderr
    mail.control("stop")
    failed = mail.control("start", check=False)
    assert failed.returncode == 1 and told.format() in failed.stderr
