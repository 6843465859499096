# SPDX-License-Identifier: Apache-2.0
"""A queue on a filesystem that fills up: what was acknowledged is there, what is not there was refused."""

import re
import subprocess

import pytest
from support.instance import IS_ROOT
from support.smtp_client import Disconnected
from support.waiting import PATIENCE, free_port, wait_until

SMALL = {
    "spool_segment_size": "1048576", "spool_journal_limit": "6291456", "spool_journal_reserve": "2097152",
    "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s",
    "smtpd_hard_error_limit": "1000", "smtpd_error_sleep_time": "0",
    "mailbox_size_limit": "0",  # never below message_size_limit: the postmaster's mail is delivered, too
}


@pytest.fixture
def small_disk():
    """Puts the queue of an instance on a filesystem of its own: small_disk(mail, "16m")."""
    mounted = []

    def mount(mail, size):
        if not IS_ROOT:
            pytest.skip("mounting needs root")
        words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(mail.queue)]
        if subprocess.run(words, capture_output=True).returncode != 0:
            pytest.skip("mounting is not allowed here")
        mounted.append(mail.queue)

    yield mount
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(mail, size):
    """Sends until 20 messages in a row were refused; the tokens of those acknowledged, and the refusals."""
    acknowledged, refusals, in_a_row = [], set(), 0
    client = mail.smtp()
    client.hello()
    for number in range(5000):
        try:
            reply = client.deliver("s@example.test", "a@else.test", f"Subject: m-{number}-\n\n" + ("x" * 70 + "\n") * (size // 71))
        except Disconnected:
            client = mail.smtp()
            client.hello()
            continue
        if reply.code == 250:
            acknowledged.append(f"m-{number}-")
            in_a_row = 0
            continue
        refusals.add(str(reply))
        in_a_row += 1
        client.command("RSET")
        if in_a_row == 20:
            return acknowledged, refusals
    raise AssertionError("the disk did not fill up")


@pytest.mark.parametrize("size", [300, 90_000], ids=["small messages", "messages of a file each"])
@pytest.mark.parametrize("limit", ["200000", "0"], ids=["with room for one more", "to the last byte"])
def test_all_that_was_acknowledged_is_delivered(make_merpati, small_disk, sink, size, limit):
    port = free_port()
    mail = make_merpati(main={**SMALL, "message_size_limit": limit, "relayhost": f"[127.0.0.1]:{port}",
                              "smtp_host_lookup": "native"})
    small_disk(mail, "16m")
    mail.start()
    acknowledged, refusals = fill(mail, size)
    assert acknowledged and all(re.match(r"4(52|51) 4\.3\.", text) for text in refusals), refusals
    wait_until(lambda: len(mail.queue_ids()) == len(acknowledged), lambda: f"{len(acknowledged)} listed, not {len(mail.queue_ids())}")

    server = sink(port=port)

    def is_empty():
        mail.command("postqueue", "-f")
        return not mail.queue_ids()

    wait_until(is_empty, lambda: f"an empty queue; log:\n{mail.tail()}", PATIENCE * 2)
    arrived = set(re.findall(r"m-\d+-", "".join(message.text for message in server.messages)))
    assert arrived == set(acknowledged)
    assert not list((mail.queue / "corrupt").iterdir())
    mail.stop()


FILLER = """\
#!/bin/sh
cat >/dev/null
dd if=/dev/zero of={queue}/filled/it bs=4k 2>/dev/null
: >{directory}/full
while [ ! -e {directory}/go ]; do sleep 0.05; done
rm {queue}/filled/it
echo 4.3.1 no room
exit 73
"""


def test_a_command_that_fills_the_disk_is_deferred_and_other_mail_waits(make_merpati, small_disk, sink, account):
    """What was there is delivered, what comes is refused for now, and all is well when there is room again."""
    server = sink()
    mail = make_merpati(main={**SMALL, "transport_maps": f"inline:{{filler.test=filler:, else.test=smtp:[127.0.0.1]:{server.port}, late.test=late:}}",
                              "smtp_host_lookup": "native", "smtpd_recipient_restrictions": "permit"})
    small_disk(mail, "16m")
    script = mail.write("filler", FILLER.format(queue=mail.queue, directory=mail.directory))
    waiter = mail.write("waiter", f"#!/bin/sh\\ncat >/dev/null\\nwhile [ ! -e {mail.directory}/full ]; do sleep 0.05; done\\n".replace("\\n", "\n"))
    for path in (script, waiter):
        path.chmod(0o755)
    mail.directory.chmod(0o777)
    (mail.queue / "filled").mkdir()
    (mail.queue / "filled").chmod(0o777)
    mail.services += [f"filler unix - n n - - pipe user={account} argv={script}", f"late unix - n n - - pipe user={account} argv={waiter}"]
    mail.write_config()
    mail.start()
    text = "Subject: m-{}-\n\nhello\n"
    for recipient in ("a@late.test", "a@filler.test"):
        mail.sendmail("-f", "", recipient, input=text.format(recipient))
    wait_until((mail.directory / "full").exists, "the full disk")
    mail.wait_log(r"to=<a@late\.test>.* status=sent")
    with mail.smtp() as client:
        client.hello()
        assert re.match(r"4(52|51) 4\.3\.", str(client.deliver("s@example.test", "b@else.test", text.format("large") + "x" * 70 + "\n" * 200_000)))
    (mail.directory / "go").touch()
    mail.wait_log(r"to=<a@filler\.test>, relay=filler, .*dsn=4\.3\.1, status=deferred \(no room ?\)")

    def is_taken():
        with mail.smtp() as client:
            client.hello()
            return client.deliver("s@example.test", "c@else.test", text.format("after")).code == 250

    wait_until(is_taken, lambda: f"room; log:\n{mail.tail()}")
    assert "Subject: m-after-" in server.wait_for(1)[-1].text
    mail.stop()


def test_a_disk_without_room_for_the_journal_is_told_by_check(make_merpati, small_disk):
    mail = make_merpati(main={"message_size_limit": "100000", "mailbox_size_limit": "0"})
    mail.write_config()
    mail.queue.mkdir(exist_ok=True)
    small_disk(mail, "12m")
    assert re.search(r"has 1[12] MB left: to go on taking mail it needs room for another part of the journal \(spool_segment_size, 16 MB\)",
                     mail.control("check").stderr)
    mail.set(spool_segment_size="1048576")
    mail.write_config()
    assert "to go on taking mail" not in mail.control("check").stderr
