# SPDX-License-Identifier: Apache-2.0
"""Logging in at relays, beside stock Postfix: which user, which mechanism, and what comes of a refusal."""

import base64
import re

import pytest

from support.instance import Stock
from support.side_by_side import make_pair
from support.smtp_sink import CLOSE, SmtpSink
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")

HERE = "[127.0.0.1]:PORT"
USER = f"inline:{{ {{{HERE} = user:pass word}} }}"
OK = "235 2.7.0 ok"


def b64(text):
    return base64.b64encode(text.encode()).decode()


# Name: what the server offers, its challenges and last word, our parameters; a sender of its own last.
ROWS = {
    "strongest": (["PLAIN LOGIN CRAM-MD5"], [b64("<1.2@sink>")], OK, {}),
    "plain": (["PLAIN"], [], OK, {}),
    "login": (["LOGIN"], [b64("Username:"), b64("Password:")], OK, {}),
    "two-lines": (["X-FOO PLAIN", "LOGIN PLAIN"], [], OK, {"smtp_sasl_mechanism_filter": "plain"}),
    "not-offered": ([], [], OK, {}),
    "nothing-offered": ([""], [], OK, {}),
    "unknown-offered": (["X-FOO X-BAR"], [], OK, {}),
    "safe": (["PLAIN LOGIN"], [], OK, {"smtp_sasl_security_options": "noplaintext, noanonymous"}),
    "mutual": (["PLAIN CRAM-MD5"], [], OK, {"smtp_sasl_security_options": "mutual_auth"}),
    "filtered": (["PLAIN LOGIN"], [b64("Username:"), b64("Password:")], OK, {"smtp_sasl_mechanism_filter": "login"}),
    "filtered-out": (["PLAIN"], [], OK, {"smtp_sasl_mechanism_filter": "!plain, static:all"}),
    "refused": (["PLAIN"], [], "535 5.7.8 no such user", {}),
    "refused-for-good": (["PLAIN"], [], "535 5.7.8 no such user", {"smtp_sasl_auth_soft_bounce": "no"}),
    "not-now": (["PLAIN"], [], "454 4.7.0 later", {}),
    "gone": (["PLAIN"], [], CLOSE, {}),
    "unknown-here": (["PLAIN"], [], OK, {"smtp_sasl_password_maps": "inline:{ other=user:word }"}),
    "no-password": (["PLAIN"], [], OK, {"smtp_sasl_password_maps": f"inline:{{ {HERE}=user }}"}),
    "by-host": (["PLAIN"], [], OK, {"smtp_sasl_password_maps": f"inline:{{ 127.0.0.1=host:word, {HERE}=hop:word }}"}),
    "colons": (["PLAIN"], [], OK, {"smtp_sasl_password_maps": f"inline:{{ {HERE}=user:a:b }}"}),
    "no-table": (["PLAIN"], [], OK, {"smtp_sasl_password_maps": "fail:x"}),
    "bad-challenge": (["CRAM-MD5"], ["!!!!"], "501 5.5.2 cancelled", {}),
    "one-too-many": (["PLAIN"], [b64("more?")], "501 5.5.2 cancelled", {}),
    "dummy": (["PLAIN"], [], OK, {"smtp_send_dummy_mail_auth": "yes"}),
    "authority": (["PLAIN"], [], OK, {"send_cyrus_sasl_authzid": "yes"}),
    "off": (["PLAIN"], [], OK, {"smtp_sasl_auth_enable": "no"}),
    "sender": (["PLAIN"], [], OK, {"smtp_sender_dependent_authentication": "yes",
               "smtp_sasl_password_maps": "inline:{ me@else.test=mine:word, 127.0.0.1=host:word }"}, "Me+x@else.test"),
    "local-sender": (["PLAIN"], [], OK, {"smtp_sender_dependent_authentication": "yes",
                     "smtp_sasl_password_maps": "inline:{ me=mine:word, 127.0.0.1=host:word }"}, "me@example.test"),
    "sender-domain": (["PLAIN"], [], OK, {"smtp_sender_dependent_authentication": "yes",
                      "smtp_sasl_password_maps": "inline:{ @else.test=mine:word, 127.0.0.1=host:word }"}, "a@else.test"),
    "no-sender": (["PLAIN"], [], OK, {"smtp_sender_dependent_authentication": "yes",
                  "smtp_sasl_password_maps": "inline:{ me=mine:word, 127.0.0.1=host:word }"}, "<>"),
    "other-sender": (["PLAIN"], [], OK, {"smtp_sender_dependent_authentication": "yes",
                     "smtp_sasl_password_maps": "inline:{ me@else.test=mine:word, 127.0.0.1=host:word }"}, "you@else.test"),
    "sender-not-asked": (["PLAIN"], [], OK,
                         {"smtp_sasl_password_maps": "inline:{ me@else.test=mine:word, 127.0.0.1=host:word }"}, "me@else.test"),
}


