# SPDX-License-Identifier: Apache-2.0
"""socketmap: and tcp: tables: what a server says, how it fails, and that a slow one holds up nobody else; beside stock Postfix."""

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.instance import Merpati, Stock
from support.waiting import wait_until

CLOSE, HANG = object(), object()


def netstring(text):
    return b"%d:%s," % (len(text.encode()), text.encode())


class TableServer:
    """Answers each question with the next of its replies (the last again and again); keeps what it was asked."""

    def __init__(self, *replies, answer=None):
        self.replies, self.answer = list(replies), answer
        self.questions, self.connections, self.open = [], 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            while question := connection.recv(65536):
                self.questions.append(question)
                reply = self.answer(question) if self.answer else self.replies[0]
                if len(self.replies) > 1:
                    self.replies.pop(0)
                if reply is CLOSE:
                    return
                if reply is not HANG:
                    connection.sendall(reply)

    def stop(self):
        self.listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture
def server():
    made = []

    def make(*replies, **options):
        made.append(TableServer(*replies, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def systems(request):
    """Both systems, configured and not started: stock first."""
    if Stock.why_not():
        pytest.skip(Stock.why_not())
    made = [Stock(), Merpati()]
    yield made
    for one in made:
        one.finish()


def ask_both(systems, server, replies, table, key="Key@Ex", words=("-q",)):
    seen = []
    for mail in systems:
        one = server(*replies)
        done = mail.command("postmap", *words, key, table.format(port=one.port), check=False)
        text = done.stderr.replace(str(one.port), "PORT")
        # What stock adds there is the last error of some system call.
        text = re.sub(r"(?m): Operation now in progress$", "", text).replace(" (Operation now in progress)", "")
        seen.append((done.returncode, done.stdout, text, one.questions, one.connections))
    return seen


SOCKETMAP = "socketmap:inet:127.0.0.1:{port}:name"
SOCKETMAP_REPLIES = [
    [netstring("OK value here")],
    [netstring("OK  two")],
    [netstring("OK ")],
    [netstring("OK")],
    [netstring("NOTFOUND ")],
    [netstring("NOTFOUND")],
    [netstring("NOTFOUND x")],
    [netstring("TEMP try later")],
    [netstring("TEMP")],
    [netstring("TIMEOUT slow")],
    [netstring("PERM bad")],
    [netstring("PERM ")],
    [netstring("ok x")],
    [netstring("BOGUS")],
    [netstring("")],
    [netstring("OK " + "x" * 99997)],
    [netstring("OK " + "x" * 99998)],
    [b"005:OK ab,"],
    [b"5:OK ab;"],
    [b"999999:"],
    [b"nonsense"],
    [CLOSE],
    [CLOSE, netstring("OK again")],
]


TCP_REPLIES = [
    b"200 value here\n",
    b"200 a%20b%0Ac\n",
    b"200 a%zz\n",
    b"200 a%2\n",
    b"200 \n",
    b"200\n",
    b"200value\n",
    b"200  two\n",
    b"200\ttab\n",
    b"200 cr\r\n",
    b"500 none\n",
    b"500\n",
    b"500x\n",
    b"400\n",
    b"300 x\n",
    b"junk\n",
    b"\n",
    b"200 " + b"x" * 4091 + b"\n",
]


def test_answers_are_like_stock(systems, server):
    questions = [(SOCKETMAP, replies, "Key@Ex") for replies in SOCKETMAP_REPLIES]
    questions += [("tcp:127.0.0.1:{port}", [reply], 'K e%y@Ex"\u00fc') for reply in TCP_REPLIES]
    # Side by side: stock sleeps for a second each time it fails.
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda one: ask_both(systems, server, one[1], one[0], one[2]), questions)
        for (_, replies, _), (stock, ours) in zip(questions, answers):
            assert ours == stock, replies


def test_how_long_an_answer_may_be_can_be_set(systems, server):
    ours = systems[1]
    for limit, expected in (("8", "x" * 5), ("7", "")):
        one = server(netstring("OK " + "x" * 5))
        ours.command("postconf", "-c", ours.config, f"socketmap_max_reply_size={limit}")
        done = ours.command("postmap", "-q", "a", SOCKETMAP.format(port=one.port), check=False)
        assert (done.stdout.strip(), "input exceeds size limit" in done.stderr) == (expected, not expected)
    ours.command("postconf", "-c", ours.config, "-X", "socketmap_max_reply_size")


def test_tcp_trouble_is_told_and_asked_again_once(systems, server):
    ours = systems[1:]
    [(status, out, err, questions, connections)] = ask_both(ours, server, [b"400 come back\n"], "tcp:127.0.0.1:{port}", "a")
    assert (status, out, questions) == (1, "", [b"get a\n"])
    assert "table tcp:127.0.0.1:PORT lookup error: temporary error: come back\n" in err
    [(status, out, err, questions, connections)] = ask_both(ours, server, [CLOSE], "tcp:127.0.0.1:{port}", "a")
    assert (status, connections) == (1, 2)
    assert "table tcp:127.0.0.1:PORT lookup error: unexpected disconnect" in err
    [(status, out, err, questions, connections)] = ask_both(ours, server, [CLOSE, b"200 x\n"], "tcp:127.0.0.1:{port}", "a")
    assert (status, out, err, connections) == (0, "x\n", "", 2)
    [(status, out, err, _, _)] = ask_both(ours, server, [b"200 " + b"x" * 5000 + b"\n"], "tcp:127.0.0.1:{port}", "a")
    assert (status, out) == (1, "") and "reply is longer than 4096 characters" in err


def test_keys_in_a_row_share_a_connection(systems, server):
    for mail in systems:
        one = server(netstring("OK 1"), netstring("NOTFOUND "), CLOSE, netstring("OK 3"))
        done = mail.command("postmap", "-q", "-", SOCKETMAP.format(port=one.port), input="k1\nk2\nk3\n", check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "k1\t1\nk3\t3\n", "")
        assert one.questions == [b"7:name k1,", b"7:name k2,", b"7:name k3,", b"7:name k3,"]
        assert one.connections == 2


def test_nobody_listens(systems):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for table in (f"socketmap:inet:127.0.0.1:{port}:x", f"tcp:127.0.0.1:{port}"):
        done = systems[1].command("postmap", "-q", "a", table, check=False)
        assert done.returncode == 1
        assert f"warning: table {table} lookup error: connect to 127.0.0.1:{port}: Connection refused\n" in done.stderr
        assert f"fatal: table {table}: query error: Connection refused\n" in done.stderr


def answer_keys(values):
    """A socketmap server's answers: the value of a key, None for one that is to hang."""

    def answer(question):
        key = question.partition(b":")[2].rstrip(b",").partition(b" ")[2].decode()
        if key in values and values[key] is None:
            return HANG
        return netstring(f"OK {values[key]}" if key in values else "NOTFOUND ")

    return answer


def test_services_ask_servers_whole_keys_and_wait_alone(make_merpati, server, sink):
    """cleanup and smtpd make no connection themselves: proxymap does, for each table that the configuration names."""
    target = sink()
    addresses = server(answer=answer_keys({"alias@example.com": "real@elsewhere.test"}))
    access = server(answer=answer_keys({"bad@example.com": "REJECT go away", "slow@example.com": None, "temp@example.com": "x"}))
    broken = server(netstring("TEMP database is down"))
    mail = make_merpati()
    mail.set(
        virtual_alias_maps=f"socketmap:inet:127.0.0.1:{addresses.port}:aliases",
        virtual_alias_domains="example.com",
        relayhost=f"[127.0.0.1]:{target.port}",
        smtpd_recipient_restrictions=f"check_recipient_access socketmap:inet:localhost:{access.port}:access, "
        f"check_sender_access pipemap:{{inline:{{broken@example.com=x}}, socketmap:inet:127.0.0.1:{broken.port}:b}}",
        smtpd_reject_unlisted_recipient="no",
    )
    mail.start()
    with mail.smtp() as client, mail.smtp() as waiting:
        for one in (client, waiting):
            one.hello()
        assert client.command("MAIL FROM:<s@example.org>").code == 250
        waiting.commands("MAIL FROM:<s@example.org>")
        waiting.line("RCPT TO:<slow@example.com>")
        wait_until(lambda: b"slow@example.com" in b"".join(access.questions), "the slow question")
        assert str(client.command("RCPT TO:<bad@example.com>")).startswith("554 5.7.1 <bad@example.com>: Recipient address rejected: go away")
        client.command("RSET")
        client.deliver("s@example.org", ["alias@example.com"], b"Subject: x\r\n\r\nhello\r\n")
        assert client.command("MAIL FROM:<broken@example.com>").code == 250
        assert client.command("RCPT TO:<alias@example.com>").code == 451
    target.wait_for(1)
    assert set(question.partition(b" ")[2] for question in addresses.questions) >= {b"alias@example.com,", b"real@elsewhere.test,"}
    assert all(b"@" in question for question in addresses.questions + access.questions), "no parts of keys are asked"
    mail.wait_log(r"warning: .*socketmap server temporary error: database is down")
