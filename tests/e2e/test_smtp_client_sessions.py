# SPDX-License-Identifier: Apache-2.0
"""The SMTP client's sessions: how they begin, how long each phase may take, how often they are used again."""

import select
import threading

import pytest

from support.smtp_sink import CLOSE, STALL
from support.waiting import PATIENCE, wait_until

HOST = r"127\.0\.0\.1\[127\.0\.0\.1\]"
KEPT = {"smtp_connection_cache_time_limit": "30s", "connection_cache_ttl_limit": "30s", "smtp_connection_cache_destinations": "127.0.0.1"}


def route(mail, server, **main):
    """Through a next hop without a port, which is how connections are known to stock's cache."""
    mail.set(relayhost=f"[127.0.0.1]:{server.port}", **main)
    return mail.start()


def send(mail, *recipients, message="Subject: x\n\nhello\n"):
    with mail.smtp() as client:
        client.hello()
        for recipient in recipients:
            assert client.deliver("s@example.test", recipient, message).code == 250


def send_each(mail, count):
    """One after the other, so that the session of the last one is there for the next."""
    for number in range(count):
        send(mail, f"u{number}@away.example")
        mail.wait_log(rf"to=<u{number}@away\.example>.*status=sent")


# --- time limits --------------------------------------------------------------------------------------------------


def stops_reading(session, line):
    session.socket.sendall(b"354 go on\r\n")
    return STALL


def test_a_server_that_takes_no_content_is_left(either, sink):
    server = sink(replies={"DATA": stops_reading})
    mail = route(either(), server, smtp_data_xfer_timeout="1s", message_size_limit="30000000", mailbox_size_limit="0")
    send(mail, "u@away.example", message="Subject: x\n\n" + ("x" * 70 + "\n") * 280000)
    mail.wait_log(
        rf"to=<u@away\.example>.*dsn=4\.4\.2, status=deferred \(conversation with {HOST} timed out while sending message body\)"
    )


@pytest.mark.parametrize("step, name, doing", [
    ("RCPT", "rcpt", "sending RCPT TO"),
    ("DOT", "data_done", "sending end of data -- message may be sent more than once"),
])
def test_a_server_that_does_not_answer_is_left(either, sink, step, name, doing):
    mail = route(either(), sink(replies={step: STALL}), **{f"smtp_{name}_timeout": "1s"})
    send(mail, "u@away.example")
    mail.wait_log(rf"to=<u@away\.example>.*dsn=4\.4\.2, status=deferred \(conversation with {HOST} timed out while {doing}\)")


def test_a_kept_session_that_does_not_answer_rset_is_left(make_merpati, sink):
    servers = {name: sink(replies={"RCPT": ["550 5.1.1 unknown", "250 2.1.5 Ok"], "RSET": STALL}) for name in ("long", "short")}
    mail = make_merpati(main=KEPT, services=["short unix - - n - - smtp -o smtp_rset_timeout=1s"])
    mail.set(smtp_rset_timeout="600s", transport_maps="inline:{%s}" % ", ".join(
        f"{name}.test={service}:[127.0.0.1]:{servers[name].port}" for name, service in (("long", "smtp"), ("short", "short"))))
    mail.start()
    for name in servers:
        send(mail, f"bad@{name}.test")
        mail.wait_log(rf"to=<bad@{name}\.test>.*status=bounced")
    for name in servers:
        send(mail, f"good@{name}.test")
        wait_until(lambda: "RSET" in servers[name].lines(), "RSET")
    mail.wait_log(r"to=<good@short\.test>.*status=sent")
    assert {name: len(server.sessions) for name, server in servers.items()} == {"long": 1, "short": 2}
    assert not mail.log_lines("status=deferred")