def row_of(session):
    return session.hello.split()[1].removesuffix(".test")


def ehlo(session, line):
    session.hello = line
    offers = [f"250 AUTH {names}".rstrip() for names in ROWS[row_of(session)][0]]
    return "\n".join(["250 sink.example", "250 8BITMIME", *offers, "250 DSN"])


def auth(session, line):
    _, challenges, word = ROWS[row_of(session)][:3]
    for challenge in challenges:
        session.socket.sendall(f"334 {challenge}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\n"):
            more = session.socket.recv(4096)
            if not more:
                return CLOSE
            answer += more
        session.lines.append("> " + answer.decode().strip())
    return word


def add_services(side):
    instance = side.instance
    for name, (*_, parameters) in ((name, row[:4]) for name, row in ROWS.items()):
        options = {"smtp_sasl_password_maps": USER, "smtp_sasl_security_options": "noanonymous",
                   "smtp_sasl_auth_enable": "yes", "smtp_helo_name": f"{name}.test", **parameters}
        words = "".join(f" -o {{ {key} = {value} }}" for key, value in options.items()).replace("PORT", str(side.sink.port))
        instance.services.append(f"at-{name} unix - - {instance.chroot} - - smtp{words}")
    instance.set(transport_maps="inline:{ " + ", ".join(
        f"{name}.test=at-{name}:[127.0.0.1]:{side.sink.port}" for name in ROWS) + " }", recipient_delimiter="+",
        mydestination="mail.example.test, example.test")


@pytest.fixture(scope="module")
def pair():
    sides = make_pair({}, {"EHLO": ehlo, "AUTH": auth}, add_services)
    try:
        for side in sides:
            for name, row in ROWS.items():
                sender = row[4] if len(row) > 4 else "a@example.test"
                side.instance.sendmail("-f", sender, f"b@{name}.test", input="Subject: x\n\ntext\n")
            for name in ROWS:
                side.instance.wait_log(rf"to=<b@{name}\.test>.*status=")
        yield sides
    finally:
        for side in sides:
            side.finish()


def dialogue(side, name):
    """What the server heard; that an exchange that cannot go on is called off by "*" is ours alone (RFC 4954 section 4)."""
    lines = [line for session in side.sink.sessions if session.hello and row_of(session) == name for line in session.lines]
    return [line for line in lines if line not in ("> *", "> QUIT", "QUIT")]


def outcome(side, name):
    line = side.instance.log_line(rf"to=<b@{name}\.test>.*status=")
    text = side.normal(re.sub(r".*(dsn=\S+).*(status=.*)", r"\1 \2", line))
    return re.sub(r"queued as SINK\d+", "queued as SINK", text)


@pytest.mark.parametrize("name", ROWS)
def test_a_login_is_as_stocks(pair, name):
    stock, ours = pair
    assert dialogue(ours, name) == dialogue(stock, name)
    assert outcome(ours, name) == outcome(stock, name)


