# SPDX-License-Identifier: Apache-2.0
"""What master makes of the services in master.cf."""

import os
import re
import signal
import socket
import stat
from pathlib import Path

import pytest
from support.smtp_client import SmtpClient
from support.waiting import PATIENCE, free_port, wait_until

DEBIAN_MASTER_CF = Path("/usr/share/postfix/master.cf.dist")


def test_the_master_cf_of_debians_postfix_starts_as_it_is(make_merpati, account):
    if not DEBIAN_MASTER_CF.exists():
        pytest.skip("Debian's package postfix is not installed")
    mail = make_merpati()
    text = DEBIAN_MASTER_CF.read_text()
    mail.master = re.sub(r"(?m)^smtp(\s+inet\s)", rf"127.0.0.1:{mail.port}\1", text)
    mail.write_config()
    checked = mail.control("check", check=False)
    assert "is not part of this version" not in checked.stderr
    assert re.search(r"line \d+: service scache/unix is not needed: ", checked.stderr)
    mail.start()
    mail.wait_log(r"master\[\d+\]: service scache/unix is not needed: ")
    assert (mail.queue / "private" / "tlsmgr").exists()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("a@example.com", f"{account}@localhost", "Subject: as it is\n\nhello\n").code == 250
    assert "as it is" in mail.wait_mailbox(account)[0]


def test_oqmgr_is_the_queue_manager(make_merpati, account):
    mail = make_merpati()
    mail.master = re.sub(r"(?m)^(qmgr\s.*\s)qmgr$", r"\1oqmgr -o queue_run_delay=2s", mail.master)
    assert "oqmgr" in mail.master
    mail.write_config()
    checked = mail.control("check")
    assert "oqmgr" not in checked.stderr
    mail.start()
    mail.sendmail(account, input="Subject: old\n\nhello\n")
    assert "Subject: old" in mail.wait_mailbox(account)[0]


def test_qmqpd_is_refused_with_the_reason(make_merpati, account):
    """Everything else runs."""
    port = free_port()
    mail = make_merpati(services=[f"{port} inet n - n - - qmqpd"])
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert re.search(rf"error: .*, line \d+: service {port}/inet: program qmqpd: QMQP is not spoken; its clients can send by SMTP", checked.stderr)
    mail.start()
    mail.wait_log(rf"master\[\d+\]: error: service {port}/inet is not started: QMQP is not spoken; its clients can send by SMTP$")
    mail.sendmail(account, input="Subject: goes on\n\nhello\n")
    assert "Subject: goes on" in mail.wait_mailbox(account)[0]


def test_sockets_and_directories_have_the_owners_and_modes_of_the_plan(merpati):
    mail = merpati()
    if not mail.run_as and mail.user != "root":
        pytest.skip("owners differ only as root")

    def look(path):
        status = (mail.queue / path).stat()
        return Path(mail.queue / path).owner(), Path(mail.queue / path).group(), stat.S_IMODE(status.st_mode)

    assert look("private") == ("merpati", "merpati-net", 0o710)
    assert look("public") == ("merpati", "merpati", 0o711)
    assert look("maildrop") == ("merpati", "postdrop", 0o1730)
    assert look("incoming") == ("merpati", "merpati", 0o700)
    assert look("public/cleanup") == ("merpati", "merpati-net", 0o660)
    assert look("public/pickup") == ("merpati", "postdrop", 0o660)
    assert look("public/showq") == ("merpati", "postdrop", 0o660)
    assert look("private/rewrite") == ("merpati", "merpati-net", 0o660)
    for closed in ("local", "spill", "bounce"):
        assert look(f"private/{closed}") == ("merpati", "merpati", 0o660)


