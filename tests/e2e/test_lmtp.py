# SPDX-License-Identifier: Apache-2.0
"""The LMTP client: next hops, answers recipient by recipient, servers that misbehave; each story is stock Postfix's."""

import re
import socket

import pytest
from support import mailboxes
from support.instance import IS_ROOT, Merpati, Stock
from support.smtp_sink import CLOSE, RESET, STALL, SmtpSink
from support.waiting import free_port, wait_until

SENDER = "s@example.com"
HOST = r"127\.0\.0\.1\[127\.0\.0\.1\]"


def answer(session, line):
    """By the recipient's name."""
    rows = {"full": "552 5.2.2 full", "later": "450 4.2.0 later", "odd": "354 what", "multi": "250 2.1.5 one\n250 2.1.5 two",
            "gone": CLOSE, "reset": RESET, "bye": "421 4.3.2 shutting down"}
    return next((said for word, said in rows.items() if word in line), None)


def rcpt(session, line):
    return "550 5.1.1 nobody" if "nobody" in line else "450 4.1.1 maybe" if "maybe" in line else None


# Next hop "inet:127.0.0.1:PORT", or as it stands here; None: nobody listens.
SERVERS = {
    "plain": {"replies": {"DOT": answer, "RCPT": rcpt}},
    "bare": {"replies": {"DOT": answer, "RCPT": rcpt}, "extensions": []},
    "nohello": {"replies": {"LHLO": "500 no"}},
    "badhello": {"replies": {"LHLO": "450 4.3.0 not now"}},
    "refusing": {"replies": {"GREETING": "554 go away"}},
    "busy": {"replies": {"GREETING": "421 4.3.2 busy"}},
    "mute": {"replies": {"GREETING": CLOSE}},
    "leaving": {"replies": {"LHLO": CLOSE}},
    "nomail": {"replies": {"MAIL": "550 5.7.1 not from you"}},
    "nodata": {"replies": {"DATA": "451 4.3.0 no room"}},
    "smtp": {"is_lmtp": False},
    "small": {"extensions": ["SIZE 100"]},
    "dead": None,
}
FORMS = {"brackets": "[127.0.0.1]:{plain}", "noprefix": "127.0.0.1:{plain}", "unix": "unix:private/sink", "nosock": "unix:private/nosuch",
         "nofile": "unix:/nowhere/lmtp", "nohost": "inet:nohost.invalid", "nowhere": ""}


class Side:
    """Stock Postfix or Merpati, with its own servers."""

    def __init__(self, kind):
        self.sinks = {name: SmtpSink(**{"is_lmtp": True, **options}) for name, options in SERVERS.items() if options}
        self.ports = {name: sink.port for name, sink in self.sinks.items()}
        self.ports["dead"] = free_port()
        hops = {name: f"inet:127.0.0.1:{port}" for name, port in self.ports.items()}
        hops |= {name: form.format(**self.ports) for name, form in FORMS.items()}
        rows = ", ".join(f"{name}.test=lmtp:{hop}" for name, hop in hops.items())
        self.mail = kind(main={"lmtp_host_lookup": "native", "transport_maps": f"inline:{{{rows}}}", "lmtp_mx_session_limit": "1",
                               "lmtp_connection_cache_on_demand": "no"})
        self.mail.start()
        self.sinks["unix"] = SmtpSink(address=self.mail.queue / "private" / "sink", is_lmtp=True, replies={"DOT": answer, "RCPT": rcpt})

    def story(self, *recipients, words=()):
        """What lmtp says of a message."""
        before = len(self.mail.log_text())
        self.mail.sendmail("-f", SENDER, *words, *recipients, input="Subject: x\n\n.dot\nhello\n")

        def told():
            lines = [line for line in self.mail.log_text()[before:].splitlines() if "/lmtp[" in line]
            return lines if sum("status=" in line for line in lines) >= len(recipients) else None

        lines = wait_until(told, lambda: f"the fate of {recipients}; log:\n{self.mail.tail()}")
        return sorted(self.normal(re.sub(r"^.*?/lmtp\[\d+\]: ", "", line)) for line in lines)

    def normal(self, text):
        for name, port in self.ports.items():
            text = text.replace(str(port), f"PORT-{name}")
        text = re.sub(r"delay=.*?, dsn", "dsn", re.sub(r"conn_use=\d+, ", "", text))
        text = re.sub(r"message size \d+", "message size N", text).replace("Name or service not known", "Host not found")
        return re.sub(r"^\w{10,12}: ", "ID: ", re.sub(r"SINK\d+", "SINK", text))

    def finish(self):
        self.mail.finish()
        for sink in self.sinks.values():
            sink.stop()


