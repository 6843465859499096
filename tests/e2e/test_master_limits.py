# SPDX-License-Identifier: Apache-2.0
"""How many processes a service has and for how long: wakeup, maxproc, max_idle, max_use, back-off."""

import contextlib
import os
import re
import signal
from pathlib import Path

import pytest
from support.smtp_client import SmtpClient
from support.waiting import PATIENCE, free_port, wait_until


def pids_of_service(mail, program, service):
    """Process ids of one service's processes, by the -n that master gives each."""
    found = []
    for pid in mail.pids(program):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[1:3] == [b"-n", service.encode()]:
                found.append(pid)
    return found


def replace_service(mail, name, line):
    """One line of master.cf for the one that is there."""
    mail.master, count = re.subn(rf"(?m)^{name}\s.*$", line, mail.master)
    assert count == 1
    mail.write_config()


def test_a_wakeup_with_a_question_mark_waits_until_the_service_was_used(make_merpati, account):
    mail = make_merpati()
    replace_service(mail, "pickup", "pickup unix n - n 1? 1 pickup")
    mail.services.append("always unix n - n 1 1 pickup")
    mail.write_config()
    mail.start()
    # Both are due in the same turn of master; this one is woken in the next second, too.
    first = wait_until(lambda: pids_of_service(mail, "pickup", "always"), "the service without ? to be woken")
    os.kill(first[0], signal.SIGTERM)
    wait_until(lambda: set(pids_of_service(mail, "pickup", "always")) - set(first), "it to be woken again")
    assert pids_of_service(mail, "pickup", "pickup") == []
    mail.sendmail(f"{account}@localhost", input="Subject: used\n\nhello\n")
    mail.wait_mailbox(account)
    used = wait_until(lambda: pids_of_service(mail, "pickup", "pickup"), "pickup to be used")
    os.kill(used[0], signal.SIGTERM)
    wait_until(lambda: set(pids_of_service(mail, "pickup", "pickup")) - set(used), "pickup to be woken, now it was used")


def test_an_idle_process_ends_after_max_idle_and_comes_back_on_demand(merpati):
    mail = merpati(main={"max_idle": "1s", "service_workers": "1"})
    with mail.smtp() as client:
        client.hello()
        first = mail.pids("smtpd")
        assert len(first) == 1
        # Longer than max_idle with a session: that is not idle.
        wait_until(lambda: not mail.pids("showq") and not mail.pids("trivial-rewrite"), "idle services to end")
        assert client.command("NOOP").code == 250
        assert mail.pids("smtpd") == first
    wait_until(lambda: not mail.pids("smtpd"), "smtpd to end")
    assert mail.pids("qmgr"), "a service of which there is one stays"
    with mail.smtp() as client:
        assert client.hello().code == 250
        assert mail.pids("smtpd") != first
    assert not re.search(r"master\[\d+\]: warning: process", mail.log_text())


def test_a_process_ends_after_max_use(merpati):
    """One that serves many at a time stands for a thousand of those that max_use was made for."""
    mail = merpati(main={"max_use": "1", "service_workers": "1"})
    for _ in range(1001):
        with mail.smtp() as client:
            client.greeting
    mail.wait_log(r"smtpd\[\d+\]: connect from", 1001)
    pids = re.findall(r"merpati/smtpd\[(\d+)\]: connect from", mail.log_text())
    assert pids[:1000] == [pids[0]] * 1000
    assert pids[0] not in pids[1000:]
    assert not re.search(r"master\[\d+\]: warning: process", mail.log_text())


def test_no_more_sessions_than_maxproc_and_the_next_waits_its_turn(make_merpati):
    mail = make_merpati()
    port = free_port()
    mail.services.append(f"127.0.0.1:{port} inet n - n - 2 smtpd")
    mail.write_config()
    mail.start()
    with SmtpClient(port) as first, SmtpClient(port) as second:
        assert first.hello().code == 250 and second.hello().code == 250
        assert len(pids_of_service(mail, "smtpd", f"127.0.0.1:{port}")) <= 2
        third = SmtpClient(port, greet=False)
        with third:
            third.socket.settimeout(1)
            with pytest.raises(TimeoutError):
                third.socket.recv(1)
            third.socket.settimeout(PATIENCE)
            assert first.command("QUIT").code == 221
            assert third.socket.recv(4) == b"220 "
            assert second.command("NOOP").code == 250


