# SPDX-License-Identifier: Apache-2.0
"""The SMTP client against servers that behave and servers that do not; its log lines are those of stock Postfix."""

import re

import pytest

from support.smtp_sink import CLOSE, RESET, STALL
from support.waiting import free_port, wait_until

HOST = r"127\.0\.0\.1\[127\.0\.0\.1\]"
RELAY = HOST + r":\d+"
SHORT_TIMEOUTS = {
    f"smtp_{phase}_timeout": "5s" for phase in ("connect", "helo", "mail", "rcpt", "data_init", "data_done", "rset")
}

# name: (what the server does, {recipient: (relay, dsn, status, text)}); "*" stands for every recipient.
SENT = (RELAY, r"2\.0\.0", "sent", r"250 2\.0\.0 Ok: queued as SINK1")


def lost(doing):
    return {"*": (RELAY, r"4\.4\.2", "deferred", f"lost connection with {HOST} while {doing}")}


def stalled(doing):
    return {"*": (RELAY, r"4\.4\.2", "deferred", f"conversation with {HOST} timed out while {doing}")}


def said(dsn, status, reply, command):
    return {"*": (RELAY, dsn, status, rf"host {HOST} said: {reply} \(in reply to {command} command\)")}


def refused(dsn, status, reply):
    return {"*": (RELAY, dsn, status, f"host {HOST} refused to talk to me: {reply}")}


END = "sending end of data -- message may be sent more than once"
CASES = {
    "ok": ({}, {"*": SENT}),
    "greeting-4xx": ({"GREETING": "421 4.3.2 busy"}, refused(r"4\.3\.2", "deferred", r"421 4\.3\.2 busy")),
    "greeting-5xx": ({"GREETING": "554 no way"}, refused(r"4\.0\.0", "deferred", "554 no way")),
    "greeting-close": ({"GREETING": CLOSE}, lost("receiving the initial server greeting")),
    "greeting-stall": ({"GREETING": STALL}, stalled("receiving the initial server greeting")),
    "ehlo-unknown": ({"EHLO": "502 5.5.1 what?"}, {"*": SENT}),
    "ehlo-later": ({"EHLO": "450 4.3.2 later"}, {"*": SENT}),
    "helo-refused": (
        {"EHLO": "502 5.5.1 what?", "HELO": "550 5.7.1 go away"},
        refused(r"5\.7\.1", "bounced", r"550 5\.7\.1 go away"),
    ),
    "ehlo-close": ({"EHLO": CLOSE}, lost("performing the EHLO handshake")),
    "ehlo-stall": ({"EHLO": STALL}, stalled("performing the EHLO handshake")),
    "mail-5xx": ({"MAIL": "550 5.1.8 bad"}, said(r"5\.1\.8", "bounced", r"550 5\.1\.8 bad", "MAIL FROM")),
    "mail-4xx": ({"MAIL": "450 4.1.8 bad"}, said(r"4\.1\.8", "deferred", r"450 4\.1\.8 bad", "MAIL FROM")),
    "mail-3xx": ({"MAIL": "354 odd"}, said(r"5\.5\.0", "bounced", "354 odd", "MAIL FROM")),
    "mail-close": ({"MAIL": CLOSE}, lost("sending MAIL FROM")),
    "mail-stall": ({"MAIL": STALL}, stalled("sending MAIL FROM")),
    "rcpt-5xx": ({"RCPT": "550 5.1.1 unknown"}, said(r"5\.1\.1", "bounced", r"550 5\.1\.1 unknown", "RCPT TO")),
    "rcpt-5xx-plain": ({"RCPT": "550 unknown"}, said(r"5\.0\.0", "bounced", "550 unknown", "RCPT TO")),
    "rcpt-many-lines": (
        {"RCPT": "550-5.1.1 unknown\n550 5.1.1 really"},
        said(r"5\.1\.1", "bounced", r"550-5\.1\.1 unknown 550 5\.1\.1 really", "RCPT TO"),
    ),
    "rcpt-4xx": ({"RCPT": "450 4.2.0 grey"}, said(r"4\.2\.0", "deferred", r"450 4\.2\.0 grey", "RCPT TO")),
    "rcpt-421": ({"RCPT": "421 4.7.0 enough"}, said(r"4\.7\.0", "deferred", r"421 4\.7\.0 enough", "RCPT TO")),
    "rcpt-close": ({"RCPT": CLOSE}, lost("sending RCPT TO")),
    "rcpt-mixed": (
        {"RCPT": ["250 2.1.5 Ok", "550 5.1.1 unknown", "451 4.3.0 later"]},
        {
            "a": SENT,
            "b": said(r"5\.1\.1", "bounced", r"550 5\.1\.1 unknown", "RCPT TO")["*"],
            "c": said(r"4\.3\.0", "deferred", r"451 4\.3\.0 later", "RCPT TO")["*"],
        },
    ),
    "data-5xx": ({"DATA": "554 5.7.1 no"}, said(r"5\.7\.1", "bounced", r"554 5\.7\.1 no", "DATA")),
    "data-4xx": ({"DATA": "451 4.3.0 no"}, said(r"4\.3\.0", "deferred", r"451 4\.3\.0 no", "DATA")),
    "data-close": ({"DATA": CLOSE}, lost("sending DATA command")),
    "data-stall": ({"DATA": STALL}, stalled("sending DATA command")),
    "dot-5xx": ({"DOT": "554 5.7.1 spam"}, said(r"5\.7\.1", "bounced", r"554 5\.7\.1 spam", "end of DATA")),
    "dot-4xx": ({"DOT": "451 4.7.1 later"}, said(r"4\.7\.1", "deferred", r"451 4\.7\.1 later", "end of DATA")),
    "dot-close": ({"DOT": CLOSE}, lost(END)),
    "dot-stall": ({"DOT": STALL}, stalled(END)),
    "too-large": (
        {"EHLO": "250-sink.example\n250 SIZE 50"},
        {"*": (RELAY, r"5\.3\.4", "bounced", rf"message size \d+ exceeds size limit 50 of server {HOST}")},
    ),
    "no-extensions": ({"EHLO": "250 sink.example"}, {"*": SENT}),
    "nobody-there": (
        None,
        {"*": ("none", r"4\.4\.1", "deferred", rf"connect to {RELAY}: Connection refused")},
    ),
}
DELAYS = r"delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+"


