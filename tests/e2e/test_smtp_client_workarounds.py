# SPDX-License-Identifier: Apache-2.0
"""What the SMTP client does for servers that need it: by their greeting, their address, their replies."""

import re
import socket
import time

import pytest

from support.smtp_sink import CLOSE

HOST = r"127\.0\.0\.1\[127\.0\.0\.1\]"
ASTERISKS = "220 " + "*" * 30 + "2*0"
GREETED = {"GREETING": ASTERISKS}


def route(mail, server, **main):
    mail.set(relayhost=f"[127.0.0.1]:{server.port}", smtp_connection_cache_on_demand="no", **main)
    return mail.start()


def send(mail, *recipients, message="Subject: x\n\nhello\n"):
    with mail.smtp() as client:
        client.hello()
        for recipient in recipients:
            assert client.deliver("s@example.test", recipient, message).code == 250


def verbs(server):
    return [line.split(" ")[0] for line in server.lines()]


# --- smtp_reply_filter --------------------------------------------------------------------------------------------


def test_a_reply_may_be_changed_line_by_line(either, sink):
    mail = either()
    rules = mail.write("replies", "/^550 5\\.1\\.1 (.*)$/ 450 4.1.1 later: $1\n!/^[2-5][0-9][0-9]/ 250-filler\n")
    server = sink(replies={"RCPT": "550 5.1.1 no such user", "MAIL": b"garbage\r\n250 2.1.0 Ok\r\n"})
    route(mail, server, smtp_reply_filter=f"regexp:{rules}")
    send(mail, "u@away.example")
    mail.wait_log(
        rf"to=<u@away\.example>, .*dsn=4\.1\.1, status=deferred \(host {HOST} said: 450 4\.1\.1 later: no such user "
        r"\(in reply to RCPT TO command\)\)"
    )


# --- EHLO keywords by address -------------------------------------------------------------------------------------


@pytest.mark.parametrize("address, is_meant", [("127.0.0.1", True), ("127.0.0.7", False)])
def test_extensions_not_to_be_used_by_the_server_s_address(either, sink, address, is_meant):
    server = sink(extensions=["SIZE 100000", "PIPELINING"])
    mail = route(either(), server, smtp_discard_ehlo_keyword_address_maps=f"inline:{{{{{address}=size, dsn}}}}",
                 smtp_discard_ehlo_keywords="pipelining")
    send(mail, "u@away.example")
    if is_meant:
        assert " SIZE=" not in server.wait_for(1)[0].mail_line
    server.wait_for(1)
    mail.wait_log("discarding EHLO keywords: .*" + ("SIZE" if is_meant else "PIPELINING"))


def test_extensions_may_be_overlooked_in_silence(either, sink):
    server = sink(extensions=["SIZE 100000"])
    mail = route(either(), server, smtp_discard_ehlo_keywords="size, silent-discard")
    send(mail, "u@away.example")
    assert " SIZE=" not in server.wait_for(1)[0].mail_line
    assert not mail.log_lines("discarding EHLO keywords")


# --- firewalls that meddle ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("greeting, main, expected", [
    (ASTERISKS, {}, "HELO"),
    ("220 ***** **** 2*0*0", {}, "HELO"),
    ("220 sink.example *** ESMTP", {}, "EHLO"),
    (ASTERISKS, {"smtp_pix_workarounds": "delay_dotcrlf"}, "EHLO"),
    (ASTERISKS, {"smtp_pix_workarounds": ""}, "EHLO"),
    (ASTERISKS, {"smtp_pix_workaround_maps": "inline:{{127.0.0.1=delay_dotcrlf}}"}, "EHLO"),
    (ASTERISKS, {"smtp_pix_workaround_maps": "inline:{{127.0.0.7=delay_dotcrlf}}"}, "HELO"),
    ("220 sink.example ESMTP", {"smtp_pix_workaround_maps": "inline:{{127.0.0.1=disable_esmtp}}"}, "EHLO"),
])
def test_no_ehlo_through_a_firewall(either, sink, greeting, main, expected):
    server = sink(replies={"GREETING": greeting})
    send(route(either(), server, **main), "u@away.example")
    server.wait_for(1)
    assert verbs(server)[0] == expected


class Dot:
    """When the end of the content came, and when the final dot."""

    def __init__(self, sink):
        self.times = []
        plain = sink._content

        def content(session, reader):
            usual = reader.readline

            class Timed:
                def readline(self):
                    line = usual()
                    dot.times.append((line, time.monotonic()))
                    return line

            dot = self
            return plain(session, Timed())

        sink._content = content

    def pause(self):
        return self.times[-1][1] - self.times[-2][1]


