# SPDX-License-Identifier: Apache-2.0
"""postqueue, postsuper, postcat and showq: the queue seen and changed, with the system up and down."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from support.smtp_sink import STALL
from support.waiting import HOLD, PATIENCE, free_port, wait_until

SENDER = "s@example.com"
REASON = "connect to far.test[192.0.2.1]:25: Connection refused"
REFUSING = {"default_transport": f"retry:4.4.1 {REASON}"}
TEXT = "Subject: queued\n\nhello\n"
HEADING = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"


def submit(mail, *recipients, sender=SENDER, text=TEXT):
    """Submits a message that will be deferred; its id, once every recipient was tried."""
    seen = len(mail.log_lines(r"status=deferred"))
    mail.sendmail("-f", sender, *recipients, input=text)
    wait_until(lambda: len(mail.log_lines(r"status=deferred")) >= seen + len(recipients), lambda: mail.tail())
    line = mail.log_lines(r"status=deferred")[-1]
    queue_id = re.search(r"(\w+): to=<", line).group(1)
    wait_until(lambda: queue_of(mail, queue_id) == "deferred", lambda: mail.tail())
    return queue_id


def listing(mail):
    return [json.loads(line) for line in mail.command("postqueue", "-j").stdout.splitlines()]


def entry(mail, queue_id):
    found = [message for message in listing(mail) if message["queue_id"] == queue_id]
    return found[0] if found else None


def queue_of(mail, queue_id):
    message = entry(mail, queue_id)
    return message and message["queue_name"]


def test_an_empty_queue_says_so(either):
    mail = either().start()
    assert mail.command("postqueue", "-p").stdout == "Mail queue is empty\n"
    assert mail.command("postqueue", "-j").stdout == ""


def test_a_listing_in_the_middle_of_a_delivery_makes_nobody_get_it_twice(either, sink):
    """Who has been served stays served when the others are deferred."""
    go = threading.Event()
    late = sink(replies={"DOT": lambda session, line: go.wait(HOLD) and "450 4.7.1 not now"})
    done = sink()
    mail = either(main={"smtp_host_lookup": "native", "transport_maps":
                        f"inline:{{late.test=smtp:[127.0.0.1]:{late.port}, done.test=smtp:[127.0.0.1]:{done.port}}}"}).start()
    mail.sendmail("-f", SENDER, "a@late.test", "b@done.test", input=TEXT)
    mail.wait_log(r"to=<b@done\.test>.* status=sent")
    wait_until(lambda: [[r["address"] for r in m["recipients"]] for m in listing(mail)] == [["a@late.test"]], lambda: mail.tail())
    go.set()
    queue_id = mail.wait_log(r"(\w+): to=<a@late\.test>.* status=deferred").group(1)
    wait_until(lambda: queue_of(mail, queue_id) == "deferred", lambda: mail.tail())
    assert [r["address"] for r in entry(mail, queue_id)["recipients"]] == ["a@late.test"]
    mail.command("postqueue", "-c", mail.config, "-f")
    mail.wait_log(rf"{queue_id}: to=<a@late\.test>.* status=deferred", 2)
    assert len(done.messages) == 1


def test_deferred_mail_is_listed_as_postfix_does(either):
    mail = either(main=REFUSING).start()
    queue_id = submit(mail, "a@far.test", "b@far.test")
    lines = mail.command("postqueue", "-p").stdout.split("\n")
    assert lines[0] == HEADING
    size = re.match(rf"{queue_id} +(\d+) \w{{3}} \w{{3}} \d\d \d\d:\d\d:\d\d  s@example\.com$", lines[1])
    assert size, lines[1]
    assert lines[2] == f"({REASON})".rjust(78)
    assert sorted(lines[3:5]) == [" " * 41 + "a@far.test", " " * 41 + "b@far.test"]
    assert lines[5:] == ["", f"-- {int(size.group(1)) // 1024} Kbytes in 1 Request.", ""]


def test_recipients_that_have_theirs_are_not_listed_while_others_wait(merpati, sink):
    server = sink(replies={"RCPT": lambda session, line: STALL if "slow" in line else None})
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_destination_recipient_limit": "1"})
    mail.sendmail("-f", "a@example.com", "quick@x.test", "slow@x.test", input="Subject: x\n\nhello\n")
    mail.wait_log(r"to=<quick@x\.test>.*status=sent")
    wait_until(lambda: "quick@x.test" not in mail.command("postqueue", "-c", mail.config, "-p").stdout, "quick to be left out")
    assert re.search(r"(?m)^[0-9A-F]+\* .*\n +slow@x\.test$", mail.command("postqueue", "-c", mail.config, "-p").stdout)


def test_json_has_one_object_a_message(either):
    mail = either(main=REFUSING).start()
    queue_id = submit(mail, "a@far.test", sender='"a b"@example.com')
    message = entry(mail, queue_id)
    assert abs(message.pop("arrival_time") - time.time()) < 100
    assert message.pop("message_size") > 200
    assert message == {
        "queue_name": "deferred",
        "queue_id": queue_id,
        "forced_expire": False,
        "sender": '"a b"@example.com',
        "recipients": [{"address": "a@far.test", "delay_reason": REASON}],
    }


def test_showq_speaks_postfix_attribute_stream(either):
    """As an exporter reads it."""
    mail = either(main=REFUSING).start()
    queue_id = submit(mail, "a@far.test")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(mail.queue / "public" / "showq"))
        stream = b""
        while chunk := client.recv(65536):
            stream += chunk
    fields = stream.decode().split("\0")
    assert fields[:3] == ["protocol", "mail_queue_list_protocol", ""]
    names, values = fields[3:-3:2], fields[4:-3:2]
    assert names == ["queue_name", "queue_id", "time", "size", "forced_expire", "sender", "recipient", "reason"]
    assert values[:2] == ["deferred", queue_id]
    assert values[4:] == ["0", SENDER, "a@far.test", REASON]
    assert fields[-3:] == ["", "", ""]


def test_a_listing_ends_when_nobody_reads_on(make_merpati):
    """postqueue -p | head: the service here never comes to an end."""
    mail = make_merpati().start()
    mail.stop()
    fields = ["queue_name", "deferred", "queue_id", "1CF001E133AA", "time", "1767225600", "size", "940", "forced_expire", "0",
              "sender", SENDER, "recipient", "a@far.test", "reason", REASON, "", ""]
    message = "\0".join(fields).encode() * 100
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(mail.queue / "public" / "showq"))
        service.listen()
        listing = subprocess.Popen([Path(mail.command_directory) / "postqueue", "-c", mail.config, "-p"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        client, _ = service.accept()
        with client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(b"protocol\0mail_queue_list_protocol\0\0")
            client.sendall(message)
            assert listing.stdout.readline() == HEADING + "\n"
            listing.stdout.close()
            while True:
                client.sendall(message)
    assert listing.stderr.read() == ""
    assert listing.wait() == 0


def test_hold_release_and_delete(either):
    mail = either(main=REFUSING).start()
    queue_id = submit(mail, "a@far.test")
    done = mail.command("postsuper", "-h", queue_id)
    assert done.stderr == f"postsuper: {queue_id}: placed on hold\npostsuper: Placed on hold: 1 message\n"
    assert queue_of(mail, queue_id) == "hold"
    assert f"{queue_id}!" in mail.command("postqueue", "-p").stdout
    mail.command("postqueue", "-f")
    assert queue_of(mail, queue_id) == "hold"
    done = mail.command("postsuper", "-H", "-", input=f"{queue_id}\n")
    assert done.stderr == f"postsuper: {queue_id}: released from hold\npostsuper: Released from hold: 1 message\n"
    wait_until(lambda: queue_of(mail, queue_id) == "deferred", lambda: mail.tail())
    done = mail.command("postsuper", "-d", queue_id)
    assert done.stderr == f"postsuper: {queue_id}: removed\npostsuper: Deleted: 1 message\n"
    assert listing(mail) == []


@pytest.mark.sanitized
def test_all_and_queue_names(merpati):
    mail = merpati(main=REFUSING)
    ids = {submit(mail, f"{name}@far.test") for name in "abc"}
    assert mail.command("postsuper", "-h", "ALL").stderr == "postsuper: Placed on hold: 3 messages\n"
    assert mail.command("postsuper", "-d", "ALL", "deferred").stderr == "postsuper: Deleted: 0 messages\n"
    assert {message["queue_id"] for message in listing(mail)} == ids
    assert mail.command("postsuper", "-d", "ALL", "hold").stderr == "postsuper: Deleted: 3 messages\n"
    assert listing(mail) == []
    assert mail.command("postsuper", "-d", "NOSUCH").stderr == "postsuper: Deleted: 0 messages\n"
    done = mail.command("postsuper", "-d", "ALL", "nosuch", check=False)
    assert (done.returncode, done.stderr) == (1, "postsuper: fatal: invalid directory name: nosuch\n")


def test_flush_tries_again_at_once(merpati):
    mail = merpati(main=REFUSING)
    queue_id = submit(mail, "a@far.test")
    tries = rf"{queue_id}: to=<a@far\.test>"
    assert len(mail.log_lines(tries)) == 1
    mail.command("postqueue", "-f")
    wait_until(lambda: len(mail.log_lines(tries)) == 2, lambda: mail.tail())
    mail.command("postqueue", "-i", queue_id)
    wait_until(lambda: len(mail.log_lines(tries)) == 3, lambda: mail.tail())
    mail.command("postsuper", "-r", queue_id)
    wait_until(lambda: len(mail.log_lines(r"to=<a@far\.test>")) == 4, lambda: mail.tail())


def test_a_flush_of_a_message_in_delivery_tries_it_again_at_once(merpati, sink):
    asked, may_answer = threading.Event(), threading.Event()

    def answer(session, line):
        if may_answer.is_set():
            return None
        asked.set()
        may_answer.wait(HOLD)
        return "450 4.2.0 later"

    server = sink(replies={"RCPT": answer})
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    mail.sendmail("-f", "a@example.com", "x@x.test", input="Subject: x\n\nhello\n")
    assert asked.wait(PATIENCE)
    mail.command("postqueue", "-c", mail.config, "-i", mail.queue_ids()[0])
    may_answer.set()
    mail.wait_log(r"to=<x@x\.test>.*status=deferred")
    mail.wait_log(r"to=<x@x\.test>.*status=sent")


@pytest.mark.sanitized
def test_postcat_shows_a_message_by_id(merpati):
    mail = merpati(main=REFUSING)
    queue_id = submit(mail, "a@far.test")
    whole = mail.command("postcat", "-q", queue_id).stdout
    lines = whole.split("\n")
    assert re.match(r"\*\*\* ENVELOPE RECORDS \S+ \*\*\*$", lines[0])
    assert f"sender: {SENDER}" in lines
    assert "recipient: a@far.test" in lines
    assert "Subject: queued" in lines
    assert "hello" in lines
    assert re.match(r"\*\*\* MESSAGE FILE END \S+ \*\*\*$", lines[-2])
    assert mail.command("postcat", "-bq", queue_id).stdout == "\nhello\n"
    header = mail.command("postcat", "-hq", queue_id).stdout
    assert "Subject: queued\n" in header and "hello" not in header
    assert mail.command("postcat", "-bhq", queue_id).stdout == header + "\nhello\n"
    envelope = mail.command("postcat", "-eq", queue_id).stdout
    assert "Subject" not in envelope and f"sender: {SENDER}\n" in envelope
    done = mail.command("postcat", "-q", "NOSUCH", check=False)
    assert done.returncode == 1
    assert done.stderr == "postcat: fatal: open queue file NOSUCH: No such file or directory\n"
    path = mail.write("junk", "junk\n")
    assert mail.command("postcat", path, check=False).returncode == 1


def test_the_queue_of_a_system_that_is_down(make_merpati, run_as):
    mail = make_merpati(main=REFUSING, run_as=run_as).start()
    held, deleted, kept = [submit(mail, f"{name}@far.test") for name in ("held", "deleted", "kept")]
    mail.stop()
    done = mail.command("postqueue", "-p")
    assert re.match(r"postqueue: warning: Mail system is down -- accessing queue directly \(.*\)\n$", done.stderr)
    assert done.stdout.endswith(" in 3 Requests.\n")
    assert REASON in done.stdout
    assert mail.command("postsuper", "-h", held).stderr.endswith("Placed on hold: 1 message\n")
    assert mail.command("postsuper", "-d", deleted).stderr.endswith("Deleted: 1 message\n")
    assert {m["queue_id"]: m["queue_name"] for m in listing(mail)} == {held: "hold", kept: "deferred"}
    assert "hello" in mail.command("postcat", "-q", held).stdout
    for words in (["-f"], ["-i", kept]):
        done = mail.command("postqueue", *words, check=False)
        assert done.returncode == 69
        assert done.stderr == "postqueue: fatal: Cannot flush mail queue - mail system is down\n"
    mail.start()
    wait_until(lambda: queue_of(mail, held) == "hold", lambda: mail.tail())
    mail.command("postsuper", "-H", held)
    wait_until(lambda: queue_of(mail, held) == "deferred", lambda: mail.tail())
    assert entry(mail, deleted) is None


def test_mail_submitted_while_down_is_in_maildrop(make_merpati):
    mail = make_merpati(main=REFUSING).start()
    mail.stop()
    mail.sendmail("-f", SENDER, "a@far.test", "b@far.test", input=TEXT)
    (message,) = listing(mail)
    assert (message["queue_name"], message["sender"]) == ("maildrop", SENDER)
    assert message["recipients"] == [{"address": "a@far.test"}, {"address": "b@far.test"}]
    assert "Subject: queued\n" in mail.command("postcat", "-q", message["queue_id"]).stdout
    done = mail.command("postsuper", "-d", message["queue_id"])
    assert done.stderr == f"postsuper: {message['queue_id']}: removed\npostsuper: Deleted: 1 message\n"
    assert listing(mail) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_others_get_a_sentence_when_the_system_is_down(make_merpati, account):
    mail = make_merpati().start()
    mail.stop()
    done = mail.command("postqueue", "-p", user="nobody", check=False)
    assert done.returncode == 69
    assert "Queue report unavailable - mail system is down" in done.stderr
    done = mail.command("postsuper", "-d", "ALL", user="nobody", check=False)
    assert done.returncode == 1
    assert done.stderr == "postsuper: fatal: use of this command is reserved for the superuser\n"


def test_wrong_use_is_told(merpati):
    mail = merpati()
    for name, words, status in (("postqueue", [], 69), ("postqueue", ["-p", "-f"], 69), ("postqueue", ["-z"], 69),
                                ("postsuper", ["-z"], 1), ("postcat", ["-z"], 1)):
        done = mail.command(name, *words, check=False)
        assert done.returncode == status
        assert f"{name}: fatal: usage: {name} " in done.stderr
    done = mail.command("postqueue", "-i", "no/id", check=False)
    assert (done.returncode, done.stderr) == (69, 'postqueue: fatal: Cannot flush queue ID - invalid name: "no/id"\n')


def test_mail_requeued_while_down_is_submitted_anew(make_merpati):
    mail = make_merpati(main=REFUSING).start()
    queue_id = submit(mail, "a@far.test")
    mail.stop()
    done = mail.command("postsuper", "-r", "ALL")
    assert done.stderr == "postsuper: Requeued: 1 message\n"
    (message,) = listing(mail)
    assert (message["queue_name"], message["recipients"]) == ("maildrop", [{"address": "a@far.test"}])
    mail.set(default_transport="discard")
    mail.start()
    mail.wait_log(r"to=<a@far\.test>, relay=none, .*status=sent")
    assert not mail.log_lines(rf"{queue_id}: to=<a@far\.test>.*status=sent")


@pytest.fixture
def silent_host():
    """A host that takes connections and never says a word: a delivery to it stays in hand."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield server.getsockname()[1]