@pytest.fixture(scope="module")
def sides():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = []
    try:
        for kind in (Stock, Merpati):
            made.append(Side(kind))
        yield made
    finally:
        for side in made:
            side.finish()


MESSAGES = [
    ["one@plain.test"],
    ["full@plain.test", "later@plain.test", "multi@plain.test", "nobody@plain.test", "odd@plain.test", "ok@plain.test"],
    ["nobody@plain.test", "maybe@plain.test"],
    ["a@plain.test", "b-gone@plain.test", "c@plain.test"],
    ["a@plain.test", "b-reset@plain.test", "c@plain.test"],
    ["a-full@plain.test", "b-gone@plain.test"],
    ["a@plain.test", "b-bye@plain.test", "c@plain.test"],
    ["a@bare.test", "b-full@bare.test", "c-nobody@bare.test", "d@bare.test"],
    *([f"a@{name}.test", f"b@{name}.test"] for name in SERVERS if name not in ("plain", "bare")),
    *([f"a@{name}.test", f"b-full@{name}.test"] for name in FORMS),
]


@pytest.mark.parametrize("recipients", MESSAGES, ids=" ".join)
def test_a_message_goes_as_in_stock(sides, recipients):
    stories = [side.story(*recipients) for side in sides]
    assert stories[1] == stories[0]


def test_the_dialogue_is_stocks(sides):
    for side in sides:
        side.story("a@unix.test", "b-nobody@unix.test")
        side.story("a@bare.test", words=["-N", "never"])
    talks = [[line for name in ("unix", "bare") for line in side.sinks[name].lines() if line not in ("QUIT", "LHLO mail.example.test")]
             for side in sides]
    talks = [[re.sub(r" SIZE=\d+| BODY=7BIT", "", line) for line in talk] for talk in talks]
    assert talks[1] == talks[0]
    message = sides[1].sinks["unix"].messages[-1]
    assert "\n\n.dot\nhello\n" in message.text and message.hello == "LHLO mail.example.test"


@pytest.fixture
def make_server():
    made = []

    def make(**options):
        made.append(SmtpSink(**{"is_lmtp": True, **options}))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def route(mail, server, **main):
    mail.set(**{"lmtp_host_lookup": "native", "default_transport": f"lmtp:inet:127.0.0.1:{server.port}", **main})
    return mail.start()


def send(mail, *recipients, words=(), sender=SENDER, text="Subject: x\n\nhello\n"):
    mail.sendmail("-f", sender, *words, *recipients, input=text)


def test_names_and_words_of_the_hello(either, make_server):
    server = make_server()
    mail = route(either(), server, lmtp_lhlo_name="lmtp.example.test", smtp_helo_name="smtp.example.test", lmtp_discard_lhlo_keywords="size")
    send(mail, "a@away.test")
    message = server.wait_for(1)[0]
    assert message.hello == "LHLO lmtp.example.test" and "SIZE=" not in message.mail_line


def test_the_port_and_the_number_of_recipients(either, make_server):
    server = make_server()
    mail = either(main={"lmtp_host_lookup": "native", "default_transport": "lmtp:inet:127.0.0.1", "lmtp_tcp_port": str(server.port),
                        "lmtp_destination_recipient_limit": "1"}).start()
    send(mail, "a@away.test", "b@away.test", "c@away.test")
    assert sorted(message.recipients for message in server.wait_for(3)) == [["a@away.test"], ["b@away.test"], ["c@away.test"]]


