# SPDX-License-Identifier: Apache-2.0
"""Start, status, stop; one queue has one master."""

import re
import signal
import subprocess
import threading

import pytest
from support.instance import IS_ROOT
from support.waiting import HOLD, PATIENCE, wait_until


def test_a_started_system_says_so_and_a_stopped_one_too(make_merpati, run_as):
    mail = make_merpati(run_as=run_as)
    assert mail.control("status", check=False).returncode == 1
    mail.start()
    status = mail.control("status")
    assert f"the Merpati mail system is running: PID: {mail.master_pid()}" in status.stderr
    mail.wait_log(r"merpati/master\[\d+\]: daemon started -- version \S+, configuration " + re.escape(str(mail.config)))
    mail.stop()
    assert "is not running" in mail.control("status", check=False).stderr
    assert mail.all_pids() == []
    mail.wait_log(r"merpati/master\[\d+\]: terminating on signal 15")
    mail.wait_log(r"merpati/merpati\[\d+\]: starting the Merpati mail system")
    mail.wait_log(r"merpati/merpati\[\d+\]: stopping the Merpati mail system")


def test_one_queue_has_one_master(merpati):
    mail = merpati()
    first = mail.master_pid()
    again = mail.control("start", check=False)
    assert again.returncode == 1 and "already running" in again.stderr
    other = mail.run(mail.daemon_directory / "master", "-c", mail.config, check=False)
    assert other.returncode == 1 and "pid/master.pid: unable to set exclusive lock" in other.stderr
    assert mail.master_pid() == first
    with mail.smtp() as client:
        assert client.hello().code == 250


def test_abort_ends_everything_at_once_and_start_works_after(merpati):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        assert mail.control("abort").returncode == 0
    mail.wait_for_end()
    mail.start()
    with mail.smtp() as client:
        assert client.hello().code == 250


def test_a_killed_master_takes_its_services_along_and_can_be_started_again(merpati):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
    mail.kill("master", signal.SIGKILL)
    wait_until(lambda: not mail.pids("master"), "master to be gone")
    mail.start()
    with mail.smtp() as client:
        assert client.hello().code == 250


def test_stop_lets_the_transaction_in_hand_finish(merpati, account):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
        assert client.command("MAIL FROM:<a@example.com>").code == 250
        assert client.command(f"RCPT TO:<{account}@localhost>").code == 250
        assert client.command("DATA").code == 354
        client.send("Subject: in hand\r\n\r\n")
        stop = subprocess.Popen(
            [str(mail.command_directory / "merpati"), "-c", str(mail.config), "stop"], stderr=subprocess.DEVNULL
        )
        mail.wait_log("terminating on signal 15")
        client.send("hello\r\n.\r\n")
        assert client.reply().code == 250
        assert stop.wait(PATIENCE) == 0
    mail.is_running = False
    mail.start()
    assert "in hand" in mail.wait_mailbox(account)[0]


def test_a_mistake_in_main_cf_stops_the_start_with_file_line_and_remedy(make_merpati):
    mail = make_merpati(main={"default_process_limit": "many"})
    failed = mail.control("start", check=False)
    assert failed.returncode == 1
    assert re.search(r"main\.cf, line \d+: .*default_process_limit = many", failed.stderr)


def test_a_port_that_is_taken_is_named(make_merpati, merpati):
    first = merpati()
    second = make_merpati()
    second.services.append(f"127.0.0.1:{first.port} inet n - y - - smtpd")
    second.write_config()
    failed = second.control("start", check=False)
    assert failed.returncode == 1
    assert f"listen on 127.0.0.1 port {first.port}: bind: Address already in use" in failed.stderr


def test_stop_lets_the_delivery_in_hand_finish(make_merpati, sink):
    """The other side takes its time after the message's end; the answer is not lost, so nothing goes twice."""
    go_on = threading.Event()

    def answer(session, line):
        assert go_on.wait(HOLD)

    target = sink(replies={"DOT": answer})
    mail = make_merpati(main={"transport_maps": f"inline:{{ relayed.test=smtp:[127.0.0.1]:{target.port} }}"})
    mail.start()
    mail.sendmail("someone@relayed.test", input="Subject: slow\n\nhello\n")
    wait_until(lambda: "DATA" in target.lines(), "the delivery to begin")
    stop = subprocess.Popen(
        [str(mail.command_directory / "merpati"), "-c", str(mail.config), "stop"], stderr=subprocess.DEVNULL
    )
    mail.wait_log("terminating on signal 15")
    assert stop.poll() is None
    go_on.set()
    assert stop.wait(PATIENCE) == 0
    mail.is_running = False
    assert len(mail.log_lines(r"to=<someone@relayed\.test>.*status=sent")) == 1
    assert mail.queue_ids() == []
    mail.start()
    with mail.smtp() as client:
        assert client.hello().code == 250
    assert len(target.messages) == 1


def test_flush_tries_deferred_mail_now(make_merpati, sink):
    target = sink(replies={"RCPT": ["450 4.2.0 not now", None]})
    mail = make_merpati(main={
        "transport_maps": f"inline:{{ relayed.test=smtp:[127.0.0.1]:{target.port} }}",
        "minimal_backoff_time": "1h", "maximal_backoff_time": "1h",
    })
    mail.start()
    mail.sendmail("someone@relayed.test", input="Subject: later\n\nhello\n")
    mail.wait_log(r"status=deferred .*not now")
    wait_until(lambda: len(mail.queue_ids()) == 1, "the message to be deferred")
    assert mail.control("flush").returncode == 0
    assert target.wait_for(1)
    mail.wait_empty()


def test_a_stop_by_who_may_not_says_that_alone(merpati, account):
    if not IS_ROOT:
        pytest.skip("needs another user")
    mail = merpati()
    for verb in ("stop", "abort", "reload", "check", "status"):
        refused = mail.control(verb, check=False, user=account)
        assert refused.returncode == 1
        assert refused.stderr == f"merpati: fatal: the queue of {mail.config} is root's: only root may use this command\n"
    with mail.smtp() as client:
        assert client.hello().code == 250