@pytest.mark.sanitized
def test_messages_that_live_in_the_journal(make_merpati, silent_host):
    """After kill -9 there are no files yet: the commands find the frames, and what they do lasts."""
    mail = make_merpati(main={"default_transport": f"smtp:[127.0.0.1]:{silent_host}"}).start()
    with mail.smtp() as client:
        client.hello()
        ids = [client.deliver(SENDER, f"{name}@far.test", f"Subject: {name}\n\nhello {name}\n").text.split()[-1]
               for name in ("held", "deleted", "kept")]
    held, deleted, kept = ids
    wait_until(lambda: len(mail.log_lines(r"queue active")) == 3, lambda: mail.tail())
    assert mail.command("postcat", "-bq", kept).stdout == "\nhello kept\n"
    assert "*" in mail.command("postqueue", "-p").stdout
    mail.kill("master")
    # The queue manager first: it must not see its agents die, and defer.
    mail.kill("qmgr")
    for pid in mail.all_pids():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not mail.all_pids(), "the end of all daemons")
    assert sorted(message["queue_id"] for message in listing(mail)) == sorted(ids)
    assert mail.command("postcat", "-bq", held).stdout == "\nhello held\n"
    assert mail.command("postsuper", "-h", held).stderr.endswith("Placed on hold: 1 message\n")
    assert mail.command("postsuper", "-d", deleted).stderr.endswith("Deleted: 1 message\n")
    assert {m["queue_id"]: m["queue_name"] for m in listing(mail)} == {held: "hold", kept: "incoming"}
    mail.set(default_transport="discard")
    mail.start()
    mail.wait_log(rf"{kept}: to=<kept@far\.test>, .*status=sent")
    wait_until(lambda: [m["queue_id"] for m in listing(mail)] == [held], lambda: mail.tail())
    assert not mail.log_lines(rf"{deleted}: to=.*status=sent")