@pytest.mark.parametrize("setting, reaches", [("lmtp_fallback_relay", True), ("smtp_fallback_relay", False)])
def test_the_fallback_relay(either, make_server, setting, reaches):
    server = make_server()
    mail = either(main={"lmtp_host_lookup": "native", "default_transport": f"lmtp:inet:127.0.0.1:{free_port()}",
                        setting: f"127.0.0.1:{server.port}"}).start()
    send(mail, "a@away.test")
    mail.wait_log(r"to=<a@away\.test>.* status=" + ("sent" if reaches else r"deferred \(connect to"))


TIMEOUTS = [
    ("GREETING", "lhlo", "receiving the initial server greeting"),
    ("LHLO", "lhlo", "performing the LHLO handshake"),
    ("MAIL", "mail", "sending MAIL FROM"),
    ("RCPT", "rcpt", "sending RCPT TO"),
    ("DATA", "data_init", "sending DATA command"),
    ("DOT", "data_done", "sending end of data -- message may be sent more than once"),
]


def test_a_server_that_does_not_answer_is_left(either, make_server):
    """All at one time, each with a server of its own."""
    servers = {step: make_server(replies={step: STALL}) for step, _, _ in TIMEOUTS}
    rows = ", ".join(f"{step.lower()}.test=lmtp:inet:127.0.0.1:{server.port}" for step, server in servers.items())
    mail = either(main={"lmtp_host_lookup": "native", "transport_maps": f"inline:{{{rows}}}",
                        **{f"lmtp_{name}_timeout": "1s" for _, name, _ in TIMEOUTS}}).start()
    for step, _, _ in TIMEOUTS:
        send(mail, f"u@{step.lower()}.test")
    for step, _, doing in TIMEOUTS:
        mail.wait_log(rf"to=<u@{step.lower()}\.test>, relay={HOST}.*dsn=4\.4\.2, status=deferred "
                      rf"\(conversation with {HOST} timed out while {re.escape(doing)}\)")


def test_one_answer_is_missing(either, make_server):
    """Who was answered for has that outcome; who was not is tried again, alone."""
    turns = iter([None, STALL])
    server = make_server(replies={"DOT": lambda session, line: next(turns, None)})
    mail = route(either(), server, lmtp_data_done_timeout="1s", minimal_backoff_time="1s", queue_run_delay="1s")
    send(mail, "a@away.test", "b@away.test")
    mail.wait_log(r"to=<a@away\.test>.* status=sent")
    mail.wait_log(r"to=<b@away\.test>.*dsn=4\.4\.2, status=deferred \(conversation with .* timed out while sending end of data -- message may be sent more than once\)")
    mail.command("postqueue", "-c", mail.config, "-f")
    mail.wait_log(r"to=<b@away\.test>.* status=sent")
    assert sum(line.startswith("RCPT TO:<a@") for line in server.lines()) == 1
    mail.wait_empty()


@pytest.mark.parametrize("assume", ["no", "yes"])
@pytest.mark.parametrize("extensions", [[], ["DSN"]], ids=["", "DSN"])
def test_reports_of_success(either, make_server, account, assume, extensions):
    """Relayed, or delivered where that is assumed; nothing where the server reports itself."""
    server = make_server(extensions=extensions)
    mail = route(either(), server, lmtp_assume_final=assume)
    send(mail, "a@away.test", words=["-N", "success"], sender=f"{account}@example.test")
    mail.wait_log(r"to=<a@away\.test>.* status=sent")
    if extensions:
        mail.wait_empty()
        assert mail.mailbox(account) == []
        assert any("NOTIFY=SUCCESS" in line for line in server.lines())
    else:
        report = mail.wait_mailbox(account)[0]
        assert ("\nAction: delivered\n" if assume == "yes" else "\nAction: relayed\n") in report
        assert "\nRemote-MTA: dns; 127.0.0.1\n" in report and "\nDiagnostic-Code: smtp; 250 2.0.0 Ok: queued as SINK1\n" in report


