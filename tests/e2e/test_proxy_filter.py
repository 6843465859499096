# SPDX-License-Identifier: Apache-2.0
"""
Filters before the queue (smtpd_proxy_filter): nothing is lost, smuggled or taken twice, whatever client and filter do. What they say
to each other is compared with stock Postfix in tests/comparison/cases/smtpd-proxy-*.
"""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.instance import IMPORT_ENVIRONMENT
from support.milter import REJECT, Milter
from support.smtp_client import Disconnected, SmtpClient
from support.smtp_proxy import SmtpProxy
from support.smtp_sink import CLOSE
from support.waiting import free_port, wait_until

FAILED = "451 4.3.0 Error: queue file write error"


class Ports:
    """Entrances of one instance, with parameters of their own."""

    def __init__(self, mail):
        self.mail = mail

    def add(self, **parameters):
        port = free_port()
        words = "".join(f" -o {{ {name} = {value} }}" for name, value in parameters.items())
        self.mail.services.append(f"127.0.0.1:{port} inet n - {self.mail.chroot} - - smtpd{words}")
        self.mail.write_config()
        return port


@pytest.fixture
def entrances(make_merpati):
    """(instance, its Ports), not started."""
    mail = make_merpati(main={"smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "1000", "smtpd_proxy_timeout": "5s"})
    return mail, Ports(mail)


def begin(port, *recipients, name="client.example"):
    client = SmtpClient(port)
    client.hello(name)
    client.commands("MAIL FROM:<a@example.com>", *(f"RCPT TO:<{r}>" for r in recipients or ("b@far.example",)))
    assert client.command("DATA").code == 354
    return client


# Bytes of a message, from behind DATA on; the last five end it.
TRICKY = [
    b"a\r\n.\n\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n.\r\n", b"a\n.\nb\r\n.\r\n", b"a\r.\r\nb\r\n.\r\n", b"a\r.\rb\r\n.\r\n", b"a\r\n.\rb\r\n.\r\n",
    b"a\n.\rb\r\n.\r\n", b"a\r\n\0.\r\nb\r\n.\r\n", b"a\r\r\n.\r\r\nb\r\n.\r\n", b"..\r\n...\r\n.a\r\n.\r\n", b"\r\n..\r\n\r\n.\r\n",
    b"x" * 20000 + b".\r\n..\r\n" + b".y" * 20000 + b"\r\n.\r\n", b"a\r\n.\r\r\nb\r\n.\r\n",
]
BEHIND = b"MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<smuggled@far.example>\r\n"


def as_sloppy(wire):
    """How many messages somebody would see who takes CR and LF, each by itself, for the end of a line."""
    return len(re.findall(rb"(?:^|[\r\n])\.(?=[\r\n])", wire))


@pytest.mark.parametrize("options", ["", "speed_adjust"])
def test_nothing_is_smuggled_past_a_filter(entrances, sink, options):
    mail, ports = entrances
    wires = []

    class Tap:
        """The filter's own view of the bytes: between it and smtpd."""

        def __init__(self, back):
            import socket

            self.socket = socket.create_server(("127.0.0.1", 0))
            self.port, self.back = self.socket.getsockname()[1], back
            threading.Thread(target=self.accept, daemon=True).start()

        def accept(self):
            import socket

            while True:
                try:
                    front, _ = self.socket.accept()
                except OSError:
                    return
                back = socket.create_connection(("127.0.0.1", self.back))
                wires.append(bytearray())
                threading.Thread(target=self.copy, args=(front, back, wires[-1]), daemon=True).start()
                threading.Thread(target=self.copy, args=(back, front, None), daemon=True).start()

        def copy(self, source, target, record):
            import socket

            try:
                while data := source.recv(65536):
                    if record is not None:
                        record += data
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    filter = sink()
    tap = Tap(filter.port)
    port = ports.add(smtpd_proxy_filter=f"inet:127.0.0.1:{tap.port}", smtpd_proxy_options=options, smtpd_forbid_bare_newline_exclusions="")
    mail.start()
    for number, content in enumerate(TRICKY, 1):
        with begin(port) as client:
            client.send(content)
            assert client.reply().code == 250, content[:40]
            client.quit()
        message = filter.wait_for(number)[-1]
        assert (message.sender, message.recipients) == ("a@example.com", ["b@far.example"])
        # As the server that smtpd is sees it: lines by LF, CR LF . CR LF alone the end.
        lines = re.sub(rb"\r?\n", b"\n", content[: -len(b".\r\n")]).split(b"\n")[:-1]
        expected = [line[1:] if line.startswith(b".") else line for line in lines if line != b"."]
        got = message.content.split(b"\r\n")[:-1]
        got = got[next(i for i, line in enumerate(got) if b"; " in line and line.startswith(b"\t")) + 1 :]
        assert got == [line.replace(b"\r", b" ") for line in expected], content[:40]
    # The last dot of each connection, and no other, would end a message for the sloppiest reader.
    wait_until(lambda: all(b"QUIT" in wire for wire in wires), lambda: "the end of all connections")
    assert [as_sloppy(bytes(wire)) for wire in wires] == [1] * len(TRICKY)
    # What comes with the end is a command to us, and not the filter's.
    with begin(port) as client:
        client.send(b"a\r\n.\r\n" + BEHIND)
        assert [client.reply().code for _ in range(3)] == [250, 250, 250]
        client.send(b"DATA\r\n")
        assert client.reply().code == 354
        client.send(b"x\r\n.\r\n")
        assert client.reply().code == 250
    assert [m.sender for m in filter.wait_for(len(TRICKY) + 2)[-2:]] == ["a@example.com", "smuggled@example.com"]
    tap.socket.close()


def test_commands_of_several_lines_are_not_passed_on(entrances, sink):
    mail, ports = entrances
    filter = sink()
    port = ports.add(smtpd_proxy_filter=filter.port)
    mail.start()
    with SmtpClient(port) as client:
        client.hello()
        client.command(b'MAIL FROM:<"a\rRSET\rMAIL FROM:<x@y.example>"@example.com>')
        client.commands("RSET", "MAIL FROM:<a@example.com>")
        assert client.command(b'RCPT TO:<"b\rRCPT TO:<c>"@far.example>').code >= 500
        assert client.command("RCPT TO:<b@far.example>").code == 250
    assert all("\r" not in line for line in filter.lines())


@pytest.mark.parametrize("options", ["", "speed_adjust"])
def test_a_message_without_end_is_none(entrances, sink, options):
    """A client that leaves, a message beyond the limit, one that is refused here: the filter gets no dot."""
    mail, ports = entrances
    filter = sink()
    mail.set(message_size_limit="20000")
    port = ports.add(smtpd_proxy_filter=filter.port, smtpd_proxy_options=options, smtpd_forbid_bare_newline="reject",
                     smtpd_forbid_bare_newline_exclusions="")
    mail.start()
    with begin(port) as client:
        client.send(b"Subject: no end\r\n\r\nx\r\n.\r")
    with begin(port) as client:
        client.send(b"x" * 30000 + b"\r\n.\r\n")
        assert client.reply().text == "552 5.3.4 Error: message file too big"
        client.quit()
    with begin(port) as client:
        client.send(b"bare\n\r\n.\r\n")
        assert client.reply().code == 550
        client.quit()
    mail.wait_log("lost connection after DATA")
    mail.wait_log("disconnect from", 3)
    if options:
        assert filter.sessions == []
    else:
        wait_until(lambda: len(filter.sessions) == 3, lambda: "three connections")
        assert [session.lines[-1] for session in filter.sessions] == ["DATA"] * 3
    assert filter.messages == []


def unasked(session, line):
    """Says that it has the message before it has it."""
    return b"354 go on\r\n250 2.0.0 Ok: taken\r\n"


# What the filter does at a step: the client is told to come again, and nobody has the message.
BAD = {
    "nonsense": {"DOT": b"hello\r\n"}, "mixed": {"DOT": b"550-a\r\n250 b\r\n"}, "three": {"DOT": "354 go on"}, "one": {"DOT": b"100 ok\r\n"},
    "cut": {"DOT": lambda session, line: session.socket.sendall(b"250 2.0.0 Ok") or CLOSE}, "endless": {"DOT": b"250-more\r\n" * 1000},
    "long": {"DOT": b"2" * 3000000}, "unasked": {"DATA": unasked}, "early": {"MAIL": b"250 Ok\r\n250 Ok\r\n250 Ok\r\n354 go\r\n250 Ok\r\n"},
    "rcpt": {"RCPT": b"999 foo\r\n"}, "nul": {"DOT": b"250\0Ok\r\n"}, "greets": {"GREETING": b"\r\n"}, "data": {"DATA": "250 done"},
    "ehlo": {"EHLO": b"250-a\r\n250-b\r\n500 no\r\n"},
}


@pytest.mark.parametrize("options", ["", "speed_adjust"])
def test_a_filter_that_talks_nonsense_takes_nothing(entrances, sink, options):
    mail, ports = entrances
    where = {name: ports.add(smtpd_proxy_filter=sink(replies=replies).port, smtpd_proxy_options=options, smtpd_proxy_timeout="2s")
             for name, replies in BAD.items()}
    mail.start()

    def send(name):
        with SmtpClient(where[name]) as client:
            client.hello()
            return client.deliver("a@example.com", "b@far.example", "Subject: x\n\nx\n").text

    with ThreadPoolExecutor(len(BAD)) as pool:
        said = dict(zip(BAD, pool.map(send, BAD)))
    assert said == dict.fromkeys(BAD, FAILED)
    assert mail.log_line(r'answered before it was asked: "250 2\.0\.0 Ok: taken')
    assert mail.log_line(r'rejected "end of content": "hello"')
    assert mail.log_line(r"response longer than 2048: 2{30}\.\.\.")


def test_a_filter_that_dribbles_has_no_more_time_than_a_silent_one(entrances, sink):
    mail, ports = entrances
    left = threading.Event()

    def dribble(session, line):
        try:
            while not left.wait(0.1):
                session.socket.sendall(b"2")
        except OSError:
            pass
        return CLOSE

    port = ports.add(smtpd_proxy_filter=sink(replies={"DOT": dribble}).port, smtpd_proxy_timeout="1s")
    mail.start()
    with begin(port) as client:
        client.send(b"x\r\n.\r\n")
        assert client.reply().text == FAILED
    left.set()
    assert mail.log_line("timeout talking to proxy")


def body(number, size):
    """Lines that differ, some with dots."""
    line = b".%d.%070d\r\n" % (number, 0)
    return b"Subject: %d\r\n\r\n" % number + b"".join(b"%d" % i + line if i % 3 else line for i in range(size // len(line)))


def test_messages_wait_until_they_are_whole(entrances, sink):
    """speed_adjust: several large messages at one time, each by a slow client; they come as they were, and the file is small again."""
    mail, ports = entrances
    filter = sink()
    port = ports.add(smtpd_proxy_filter=filter.port, smtpd_proxy_options="speed_adjust")
    mail.start()
    sizes = [100, 60000, 65536, 200000, 1000000, 3000000]
    wires = [re.sub(rb"(?m)^\.", b"..", body(i, size)) + b".\r\n" for i, size in enumerate(sizes)]
    clients = [begin(port) for _ in sizes]
    for place in range(0, max(map(len, wires)), 50000):
        for client, wire in zip(clients, wires):
            if place < len(wire) - 5:
                client.send(wire[place : min(place + 50000, len(wire) - 5)])
    held = [path for pid in mail.pids("smtpd") for path in files_without_name(pid)]
    # Nobody is asked before the end.
    assert filter.sessions == [] and len(held) >= 1
    assert mail.queue_ids() == []
    for client, wire in zip(clients, wires):
        client.send(wire[-5:])
        assert client.reply().code == 250
        client.quit()
    got = {re.search(rb"Subject: (\d+)", m.content)[1]: m.content for m in filter.wait_for(len(sizes))}
    for i, size in enumerate(sizes):
        assert got[b"%d" % i].endswith(b"\r\n" + body(i, size).partition(b"\r\n")[2]), size
    wait_until(lambda: all(os.stat(path).st_size <= 2 << 20 for path in held), lambda: "the file of held messages to be cut")
    assert not [line for line in mail.log_text().splitlines() if "warning" in line and "proxy" in line]


def files_without_name(pid):
    folder = f"/proc/{pid}/fd"
    found = [f"{folder}/{number}" for number in os.listdir(folder)]
    return [path for path in found if re.search(r"/(#\d+|held\.\w+) \(deleted\)$", os.readlink(path))]


@pytest.fixture
def loop(entrances, sink):
    """smtpd, a filter, smtpd: made with options, and the judge of the filter."""
    mail, ports = entrances
    made = []

    def make(judge=lambda content: None, **options):
        out = sink()
        mail.set(relayhost=f"[127.0.0.1]:{out.port}", smtp_host_lookup="native")
        back = ports.add(smtpd_authorized_xforward_hosts="127.0.0.0/8", smtpd_client_restrictions="",
                         receive_override_options="no_unknown_recipient_checks, no_milters", smtpd_delay_reject="yes")
        made.append(SmtpProxy(back, judge))
        front = ports.add(smtpd_proxy_filter=made[0].port, smtpd_proxy_ehlo="before.example.test", **options)
        mail.start()
        return mail, front, made[0], out

    yield make
    for proxy in made:
        proxy.stop()


@pytest.mark.parametrize("options", ["", "speed_adjust"])
def test_mail_goes_through_a_filter_into_the_queue(loop, options):
    mail, front, proxy, out = loop(lambda content: "550 5.7.1 virus\x01 found" if b"EICAR" in content else None,
                                   smtpd_proxy_options=options)
    with SmtpClient(front) as client:
        client.hello("orig.example")
        said = client.deliver("a@example.com", ["b@far.example", "c@far.example"], "Subject: fine\n\n.dot\n").text
        assert re.fullmatch(r"250 2\.0\.0 Ok: queued as [0-9A-F]+", said)
        assert client.deliver("a@example.com", "b@far.example", "Subject: bad\n\nEICAR\n").text == "550 5.7.1 virus? found"
        client.quit()
    message = out.wait_for(1)[0]
    mail.wait_empty()
    assert "X-Filtered: yes\nReceived: from orig.example (localhost [127.0.0.1])\n" in message.text
    assert message.text.startswith("Received: from before.example.test (localhost [127.0.0.1])\n")
    assert message.recipients == ["b@far.example", "c@far.example"] and ".dot\n" in message.text
    queue_id = said.split()[-1]
    assert mail.log_line(rf"{queue_id}: client=localhost\[127\.0\.0\.1\], orig_client=localhost\[127\.0\.0\.1\]")
    assert mail.log_line(rf"proxy-accept: END-OF-MESSAGE: 250 2\.0\.0 Ok: queued as {queue_id}; from=<a@example\.com> to=<b@far\.example> proto=ESMTP helo=<orig\.example>")
    assert mail.log_line(r"proxy-reject: END-OF-MESSAGE: 550 5\.7\.1 virus\? found; from=<a@example\.com> to=<b@far\.example>")


def test_nothing_is_lost_or_doubled_when_filters_die(loop):
    """Each client hears 250 for a message that comes out, once; or that it must try again."""
    import random

    dice = random.Random(1)
    mail, front, proxy, out = loop(smtpd_proxy_timeout="5s")
    mail.set()
    taken, lock = [], threading.Lock()

    def judge(content):
        fate = dice.random()
        if fate < 0.2:
            return "451 4.7.1 not now"
        if fate < 0.4:
            raise OSError("dies")
        return None

    proxy.judge = judge

    def send(number):
        try:
            with SmtpClient(front) as client:
                client.hello()
                if client.deliver("a@example.com", "b@far.example", f"Subject: m{number}\n\nx\n").code == 250:
                    with lock:
                        taken.append(number)
                client.quit()
        except (Disconnected, OSError):
            pytest.fail("the client was left alone")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(60)))
    assert 0 < len(taken) < 60
    out.wait_for(len(taken))
    mail.wait_empty()
    assert sorted(int(re.search(r"Subject: m(\d+)", m.text)[1]) for m in out.messages) == sorted(taken)


@pytest.mark.parametrize("fault, said", [
    ("smtpd/write:2:ENOSPC", "452 4.3.1 Error: insufficient system storage"), ("smtpd/write:1:EIO", FAILED), ("smtpd/write:2:short", "452 4.3.1 Error: insufficient system storage"),
    ("smtpd/read:20:EIO", FAILED), ("smtpd/truncate:1:EIO", "250")])
def test_a_disk_that_fails_loses_nothing(entrances, sink, fault, said):
    """The message that is held is taken whole, or not at all; the next one is taken."""
    mail, ports = entrances
    filter = sink()
    mail.set(import_environment=IMPORT_ENVIRONMENT + " MERPATI_FAULTS MERPATI_FAULTS_LOG", service_workers="1")
    struck = mail.path("struck")
    struck.touch()
    struck.chmod(0o666)
    mail.environment.update(MERPATI_FAULTS=fault, MERPATI_FAULTS_LOG=str(struck))
    port = ports.add(smtpd_proxy_filter=filter.port, smtpd_proxy_options="speed_adjust")
    mail.start()
    content = body(1, 1500000).decode()
    with SmtpClient(port) as client:
        client.hello()
        assert client.deliver("a@example.com", "b@far.example", content).text.startswith(said)
        assert client.deliver("a@example.com", "b@far.example", content).code == 250
    taken = filter.wait_for(1 if said != "250" else 2)
    assert all(m.content.endswith(content.encode()[-100000:]) and m.content.count(b"\r\n.1.") == content.count("\r\n.1.") for m in taken)
    assert len(filter.messages) == (1 if said != "250" else 2)


def test_milters_hear_commands_and_no_content(entrances, sink):
    """As in Postfix: who has a filter before the queue has its milters for what is said before the content."""
    mail, ports = entrances
    filter = sink()
    milter = Milter(script={"R": lambda data: REJECT if b"bad" in data else [b"c"]})
    port = ports.add(smtpd_proxy_filter=filter.port, smtpd_milters=milter.place)
    mail.start()
    try:
        with SmtpClient(port) as client:
            client.hello()
            assert client.commands("MAIL FROM:<a@example.com>", "RCPT TO:<bad@far.example>")[1].startswith("550 5.7.1")
            client.command("RSET")
            assert client.deliver("a@example.com", "b@far.example", "Subject: x\n\nx\n").code == 250
            assert client.deliver("a@example.com", "b@far.example", "Subject: y\n\ny\n").code == 250
            client.quit()
        assert [m.recipients for m in filter.wait_for(2)] == [["b@far.example"]] * 2
        letters = "".join(session.letters() for session in milter.sessions)
        assert not set("LNBE") & set(letters) and letters.count("T") == 2
        assert all("bad" not in line for line in filter.lines())
    finally:
        milter.stop()


def test_space_is_asked_for_twice(entrances, sink, tmp_path):
    """A message that is held comes back through the queue: MAIL is refused while there is not room for both."""
    mail, ports = entrances
    filter = sink()
    status = os.statvfs(mail.queue)
    free = status.f_bavail * status.f_frsize
    # Between one and a half times, and two and a half times.
    mail.set(message_size_limit=str(free // 2), mailbox_size_limit="0", virtual_mailbox_limit="0")
    plain = ports.add(smtpd_proxy_filter=filter.port)
    held = ports.add(smtpd_proxy_filter=filter.port, smtpd_proxy_options="speed_adjust")
    mail.start()
    for port, code in ((plain, 250), (held, 452)):
        with SmtpClient(port) as client:
            client.hello()
            assert client.command("MAIL FROM:<a@example.com>").code == code


@pytest.mark.parametrize("place, reason", [("nosuch", '"nosuch": need unix:path or inet:host:port'), ("inet:127.0.0.1:99999", "no port of that name")])
def test_a_place_that_is_none_is_told_before_the_start(make_merpati, place, reason):
    mail = make_merpati()
    mail.services.append(f"127.0.0.1:{free_port()} inet n - y - - smtpd -o smtpd_proxy_filter={place}")
    mail.write_config()
    done = mail.control("check", check=False)
    assert done.returncode != 0 and re.search(rf"error: .*-o smtpd_proxy_filter: .*{re.escape(reason)}", done.stderr)
    done = mail.control("start", check=False)
    assert done.returncode != 0 and reason in done.stderr
