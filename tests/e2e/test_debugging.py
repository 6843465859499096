# SPDX-License-Identifier: Apache-2.0
"""What helps who looks for a mistake: -v, debug_peer_list, debugger_command, the watchdog, the environment, soft_bounce."""

import os
import re
import signal
import smtplib
import time

from support.side_by_side import options
from support.waiting import free_port, wait_until

DIALOGUE = r"\]: [<>] \S+\[\S*\](:\d+)?: "


def verbose(mail, *programs):
    """-v behind the services of these programs."""
    mail.master = re.sub(rf"(?m)^(\S+\s+(?:inet|unix)\s.*\s(?:{'|'.join(programs)})(?: .*)?)$", r"\1 -v", mail.master)
    mail.write_config()
    return mail


def said(mail, program, *ports):
    """The dialogue in the log, without what differs: sizes, ids, ports. QUIT's place among the answers is free."""
    text = "\n".join(line for line in mail.log_text().splitlines() if re.search(rf"/{program}\[\d+{DIALOGUE}", line))
    text = re.sub(r"(?m)^.*?\]: ", "", text)
    for port in ports:
        text = re.sub(rf"\b{port}\b", "PORT", text)
    text = re.sub(r"(SIZE=|queued as )\w+", r"\1N", text)
    return [line for line in text.splitlines() if not line.endswith(": QUIT")]


def test_the_dialogue_is_logged_as_by_stock(make_stock, make_merpati, sink, account):
    found = []
    for make in (make_stock, make_merpati):
        relay, box = sink(), sink(is_lmtp=True)
        mail = make(main={
            "relayhost": f"[127.0.0.1]:{relay.port}", "smtp_host_lookup": "native", "lmtp_host_lookup": "native",
            "transport_maps": f"inline:{{box.test=lmtp:inet:127.0.0.1:{box.port}}}", "smtpd_client_restrictions": "permit_mynetworks",
        })
        verbose(mail, "smtpd", "smtp", "lmtp").start()
        with mail.smtp() as client:
            client.hello()
            client.commands("NOOP x", "MAIL FROM:<s@example.com>", "RCPT TO:<a@else.test>", "RCPT TO:<b@box.test>", "VRFY", "DATA")
            client.send(b"Subject: x\r\n\r\n.hello\r\n.\r\n")
            client.reply()
            client.command("QUIT")
        mail.wait_empty()
        mail.wait_log("disconnect from .* quit=1")
        found.append([said(mail, program, relay.port, box.port) for program in ("smtpd", "smtp", "lmtp")])
        # The first connection is the fixture's, to see whether somebody listens.
        found[-1][0] = found[-1][0][found[-1][0].index("< localhost[127.0.0.1]: EHLO client.example"):]
    for stock, merpati in zip(*found):
        assert len(stock) > 8
        assert merpati == stock


def test_other_services_tell_what_they_are_asked(make_merpati, account):
    mail = verbose(make_merpati(), "trivial-rewrite", "cleanup", "local").start()
    mail.sendmail("-f", "s@example.com", account, input="Subject: x\n\nhello\n")
    mail.wait_log(r"/trivial-rewrite\[\d+\]: < rewrite: rewrite_request ")
    mail.wait_log(r"/trivial-rewrite\[\d+\]: > rewrite: resolve_reply .*transport=\"local\"")
    mail.wait_log(r"/cleanup\[\d+\]: < cleanup: cleanup_recipient address=\"%s\"" % account)
    mail.wait_log(r"/cleanup\[\d+\]: > rewrite: ")
    mail.wait_log(r"/local\[\d+\]: < deliver: deliver_request ")
    assert not mail.log_lines(r"/(qmgr|pickup)\[\d+\]: [<>]")


LISTS = {
    "": False,
    "127.0.0.1": True,
    "127.0.0.0/8": True,
    "localhost": True,
    "!127.0.0.1, 127.0.0.0/8": False,
    "192.0.2.0/24, example.com": False,
    "inline:{localhost=x}": True,
    "inline:{192.0.2.1=x}": False,
    "%file": True,
}


def test_the_dialogue_with_listed_peers_is_logged(either, sink):
    """Of smtpd by its clients' names and addresses, of smtp by its servers'."""
    server = sink()
    relay = {"smtp_host_lookup": "native"}
    mail = either(main={"debug_peer_list": "192.0.2.7", "transport_maps": "inline:{in.test=one:[127.0.0.1]:%d, out.test=two:[127.0.0.1]:%d}"
                        % (server.port, server.port), **relay})
    doors = {pattern: free_port() for pattern in LISTS}
    quiet = mail.write("peers", "127.0.0.1\n")
    quiet.chmod(0o644)
    for pattern, port in doors.items():
        chosen = options({"debug_peer_list": pattern.replace("%file", str(quiet))})
        mail.services.append(f"127.0.0.1:{port} inet n - n - - smtpd{chosen}")
    mail.services += [f"one unix - - n - - smtp{options({'debug_peer_list': '127.0.0.0/24', 'debug_peer_level': '1'})}",
                      "two unix - - n - - smtp"]
    mail.write_config()
    mail.start()
    for number, (pattern, port) in enumerate(doors.items()):
        with smtplib.SMTP("127.0.0.1", port, local_hostname=f"door{number}.test") as client:
            client.ehlo()
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.sendmail("s@example.com", ["a@in.test", "b@out.test"], "Subject: x\n\nhello\n")
    mail.wait_log("disconnect from .*quit=1", len(doors) + 1)
    mail.wait_empty()
    for number, (pattern, is_listed) in enumerate(LISTS.items()):
        is_told = bool(mail.log_lines(rf"\]: < localhost\[127\.0\.0\.1\]: (EHLO|ehlo) door{number}\.test$"))
        assert is_told == is_listed, pattern
    assert mail.log_lines(r"\]: > 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: RCPT TO:<a@in\.test>")
    assert not mail.log_lines(r"\]: > .*RCPT TO:<b@out\.test>")