def play_cases(make, sink):
    """One message with three recipients to each server; then each recipient's line is as expected."""
    ports = {name: free_port() if replies is None else sink(replies=replies).port for name, (replies, _) in CASES.items()}
    mail = make(main={**SHORT_TIMEOUTS, "default_destination_concurrency_limit": "5"})
    routes = "".join(f"{name}.example smtp:[127.0.0.1]:{port}\n" for name, port in ports.items())
    mail.set(transport_maps=f"texthash:{mail.write('transport', routes)}")
    mail.start()
    with mail.smtp() as client:
        client.hello()
        for name in CASES:
            recipients = [f"{user}@{name}.example" for user in "abc"]
            assert client.deliver("s@example.test", recipients, "Subject: x\n\nhello\n" * 5).code == 250
    wrong = []
    for name, (_, expected) in CASES.items():
        for user in "abc":
            mail.wait_log(rf"to=<{user}@{name}\.example>")
            relay, dsn, status, text = expected.get(user) or expected["*"]
            line = mail.log_line(rf"/smtp\[.*to=<{user}@{name}\.example>")
            pattern = rf"\w+: to=<{user}@{name}\.example>, relay={relay}, {DELAYS}, dsn={dsn}, status={status} \({text}\)"
            if not re.fullmatch(pattern, line):
                wrong.append(f"{name}: {line}\n    not {pattern}")
    assert not wrong, "\n".join(wrong)
    mail.wait_log(r"/smtp\[.*connect to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: Connection refused$")
    return mail


@pytest.mark.sanitized
def test_every_failure_of_a_server_has_its_outcome(make_merpati, sink):
    play_cases(make_merpati, sink)


def test_stock_says_the_same(make_stock, sink):
    play_cases(make_stock, sink)


# --- a server that is hostile -------------------------------------------------------------------------------------


def route_all(mail, port):
    mail.set(relayhost=f"[127.0.0.1]:{port}")
    return mail


def send(mail, recipients, message="Subject: x\n\nhello\n", sender="s@example.test"):
    with mail.smtp() as client:
        client.hello()
        assert client.deliver(sender, recipients, message).code == 250


def flush_until(mail, condition):
    """The outcome is logged before the message can be flushed, so it is asked for until it has happened."""

    def flushed():
        mail.command("postqueue", "-f")
        return condition()

    wait_until(flushed, lambda: f"delivery after a flush; log:\n{mail.tail()}")


def endless(session, line):
    try:
        while True:
            session.socket.sendall(b"250-and another thing\r\n" * 100)
    except OSError:
        return CLOSE


def one_long_line(session, line):
    try:
        for _ in range(2000):
            session.socket.sendall(b"x" * 10000)
    except OSError:
        pass
    return CLOSE


