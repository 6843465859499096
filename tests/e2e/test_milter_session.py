# SPDX-License-Identifier: Apache-2.0
"""
What mail filters hear of a session, and what becomes of what they say, beside stock Postfix: the same scripted filter listens to
both (support/milter.py). The end of a message and what is changed in it: test_milter_changes.py.
"""

import contextlib
import difflib
import re
import socket
import struct

import pytest

from support.instance import Merpati, Stock
from support.milter import (
    ACCEPT,
    ALL_STEPS,
    CLOSE,
    CONNECTION_FAILURE,
    CONTINUE,
    DISCARD,
    NO_DATA,
    NO_REPLY,
    NO_UNKNOWN,
    PROGRESS,
    REJECT,
    SHUTDOWN,
    SKIP,
    TEMPFAIL,
    WANT_REJECTED_RCPT,
    Milter,
    Raw,
    negotiation,
    quarantine,
    reply,
)
from support.waiting import PATIENCE, free_port

CODE = reply("554-5.7.9 one\r\n554 5.7.9 two")
HELLO = "EHLO client.example"
MAIL = "MAIL FROM:<a@sender.example> SIZE=100"
RCPT = "RCPT TO:<postmaster@example.test>"
CONTENT = "From: a@b.example\r\nTo: b@c.example\r\nSubject: x\r\n\r\nbody\r\n."
DISCONNECT = r"/smtpd\[\d+\]: disconnect from"
WHOLE = [HELLO, MAIL, RCPT, "DATA", CONTENT, "QUIT"]
MAIN = {
    # Stock 3.7's default; 3.11's is shutdown.
    "milter_default_action": "tempfail",
    "milter_connect_timeout": "20s",
    "milter_command_timeout": "20s",
    "milter_content_timeout": "20s",
    "milter_unknown_command_macros": "v j",
    "milter_macro_v": "Mailer 1",
    "milter_macro_daemon_name": "front",
    "smtpd_authorized_xclient_hosts": "127.0.0.1",
    "smtpd_recipient_restrictions": "check_recipient_access inline:{{bad@example.test=550 5.7.2 go away}}",
    "smtpd_data_restrictions": "check_sender_access inline:{{nodata@b.example=reject}}",
    "local_recipient_maps": "",
    "inet_protocols": "all",
}


def read_reply(stream):
    lines = []
    while True:
        line = stream.readline().decode("utf-8", "replace").rstrip("\r\n")
        lines.append(line or "closed")
        if line[3:4] != "-":
            return lines


def talk(port, lines):
    """Sends each line when the one before is answered; the replies. A final dot that nobody waits for is left out."""
    said = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, connection.makefile("rwb") as stream:
        said.append(read_reply(stream))
        for line in lines:
            if line == CONTENT and not said[-1][-1].startswith("354"):
                continue
            with contextlib.suppress(OSError):
                stream.write(line.encode() + b"\r\n")
                stream.flush()
            try:
                said.append(read_reply(stream))
            except OSError:
                said.append(["closed"])
            if said[-1] == ["closed"]:
                break
        with contextlib.suppress(OSError):
            stream.close()
    return said


class Side:
    """One system with its milter."""

    def __init__(self, kind, main):
        self.milter = Milter()
        self.mail = kind(main={**MAIN, "smtpd_milters": self.milter.place, **main}, services=self.services(kind))
        self.mail.start()
        # Who looked whether it listens is a client, too.
        self.mail.wait_log(DISCONNECT)

    def services(self, kind):
        """A listener for each choice of milters, without a system of its own."""
        self.ports = {}
        rows = []
        for name, options in OTHERS(self.milter.place).items():
            self.ports[name] = free_port()
            rows.append(f"127.0.0.1:{self.ports[name]} inet n - {kind.chroot} - - smtpd")
            rows += [f"  -o {{ {option} }}" for option in options]
        return ["\n".join(rows)] if rows else []

    def finish(self):
        self.mail.finish()
        self.milter.stop()

    def play(self, lines, script=None, port=None):
        """(replies, packets of each session, log lines)"""
        before = len(self.mail.log_text())
        count = len(re.findall(DISCONNECT, self.mail.log_text()))
        self.milter.forget(**(script or {}))
        replies = talk(self.ports[port] if port else self.mail.port, lines)
        self.mail.wait_log(DISCONNECT, count + 1)
        sessions = self.milter.wait(lambda found: (all(s.is_over for s in found) and [s.packets for s in found]) or not found and [[]])
        log = [line for line in self.mail.log_text()[before:].splitlines() if "/smtpd[" in line]
        log = [re.sub(r"^.*?/smtpd\[\d+\]: ", "", line) for line in log if "milter" in line.lower()]
        return replies, [self.readable(packets) for packets in sessions], [self.masked(line) for line in log]

    def masked(self, text):
        text = text.replace(self.milter.place, "MILTER").replace(str(self.milter.port), "PORT")
        return re.sub(r"\b[0-9A-F]{10,12}\b", "QUEUE-ID", text)

    def readable(self, packets):
        """
        Without aborts, which stock says more often than it must, and the goodbye, which it does not say to one that has refused
        or accepted the session; without what one side alone knows.
        """
        shown = []
        for letter, data in packets:
            if letter in "AQ":
                continue
            if letter == "C":
                name, rest = data.split(b"\0", 1)
                data = name + b" " + (rest[:1] + b" " + rest[3:] if rest[:1] in (b"4", b"6") else rest)
            text = f"{letter} {data.decode('latin-1')}"
            text = re.sub(r"(client_port}|daemon_port})\0\d+", r"\1\0PORT", text)
            text = re.sub(r"(L Message-Id\0\s*)<.*>", r"\1", text)
            text = re.sub(r"(L Date\0).*", r"\1", text)
            shown.append(self.masked(text).replace("\0", "|"))
        return shown