def test_a_listed_peers_level_tells_how_much(make_merpati):
    """One, as -v: the dialogue. Two, as -v -v, which is the default: what each restriction says, too."""
    mail = make_merpati()
    doors = [free_port() for _ in range(4)]
    judged = options({"smtpd_recipient_restrictions": "reject_unauth_destination, permit"})
    for number, flags in enumerate(("-v", "-v -v"), 2):
        mail.services.append(f"127.0.0.1:{doors[number]} inet n - n - - smtpd {flags}{judged}")
    for level, port in enumerate(doors[:2], 1):
        chosen = options({"debug_peer_list": "127.0.0.1", "debug_peer_level": level})
        mail.services.append(f"127.0.0.1:{port} inet n - n - - smtpd{chosen}{judged}")
    mail.write_config()
    mail.start()
    for port in doors:
        with smtplib.SMTP("127.0.0.1", port, local_hostname=f"door{port}.test") as client:
            client.ehlo()
            client.mail("s@example.com")
            assert client.rcpt("nobody@else.test")[0] == 554
    mail.wait_log("disconnect from .*quit=1", 4)
    for port in doors:
        assert mail.log_lines(rf"< localhost\[127\.0\.0\.1\]: ehlo door{port}\.test")
    # Of the second and the fourth door.
    assert mail.log_lines("generic_checks: name=reject_unauth_destination") == [
        "generic_checks: name=reject_unauth_destination status=2"] * 2


def test_the_debugger_command_is_run_with_d(either, account):
    mail = either()
    out = mail.path("debugged")
    out.mkdir()
    out.chmod(0o1777)
    mail.set(debugger_command=f"echo $process_name $process_id >>{out}/smtpd")
    mail.master = re.sub(r"(?m)(\ssmtpd)$", r"\1 -D", mail.master)
    mail.services = [re.sub(r"(\ssmtpd)$", r"\1 -D", line) for line in mail.services]
    mail.write_config()
    mail.start()
    with mail.smtp() as client:
        client.hello()
    pid = mail.wait_log(r"/smtpd\[(\d+)\]: disconnect from .*ehlo=1")[1]
    assert f"smtpd {pid}" in (out / "smtpd").read_text().splitlines()


def test_a_service_that_does_not_get_on_is_ended_and_started_again(make_merpati, account):
    mail = make_merpati()
    mail.master = re.sub(r"(?m)(\strivial-rewrite)$", r"\1 -o daemon_timeout=1", mail.master)
    mail.master = re.sub(r"(?m)(\sqmgr)$", r"\1 -o qmgr_daemon_timeout=1", mail.master)
    mail.write_config()
    mail.start()
    mail.sendmail("-f", "s@example.com", account, input="Subject: first\n\nhello\n")
    mail.wait_mailbox(account)
    mail.wait_empty()
    hung = {name: mail.pids(name) for name in ("trivial-rewrite", "qmgr", "cleanup")}
    for pid in sum(hung.values(), []):
        os.kill(pid, signal.SIGSTOP)
    # The time goes on while a process stands still; what is waited for is that it has passed.
    time.sleep(1.2)
    for pid in sum(hung.values(), []):
        os.kill(pid, signal.SIGCONT)
    for name in ("trivial-rewrite", "qmgr"):
        for pid in hung[name]:
            mail.wait_log(rf"/{name}\[{pid}\]: fatal: watchdog timeout$")
            mail.wait_log(rf"master\[\d+\]: warning: process \S+/{name} pid {pid} exit status 1$")
    mail.sendmail("-f", "s@example.com", account, input="Subject: second\n\nhello\n")
    mail.wait_mailbox(account, 2)
    assert mail.pids("cleanup") == hung["cleanup"]


def test_an_environment_with_a_value_without_a_name_is_told_with_its_place(make_merpati):
    mail = make_merpati(main={"import_environment": "MAIL_CONFIG =x TZ"},
                        services=["out unix - n n - - pipe -o export_environment=A,=b\n  user=nobody argv=/bin/true"])
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert re.search(r"main\.cf, line \d+: import_environment: missing attribute name in: =x", checked.stderr)
    assert mail.control("start", check=False).returncode == 1
    mail.set(import_environment=None)
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert "service out/unix: export_environment: missing attribute name in: =b" in checked.stderr