@pytest.mark.parametrize(
    "replies",
    [
        {"EHLO": endless},
        {"MAIL": endless},
        {"RCPT": one_long_line},
        {"DOT": endless},
        {"GREETING": b"hello world\r\n"},
        {"MAIL": b"\0\xff\r\n"},
        {"RCPT": RESET},
        {"DATA": RESET},
        {"EHLO": b"250-a\r\n550 b\r\n"},
    ],
)
def test_a_hostile_server_costs_a_deferral(make_merpati, sink, replies):
    server = sink(replies=replies)
    mail = route_all(make_merpati(main=SHORT_TIMEOUTS), server.port).start()
    send(mail, ["u@away.example"])
    mail.wait_log(r"to=<u@away\.example>.*status=deferred")
    server.replies.clear()
    flush_until(mail, lambda: server.messages)


# --- sessions used again ------------------------------------------------------------------------------------------

KEPT = {"smtp_connection_cache_time_limit": "10s", "connection_cache_ttl_limit": "10s", "smtp_connection_cache_destinations": "127.0.0.1"}


def test_a_session_carries_the_next_message(make_merpati, sink):
    server = sink()
    mail = route_all(make_merpati(main=KEPT), server.port).start()
    for number in range(3):
        send(mail, [f"u{number}@away.example"])
        mail.wait_log(rf"to=<u{number}@away\.example>.*status=sent")
    assert len({message.connection for message in server.wait_for(3)}) == 1
    assert "conn_use" not in mail.log_line(r"to=<u0@")
    assert ", conn_use=2, delay=" in mail.log_line(r"to=<u1@")
    assert ", conn_use=3, delay=" in mail.log_line(r"to=<u2@")


def test_a_session_that_has_gone_meanwhile_costs_nothing(make_merpati, sink):
    server = sink(replies={"MAIL": ["250 2.1.0 Ok", CLOSE, "250 2.1.0 Ok"]})
    mail = route_all(make_merpati(main=KEPT), server.port).start()
    for number in range(2):
        send(mail, [f"u{number}@away.example"])
        mail.wait_log(rf"to=<u{number}@away\.example>.*status=sent")
    assert len(server.sessions) == 2
    assert not mail.log_lines("status=deferred")


def test_a_refused_message_does_not_spoil_the_next(make_merpati, sink):
    server = sink(replies={"RCPT": ["550 5.1.1 unknown", "250 2.1.5 Ok"]})
    mail = route_all(make_merpati(main=KEPT), server.port).start()
    send(mail, ["bad@away.example"], sender="")
    mail.wait_log(r"to=<bad@away\.example>.*status=bounced")
    send(mail, ["good@away.example"], sender="")
    mail.wait_log(r"to=<good@away\.example>.*conn_use=2.*status=sent")
    assert server.wait_for(1)[0].recipients == ["good@away.example"]
    assert "RSET" in server.lines()


@pytest.mark.parametrize("option", ["smtp_connection_cache_time_limit", "connection_cache_ttl_limit"])
def test_an_idle_session_ends_with_quit_after_the_time_of_its_service(make_merpati, sink, option):
    kept, left = sink(), sink()
    mail = make_merpati(
        main={**KEPT, "smtp_connection_cache_time_limit": "600s", "connection_cache_ttl_limit": "600s",
              "transport_maps": f"inline:{{kept.example=smtp:[127.0.0.1]:{kept.port}, left.example=quick:[127.0.0.1]:{left.port}}}"},
        services=[f"quick unix - - n - - smtp -o {option}=1s"],
    ).start()
    send(mail, ["u@kept.example"])
    mail.wait_log(r"to=<u@kept\.example>.*status=sent")
    send(mail, ["u@left.example"])
    wait_until(lambda: left.lines()[-1:] == ["QUIT"], "QUIT")
    assert "QUIT" not in kept.lines()


# --- what goes over the wire --------------------------------------------------------------------------------------

TRICKY = "Subject: x\n\n.\n..\n.dot\n" + "long " * 500 + "\nend without newline"


@pytest.mark.parametrize("extensions", [None, [], ["PIPELINING"], ["8BITMIME", "SIZE 100000"]])
def test_content_arrives_as_it_was_sent(make_merpati, sink, extensions):
    server = sink(extensions=extensions)
    mail = route_all(make_merpati(), server.port).start()
    send(mail, [f"u{i}@away.example" for i in range(20)], TRICKY)
    message = server.wait_for(1)[0]
    assert len(message.recipients) == 20
    body = message.text.split("\n\n", 1)[1]
    assert body.startswith(".\n..\n.dot\nlong ")
    assert max(len(line) for line in message.content.split(b"\r\n")) <= 998
    assert body.replace("\n ", "").endswith("long long \nend without newline\n")