def test_returns_name_the_socket(either, account):
    mail = either(main={"default_transport": "lmtp:unix:private/sink"}).start()
    server = SmtpSink(address=mail.queue / "private" / "sink", is_lmtp=True, replies={"DOT": answer})
    try:
        send(mail, "full@away.test", sender=f"{account}@example.test")
        report = mail.wait_mailbox(account)[0]
    finally:
        server.stop()
    assert "host mail.example.test[private/sink] said: 552 5.2.2 full (in reply to end of DATA command)" in " ".join(report.split())
    assert "\nRemote-MTA: dns; mail.example.test\n" in report and "\nDiagnostic-Code: smtp; 552 5.2.2 full\n" in report


def test_settings_are_of_lmtp_alone(either, make_server):
    """Each with the contrary for smtp."""
    server, refusing = make_server(), make_server(replies={"GREETING": "554 go away"})
    rows = f"a.test=lmtp:inet:127.0.0.1:{server.port}, b.test=lmtp:inet:127.0.0.1:{refusing.port}"
    mail = either(main={"lmtp_host_lookup": "native", "transport_maps": f"inline:{{{rows}}}", "lmtp_skip_5xx_greeting": "no",
                        "smtp_skip_5xx_greeting": "yes", "lmtp_line_length_limit": "20", "smtp_line_length_limit": "0",
                        "lmtp_quote_rfc821_envelope": "no", "smtp_quote_rfc821_envelope": "yes"}).start()
    send(mail, "u@b.test", sender="")
    mail.wait_log(r"to=<u@b\.test>.*dsn=5\.0\.0, status=bounced \(host \S+ refused to talk to me: 554 go away\)")
    send(mail, '"two words"@a.test', text="Subject: x\n\n" + "y" * 50 + "\n")
    message = server.wait_for(1)[0]
    assert "\n" + "y" * 20 + "\n " in message.text
    assert message.recipient_lines[0].startswith("RCPT TO:<two words@a.test>")


# ---- ours alone ----


def absolute(mail, path, chroot):
    changed = re.sub(r"(?m)^(lmtp\s+unix\s+-\s+-\s+)y", rf"\g<1>{chroot}", mail.master)
    assert "lmtp" in changed
    mail.master = changed
    mail.set(default_transport=f"lmtp:unix:{path}")
    return mail


def test_a_socket_elsewhere_is_reached_without_a_chroot(make_merpati, make_server):
    mail = make_merpati()
    server = make_server(address=mail.path("lmtp.sock"))
    absolute(mail, mail.path("lmtp.sock"), "n").start()
    send(mail, "a@away.test")
    assert server.wait_for(1)[0].recipients == ["a@away.test"]
    mail.wait_log(rf"relay=mail\.example\.test\[{re.escape(str(mail.path('lmtp.sock')))}\], .*status=sent")


@pytest.mark.skipif(not IS_ROOT, reason="a chroot needs root")
def test_with_a_chroot_a_path_is_below_the_queue_directory(make_merpati, make_server):
    mail = make_merpati()
    make_server(address=mail.path("lmtp.sock"))
    absolute(mail, mail.path("lmtp.sock"), "y").start()
    send(mail, "a@away.test")
    mail.wait_log(r"status=deferred \(connect to mail\.example\.test\[.*\]: No such file or directory\)")
    server = make_server(address=mail.queue / "private" / "sink")
    mail.set(default_transport="lmtp:unix:/private/sink")
    mail.reload()
    send(mail, "b@away.test")
    assert server.wait_for(1)[0].recipients == ["b@away.test"]


