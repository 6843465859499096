# SPDX-License-Identifier: Apache-2.0
"""qshape: how the queue divides among domains and ages, in the words and columns of Postfix's own."""

import os
import pty
import shutil

import pytest
from support.smtp_sink import STALL
from support.waiting import wait_until

WAITS = {"defer_transports": "smtp", "minimal_backoff_time": "10000s", "maximal_backoff_time": "10000s"}
LONG = "a-very-long-name-that-does-not-fit-anywhere.in-the-first-column.of.example.com"


def queue_up(mail):
    """Nineteen messages, one to three recipients each, that all end in deferred/."""
    with mail.smtp() as client:
        client.hello()
        for number in range(7):
            client.deliver("s@example.test", [f"u{n}@remote.example" for n in range(number % 3 + 1)], "x: y\n\nx\n")
        for number in range(3):
            client.deliver("s@Other.test", f"u{number}@A.Remote.example", "x: y\n\nx\n")
        for number in range(6):
            client.deliver("", f"u@h{number}.x{number % 2}.sub.example", "x: y\n\nx\n")
        client.deliver("s@[192.0.2.1]", f'"a@b"@{LONG}', "x: y\n\nx\n")
        client.deliver("s@[192.0.2.1]", "u@[192.0.2.7]", "x: y\n\nx\n")
        client.deliver("s@[192.0.2.1]", "u@x1.sub.example", "x: y\n\nx\n")
    wait_until(lambda: files(mail, "deferred") == 19, lambda: f"19 in deferred; {mail.tail(5)}")


def files(mail, queue):
    return sum(path.is_file() for path in (mail.queue / queue).rglob("*"))


def qshape(mail, *words, **options):
    return mail.command("qshape", "-c", mail.config, *words, **options)


def rows(text):
    """[name, all ages, ...] of each domain."""
    return [line.split() for line in text.splitlines()[2:]]


def test_each_option_gives_postfix_own_table(make_stock, make_merpati):
    mails = [make_stock(main=WAITS), make_merpati(main=WAITS)]
    for mail in mails:
        mail.start()
        queue_up(mail)
    for words in (
        [], ["deferred"], ["-s", "deferred"], ["-p", "deferred"], ["-p", "-m", "2", "deferred"], ["-p", "-m", "3", "deferred"],
        ["-s", "-p", "-m", "1", "deferred"], ["-l", "deferred"], ["-l", "-b", "4", "-t", "700", "deferred"],
        ["-b", "1", "deferred"], ["-b", "3", "-t", "600", "deferred"], ["-b", "20", "deferred"], ["-w", "120", "deferred"],
        ["-w", "40", "deferred"], ["-n", "2", "-N", "3", "deferred"], ["-b", "0", "deferred"], ["hold", "deferred"],
        ["deferred", "deferred"], ["-t", "60", "-p", "-m", "1", "deferred"],
    ):
        stock, ours = (qshape(mail, *words).stdout.splitlines() for mail in mails)
        assert ours[:2] == stock[:2], words
        # What has the same counts stands in any order there.
        kept = [sorted(line for line in table if "]" not in line or "-m" not in words) for table in (stock, ours)]
        assert kept[1] == kept[0], words
        assert [row[1] for row in rows("\n".join(ours))] == sorted((row[1] for row in rows("\n".join(ours))), key=int, reverse=True)
        own = [str(mail.queue / word) if word in ("deferred", "hold") else word for mail in mails[1:] for word in words]
        assert qshape(mails[1], *own).stdout.splitlines() == ours


def test_mail_in_the_journal_counts(make_merpati, sink):
    """It has no files: what is being delivered, and what waits for its turn."""
    server = sink(replies={"MAIL": STALL})
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "spool_segment_age": "1000s",
                              "initial_destination_concurrency": "1", "default_destination_concurrency_limit": "1"})
    mail.start()
    with mail.smtp() as client:
        client.hello()
        for number in range(5):
            client.deliver("s@example.test", f"u{number}@d{number}.example", "x: y\n\nx\n")
    wait_until(lambda: len(mail.queue_ids()) == 5, "all in the listing")
    assert files(mail, "incoming") + files(mail, "active") == 0
    expected = [[f"d{number}.example", "1"] for number in range(5)]
    assert [row[:2] for row in rows(qshape(mail).stdout)] == expected
    assert rows(qshape(mail, "-s", "hold").stdout) == []


def test_the_queue_of_a_system_that_is_down_and_a_copy(make_merpati):
    mail = make_merpati(main=WAITS)
    mail.start()
    queue_up(mail)
    table = qshape(mail, "deferred").stdout
    assert table.splitlines()[1].split()[:2] == ["TOTAL", "25"]
    mail.stop()
    assert qshape(mail, "deferred").stdout == table
    copy = mail.directory / "copy"
    for folder in ("deferred", "hold", "incoming", "active", "journal", "maildrop"):
        shutil.copytree(mail.queue / folder, copy / folder)
    shutil.rmtree(mail.queue / "deferred")
    assert qshape(mail, f"{copy}/deferred/").stdout == table
    assert rows(qshape(mail, f"{copy}/hold", f"{copy}/active").stdout) == []


def on_terminal(mail, *words):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(mail.command_directory / "qshape", ["qshape", "-c", str(mail.config), *words])
    text = b""
    try:
        while part := os.read(terminal, 4096):
            text += part
    except OSError:  # its end is closed
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return [screen.replace("\r\n", "\n") for screen in text.decode().split("\x1b[H\x1b[2J\x1b[3J")[1:]]


def test_a_terminal_sees_the_table_grow(make_merpati):
    mail = make_merpati(main=WAITS)
    mail.start()
    queue_up(mail)
    screens = on_terminal(mail, "-s", "-N", "5", "-n", "2", "deferred")
    assert [screen.splitlines()[1].split()[1] for screen in screens] == ["5", "10", "15", "19"]
    assert all(len(rows(screen)) <= 2 for screen in screens)
    assert [row[:2] for row in rows(screens[-1])] == [["example.test", "7"], ["MAILER-DAEMON", "6"]]
    assert len(on_terminal(mail, "deferred")) == 1


@pytest.mark.parametrize("words", [["-x"], ["-b", "x"], ["-b", "41"], ["-t", "-1"], ["-w", "10001"]])
def test_wrong_use_is_told(make_merpati, words):
    done = qshape(make_merpati(), *words, check=False)
    assert done.returncode == os.EX_USAGE and "usage: qshape [-s]" in done.stderr, done


def test_what_is_no_queue_is_told(make_merpati):
    mail = make_merpati(main=WAITS)
    for name in ("nosuch", "deferred/A", f"{mail.queue}/pid"):
        done = qshape(mail, name, check=False)
        assert done.returncode == os.EX_NOINPUT and f"{name} is no queue" in done.stderr, done
    done = qshape(mail, "/nonexistent/deferred", check=False)
    assert done.returncode == os.EX_NOINPUT and "chdir /nonexistent: No such file or directory" in done.stderr, done
