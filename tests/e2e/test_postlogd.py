# SPDX-License-Identifier: Apache-2.0
"""maillog_file and standard output have one writer; the commands that log and lock."""

import os
import re
import subprocess

from support.instance import drop_to
from support.waiting import wait_until


def test_lines_have_the_shape_of_syslog(merpati):
    mail = merpati()
    with mail.smtp() as client:
        client.hello()
    mail.wait_log(
        r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ merpati/smtpd\[\d+\]: connect from localhost\[127\.0\.0\.1\]$"
    )


def test_a_reload_opens_the_file_anew(merpati):
    mail = merpati()
    mail.wait_log("daemon started")
    old = mail.directory / "maillog.1"
    mail.log.rename(old)
    # The line that tells of it may stand in either file.
    mail.control("reload")

    # Until the new postlogd is there, the one before takes lines into the file that it has open.
    def is_anew():
        with mail.smtp() as client:
            client.hello()
        return mail.log.exists() and "connect from" in mail.log.read_text()

    wait_until(is_anew, lambda: f"a line in the new file; the old one:\n{old.read_text()}")
    wait_until(lambda: "reload -- version" in old.read_text() + mail.log.read_text(), "master's line in one of the two files")


def test_a_reload_takes_up_another_file_and_name(merpati):
    mail = merpati()
    mail.wait_log("daemon started")
    old, mail.log = mail.log, mail.directory / "another"
    mail.set(maillog_file=mail.log, syslog_name="mx")
    mail.control("reload")
    mail.wait_log(r" mx/master\[\d+\]: reload -- version")
    assert "reload -- version" not in old.read_text()


def test_a_file_outside_the_allowed_places_is_refused(make_merpati):
    mail = make_merpati().start()
    mail.set(maillog_file_prefixes="/var")
    mail.write_config()
    done = mail.run(mail.daemon_directory / "postlogd", check=False)
    assert done.returncode == 1
    assert "does not begin with one of maillog_file_prefixes" in done.stderr


def test_the_mode_of_the_file_is_as_told(make_merpati):
    for wanted in (None, "0640", "0644"):
        mail = make_merpati()
        mail.set(maillog_file_permissions=wanted)
        mail.start()
        mail.wait_log("daemon started")
        assert oct(mail.log.stat().st_mode & 0o777) == f"0o{(wanted or '0600')[1:]}"


def test_a_facility_that_there_is_not_is_refused(make_merpati):
    mail = make_merpati(main={"maillog_file": "", "syslog_facility": "post"})
    failed = mail.control("start", check=False)
    assert failed.returncode == 1
    assert "syslog_facility = post: there is no such facility" in failed.stderr
    mail.set(syslog_facility="local3")
    mail.start()


def test_a_writer_that_cannot_write_is_replaced(make_merpati):
    """Nobody reads standard output: postlogd_watchdog_timeout ends each postlogd that hangs on it."""
    mail = make_merpati(main={"maillog_file": "/dev/stdout", "postlogd_watchdog_timeout": "1s"})
    mail.set(maillog_file_prefixes=None)
    process = subprocess.Popen(
        [str(mail.command_directory / "merpati"), "-c", str(mail.config), "start-fg"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pipesize=4096,
    )
    try:
        mail.wait_for_port(mail.port)
        first = wait_until(lambda: mail.pids("postlogd"), "postlogd")
        mail.command("postlog", "-c", mail.config, input="a line that nobody reads, again and again and again\n" * 200)
        wait_until(lambda: mail.pids("postlogd") and not set(first) & set(mail.pids("postlogd")), "another postlogd")
        # Read, it goes on.
        os.set_blocking(process.stdout.fileno(), False)
        seen = []

        def told():
            seen.append(process.stdout.read() or b"")
            return re.search(rb"process \S+/postlogd pid %d exit status 1" % first[0], b"".join(seen))

        wait_until(told, lambda: b"".join(seen)[-2000:].decode())
    finally:
        process.terminate()
        os.set_blocking(process.stdout.fileno(), True)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_start_fg_logs_to_standard_output(make_merpati, run_as):
    mail = make_merpati(run_as=run_as, main={"maillog_file": "/dev/stdout"})
    mail.set(maillog_file_prefixes=None)
    out = mail.directory / "stdout"
    with out.open("wb") as output:
        process = subprocess.Popen(
            drop_to(run_as) + [str(mail.command_directory / "merpati"), "-c", str(mail.config), "start-fg"],
            stdout=output, stderr=subprocess.DEVNULL,
        )
        mail.wait_for_port(mail.port)
        with mail.smtp() as client:
            client.hello()
        wait_until(lambda: "connect from" in out.read_text(), lambda: f"a line in {out.read_text()}")
        process.terminate()
        assert process.wait(60) == 0
    assert "terminating on signal 15" in out.read_text()


def test_postlog_adds_lines_and_neuters_them(merpati):
    mail = merpati()
    mail.command("postlog", "-c", mail.config, "-t", "backup/nightly", "-p", "warn", "two", "words")
    mail.wait_log(r" backup/nightly\[\d+\]: warning: two words$")
    mail.command("postlog", "-c", mail.config, input=b"from input \x1b[1m\n")
    mail.wait_log(r" merpati/postlog\[\d+\]: from input \?\[1m$")


def test_postkick_reaches_a_service_and_says_when_it_cannot(merpati):
    mail = merpati()
    assert mail.command("postkick", "-c", mail.config, "public", "pickup", "W").returncode == 0
    failed = mail.command("postkick", "-c", mail.config, "public", "nobody", "W", check=False)
    assert failed.returncode == 1
    assert "cannot contact class public service nobody" in failed.stderr


def test_postlock_holds_the_mailbox_and_gives_the_status_of_the_command(make_merpati):
    mail = make_merpati(main={"deliver_lock_attempts": "1", "deliver_lock_delay": "1s"})
    box = mail.write("box", "")
    done = mail.command(
        "postlock", "-c", mail.config, box, "sh", "-c", f"test -e {box}.lock && exit 7", check=False
    )
    assert done.returncode == 7
    assert not (mail.directory / "box.lock").exists()
    inner = f"{mail.command_directory}/postlock -c {mail.config} {box} true"
    busy = mail.command("postlock", "-c", mail.config, box, "sh", "-c", inner, check=False)
    assert busy.returncode == 75
    assert re.search(r"postlock: fatal: lock .*box", busy.stderr)
    alone = f"env -u MAIL_CONFIG {mail.command_directory}/postlock -c {mail.config} {box}2 printenv MAIL_CONFIG"
    told = mail.command("postlock", "-c", mail.config, box, "sh", "-c", alone)
    assert told.stdout == f"{mail.config}\n"


def test_the_lines_of_one_message_stand_in_the_order_of_events(merpati, account):
    mail = merpati()
    for number in range(8):
        mail.sendmail(f"{account}@localhost", input=f"Subject: {number}\n\n")
        mail.wait_log(r"qmgr\[\d+\]: \w+: removed", count=number + 1)
    stories = {}
    for program, id in re.findall(r" merpati/(\w+)\[\d+\]: (\w{10,}): ", mail.log_text()):
        stories.setdefault(id, []).append(program)
    assert list(stories.values()) == [["pickup", "cleanup", "qmgr", "local", "qmgr"]] * 8, mail.tail()