def OTHERS(place):
    dead = f"inet:127.0.0.1:{DEAD}"
    return {
        "accept": [f"smtpd_milters={dead}", "milter_default_action=accept"],
        "reject": [f"smtpd_milters={dead}", "milter_default_action=reject"],
        "tempfail": [f"smtpd_milters={dead}", "milter_default_action=tempfail"],
        "quarantine": [f"smtpd_milters={dead}", "milter_default_action=quarantine"],
        "own": [f"smtpd_milters={{ {place}, default_action=accept, protocol=2 }}, {{ {dead}, default_action=quarantine }}"],
        "version": [f"smtpd_milters={place}", "milter_protocol=9"],
        "2": [f"smtpd_milters={place}", "milter_protocol=2"],
        "3": [f"smtpd_milters={place}", "milter_protocol=3"],
        "4": [f"smtpd_milters={place}", "milter_protocol=4, no_header_reply"],
        "disabled": [f"smtpd_milters={place}", "smtpd_milter_maps=inline:{{127.0.0.1=disable}}"],
        "mapped": [f"smtpd_milters={dead}", f"smtpd_milter_maps=inline:{{{{127.0.0.1={place}}}}}"],
        "unmapped": [f"smtpd_milters={place}", "smtpd_milter_maps=inline:{{127.0.0.2=DISABLE}}"],
        "none": [f"smtpd_milters={place}", "receive_override_options=no_milters"],
        "macros": [
            f"smtpd_milters={place}",
            "milter_macro_defaults={auth_type}=nix, {foo = bar baz} {if_name}=eth0 j=not",
            "milter_connect_macros=j v _ {client_addr} {client_connections} {client_name} {client_port} {client_ptr} "
            "{daemon_addr} {daemon_name} {daemon_port} i {foo} foo {if_name} {nosuch}",
            "milter_helo_macros={client_ptr}, {client_addr} {auth_type}",
            "milter_mail_macros=i {auth_type} {mail_addr} {mail_mailer} {client_ptr}",
            "milter_rcpt_macros=i {rcpt_addr} {rcpt_mailer} {mail_addr}",
            "milter_data_macros=i {mail_addr} {client_connections}",
            "milter_end_of_header_macros=i j v _ {client_addr} {client_name} {client_ptr} {daemon_addr} {foo} {auth_type}",
            "milter_end_of_data_macros=i {client_port} {daemon_port} {daemon_name}",
        ],
    }


DEAD = free_port()


@pytest.fixture(scope="module")
def sides():
    """Merpati alone where stock cannot run: then the rows are not compared."""
    made = []
    try:
        for kind in (Stock, Merpati):
            if kind is Stock and Stock.why_not():
                pytest.skip(Stock.why_not())
            made.append(Side(kind, {}))
        yield made
    finally:
        with contextlib.ExitStack() as stack:
            for side in made:
                stack.callback(side.finish)


def same(what, ours, stock):
    difference = "\n".join(difflib.unified_diff(stock, ours, "stock", "ours", lineterm="", n=1))
    assert not difference, f"{what}:\n{difference}"


def compare(sides, *played, **options):
    stock, ours = (side.play(*played, **options) for side in sides)
    played = repr(played)[:200]
    same(f"replies to {played}", *([re.sub("queued as .*", "", line) for reply in side[0] for line in reply] for side in (ours, stock)))
    same(f"packets of {played}", *([line for session in side[1] for line in ["SESSION", *session]] for side in (ours, stock)))
    same(f"log of {played}", ours[2], [line for line in stock[2] if not line.startswith("warning: milter8_event")])
    return ours


