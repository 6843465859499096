# SPDX-License-Identifier: Apache-2.0
"""
Mail filters that are not there, hang, break the protocol, or are several; whatever they do, the client hears the configured
default, and the log has their names. What they hear and say in peace is compared with stock in test_milter_session.py.
"""

import concurrent.futures
import re
import smtplib
import threading

import pytest

from support.certificates import Authority, client_context
from support.dovecot_auth import ScriptedAuth
from support.instance import Merpati
from support.milter import CLOSE, CONTINUE, REJECT, Milter, Raw, negotiation, quarantine, reply
from support.waiting import PATIENCE, free_port, wait_until

# A letter that is never answered, what is to be logged then, and the setting that ends the waiting.
SLOW = {
    "slow connect": ("O", "SMFIC_OPTNEG", "milter_connect_timeout=2s"),
    "slow command": ("M", "SMFIC_MAIL", "milter_command_timeout=2s"),
    "slow content": ("N", "SMFIC_EOH", "milter_content_timeout=2s"),
    "slow itself": ("M", "SMFIC_MAIL", None),
}
TEMPFAIL = "451 4.7.1 Service unavailable - try again later"
MISCONFIGURED = "451 4.3.5 Server configuration problem - try again later"
DEAD = free_port()


class Scene:
    def __init__(self, folder):
        self.first, self.second = Milter(), Milter()
        self.slow = {name: Milter(script={letter: []}) for name, (letter, _, _) in SLOW.items()}
        self.unix = None
        self.ports = {}
        authority = Authority(folder)
        chain = authority.issue("server")
        self.mail = Merpati(
            main={
                "milter_default_action": "tempfail",
                "smtpd_milters": f"{self.first.place}, {{ {self.second.place}, default_action=accept }}",
                "local_recipient_maps": "",
                "smtpd_tls_security_level": "may",
                "smtpd_tls_chain_files": chain,
                "smtpd_sasl_auth_enable": "yes",
                "smtpd_sasl_type": "dovecot",
                "smtpd_sasl_path": "private/auth",
                "smtpd_milter_maps": f"inline:{{{{127.0.0.9={self.second.place}}}}}",
            },
            services=[self.service(name, options) for name, options in self.others().items()],
        )
        self.unix = Milter(path=self.mail.queue / "filter")
        self.mail.start()
        # Who looked whether it listens is a client, too.
        self.mail.wait_log(r"/smtpd\[\d+\]: disconnect from")
        self.logins = ScriptedAuth(lambda fields: f"OK\t{fields[1]}\tuser=bob", self.mail.queue / "private" / "auth")

    def others(self):
        one = f"smtpd_milters={self.first.place}"
        dead = f"inet:127.0.0.1:{DEAD}"
        return {
            "one": [one],
            **{name: [f"smtpd_milters={self.slow[name].place}", setting] for name, (_, _, setting) in SLOW.items() if setting},
            "slow itself": [f"smtpd_milters={{ {self.slow['slow itself'].place}, command_timeout=2s }}"],
            "quarantine": [one, "milter_default_action=quarantine"],
            "reject": [one, "milter_default_action=reject"],
            "dead": [f"smtpd_milters={dead}", "milter_default_action=shutdown"],
            "nonsense": [one, "milter_default_action=nonsense"],
            "place": ["smtpd_milters=foo:bar, inet:127.0.0.1:1"],
            "host": ["smtpd_milters=inet:filter.invalid:1"],
            "setting": [f"smtpd_milters={{ {self.first.place}, nosuch=1 }}"],
            "version": [one, "milter_protocol=5"],
            "unix": ["smtpd_milters=unix:/filter"],
            "relative": ["smtpd_milters=unix:filter"],
            "soft": [one, "soft_bounce=yes"],
            "broken map": [one, "smtpd_milter_maps=texthash:/nonexistent/map"],
        }

    def service(self, name, options):
        self.ports[name] = free_port()
        return "\n".join([f"127.0.0.1:{self.ports[name]} inet n - y - - smtpd", *(f"  -o {{ {o} }}" for o in options)])

    def forget(self, **script):
        self.first.forget(**script)
        self.second.forget()
        self.unix.forget()
        self.log_begin = len(self.mail.log_text())

    def smtp(self, name=None, timeout=PATIENCE):
        return smtplib.SMTP("127.0.0.1", self.ports[name] if name else self.mail.port, timeout=timeout)

    def wait_log(self, pattern):
        wait_until(lambda: re.search(pattern, self.mail.log_text()[self.log_begin :], re.M),
                   lambda: f"{pattern}; log:\n{self.mail.log_text()[self.log_begin:]}")

    def finish(self):
        self.mail.finish()
        self.logins.stop()
        for milter in (self.first, self.second, self.unix, *self.slow.values()):
            milter.stop()