@pytest.mark.parametrize("maxproc,most", [("-", 6), ("1", 1)])
def test_processes_of_local_share_the_deliveries_that_maxproc_allows(make_merpati, account, maxproc, most):
    """Deliveries that wait until they may go on; all that can be at work at one time are."""
    mail = make_merpati()
    begun, go_on = mail.directory / "begun", mail.directory / "go-on"
    begun.mkdir()
    begun.chmod(0o777)
    mail.set(mailbox_command=f"cat >/dev/null; touch {begun}/$$; until test -e {go_on}; do sleep 0.05; done",
             service_workers="2", local_destination_concurrency_limit="20", initial_destination_concurrency="20")
    replace_service(mail, "local", f"local unix - n n - {maxproc} local")
    mail.start()
    for number in range(6):
        mail.sendmail(f"{account}@localhost", input=f"Subject: {number}\n\nhello\n")
    mail.wait_log(r"qmgr\[\d+\]: .* \(queue active\)", 6)
    wait_until(lambda: len(list(begun.iterdir())) == most, f"{most} deliveries at one time")
    processes = len(pids_of_service(mail, "local", "local"))
    assert 1 <= processes <= min(2, most)
    go_on.write_text("")
    mail.wait_log(r"local\[\d+\]: \S+ to=.*status=sent", 6)
    assert len(list(begun.iterdir())) == 6


def test_the_third_death_in_ten_seconds_begins_a_pause_that_doubles(merpati):
    mail = merpati(main={"service_workers": "1", "service_throttle_time": "2s"})
    path = mail.daemon_directory / "smtpd"
    expected = rf"merpati/master\[\d+\]: warning: {re.escape(str(path))}: service 127\.0\.0\.1:{mail.port}/inet keeps failing -- " \
               r"throttling: next start in {} s$"

    def die():
        deaths = len(mail.log_lines("killed by signal 9"))
        with mail.smtp() as client:
            assert client.hello().code == 250
            assert mail.kill("smtpd") == 1
        mail.wait_log(r"process \S+/smtpd pid \d+ killed by signal 9", deaths + 1)
        # What follows from it is said before the next is started.
        with mail.smtp() as client:
            assert client.hello().code == 250

    def die_until(pattern):
        """On a machine so busy that ten seconds pass between deaths it takes more of them."""
        wait_until(lambda: die() or mail.log_lines(pattern), lambda: f"{pattern}; log:\n{mail.tail()}")

    die()
    die()
    assert "throttling" not in mail.log_text()
    die_until(expected.format(1))
    die_until(expected.format(2))
    # service_throttle_time is the longest.
    with mail.smtp() as client:
        assert client.hello().code == 250
        assert mail.kill("smtpd") == 1
    mail.wait_log(expected.format(2), 2)


def test_a_service_that_does_not_answer_the_queue_manager_is_not_waited_for(make_merpati):
    """qmgr_ipc_timeout, and ipc_timeout of a client's server; when the service is back, mail goes on."""
    door = free_port()
    mail = make_merpati(main={"qmgr_ipc_timeout": "1s", "relayhost": f"[127.0.0.1]:{free_port()}", "smtp_host_lookup": "native"},
                        services=[f"127.0.0.1:{door} inet n - n - - smtpd -o ipc_timeout=1s"])
    mail.start()
    for recipient in ("a@else.test", "b@other.test"):
        mail.sendmail("-f", "s@example.com", recipient, input="Subject: x\n\nhello\n")
        mail.wait_log(rf"to=<{recipient}>, .* status=deferred")
        # The next queue manager has yet to ask where the first one goes.
        if recipient == "a@else.test":
            mail.reload()
    stopped = mail.pids("trivial-rewrite")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        mail.command("postqueue", "-c", mail.config, "-f")
        mail.wait_log(r"/qmgr\[\d+\]: warning: \w+: rewrite: waiting for the peer: timed out$")
        mail.wait_log(r"to=<a@else\.test>, .* status=deferred \(address resolver failure\)$")
        with SmtpClient(door) as client:
            client.hello()
            assert client.commands("MAIL FROM:<s@example.com>", "RCPT TO:<a@else.test>")[-1].startswith("451 ")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    mail.command("postqueue", "-c", mail.config, "-f")
    mail.wait_log(r"to=<a@else\.test>, .* status=deferred \(connect to ", 2)


@pytest.mark.parametrize("is_used", ["yes", "no"])
def test_spill_syncs_the_whole_filesystem_only_where_it_may(make_merpati, is_used):
    """Then it holds the queue's folder open, to hear of errors of writing back."""
    mail = make_merpati(main={"spool_spill_syncfs": is_used, "defer_transports": "local"}).start()
    mail.sendmail("-f", "s@example.com", "root", input="Subject: x\n\nhello\n")
    wait_until(lambda: list(mail.queue.glob("deferred/?/*")), "the file that spill writes")
    (pid,) = mail.pids("spill")

    def holds():
        return str(mail.queue) in [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]

    assert holds() == (is_used == "yes")