def test_services_listen_on_names_addresses_and_ipv6(make_merpati):
    mail = make_merpati(main={"inet_protocols": "all"})
    ports = [free_port(), free_port("::1"), free_port()]
    mail.services += [
        f"localhost:{ports[0]} inet n - y - - smtpd",
        f"[::1]:{ports[1]} inet n - y - - smtpd",
        f"{ports[2]} inet n - y - - smtpd -o smtpd_banner=own",
    ]
    mail.write_config()
    mail.start()
    with mail.smtp() as client:
        assert client.greeting.code == 220
    for host, port in (("127.0.0.1", ports[0]), ("::1", ports[1])):
        with socket.create_connection((host, port), PATIENCE) as connection:
            assert connection.recv(4) == b"220 "
    with socket.create_connection(("127.0.0.1", ports[2]), PATIENCE) as connection:
        assert b"own" in connection.recv(100)


def test_inet_interfaces_all_listens_on_every_address(make_merpati):
    mail = make_merpati(main={"inet_interfaces": "all", "inet_protocols": "all"})
    port = free_port()
    mail.services.append(f"{port} inet n - y - - smtpd")
    mail.write_config()
    mail.start()
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        with socket.create_connection((host, port), PATIENCE) as connection:
            assert connection.recv(4) == b"220 "


def test_a_port_that_nobody_knows_stops_the_start(make_merpati):
    mail = make_merpati(services=["no-such-port inet n - y - - smtpd"])
    failed = mail.control("start", check=False)
    assert failed.returncode == 1
    assert "service no-such-port/inet: no port is known by the name" in failed.stderr


def test_disabled_services_are_not_started(make_merpati):
    mail = make_merpati()
    mail.set(master_service_disable=f"!127.0.0.1:{mail.port}/inet, inet, showq/unix")
    port = free_port()
    mail.services.append(f"127.0.0.1:{port} inet n - y - - smtpd")
    mail.write_config()
    mail.start()
    assert not (mail.queue / "public" / "showq").exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_spill_is_started_though_the_file_does_not_name_it(make_merpati):
    mail = make_merpati()
    mail.master = re.sub(r"(?m)^spill.*\n", "", mail.master)
    mail.master = re.sub(r"(?m)^postlog.*\n", "", mail.master)
    mail.write_config()
    mail.start()
    assert (mail.queue / "private" / "spill").exists()
    mail.wait_log("daemon started")


def test_mail_goes_through_with_the_fifos_of_an_old_master_cf(make_merpati, account):
    mail = make_merpati()
    mail.master, count = re.subn(r"(?m)^(pickup|qmgr)(\s+)unix", r"\1\2fifo", mail.master)
    assert count == 2
    mail.write_config()
    mail.start()
    assert (mail.queue / "public" / "pickup").is_fifo()
    for count in (1, 2):
        mail.sendmail(f"{account}@localhost", input="Subject: x\n\nhello\n")
        mail.wait_mailbox(account, count)
    mail.command("postqueue", "-c", mail.config, "-f")
    mail.wait_empty()


def test_a_pass_service_gets_connections_from_who_accepted_them(make_merpati):
    mail = make_merpati(services=["passed pass n - n - - smtpd\n  -o syslog_name=postfix/$service_name"])
    mail.start()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted, socket.socket(socket.AF_UNIX) as service:
            service.connect(str(mail.queue / "public" / "passed"))
            socket.send_fds(service, [b"\0"], [accepted.fileno()])
        client.settimeout(PATIENCE)
        assert client.recv(100).startswith(b"220 ")
        client.sendall(b"QUIT\r\n")
        assert client.recv(100).startswith(b"221 ")
    mail.wait_log(r"postfix/passed/smtpd\[\d+\]: disconnect from localhost\[127\.0\.0\.1\] quit=1 commands=1$")


def test_a_service_that_dies_is_started_again_and_held_back_when_it_keeps_dying(merpati):
    mail = merpati()

    def die():
        pids = wait_until(lambda: mail.pids("pickup"), "pickup to run")
        mail.kill("pickup")
        mail.wait_log(rf"process \S+/pickup pid {pids[0]} killed by signal 9")

    die()
    die()
    throttling = r"master\[\d+\]: warning: \S+/pickup: (service pickup/unix keeps failing|bad command startup) -- throttling"
    # The third within ten seconds, which a busy machine may need more of them for.
    wait_until(lambda: die() or mail.log_lines(throttling), lambda: f"a pause; log:\n{mail.tail()}")
    wait_until(lambda: mail.pids("pickup"), "pickup to run again after the pause")