@pytest.fixture(scope="module")
def the_scene(tmp_path_factory):
    made = Scene(tmp_path_factory.mktemp("milter"))
    yield made
    made.finish()


@pytest.fixture
def scene(the_scene):
    the_scene.forget()
    return the_scene


def text(answer):
    return f"{answer[0]} {answer[1].decode()}"


def send(client, sender="a@example.com", content=b"Subject: x\r\n\r\nhi\r\n"):
    """The last reply."""
    for answer in (client.ehlo("c.example"), client.mail(sender), client.rcpt("postmaster@example.test")):
        if answer[0] >= 400:
            return text(answer)
    try:
        return text(client.data(content))
    except smtplib.SMTPDataError as error:
        return f"{error.smtp_code} {error.smtp_error.decode()}"


BROKEN = {
    "closes": ([CLOSE], "can't read SMFIC_MAIL reply packet header: the milter has closed the connection"),
    "is short": ([Raw(b"\0\0\0\5c"), CLOSE], "can't read SMFIC_MAIL reply packet data: the milter has closed the connection"),
    "says nothing": ([b""], "bad packet length: 0"),
    "is negative": ([Raw(b"\xff\xff\xff\xffc")], "unreasonable packet length: 4294967295 > 1114112"),
    "is too long": ([Raw(b"\x00\x20\0\0c")], "unreasonable packet length: 2097152 > 1114112"),
    "is unknown": ([b"z"], r"unexpected filter response \(unknown filter reply\) after event SMFIC_MAIL"),
    "was not asked for a change": ([b"hX\0y\0"], "unexpected filter response SMFIR_ADDHEADER after event SMFIC_MAIL"),
    "says more": ([b"cmore"], "reply SMFIR_CONTINUE was followed by 4 data bytes"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_filter_that_breaks_the_protocol_has_its_default_action(scene, name):
    packets, line = BROKEN[name]
    scene.first.forget(M=packets)
    with scene.smtp("one") as client:
        assert send(client) == TEMPFAIL
        # And for the rest of the session.
        assert send(client) == TEMPFAIL
    scene.wait_log(f"warning: milter {re.escape(scene.first.place)}: {line}$")


def test_what_a_filter_says_too_much_is_not_taken_for_the_next_answer(scene):
    scene.first.forget(M=[Raw(b"\0\0\0\1c\0\0\0\1c")])
    with scene.smtp("one") as client:
        assert send(client) == TEMPFAIL
    scene.wait_log("unexpected filter response before SMFIC_RCPT$")


def test_malformed_replies_are_a_mistake_of_the_administrator(scene):
    for words in ("999 abc", "250 fine", "450 5.7.1 x", "", "550"):
        scene.forget(M=reply(words))
        with scene.smtp("one") as client:
            assert send(client) == MISCONFIGURED
        scene.wait_log(f"warning: milter {re.escape(scene.first.place)}: malformed reply: {words}$")


def test_a_reply_cannot_hold_another(scene):
    scene.forget(M=[b"y550-5.7.1 one\r\n250 two\x01\rthree\r\n221\0"])
    with scene.smtp("one") as client:
        client.ehlo("x")
        assert client.mail("a@example.com") == (550, b"5.7.1 one\n250 two  three\n221")
        assert client.noop()[0] == 250


def test_a_reply_of_several_lines_is_softened_as_a_whole(scene):
    scene.forget(M=reply("554-5.7.9 one\r\n554 5.7.9 two"))
    with scene.smtp("soft") as client:
        client.ehlo("x")
        assert client.mail("a@example.com") == (454, b"4.7.9 one\n4.7.9 two")


def test_time_limits_hold(scene):
    """milter_connect_timeout, milter_command_timeout, milter_content_timeout, and those of one filter: seconds, not half a minute."""

    def try_one(port):
        with scene.smtp(port, timeout=20) as client:
            return send(client)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert list(pool.map(try_one, SLOW)) == [TEMPFAIL] * len(SLOW)
    for name, (_, event, _) in SLOW.items():
        place = re.escape(scene.slow[name].place)
        scene.wait_log(f"warning: milter {place}: can't read {event} reply packet header: Connection timed out$")


def test_a_broken_filter_may_have_the_mail_held(scene):
    scene.forget(M=[CLOSE])
    with scene.smtp("quarantine") as client:
        answer = send(client)
        assert answer.startswith("250 ")
    queue_id = answer.split()[-1]
    scene.wait_log("milter-hold: MAIL from .*: milter triggers HOLD action; from=<a@example.com>")
    wait_until(lambda: f"{queue_id}!" in scene.mail.command("postqueue", "-c", scene.mail.config, "-p").stdout, "a held message")


def test_quarantine_before_the_end_holds_the_mail_and_the_answer_still_counts(scene):
    scene.forget(R=[quarantine("bad"), b"c"])
    with scene.smtp("one") as client:
        answer = send(client)
        assert answer.startswith("250 ")
    queue_id = answer.split()[-1]
    wait_until(lambda: f"{queue_id}!" in scene.mail.command("postqueue", "-c", scene.mail.config, "-p").stdout, "a held message")
    scene.forget(R=[quarantine("bad"), b"r"])
    with scene.smtp("one") as client:
        assert send(client) == "550 5.7.1 Command rejected"


def test_a_dead_filter_may_end_the_session(scene):
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        scene.smtp("dead")
    assert refused.value.smtp_code == 421
    scene.wait_log(f"warning: connect to Milter service inet:127.0.0.1:{DEAD}: Connection refused$")


@pytest.mark.parametrize(
    "port, line",
    [
        ("nonsense", "milter {place}: unrecognized default action: nonsense"),
        ("place", "milter foo:bar: invalid transport name: foo in Milter service: foo:bar"),
        ("setting", "milter {place}: unknown option: nosuch=1"),
        ("version", "milter {place}: bad protocol information: 5"),
    ],
)
def test_with_a_mistake_in_main_cf_no_mail_passes(scene, port, line):
    with scene.smtp(port) as client:
        assert send(client) == MISCONFIGURED
    scene.wait_log("warning: " + re.escape(line.format(place=scene.first.place)) + "$")


def test_a_host_that_is_not_there_is_told(scene):
    with scene.smtp("host") as client:
        assert send(client) == TEMPFAIL
    scene.wait_log("warning: connect to Milter service inet:filter.invalid:1: ")


@pytest.mark.parametrize("port", ["unix", "relative"])
def test_filters_listen_at_unix_sockets_below_the_queue_directory(scene, port):
    with scene.smtp(port) as client:
        assert send(client).startswith("250 ")
    assert scene.unix.wait(lambda sessions: sessions and "E" in sessions[0].letters())


def test_a_table_of_filters_that_cannot_be_read_leaves_those_of_all(scene):
    with scene.smtp("broken map") as client:
        assert send(client).startswith("250 ")
    assert scene.first.wait(lambda sessions: sessions and "E" in sessions[0].letters())
    scene.wait_log("warning: .*/nonexistent/map")


# ---- several ----


def test_filters_are_asked_side_by_side(scene):
    """The first answers when the second has been asked."""
    asked = {letter: threading.Event() for letter in "CHM"}

    def waiting(letter):
        def answer(data):
            return CONTINUE if asked[letter].wait(PATIENCE) else [CLOSE]

        return answer

    def telling(letter):
        def answer(data):
            asked[letter].set()
            return CONTINUE

        return answer

    scene.first.forget(**{letter: waiting(letter) for letter in asked})
    scene.second.forget(**{letter: telling(letter) for letter in asked})
    with scene.smtp() as client:
        assert send(client).startswith("250 ")


def test_a_recipient_that_one_refuses_the_next_never_hears_of(scene):
    scene.forget(R=lambda data: REJECT if b"bad" in data else CONTINUE)
    with scene.smtp() as client:
        client.ehlo("x")
        client.mail("a@example.com")
        assert client.rcpt("bad@example.test") == (550, b"5.7.1 Command rejected")
        assert client.rcpt("postmaster@example.test")[0] == 250
        client.rset()
    assert scene.second.sessions[0].of("R") == [b"<postmaster@example.test>\0"]
    scene.second.wait(lambda sessions: sessions[0].is_over)
    assert scene.second.sessions[0].letters().endswith("AQ")


def test_a_filter_of_its_own_default_action_disturbs_nobody(scene):
    scene.second.forget(C=[CLOSE])
    with scene.smtp() as client:
        assert send(client).startswith("250 ")
    assert "E" in scene.first.sessions[0].letters()


def test_a_message_that_is_broken_off_is_aborted(scene):
    client = scene.smtp("one")
    client.ehlo("x")
    client.mail("a@example.com")
    client.rcpt("postmaster@example.test")
    client.docmd("DATA")
    client.send(b"Subject: half\r\n\r\n" + b"x" * 100000)
    client.close()
    session = scene.first.wait(lambda sessions: [s for s in sessions if s.is_over and "T" in s.letters()])[0]
    assert session.letters().replace("D", "") == "OCHMRTAQ"


def test_a_filter_whose_borrower_dies_is_not_asked_again(scene):
    """cleanup has the conversation while there is content; nobody knows where it stood."""

    def kill(data):
        assert scene.mail.kill("cleanup") > 0
        return CONTINUE

    scene.forget(E=kill)
    with scene.smtp("one") as client:
        assert send(client) == "451 4.3.0 Error: queue file write error"
        assert send(client) == TEMPFAIL
    scene.wait_log(f"warning: milter {re.escape(scene.first.place)}: the conversation was lost with the message$")
    scene.forget()
    with scene.smtp("one") as client:
        assert send(client).startswith("250 ")


def test_chunks_are_content_too(scene):
    with scene.smtp("one") as client:
        client.ehlo("x")
        client.mail("a@example.com")
        client.rcpt("postmaster@example.test")
        client.send(b"BDAT 12\r\nSubject: x\r\n")
        assert client.getreply()[0] == 250
        client.send(b"BDAT 6 LAST\r\n\r\nhi\r\n")
        assert client.getreply()[0] == 250
        client.docmd("RSET")
    session = scene.first.sessions[0]
    assert session.letters().replace("D", "").replace("A", "").rstrip("Q") == "OCHMRT" + "L" * session.letters().count("L") + "NBE"
    assert session.of("B") == [b"hi\r\n"]


def test_a_second_message_finds_the_same_conversation(scene):
    with scene.smtp("one") as client:
        assert send(client).startswith("250 ")
        assert send(client, sender="b@example.com", content=b"Subject: x\r\n\r\n" + b"line\r\n" * 30000).startswith("250 ")
    session = scene.first.wait(lambda sessions: [s for s in sessions if s.is_over and "E" in s.letters()])[0]
    assert len(scene.first.sessions) == 1 and session.letters().count("E") == 2
    assert b"".join(session.of("B")) == b"hi\r\n" + b"line\r\n" * 30000
    assert max(map(len, session.of("B"))) == 65535


# ---- what TLS and AUTH tell ----


def told(session, letter):
    """The macros told for each command of that letter."""
    rows = (data[1:].split(b"\0") for found, data in session.packets if found == "D" and data[:1] == letter)
    return [{words[i].decode(): words[i + 1].decode() for i in range(0, len(words) - 1, 2)} for words in rows]


def test_filters_hear_of_tls(scene):
    with scene.smtp("one") as client:
        client.ehlo("one")
        client.starttls(context=client_context())
        assert send(client).startswith("250 ")
    (session,) = scene.first.wait(lambda sessions: [s for s in sessions if s.is_over])
    before, after = told(session, b"H")
    assert before == {}
    assert after["{tls_version}"].startswith("TLSv1.") and int(after["{cipher_bits}"]) >= 128 and after["{cipher}"]


def test_filters_hear_who_has_logged_in(scene):
    with scene.smtp("one") as client:
        client.ehlo("x")
        assert client.docmd("AUTH", "PLAIN AGJvYgB4")[0] == 235
        assert send(client, sender="a@example.com").startswith("250 ")
        client.ehlo("x")
        assert client.mail("a@example.com", ["AUTH=c@example.com"])[0] == 250
    (session,) = scene.first.wait(lambda sessions: [s for s in sessions if s.is_over])
    first, second = told(session, b"M")
    assert first["{auth_type}"] == "PLAIN" and first["{auth_authen}"] == "bob" and "{auth_author}" not in first
    assert second["{auth_author}"] == "c@example.com"