def test_structure_is_put_right(make_merpati):
    mail = make_merpati(main=REFUSING).start()
    queue_id = submit(mail, "a@far.test")
    mail.stop()
    (path,) = mail.queue.glob(f"deferred/**/{queue_id}")
    assert path.parent.name != "deferred"
    mail.set(hash_queue_names="")
    assert mail.command("postsuper", "-s").stderr == ""
    assert (mail.queue / "deferred" / queue_id).exists()
    mail.set(hash_queue_names="deferred", hash_queue_depth="2")
    mail.command("postsuper", "-s")
    (path,) = mail.queue.glob(f"deferred/*/*/{queue_id}")
    half = mail.queue / "maildrop" / "half-written"
    half.write_text("x")
    half.chmod(0o600)
    mail.command("postsuper", "-p")
    assert half.exists()
    os.utime(half, (0, 0))
    mail.command("postsuper")
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="a set-gid program can be made by root only")
def test_set_gid_commands_take_only_listed_directories(make_merpati, tmp_path):
    mail = make_merpati()
    folder = Path(tempfile.mkdtemp(prefix="merpati-setgid-", dir="/var/tmp"))
    try:
        folder.chmod(0o755)
        program = folder / "postqueue"
        shutil.copy(Path(mail.command_directory) / "postqueue", program)
        shutil.chown(program, "root", "postdrop")
        program.chmod(0o2755)
        for words, environment in ((["-c", str(mail.config)], {}), ([], {"MAIL_CONFIG": str(mail.config)})):
            done = mail.run(program, *words, "-p", user="nobody", check=False, environment=environment)
            assert done.returncode != 0
            assert f"unauthorized configuration directory name: {mail.config}" in done.stderr
    finally:
        shutil.rmtree(folder)