class Farewell:
    """What QUIT meets: a server that says nothing and looks whether the client waits for it."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.has_left = threading.Event()
        self.is_asked = threading.Event()

    def __call__(self, session, line):
        watch = select.poll()  # select() knows no descriptor beyond 1023
        watch.register(session.socket, select.POLLIN)
        if watch.poll(1000 * self.seconds) and session.socket.recv(1) == b"":
            self.has_left.set()
        self.is_asked.set()
        return "221 2.0.0 Bye"


@pytest.mark.parametrize("skips", ["yes", "no"])
def test_the_answer_to_quit_is_waited_for_where_asked(either, sink, skips):
    quit = Farewell(PATIENCE if skips == "yes" else 0.5)
    mail = route(either(), sink(replies={"QUIT": quit}), smtp_skip_quit_response=skips,
                 smtp_connection_cache_on_demand="no")
    send(mail, "u@away.example")
    assert quit.is_asked.wait(PATIENCE)
    assert quit.has_left.is_set() == (skips == "yes")
    mail.wait_log(r"to=<u@away\.example>.*status=sent")


def test_the_answer_to_quit_is_not_waited_for_forever(either, sink):
    quit = Farewell(PATIENCE)
    mail = route(either(), sink(replies={"QUIT": quit}), smtp_skip_quit_response="no", smtp_quit_timeout="1s",
                 smtp_connection_cache_on_demand="no")
    send(mail, "u@away.example")
    assert quit.has_left.wait(PATIENCE)


# --- greeting and name --------------------------------------------------------------------------------------------


def verbs(server):
    return [line.split(" ")[0] for line in server.lines()]


@pytest.mark.parametrize("greeting, main, expected", [
    ("220 sink.example", {}, "EHLO"),
    ("220 sink.example", {"smtp_always_send_ehlo": "no"}, "HELO"),
    ("220 sink.example ESMTP", {"smtp_always_send_ehlo": "no"}, "EHLO"),
    ("220 sink.example ESMTP", {"smtp_never_send_ehlo": "yes"}, "HELO"),
])
def test_ehlo_or_helo(either, sink, greeting, main, expected):
    server = sink(replies={"GREETING": greeting})
    send(route(either(), server, **main), "u@away.example")
    server.wait_for(1)
    assert verbs(server)[0] == expected


def test_the_name_in_ehlo(either, sink):
    server = sink()
    send(route(either(), server, smtp_helo_name="outside.example.test"), "u@away.example")
    assert server.wait_for(1)[0].hello == "EHLO outside.example.test"


@pytest.mark.parametrize("skips, status", [("yes", "deferred"), ("no", "bounced")])
def test_a_greeting_of_5xx(either, sink, skips, status):
    mail = route(either(), sink(replies={"GREETING": "554 5.7.1 no"}), smtp_skip_5xx_greeting=skips)
    send(mail, "u@away.example")
    dsn = "4" if skips == "yes" else "5"
    mail.wait_log(
        rf"to=<u@away\.example>.*dsn={dsn}\.7\.1, status={status} \(host {HOST} refused to talk to me: 554 5\.7\.1 no\)"
    )


def test_extensions_that_are_not_to_be_used(either, sink):
    server = sink(extensions=["PIPELINING", "SIZE 100000", "8BITMIME", "DSN"])
    mail = route(either(), server, smtp_discard_ehlo_keywords="size, dsn, 8bitmime")
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.test> RET=HDRS")
        client.command("RCPT TO:<u@away.example> NOTIFY=DELAY")
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\nhello\r\n.").code == 250
    message = server.wait_for(1)[0]
    assert message.mail_line == "MAIL FROM:<s@example.test>"
    assert message.recipient_lines == ["RCPT TO:<u@away.example>"]


@pytest.mark.parametrize("quotes, expected", [("yes", '<"a b"@away.example>'), ("no", "<a b@away.example>")])
def test_quotes_in_the_envelope(either, sink, quotes, expected):
    server = sink(extensions=[])
    mail = route(either(), server, smtp_quote_rfc821_envelope=quotes)
    with mail.smtp() as client:
        client.hello()
        client.command('MAIL FROM:<s@example.test>')
        client.command('RCPT TO:<"a b"@away.example>')
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\nhello\r\n.").code == 250
    assert server.wait_for(1)[0].recipient_lines == [f"RCPT TO:{expected}"]


# --- content ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["0", "40"])
def test_the_length_of_lines(either, sink, limit):
    server = sink()
    long = "".join(chr(ord("a") + i % 26) for i in range(130))
    send(route(either(), server, smtp_line_length_limit=limit), "u@away.example", message=f"Subject: x\n\n{long}\n.\n")
    body = server.wait_for(1)[0].text.split("\n\n", 1)[1]
    if limit == "0":
        assert body == f"{long}\n.\n"
    else:
        assert body == f"{long[:40]}\n {long[40:79]}\n {long[79:118]}\n {long[118:]}\n.\n"


def test_8_bit_mime_is_left_alone_where_asked(either, sink):
    server = sink(extensions=["PIPELINING"])
    header = "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    send(route(either(), server, disable_mime_output_conversion="yes"), "u@away.example", message=header + "gr\u00fcn\n")
    assert server.wait_for(1)[0].content.endswith("\r\n\r\ngr\u00fcn\r\n".encode())


# --- used again ---------------------------------------------------------------------------------------------------


def test_a_session_is_used_only_so_often(either, sink):
    """So many times again, which is one more in all."""
    server = sink()
    mail = route(either(main=KEPT), server, smtp_connection_reuse_count_limit="2")
    send_each(mail, 5)
    first = server.messages[0].connection
    assert [message.connection - first for message in server.messages] == [0, 0, 0, 1, 1]
    uses = ["conn_use=3" in line for line in mail.log_lines(r"to=<u\d@away")]
    assert uses == [False, False, True, False, False]


def test_a_session_is_used_only_so_long(make_merpati, sink):
    """It ends at the first message after its time, which the server sees as QUIT though the cache would keep it."""
    server = sink()
    mail = route(make_merpati(main=KEPT), server, smtp_connection_reuse_time_limit="1s")

    def ended():
        send(mail, "u@away.example")
        return "QUIT" in server.lines()

    wait_until(ended, "the end of a session that would have been kept for 30s")


@pytest.mark.parametrize("listed, is_kept", [
    ("", False), ("other.example", False), ("127.0.0.1", True), ("static:any", True),
])
def test_sessions_are_kept_for_the_destinations_listed(either, sink, listed, is_kept):
    server = sink()
    mail = route(either(main={**KEPT}), server, smtp_connection_cache_on_demand="no",
                 smtp_connection_cache_destinations=listed)
    send_each(mail, 2)
    assert len(server.sessions) == (1 if is_kept else 2)


def test_a_session_ends_with_421(make_merpati, sink):
    """An old session is one more host: what it could not do, a new one does."""
    server = sink(replies={"DOT": ["250 2.0.0 Ok", "421 4.3.0 enough", "250 2.0.0 Ok"]})
    mail = route(make_merpati(main=KEPT), server)
    send_each(mail, 2)
    mail.wait_log(rf"\w+: host {HOST} said: 421 4\.3\.0 enough \(in reply to end of DATA command\)$")
    assert "conn_use" not in mail.log_line(r"to=<u1@")
    assert len(server.sessions) == 2


def test_a_session_whose_server_has_gone_is_not_used(make_merpati, sink):
    server = sink(replies={"DOT": ["250 2.0.0 Ok", CLOSE]})
    mail = route(make_merpati(main=KEPT), server)
    send_each(mail, 1)
    server.sessions[0].socket.shutdown(2)
    server.replies.clear()
    send(mail, "next@away.example")
    mail.wait_log(r"to=<next@away\.example>.*status=sent")
    assert "conn_use" not in mail.log_line(r"to=<next@")


# --- on demand ----------------------------------------------------------------------------------------------------


def burst(mail, count):
    """Messages for one next hop at one time, more than may go at one time."""
    with mail.smtp() as client:
        client.hello()
        for number in range(count):
            assert client.deliver("s@example.test", f"u{number}@away.example", "Subject: x\n\nhello\n").code == 250


@pytest.mark.parametrize("on_demand", ["yes", "no"])
def test_a_session_is_kept_while_more_waits_for_its_next_hop(either, sink, on_demand):
    server = sink()
    mail = route(either(main={"smtp_connection_cache_time_limit": "10s", "connection_cache_ttl_limit": "10s", "smtp_connection_cache_on_demand": on_demand}), server,
                 smtp_destination_concurrency_limit="1", initial_destination_concurrency="1", defer_transports="smtp")
    burst(mail, 12)
    mail.set(defer_transports="")
    mail.reload()
    mail.command("postqueue", "-f")
    server.wait_for(12)
    count = len({message.connection for message in server.messages})
    assert count < 6 if on_demand == "yes" else count == 12
    mail.wait_log(r"to=<u\d+@away.*conn_use=3" if on_demand == "yes" else "status=sent", 1 if on_demand == "yes" else 12)


def test_the_session_of_a_lone_message_ends_at_once(either, sink):
    server = sink()
    mail = route(either(main={"smtp_connection_cache_time_limit": "600s", "connection_cache_ttl_limit": "600s"}), server)
    send(mail, "u@away.example")
    wait_until(lambda: server.lines()[-1:] == ["QUIT"], "QUIT")
    assert len(server.messages) == 1
