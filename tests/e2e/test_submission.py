# SPDX-License-Identifier: Apache-2.0
"""Mail from the command line: also while the system is stopped, never half of it, and never lost on a full disk."""

import os
import subprocess
import time

import pytest
from support.instance import IS_ROOT, drop_to
from support.waiting import wait_until

pytestmark = pytest.mark.sanitized


def maildrop(instance):
    folder = instance.queue / "maildrop"
    return list(folder.iterdir()) if folder.exists() else []


def test_mail_of_a_stopped_system_goes_out_when_it_starts(make_merpati, run_as, account):
    mail = make_merpati(run_as=run_as).start()
    mail.stop()
    mail.sendmail(f"{account}@localhost", input="Subject: early\n\nwritten while stopped\n")
    assert len(maildrop(mail)) == 1
    mail.start()
    assert "written while stopped" in mail.wait_mailbox(account)[0]
    assert maildrop(mail) == []


def test_a_submission_reaches_the_mailbox(merpati, run_as, account):
    mail = merpati(run_as=run_as)
    mail.sendmail("-t", "-F", "Some One", input=f"To: {account}@localhost\nSubject: x\n\nhello\n")
    text = mail.wait_mailbox(account)[0]
    assert "hello" in text and "From: Some One <" in text
    mail.wait_log(r"pickup\[\d+\]: [0-9A-F]+: uid=\d+ from=<\S+>$")


def test_other_users_may_submit(merpati, account):
    if not IS_ROOT:
        pytest.skip("another user needs root")
    mail = merpati()
    # A build tree's postdrop is not set-gid: the folder is opened for the test.
    (mail.queue / "maildrop").chmod(0o1733)
    mail.sendmail(f"{account}@localhost", input="Subject: x\n\nfrom nobody\n", user="nobody")
    mail.command("postkick", "-c", mail.config, "public", "pickup", "W")
    assert "from nobody" in mail.wait_mailbox(account)[0]
    mail.wait_log(r"uid=65534 from=<nobody>$")


def test_the_other_names_of_the_command(merpati, account):
    mail = merpati()
    table = mail.write("aliases", f"someone: {account}\n")
    mail.set(alias_database=f"hash:{table}")
    assert mail.command("newaliases").returncode == 0
    assert (table.parent / "aliases.db").exists()
    assert "Mail queue is empty" in mail.command("mailq").stdout
    assert "Mail queue is empty" in mail.sendmail("-bp").stdout
    assert mail.sendmail("-q").returncode == 0


def test_smtp_on_standard_input(merpati, run_as, account):
    mail = merpati(run_as=run_as)
    words = drop_to(mail.run_as) + [str(mail.command_directory / "sendmail"), "-C", str(mail.config), "-bs"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                          env={**os.environ, "MAIL_CONFIG": str(mail.config)}) as process:
        replies = [process.stdout.readline()]
        for line in ["HELO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{account}@localhost>", "DATA",
                     "Subject: by hand\n\nover standard input\n.", "QUIT"]:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            replies.append(process.stdout.readline())
    assert [reply[:3] for reply in replies] == ["220", "250", "250", "250", "354", "250", "221"], replies
    assert "over standard input" in mail.wait_mailbox(account)[0]


def test_half_a_message_is_no_message(make_merpati):
    mail = make_merpati().start()
    mail.stop()
    words = [str(mail.command_directory / "sendmail"), "-C", str(mail.config), "-i", "a@b.example"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE)
    process.stdin.write(b"Subject: half\n\n" + b"line\n" * 50000)
    process.stdin.flush()
    wait_until(lambda: maildrop(mail), "postdrop's file")
    process.kill()
    process.wait()
    wait_until(lambda: not maildrop(mail), "the file to go away")


@pytest.mark.parametrize("fault", ["postdrop/write:1:ENOSPC", "postdrop/write:3:ENOSPC", "postdrop/sync:1:EIO",
                                   "postdrop/create:1:ENOSPC", "postdrop/sync:2:EIO"])
def test_a_disk_that_fails_is_told(make_merpati, fault, account):
    mail = make_merpati().start()
    mail.stop()
    done = mail.sendmail("-i", f"{account}@localhost", input="Subject: x\n\n" + "line\n" * 50000, check=False,
                         environment={"MERPATI_FAULTS": fault})
    assert done.returncode == 75, done
    assert "queue file write error" in done.stderr
    assert maildrop(mail) == []


def test_what_is_no_message_goes_to_corrupt(make_merpati, account):
    mail = make_merpati().start()
    mail.stop()
    junk = mail.queue / "maildrop" / "JUNK"
    junk.write_bytes(b"no message at all")
    junk.chmod(0o744)
    half = mail.queue / "maildrop" / "HALF"
    half.write_bytes(b"")
    half.chmod(0o600)
    mail.sendmail(f"{account}@localhost", input="Subject: good\n\ngood\n")
    mail.start()
    assert "good" in mail.wait_mailbox(account)[0]
    wait_until(lambda: (mail.queue / "corrupt" / "JUNK").exists(), "the junk in corrupt/")
    assert half.exists()


def test_a_message_too_big_for_cleanup_goes_back(make_merpati, account):
    mail = make_merpati(main={"hopcount_limit": "3"}).start()
    mail.sendmail("-f", f"{account}@localhost", "x@far.example", input="Received: 1\nReceived: 2\nSubject: round\n\nx\n")
    text = mail.wait_mailbox(account)[0]
    assert "too many hops" in text and "Subject: round" in text and "Status: 5.4.0" in text
    assert maildrop(mail) == []


def test_pickup_waits_for_cleanup(make_merpati, account):
    mail = make_merpati(main={"virtual_alias_maps": "hash:/nonexistent/table"}).start()
    mail.sendmail(f"{account}@localhost", input="Subject: x\n\nlater\n")
    mail.wait_log(r"map lookup problem for .* -- message not accepted, try again later")
    assert len(maildrop(mail)) == 1
    mail.set(virtual_alias_maps="")
    mail.reload()
    assert "later" in mail.wait_mailbox(account)[0]


def test_many_submissions_at_once(merpati, account):
    mail = merpati()
    words = [str(mail.command_directory / "sendmail"), "-C", str(mail.config), f"{account}@localhost"]
    running = []
    for number in range(100):
        process = subprocess.Popen(words, stdin=subprocess.PIPE)
        process.stdin.write(f"Subject: {number}\n\nnumber {number}.\n".encode())
        process.stdin.close()
        running.append(process)
    assert [process.wait() for process in running] == [0] * 100
    texts = mail.wait_mailbox(account, 100)
    assert sorted(int(t.split("\nSubject: ")[1].split("\n")[0]) for t in texts) == list(range(100))


def test_the_time_of_a_submission_is_known_to_the_microsecond(merpati, account):
    """Late in a second, a time cut to whole seconds would make every delay longer than half of one."""
    mail = merpati()

    def is_soon():
        wait_until(lambda: time.time() % 1 > 0.6, "the end of a second")
        before = len(mail.mailbox(account))
        mail.sendmail("-f", "a@example.com", f"{account}@localhost", input="Subject: now\n\nx\n")
        mail.wait_mailbox(account, before + 1)
        mail.wait_log(r"local\[.* status=sent", before + 1)
        return mail.log_lines(r"local\[.* delay=0(\.[0-4]\d*)?,")

    wait_until(is_soon, lambda: f"a short delay; log:\n{mail.tail()}")