def test_requeued_mail_keeps_what_came_with_it(either, sink):
    """The client, the arrival, ENVID, RET, and of each recipient ORCPT and NOTIFY; the log tells the old id."""
    port = free_port()
    mail = either(
        main={"relayhost": f"[127.0.0.1]:{port}", "minimal_backoff_time": "1000s", "maximal_backoff_time": "1000s"}
    ).start()
    with mail.smtp() as client:
        client.hello("one.example")
        for line in (
            "MAIL FROM:<s@example.test> RET=HDRS ENVID=first",
            "RCPT TO:<a@remote.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;orig-a@x.example",
            "RCPT TO:<b@remote.example> NOTIFY=NEVER",
            "DATA",
        ):
            assert client.command(line).code in (250, 354)
        client.send(b"Subject: keep\r\n\r\nbody\r\n.\r\n")
        old = client.reply().text.rsplit(" ", 1)[1]
    wait_until(lambda: queue_of(mail, old) == "deferred", lambda: mail.tail())
    before = attributes(mail, old)
    assert before["log_client_address"] == "127.0.0.1" and before["log_helo_name"] == "one.example"
    arrival = entry(mail, old)["arrival_time"]
    mail.command("postsuper", "-r", old)
    mail.command("postkick", "public", "pickup", "W")
    new = mail.wait_log(rf"(\w+): uid=\d+ from=<s@example.test> orig_id={old}$").group(1)
    wait_until(lambda: queue_of(mail, new) == "deferred", lambda: mail.tail())
    after = attributes(mail, new)
    assert {name: after.get(name) for name in before} == before
    assert entry(mail, new)["arrival_time"] == arrival
    server = sink(port=port)
    mail.command("postqueue", "-f")
    server.wait_for(1)
    assert "RET=HDRS" in server.messages[0].mail_line and "ENVID=first" in server.messages[0].mail_line
    first, second = server.messages[0].recipient_lines
    assert "ORCPT=rfc822;orig-a@x.example" in first and "NOTIFY=FAILURE,DELAY" in first
    assert "NOTIFY=NEVER" in second