@pytest.mark.parametrize("main, is_late, enabled", [
    ({"smtp_pix_workaround_threshold_time": "0"}, True, "disable_esmtp delay_dotcrlf"),
    ({}, False, "disable_esmtp"),
    ({"smtp_pix_workaround_threshold_time": "0", "smtp_pix_workarounds": "disable_esmtp"}, False, "disable_esmtp"),
])
def test_the_final_dot_comes_late_through_a_firewall(either, sink, main, is_late, enabled):
    server = sink(replies=GREETED)
    dot = Dot(server)
    mail = route(either(), server, smtp_pix_workaround_delay_time="2s", **main)
    send(mail, "u@away.example")
    server.wait_for(1)
    assert 1.5 < dot.pause() < 9 if is_late else dot.pause() < 1.5
    assert server.messages[0].content.endswith(b"hello\r\n")
    mail.wait_log(rf"\w+: enabling PIX workarounds: {enabled} for {HOST}:{server.port}$")


# --- a server that is slow on purpose -----------------------------------------------------------------------------


def reads_slowly(session, line):
    """Takes a little more than a megabyte a second: all the time something, so that no single wait is long."""
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    session.socket.sendall(b"354 go on\r\n")
    seen = b""
    while not seen.endswith(b"\r\n.\r\n"):
        piece = session.socket.recv(65536)
        if not piece:
            return CLOSE
        seen = (seen + piece)[-10:]
        time.sleep(0.05)
    return "250 2.0.0 Ok"


def send_much(make, sink, rate):
    """More than the system's buffers hold."""
    mail = route(make, sink(replies={"DATA": reads_slowly}), smtp_per_request_deadline="yes", smtp_min_data_rate=rate,
                 smtp_data_xfer_timeout="2s", message_size_limit="20000000")
    send(mail, "u@away.example", message="Subject: x\n\n" + ("x" * 70 + "\n") * 160000)
    return mail


def test_content_must_go_at_a_rate(either, sink):
    mail = send_much(either(), sink, "100000000")
    mail.wait_log(
        rf"to=<u@away\.example>, .*status=deferred \(conversation with {HOST} timed out while sending message body\)"
    )


def test_content_that_goes_at_the_rate_has_all_the_time_it_needs(make_merpati, sink):
    mail = send_much(make_merpati(), sink, "1000")
    mail.wait_log(r"to=<u@away\.example>, .*status=sent")


# --- XFORWARD -----------------------------------------------------------------------------------------------------

KNOWN = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"


def xforward(server):
    return [line for line in server.lines() if line.startswith("XFORWARD")]


@pytest.mark.parametrize("known, sends", [(KNOWN, "yes"), ("XFORWARD ADDR PROTO", "yes"), (KNOWN, "no"), (None, "yes")])
def test_where_a_message_came_from_is_told(either, sink, known, sends):
    server = sink(replies={"XFORWARD": "250 2.0.0 Ok"}, extensions=["PIPELINING"] + ([known] if known else []))
    mail = route(either(), server, smtp_send_xforward_command=sends)
    with mail.smtp() as client:
        client.hello("client.example.test")
        assert client.deliver("s@example.test", "u@away.example", "Subject: x\n\nhello\n").code == 250
    server.wait_for(1)
    told = " ".join(xforward(server))
    if sends == "no" or known is None:
        assert told == ""
        return
    assert re.fullmatch(
        r"XFORWARD NAME=localhost ADDR=127\.0\.0\.1 PORT=\d+ "
        r"XFORWARD PROTO=ESMTP HELO=client\.example\.test IDENT=[0-9A-F]+ SOURCE=LOCAL" if known == KNOWN else
        r"XFORWARD ADDR=127\.0\.0\.1 XFORWARD PROTO=ESMTP", told)


def test_a_local_message_has_nothing_to_tell(either, sink):
    server = sink(replies={"XFORWARD": "250 2.0.0 Ok"}, extensions=[KNOWN])
    mail = route(either(), server, smtp_send_xforward_command="yes")
    mail.sendmail("-f", "s@example.test", "u@away.example", input="Subject: x\n\nhello\n")
    server.wait_for(1)
    assert xforward(server) == ["XFORWARD SOURCE=LOCAL"]


@pytest.mark.parametrize("reply", ["501 5.5.4 bad", "421 4.3.0 busy"])
def test_a_server_that_refuses_xforward_gets_the_message_all_the_same(either, sink, reply):
    server = sink(replies={"XFORWARD": reply}, extensions=[KNOWN])
    mail = route(either(), server, smtp_send_xforward_command="yes")
    send(mail, "u@away.example")
    mail.wait_log(r"to=<u@away\.example>.*status=sent")
    for command in ("name/address", "helo/protocol"):
        mail.wait_log(rf"warning: host {HOST}:{server.port} said: {reply} \(in reply to XFORWARD {command} command\)$")