def warnings(side):
    found = re.findall(r"warning: (.*(?:AUTH mechanism|SASL auth).*)", side.instance.log_text())
    return sorted(side.normal(line) for line in found)


def test_the_warnings_are_stocks(pair):
    stock, ours = pair
    assert warnings(ours) == warnings(stock) and len(warnings(ours)) >= 5


class Relay:
    """A relay that takes one user alone."""

    def __init__(self, word):
        self.word = word
        self.logins = []

    def replies(self):
        return {"AUTH": self.auth}

    def auth(self, session, line):
        self.logins.append(base64.b64decode(line.split()[2]).decode().split("\0")[1])
        return self.word


@pytest.fixture
def make_sink():
    sinks = []

    def make(**options):
        sinks.append(SmtpSink(**options))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.stop()


@pytest.fixture
def relayed(make_merpati, make_sink):
    def make(relay, **parameters):
        sink = make_sink(replies=relay.replies(), extensions=["PIPELINING", "AUTH PLAIN"])
        mail = make_merpati()
        mail.set(relayhost=f"[127.0.0.1]:{sink.port}", smtp_sasl_auth_enable="yes", smtp_host_lookup="native",
                 smtp_sasl_security_options="noanonymous", **parameters)
        return mail, sink

    return make


def send(mail, sender):
    mail.sendmail("-f", sender, "b@else.test", input="Subject: x\n\ntext\n")


def test_one_senders_session_is_no_others(relayed):
    relay = Relay(OK)
    mail, sink = relayed(relay, smtp_sender_dependent_authentication="yes",
                         smtp_connection_cache_destinations="static:all", smtp_connection_cache_time_limit="60s",
                         connection_cache_ttl_limit="60s",
                         smtp_sasl_password_maps="inline:{ one@a.test=one:x, two@a.test=two:x, 127.0.0.1=any:x }")
    mail.start()
    for count, sender in enumerate(["one@a.test", "two@a.test", "one@a.test", "other@a.test", "third@a.test"], 1):
        send(mail, sender)
        sink.wait_for(count)
        mail.wait_empty()
    assert relay.logins == ["one", "two", "any"]
    users = {session.number: session for session in sink.sessions}
    assert [message.connection for message in sink.messages][0] == [m.connection for m in sink.messages][2]
    assert len(users) == 3


def test_a_refused_login_is_not_tried_again_for_a_while(relayed):
    relay = Relay("535 5.7.8 no such user")
    mail, _ = relayed(relay, smtp_sasl_auth_soft_bounce="no",
                      smtp_sasl_password_maps="inline:{ 127.0.0.1=user:secret }")
    folder = mail.path("refused")
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    mail.set(smtp_sasl_auth_cache_name=f"proxy:lmdb:{folder}/logins")
    mail.start()
    send(mail, "a@a.test")
    mail.wait_log(r"SASL authentication failed; server 127\.0\.0\.1\[127\.0\.0\.1\] said: 535 5\.7\.8 no such user")
    mail.wait_empty()
    # The table is there from then on; its service sees that by itself.
    cached = r"SASL \[CACHED\] authentication failed; server 127\.0\.0\.1 said: 535 5\.7\.8 no such user"
    wait_until(lambda: (send(mail, "a@a.test"), mail.wait_empty(), mail.log_lines(cached))[-1], lambda: mail.tail())
    assert "dsn=5.7.8, status=bounced" in mail.log_line(cached)
    tries = len(relay.logins)
    send(mail, "a@a.test")
    mail.wait_empty()
    assert len(relay.logins) == tries
    assert b"secret" not in (folder / "logins.lmdb").read_bytes()
    mail.set(smtp_sasl_auth_cache_time="0s")
    mail.reload()
    wait_until(lambda: (send(mail, "a@a.test"), mail.wait_empty(), len(relay.logins) > tries)[-1], lambda: "another attempt")