def attributes(mail, queue_id):
    """The named attributes of where a message came from, as postcat shows them."""
    text = mail.command("postcat", "-eq", queue_id).stdout
    found = dict(re.findall(r"(?m)^named_attribute: (\w+)=(.*)$", text))
    return {name: value for name, value in found.items() if "client" in name or "helo" in name or "protocol" in name}


def reduced(mail, done, ids):
    """What postsuper said and what was logged, with A, B, ... for the ids."""
    text = done.stderr
    for name, queue_id in ids.items():
        text = text.replace(queue_id, name)
    return done.returncode, text


def test_expired_mail_goes_back_at_its_next_attempt(make_stock, make_merpati):
    seen = []
    for make in (make_stock, make_merpati):
        mail = make(main={**REFUSING, "minimal_backoff_time": "1h", "maximal_backoff_time": "2h"}).start()
        ids = {name: submit(mail, f"{name}@far.test") for name in ("one", "two", "three")}
        mail.command("postsuper", "-h", ids["two"], "-h", ids["three"])
        steps = [("-e", ids["one"]), ("-e", ids["two"]), ("-f", ids["three"]), ("-e", ids["one"], "-f", ids["one"]),
                 ("-e", "NOSUCH"), ("-e", "bad-id")]  # fmt: skip
        said = [reduced(mail, mail.command("postsuper", *words), ids) for words in steps]
        marks = dict(re.findall(r"(?m)^(\w{10,})([*!#]+)", mail.command("postqueue", "-p").stdout))
        said.append([marks.get(ids[name]) for name in ("one", "two")])
        mail.command("postqueue", "-f")
        mail.command("postqueue", "-i", ids["three"])
        for name in ("one", "three"):
            mail.wait_log(rf"{ids[name]}: from=<{SENDER}>, status=force-expired, returned to sender$")
            mail.wait_log(rf"{ids[name]}: removed")
        assert entry(mail, ids["two"])["forced_expire"] is True
        mail.command("postsuper", "-H", ids["two"])
        mail.command("postqueue", "-i", ids["two"])
        mail.wait_log(rf"{ids['two']}: removed")
        assert len(mail.log_lines(r"to=<(one|two|three)@far\.test>")) == 3
        seen.append(said)
    assert seen[1] == seen[0]