def test_a_service_that_cannot_begin_is_held_back(merpati):
    """Its reason is in the log, and master does not start it again and again while clients ask for it."""
    mail = merpati()
    assert not mail.pids("cleanup")
    mail.set(spool_journal_limit="8388608")
    mail.write_config()
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<a@example.com>")
        client.send(b"RCPT TO:<postmaster@localhost>\r\n")
        mail.wait_log(r"master\[\d+\]: warning: \S+/cleanup: bad command startup -- throttling", 2)
    assert len(mail.log_lines("fatal: open the journal: spool_journal_limit")) < 10


def test_the_service_manager_is_told_when_the_system_is_ready(make_merpati):
    mail = make_merpati()
    path = mail.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(PATIENCE)
        path.chmod(0o777)
        mail.environment["NOTIFY_SOCKET"] = str(path)
        mail.start()
        assert b"READY=1" in listener.recv(1000)
        mail.reload()
        assert b"RELOADING=1" in listener.recv(1000)
        assert b"READY=1" in listener.recv(1000)
        mail.stop()
        assert b"STOPPING=1" in listener.recv(1000)


def test_a_service_with_a_bad_option_says_why_it_does_not_start(merpati):
    """Where master was told to go on without the check that "merpati" makes."""
    mail = merpati()
    ports = {}
    for name, words in {"value": "-o message_size_limit=abc", "assignment": "-o mynetworks", "letter": "-Z"}.items():
        ports[name] = free_port()
        mail.services.append(f"127.0.0.1:{ports[name]} inet n - n - 1 smtpd {words}")
    mail.write_config()
    os.kill(mail.master_pid(), signal.SIGHUP)
    for port in ports.values():
        mail.wait_for_port(port)
    mail.wait_log(r"smtpd\[\d+\]: fatal: .*message_size_limit = abc")
    mail.wait_log(r"smtpd\[\d+\]: fatal: -o mynetworks: write -o name=value")
    mail.wait_log(r"smtpd\[\d+\]: fatal: unknown option -Z")


def test_inet_interfaces_may_be_a_name(make_merpati):
    mail = make_merpati(main={"inet_interfaces": "localhost"})
    port = free_port()
    mail.services.append(f"{port} inet n - y - - smtpd")
    mail.write_config()
    mail.start()
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        assert connection.recv(4) == b"220 "
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_an_address_of_proxy_interfaces_is_our_own_and_may_be_a_name(make_merpati, account):
    mail = make_merpati(main={"inet_interfaces": "127.0.0.2", "proxy_interfaces": "192.0.2.25, localhost"})
    mail.start()
    with mail.smtp() as client:
        client.hello()
        for number, host in enumerate(("192.0.2.25", "127.0.0.1", "127.0.0.2"), 1):
            assert client.deliver("a@example.com", f"{account}@[{host}]", f"Subject: {host}\n\nhello\n").code == 250
            assert f"Subject: {host}" in mail.wait_mailbox(account, number)[-1]


def test_a_name_of_proxy_interfaces_that_nobody_knows_is_told(make_merpati):
    mail = make_merpati(main={"proxy_interfaces": "no-such-host.invalid"})
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert "parameter proxy_interfaces" in checked.stderr and "no-such-host.invalid" in checked.stderr


def test_a_port_may_have_a_name_of_known_tcp_ports(make_merpati):
    port = free_port()
    mail = make_merpati(main={"known_tcp_ports": f"lmtp=24, ours=mine={port}"})
    mail.services.append("127.0.0.1:mine inet n - n - - smtpd")
    mail.write_config()
    mail.start()
    with SmtpClient(port) as client:
        assert client.hello().code == 250
    mail.set(known_tcp_ports="mine")
    refused = mail.control("reload", check=False)
    assert refused.returncode == 1 and "known_tcp_ports: mine: write name=port" in refused.stderr