def test_a_large_message_comes_from_its_file(make_merpati, sink):
    server = sink()
    mail = route_all(make_merpati(), server.port).start()
    lines = "".join(f"line {i} {'x' * 60}\n" for i in range(30000))
    send(mail, ["u@away.example"], "Subject: x\n\n" + lines)
    message = server.wait_for(1)[0]
    assert message.text.split("\n\n", 1)[1] == lines


def test_the_sender_s_wishes_are_handed_on(make_merpati, sink):
    server = sink(extensions=["SIZE 100000", "8BITMIME", "DSN", "PIPELINING"])
    mail = route_all(make_merpati(), server.port).start()
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.test> BODY=8BITMIME ENVID=e+2B1 RET=HDRS")
        client.command("RCPT TO:<u@away.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;orig@away.example")
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\ngr\u00fcn\r\n.").code == 250
    message = server.wait_for(1)[0]
    size = len(message.content)
    assert message.mail_line == f"MAIL FROM:<s@example.test> SIZE={size} BODY=8BITMIME ENVID=e+2B1 RET=HDRS"
    mail.wait_log(rf"from=<s@example\.test>, size={size}, ")
    assert message.recipient_lines == [
        "RCPT TO:<u@away.example> ORCPT=rfc822;orig@away.example NOTIFY=SUCCESS,DELAY"
    ]


@pytest.mark.parametrize("extensions, body", [
    (["PIPELINING"], b"gr=C3=BCn =3D 1\r\n"),
    (["PIPELINING", "8BITMIME"], "gr\u00fcn = 1\r\n".encode()),
])
def test_8_bit_mime_is_made_fit_for_the_server(make_merpati, sink, extensions, body):
    server = sink(extensions=extensions)
    mail = route_all(make_merpati(), server.port).start()
    header = "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    send(mail, ["u@away.example"], header + "gr\u00fcn = 1\n")
    message = server.wait_for(1)[0]
    assert message.content.endswith(b"\r\n\r\n" + body)
    kept = "8BITMIME" in extensions
    assert (b"\r\nContent-Transfer-Encoding: 8bit\r\n" in message.content) == kept
    assert (b"\r\nContent-Transfer-Encoding: quoted-printable\r\n" in message.content) != kept


def test_utf8_addresses_need_a_server_that_takes_them(make_merpati, sink):
    server = sink(extensions=["8BITMIME", "PIPELINING"])
    mail = route_all(make_merpati(), server.port).start()
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.test> SMTPUTF8")
        client.command("RCPT TO:<gr\u00fcn@away.example>")
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\nhello\r\n.").code == 250
    mail.wait_log(
        rf"dsn=5\.6\.7, status=bounced \(SMTPUTF8 is required, but was not offered by host {HOST}\)"
    )


def test_mail_for_a_dead_host_waits_until_it_is_back(make_merpati, sink):
    port = free_port()
    mail = route_all(make_merpati(), port).start()
    send(mail, ["u@away.example"])
    mail.wait_log(r"status=deferred \(connect to .*Connection refused\)")
    listing = mail.command("postqueue", "-p").stdout
    assert "Connection refused" in listing and "u@away.example" in listing
    server = sink(port=port)
    flush_until(mail, lambda: server.messages)
    assert server.messages[0].recipients == ["u@away.example"]
    mail.wait_empty()


def test_error_retry_and_discard(make_merpati):
    mail = make_merpati()
    routes = (
        "bounce.example error:5.1.6 has moved\nplain.example error:gone\nlater.example retry:4.7.0 not now\n"
        "void.example discard:silently\n"
    )
    mail.set(transport_maps=f"texthash:{mail.write('transport', routes)}")
    mail.start()
    mail.sendmail("u@later.example", "u@void.example", input="Subject: x\n\nhello\n")
    mail.wait_log(rf"to=<u@later\.example>, relay=none, {DELAYS}, dsn=4\.7\.0, status=deferred \(not now\)")
    mail.wait_log(rf"to=<u@void\.example>, relay=none, {DELAYS}, dsn=2\.0\.0, status=sent \(silently\)")
    mail.sendmail("u@bounce.example", "u@plain.example", input="Subject: x\n\nhello\n")
    mail.wait_log(rf"to=<u@bounce\.example>, relay=none, {DELAYS}, dsn=5\.1\.6, status=bounced \(has moved\)")
    mail.wait_log(rf"to=<u@plain\.example>, relay=none, {DELAYS}, dsn=5\.0\.0, status=bounced \(gone\)")