def test_the_reason_of_mail_expired_by_hand(either, sink):
    """That of its delay, or that it was done by hand."""
    server = sink()
    mail = either(main={"default_transport": REFUSING["default_transport"], "relayhost": "", "defer_transports": "hold",
                        "transport_maps": f"inline:{{{{tried.test = retry:4.4.1 {REASON}}}, {{untried.test = hold:}}, "
                                          f"{{example.com = smtp:[127.0.0.1]:{server.port}}}}}"}).start()  # fmt: skip
    mail.sendmail("-f", SENDER, "a@tried.test", input=TEXT)
    mail.wait_log(r"a@tried\.test>.*status=deferred")
    wait_until(lambda: "*" not in mail.command("postqueue", "-p").stdout, lambda: mail.tail())
    mail.command("postsuper", "-e", mail.queue_ids()[0])
    mail.command("postqueue", "-f")
    wait_until(lambda: len(server.messages) == 1, lambda: mail.tail())
    text = str(server.messages[0].content)
    assert REASON in text and "Status: 4.4.1" in text


def test_mail_is_expired_while_the_system_is_down(make_merpati, sink):
    server = sink()
    maps = f"inline:{{{{example.com = smtp:[127.0.0.1]:{server.port}}}}}"
    mail = make_merpati(main={**REFUSING, "transport_maps": maps}).start()
    ids = [submit(mail, f"{name}@far.test") for name in ("one", "two")]
    mail.stop()
    fresh = mail.command("postsuper", "-e", ids[0], "-h", ids[1])
    assert fresh.stderr.endswith("postsuper: Force-expired: 1 message\npostsuper: Placed on hold: 1 message\n")
    again = mail.command("postsuper", "-e", "ALL", "-f", ids[1])
    assert "postsuper: Force-expired: 1 message\n" in again.stderr
    assert f"{ids[1]}: released from hold" in again.stderr
    assert [m["forced_expire"] for m in listing(mail)] == [True, True]
    mail.start()
    mail.command("postqueue", "-f")
    for queue_id in ids:
        mail.wait_log(rf"{queue_id}: from=<{SENDER}>, status=force-expired")
    wait_until(lambda: len(server.messages) == 2, lambda: mail.tail())