VERDICTS = {
    "reject": REJECT,
    "tempfail": TEMPFAIL,
    "code": CODE,
    "421": reply("421 4.3.2 bye"),
    "accept": ACCEPT,
    "discard": DISCARD,
    "skip": SKIP,
    "progress": PROGRESS + PROGRESS + CONTINUE,
    "shutdown": SHUTDOWN,
    "connection failure": CONNECTION_FAILURE,
    "percent": reply("550 5.7.1 100%% x%d"),
}


@pytest.mark.parametrize("letter", "CHMRT")
def test_each_verdict_at_each_command_is_as_in_postfix(sides, letter):
    for name, packets in VERDICTS.items():
        replies, sessions, _ = compare(sides, WHOLE if letter != "U" else [HELLO, "FOO bar", *WHOLE[1:]], {letter: packets})
        assert sessions, name
        if name == "code":
            assert ["554-5.7.9 one", "554 5.7.9 two"] in replies


@pytest.mark.parametrize("name", ["reject", "tempfail", "code", "shutdown", "skip"])
def test_each_verdict_of_an_unknown_command_is_as_in_postfix(sides, name):
    compare(sides, [HELLO, "FOO bar", *WHOLE[1:]], {"U": VERDICTS[name]})


def test_what_a_filter_hears_is_what_it_hears_of_postfix(sides):
    _, sessions, _ = compare(
        sides,
        [
            "EHLO x",
            "foo  bar",
            "MAIL FROM:<>",
            "RSET",
            "HELO y z",
            "MAIL FROM:a@b.example   SIZE=10",
            "MAIL FROM:<x>",
            "RCPT TO:Postmaster",
            'RCPT TO:<"a b"@example.test>   NOTIFY=NEVER',
            "RCPT TO:<@a.b:root@example.test>",
            "RCPT TO:<bad@example.test>",
            "NOOP",
            "VRFY postmaster",
            "DATA",
            CONTENT,
            'MAIL FROM:<"a b"@b.example> BODY=8BITMIME',
            "QUIT",
        ],
    )
    assert len(sessions) == 1


def test_filters_hear_of_nothing_that_restrictions_refuse(sides):
    compare(sides, ["EHLO x", "MAIL FROM:<nodata@b.example>", RCPT, "DATA", "QUIT"])


def test_filters_may_hear_of_recipients_that_were_refused(sides):
    _, sessions, _ = compare(
        sides,
        ["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<bad@example.test>", "RCPT TO:<@>", RCPT, "DATA", CONTENT, "QUIT"],
        {"O": negotiation(steps=WANT_REJECTED_RCPT)},
    )
    assert "D R{rcpt_addr}|Recipient address rejected: go away|{rcpt_host}|5.7.2|{rcpt_mailer}|error|" in sessions[0]


def test_xclient_begins_a_session_of_its_own(sides):
    for attributes in (
        "ADDR=IPV6:2001:db8::7 NAME=h.example PORT=99 DESTADDR=IPV6:2001:db8::8",
        "ADDR=192.0.2.7 NAME=h.example REVERSE_NAME=h.example PORT=99",
        "ADDR=192.0.2.7 NAME=[UNAVAILABLE] REVERSE_NAME=[UNAVAILABLE]",
        "ADDR=192.0.2.7 NAME=[UNAVAILABLE] REVERSE_NAME=r.example",
    ):
        _, sessions, _ = compare(sides, ["EHLO x", f"XCLIENT {attributes}", "EHLO y", "QUIT"], port="macros")
        assert len(sessions) == 2


STEPS = {
    "nothing": negotiation(6, 0, 0x7F | NO_UNKNOWN | NO_DATA),
    "no reply": negotiation(6, 0x1FF, ALL_STEPS & ~(0x7F | NO_UNKNOWN | NO_DATA | WANT_REJECTED_RCPT)),
    "version 2": negotiation(2),
    "more steps": negotiation(6, 0x1FF, 0x0FFFF800 & ~WANT_REJECTED_RCPT),
    "macros": negotiation(
        6, 0x1FF, 0, {0: "j v", 1: "j", 2: "{mail_addr}", 3: "i", 4: "v", 5: "j v {daemon_name}", 6: "{daemon_name}"}
    ),
    "version 7": negotiation(7),
    "more actions": negotiation(6, 0xFFF, 0),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_filter_is_told_what_it_wants(sides, name):
    compare(sides, [HELLO, "FOO", *WHOLE[1:]], {"O": STEPS[name]})


@pytest.mark.parametrize(
    "port",
    ["accept", "reject", "tempfail", "quarantine", "own", "version", "2", "3", "4", "disabled", "mapped",
     "unmapped", "none", "macros"],
)
def test_parameters_and_settings_of_one_filter_are_as_in_postfix(sides, port):
    """milter_default_action, milter_protocol, milter_*_macros, smtpd_milter_maps, and what stands in braces."""
    script = {"O": negotiation(4, steps=NO_REPLY["L"]), "L": []} if port == "4" else {}
    compare(sides, WHOLE, script, port=port)