def test_no_secret_is_in_the_log(relayed):
    relay = Relay(OK)
    mail, sink = relayed(relay, debug_peer_list="127.0.0.1", smtp_sasl_password_maps="inline:{ 127.0.0.1=user:secret }")
    mail.start()
    send(mail, "a@a.test")
    sink.wait_for(1)
    mail.wait_empty()
    assert mail.log_lines("AUTH PLAIN <hidden>")
    assert base64.b64encode(b"\0user\0secret").decode() not in mail.log_text()


def test_a_password_table_is_needed(relayed):
    mail, _ = relayed(Relay(OK))
    mail.start()
    send(mail, "a@a.test")
    mail.wait_log("fatal: smtp_sasl_auth_enable: specify a password table via the smtp_sasl_password_maps parameter")


def test_the_delimiter_of_a_password_can_be_another(relayed):
    relay = Relay(OK)
    mail, sink = relayed(relay, smtp_sasl_password_result_delimiter="::", smtp_sasl_type="cyrus",
                         smtp_sasl_password_maps="inline:{ 127.0.0.1=user:name::word }")
    mail.start()
    send(mail, "a@a.test")
    sink.wait_for(1)
    assert relay.logins == ["user:name"]


def test_lmtp_logs_in_by_its_own_parameters(make_merpati, make_sink):
    relay = Relay(OK)
    sink = make_sink(replies=relay.replies(), extensions=["AUTH PLAIN"], is_lmtp=True)
    mail = make_merpati()
    mail.set(lmtp_sasl_auth_enable="yes", lmtp_sasl_type="cyrus", lmtp_sasl_security_options="noanonymous",
             lmtp_sasl_password_result_delimiter="/", lmtp_sasl_password_maps="inline:{ a@a.test=box/word, 127.0.0.1=other/word }",
             lmtp_sender_dependent_authentication="yes",
             lmtp_sasl_mechanism_filter="plain", lmtp_sasl_auth_soft_bounce="yes", lmtp_send_dummy_mail_auth="yes",
             transport_maps=f"inline:{{ else.test=lmtp:inet:127.0.0.1:{sink.port} }}", lmtp_host_lookup="native")
    mail.start()
    send(mail, "a@a.test")
    assert sink.wait_for(1)[0].mail_line == "MAIL FROM:<a@a.test> AUTH=<>"
    assert relay.logins == ["box"]


def test_lmtp_remembers_refused_logins_by_its_own_parameters(make_merpati, make_sink):
    relay = Relay("535 5.7.8 no such user")
    sink = make_sink(replies=relay.replies(), extensions=["AUTH PLAIN"], is_lmtp=True)
    mail = make_merpati()
    folder = mail.path("refused")
    folder.mkdir()
    folder.chmod(0o777)
    mail.set(lmtp_sasl_auth_enable="yes", lmtp_sasl_security_options="noanonymous", lmtp_sasl_auth_cache_time="1d",
             lmtp_sasl_auth_cache_name=f"proxy:lmdb:{folder}/logins", lmtp_sasl_auth_soft_bounce="no",
             lmtp_sasl_password_maps="inline:{ 127.0.0.1=box:word }", lmtp_host_lookup="native",
             transport_maps=f"inline:{{ else.test=lmtp:inet:127.0.0.1:{sink.port} }}")
    mail.start()
    wait_until(lambda: (send(mail, "<>"), mail.wait_empty(), mail.log_lines(r"SASL \[CACHED\]"))[-1], lambda: mail.tail())
    assert "dsn=5.7.8" in mail.log_line(r"SASL \[CACHED\]")
    tries = len(relay.logins)
    mail.set(lmtp_sasl_auth_cache_time="0s")
    mail.reload()
    wait_until(lambda: (send(mail, "<>"), mail.wait_empty(), len(relay.logins) > tries)[-1], lambda: "another attempt")