def test_expired_mail_stays_so_over_a_restart(make_merpati):
    mail = make_merpati(main={**REFUSING, "minimal_backoff_time": "1h", "maximal_backoff_time": "2h"}).start()
    queue_id = submit(mail, "a@far.test")
    mail.command("postsuper", "-e", queue_id)
    mail.kill("qmgr")
    wait_until(lambda: mail.pids("qmgr"), "another queue manager")
    assert entry(mail, queue_id)["forced_expire"] is True
    mail.command("postqueue", "-i", queue_id)
    mail.wait_log(rf"{queue_id}: from=<{SENDER}>, status=force-expired")


def test_postcat_tells_offsets_and_types(merpati):
    """-o, -d: where each field stands in the file, and its number there; -r, -s: the file's own order."""
    mail = merpati(main=REFUSING)
    queue_id = submit(mail, "a@far.test", "b@far.test")
    mail.command("postsuper", "-e", queue_id)
    path = next(mail.queue.glob(f"deferred/**/{queue_id}"))
    data = path.read_bytes()
    plain = mail.command("postcat", path).stdout
    told = mail.command("postcat", "-o", "-d", path).stdout
    records = re.findall(r"(?m)^ *(\d+) +(\d+) (.*)$", told)
    assert "".join(re.sub(r"(?m)^ *\d+ +\d+ ", "", told)) == plain
    assert mail.command("postcat", "-o", path).stdout == re.sub(r"(?m)^( *\d+ )( *\d+ )", r"\1", told)
    assert mail.command("postcat", "-d", path).stdout == re.sub(r"(?m)^( *\d+ )( *\d+ )", r"\2", told)
    for offset, kind, text in records:
        at = int(offset)
        if text.startswith("***"):
            assert data[at : at + 4] == b"MPF1" and data[at + 4] == int(kind)
        elif text.startswith(("recipient: ", "sender: ")):
            value = text.split(": ")[1].encode()
            assert data[at] == int(kind) == (29 if text.startswith("recipient") else 3)
            assert value in data[at : at + len(value) + 16]
        elif text == "Subject: queued":
            assert data[at:].startswith(b"Subject: queued\n") and int(kind) == 2
    in_order = mail.command("postcat", "-r", "-o", path).stdout
    offsets = [int(n) for n in re.findall(r"(?m)^ *(\d+) ", in_order)]
    assert offsets == sorted(offsets) and "*** STATUS" in in_order
    assert re.search(r"(?m)^ *\d+ added_flags: 1024$", in_order) and "named_attribute: log_message_origin=local" in in_order
    sender_at = next(int(o) for o, _, text in records if text.startswith("sender: "))
    rest = mail.command("postcat", "-s", sender_at, path).stdout
    assert rest.startswith(f"sender: {SENDER}\n") and "recipient: b@far.test" in rest
    assert mail.run(mail.command_directory / "postcat", input=data.decode("latin-1").encode("latin-1")).stdout.replace(" stdin ", f" {path} ") == plain