def test_one_session_carries_many_messages(make_merpati, make_server):
    server = make_server(replies={"DOT": answer, "RCPT": rcpt})
    mail = route(make_merpati(), server, lmtp_connection_cache_time_limit="60s", connection_cache_ttl_limit="60s", service_workers="1",
                 lmtp_connection_cache_destinations="127.0.0.1")
    for number in range(3):
        send(mail, f"u{number}@away.test", f"full{number}@away.test", f"nobody{number}@away.test", words=["-N", "never"])
        mail.wait_log(rf"to=<u{number}@away\.test>.* status=sent")
        mail.wait_log(r": removed", number + 1)
    assert len(server.sessions) == 1 and len(server.messages) == 3
    mail.wait_log(r"to=<u2@away\.test>, relay=\S+, conn_use=3, ")


def test_a_server_that_does_not_answer_quit_holds_nobody_up(make_merpati, make_server):
    """lmtp_skip_quit_response is off: the answer is waited for, beside everything else, and not when the system stops."""
    silent, other = make_server(replies={"QUIT": STALL}), make_server()
    mail = make_merpati(main={"lmtp_host_lookup": "native", "lmtp_connection_cache_time_limit": "1s",
                              "transport_maps": f"inline:{{a.test=lmtp:inet:127.0.0.1:{silent.port}, b.test=lmtp:inet:127.0.0.1:{other.port}}}"})
    mail.start()
    send(mail, "u@a.test")
    wait_until(lambda: "QUIT" in silent.lines(), "QUIT")
    send(mail, "u@b.test")
    wait_until(lambda: "QUIT" in other.lines(), "QUIT to the other")
    assert silent.sessions[0].is_left() is False
    mail.stop()
    wait_until(silent.sessions[0].is_left, "the end of the session")


def test_a_full_backlog_is_not_waited_for_longer_than_lmtp_connect_timeout(make_merpati):
    mail = make_merpati(main={"default_transport": "lmtp:unix:private/full", "lmtp_connect_timeout": "1s"}).start()
    path = str(mail.queue / "private" / "full")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        (mail.queue / "private" / "full").chmod(0o666)
        listener.listen(0)
        client.connect(path)
        send(mail, "a@away.test")
        mail.wait_log(r"relay=none, .*dsn=4\.4\.1, status=deferred \(connect to mail\.example\.test\[private/full\]: Connection timed out\)")


def test_words_that_are_no_answer_defer_who_has_none(make_merpati, make_server):
    said = iter(["250 2.0.0 first", b"what?\r\n"])
    server = make_server(replies={"DOT": lambda session, line: next(said, None)})
    mail = route(make_merpati(), server)
    send(mail, "a@away.test", "b@away.test", "c@away.test")
    mail.wait_log(r"to=<a@away\.test>.* status=sent \(250 2\.0\.0 first\)")
    for name in ("b", "c"):
        mail.wait_log(rf"to=<{name}@away\.test>.* status=deferred")
    assert len(server.messages) == 1 and mailboxes.header(server.messages[0].text, "Subject") == "x"


def test_flags_of_no_use_make_mail_wait_with_the_reason(make_merpati, make_server):
    """Stock's client ends, again and again."""
    server = make_server()
    mail = route(make_merpati(services=["bad unix - - n - - lmtp flags=Z"]), server, transport_maps="inline:{bad.test=bad:}")
    assert re.search(r"service bad/unix: unknown flag: Z: what comes to it waits", mail.control("check", check=False).stderr)
    send(mail, "a@bad.test")
    send(mail, "a@good.test")
    mail.wait_log(r"to=<a@bad\.test>, relay=bad, .*dsn=4\.3\.5, status=deferred \(mail system configuration error: unknown flag: Z\)")
    mail.wait_log(r"to=<a@good\.test>, .*status=sent")


def test_headers_for_one_recipient_want_one(either, make_server):
    server = make_server()
    mail = route(either(services=["many unix - - n - - lmtp flags=DO"]), server, transport_maps=f"inline:{{many.test=many:inet:127.0.0.1:{server.port}}}")
    send(mail, "a@many.test", "b@many.test")
    mail.wait_log(r"warning: flag `D' requires many_destination_recipient_limit = 1")
    for name in "ab":
        mail.wait_log(rf"to=<{name}@many\.test>, relay=many, .*dsn=4\.3\.5, status=deferred \(mail system configuration error\)")