def test_postcat_refuses_what_stock_refuses(either):
    mail = either()
    for option in ("-f", "-n", "-Z"):
        done = mail.command("postcat", option, mail.config / "main.cf", check=False)
        assert done.returncode == 1 and "usage: " in done.stderr
        assert "[-d (decimal record type)] [-e (envelope records)] [-h (header text)] [-q (access queue)] [-v] [file(s)...]" in done.stderr


def test_postcat_shows_offsets_in_the_journal(make_merpati, silent_host):
    host = silent_host() if callable(silent_host) else silent_host
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{getattr(host, 'port', host)}", "spool_segment_age": "1h"}).start()
    mail.sendmail("-f", SENDER, "a@far.test", input=TEXT)
    mail.wait_log("queue active")
    told = mail.command("postcat", "-oq", mail.queue_ids()[0]).stdout
    offset = int(re.search(r"(?m)^ *(\d+) Subject: queued$", told).group(1))
    number = re.search(r"ENVELOPE RECORDS journal/(\d+)", told).group(1)
    with open(mail.queue / "journal" / f"segment-{number}", "rb") as segment:
        segment.seek(offset)
        assert segment.read(15) == b"Subject: queued"


def test_what_is_put_on_hold_in_the_midst_of_a_delivery_is_held(make_merpati):
    """At whatever moment: what was said to be on hold is, once the attempt has ended."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{deaf.getsockname()[1]}", "smtp_dns_support_level": "disabled"}).start()
        held = set()
        for _ in range(40):
            mail.sendmail("-f", "a@example.com", "b@elsewhere.example", input="Subject: x\n\nx\n")
            # What was not picked up yet has a longer name, and gets another.
            new = wait_until(lambda: {name for name in mail.queue_ids() if len(name) == 12} - held, lambda: f"one more message; log:\n{mail.tail()}")
            done = mail.command("postsuper", "-c", mail.config, *[word for name in new for word in ("-h", name)], check=False)
            assert "Placed on hold" in done.stderr or "was not found" in done.stderr, done.stderr
            if "Placed on hold" in done.stderr:
                held |= new
        assert len(held) > 10

        def shown():
            text = mail.command("postqueue", "-c", mail.config, "-p").stdout
            return held <= set(re.findall(r"(?m)^([0-9A-Z]+)!", text))

        wait_until(shown, lambda: f"all on hold:\n{mail.command('postqueue', '-c', mail.config, '-p').stdout}")
