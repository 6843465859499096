# SPDX-License-Identifier: Apache-2.0
"""
Dialogues whose every reply must be stock Postfix's. Each is played against both and the transcripts are compared.

A step is a command line; bytes are sent as they are, without CRLF added and without waiting for a reply; READ reads
one reply, END expects the server to close. After "DATA" with a 354 the content comes as bytes.
"""

import re
from dataclasses import dataclass, field

from .smtp_client import Disconnected, SmtpClient
from .waiting import free_port

READ = object()
END = object()


class Content(bytes):
    """What follows DATA, with its dot: sent if the reply was 354 and then read for a reply, left out otherwise."""


TAKES_RCPT = ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"]


@dataclass
class Dialogue:
    """main: parameters of a service of its own; TABLE:x in a value is the table x of tables, indexed."""

    name: str
    steps: list
    main: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)


def normalized(text, instance):
    """A reply or log line with what differs between two systems or runs taken out."""
    text = re.sub(r"queued as [0-9A-Za-z]+", "queued as ID", text)
    text = re.sub(r"^[0-9A-F]{10,}: ", "ID: ", text)
    text = re.sub(r": [0-9A-F]{10,}: ", ": ID: ", text)
    text = re.sub(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r"\d+ bytes <", "N bytes <", text)
    return text.replace(str(instance.directory), "DIR")


def equip(instance, dialogues, account):
    """Adds a service for each dialogue with parameters of its own; the port of each by name. Before the start."""
    def expand(value, prefix):
        return re.sub(r"TABLE:(\w+)", lambda m: f"hash:{instance.directory}/{prefix}{m.group(1)}", value)

    for name, text in SHARED_TABLES.items():
        instance.table(name, text.replace("ACCOUNT", account))
    instance.set(**{name: expand(value, "") for name, value in SHARED_MAIN.items()})
    ports = {}
    for number, dialogue in enumerate(dialogues):
        ports[dialogue.name] = instance.port
        if not dialogue.main:
            continue
        for name, text in dialogue.tables.items():
            instance.table(f"{number}-{name}", text.replace("ACCOUNT", account))
        ports[dialogue.name] = port = free_port()
        options = "".join(f" -o {{ {n} = {expand(v, f'{number}-')} }}" for n, v in dialogue.main.items())
        instance.services.append(f"127.0.0.1:{port} inet n - {instance.chroot} - - smtpd{options}")
    instance.write_config()
    return ports


def play(instance, steps, account, port=None, **options):
    """The transcript: (step, reply) pairs as text."""
    with SmtpClient(port or instance.port, greet=False, **options) as client:
        transcript = []
        for step in ["", *steps]:
            if isinstance(step, Content) and not transcript[-1][1].startswith("354"):
                continue
            try:
                transcript.append((_shown(step), _play_step(client, step, account, instance)))
            except (Disconnected, ConnectionResetError, BrokenPipeError):
                transcript.append((_shown(step), "disconnected"))
                break
        return transcript


def _shown(step):
    if step is READ or step is END:
        return "READ" if step is READ else "END"
    return step if isinstance(step, str) else f"{len(step)} bytes {step[:60]!r}"


def _play_step(client, step, account, instance):
    if step == "":
        return normalized(str(client.reply()), instance)
    if step is END:
        return "closed" if client.is_closed() else "open"
    if step is READ:
        return normalized(str(client.reply()), instance)
    if isinstance(step, bytes):
        client.send(step.replace(b"ACCOUNT", account.encode()))
        return normalized(str(client.reply()), instance) if isinstance(step, Content) else "sent"
    return normalized(str(client.command(step.replace("ACCOUNT", account))), instance)


BODY = b"Subject: x\r\n\r\nhello\r\n.\r\n"

HELLO = [
    Dialogue("greeting and quit", ["QUIT", END]),
    Dialogue("helo", ["HELO c.example", "QUIT"]),
    Dialogue("ehlo", ["EHLO c.example", "QUIT"]),
    Dialogue("helo without a name", ["HELO", "EHLO", "helo  ", "EHLO   x y z"]),
    Dialogue("helo twice", ["EHLO c.example", "MAIL FROM:<>", "EHLO c.example", "RCPT TO:<ACCOUNT@localhost>", "HELO x", "QUIT"]),
    Dialogue("lower case and blanks", ["ehlo c.example  ", "  noop", "noop  ", "quit"]),
    Dialogue("odd helo names", ["HELO [127.0.0.1]", "HELO !!!", "EHLO a_b", "EHLO " + "x" * 300, "EHLO \tq"]),
    Dialogue("helo name of 8-bit bytes", [b"EHLO c\xc3\xa9\xff\r\n", READ]),
    Dialogue("helo required", ["MAIL FROM:<>", "RCPT TO:<a@b>", "NOOP", "RSET", "VRFY ACCOUNT", "EHLO x", "MAIL FROM:<>"],
             {"smtpd_helo_required": "yes"}),
]

OTHER = [
    Dialogue("noop", ["NOOP", "NOOP x", "NOOP x y z"]),
    Dialogue("rset", ["RSET", "RSET x", "EHLO c.example", "RSET", "MAIL FROM:<>", "RSET", "RCPT TO:<ACCOUNT@localhost>"]),
    Dialogue("quit with argument", ["QUIT now", "QUIT"]),
    Dialogue("unknown commands", ["FOO", "FOO bar", "   ", "STARTTLS", "AUTH PLAIN"]),
    Dialogue("expn and turn", ["EXPN x", "TURN", "SEND FROM:<>", "SAML FROM:<>"]),
    Dialogue("vrfy", ["VRFY", "VRFY ACCOUNT", "VRFY ACCOUNT@localhost", "VRFY <ACCOUNT@localhost>", "VRFY nobody-here",
                      "VRFY nobody-here@localhost", "VRFY a@elsewhere.test", "VRFY a b", "VRFY <>", "VRFY a@b@c", "VRFY <@>"]),
    Dialogue("vrfy disabled", ["EHLO c.example", "VRFY ACCOUNT", "VRFY"], {"disable_vrfy_command": "yes"}),
    Dialogue("vrfy within a transaction", [*TAKES_RCPT, "VRFY ACCOUNT", "VRFY nobody-here", "DATA", BODY, READ]),
    Dialogue("http", ["GET / HTTP/1.1", END]),
    Dialogue("connect", ["CONNECT x:25", END]),
    Dialogue("post", ["POST /x HTTP/1.1", END]),
    Dialogue("forbidden before helo", [b"From: x\r\n", READ]),
    Dialogue("header as command", ["Subject: x", END]),
    Dialogue("colon word", ["X-Foo: bar", END]),
    Dialogue("folded word", ["EHLO c.example", " x"]),
    Dialogue("bytes beyond ASCII", [b"\xff\xfe\r\n", READ, b"NOOP \xff\r\n", READ, b"\xc3\xa9 x\r\n", READ]),
    Dialogue("NUL in a command", [b"NOOP a\0b\r\n", READ, b"\0\r\n", READ, b"EHLO a\0b\r\n", READ]),
    Dialogue("bare newline commands", [b"NOOP\n", READ, b"EHLO x\n", READ]),
    Dialogue("bare carriage return", [b"NOOP\rNOOP\r\n", READ, b"NOOP\r\r\n", READ]),
    Dialogue("long command line", [b"NOOP " + b"x" * 2100 + b"\r\n", READ, "NOOP"]),
    Dialogue("command lines around the limit", ["EHLO c.example", *[b for n in (511, 512, 514, 700) for b in (b"NOOP " + b"x" * (n - 7) + b"\r\n", READ)],
                                                *[b for n in (511, 512, 514) for b in (b"MAIL FROM:<" + b"x" * (n - 26) + b"@example.com>\r\n", READ, "RSET")]],
             {"line_length_limit": "512"}),
    Dialogue("very long command line", [b"MAIL FROM:<" + b"x" * 5000 + b"@example.com>\r\n", READ, "NOOP"]),
]

MAIL = [
    Dialogue("mail before helo", ["MAIL FROM:<a@b>", "RCPT TO:<ACCOUNT@localhost>"]),
    Dialogue("nested mail", ["EHLO c.example", "MAIL FROM:<a@example.com>", "MAIL FROM:<b@example.com>", "RSET", "MAIL FROM:<b@example.com>"]),
    Dialogue("mail syntax", ["EHLO c.example", "MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM: ", "MAIL x", "MAIL TO:<a@b>", "MAIL FROM <a@b>",
                             "MAIL FROM:<a@b"]),
    Dialogue("brackets and blanks", ["EHLO c.example", "MAIL FROM:a@b>", "RSET", "MAIL FROM:<a b@c>", "RSET", "MAIL FROM:<a@b> <c@d>", "RSET", "MAIL FROM:<a@b>x", "RSET", "MAIL FROM:<a@b c>", "RSET", "MAIL FROM:<<a@b>>", "RSET", "MAIL FROM:<a@b.>"]),
    Dialogue("mail syntax one a session", ["EHLO c.example", "MAIL FROM:<a@b>, <c@d>", "MAIL FROM:<a@b@c>", "RSET", "MAIL FROM:<@b>", "RSET",
                             "MAIL FROM:<a@>", "RSET", "MAIL FROM:<@x,@y:a@b>", "RSET", "MAIL FROM:<\"a b\"@c>", "RSET"]),
    Dialogue("lenient senders", ["EHLO c.example", "MAIL FROM:a@example.com", "RSET", "MAIL FROM: <a@example.com>", "RSET", "MAIL FROM:Name <a@example.com>",
                                 "RSET", "MAIL FROM:a", "RSET", "MAIL FROM:<a>", "RSET", "mail from: <>", "RSET", "mail  from:<>", "RSET", "MAIL FROM :<>", "RSET",
                                 "MAIL FROM:a@b (comment)", "RSET", "MAIL FROM:\"a b\"@c", "RSET", "MAIL FROM:<a@[127.0.0.1]>", "RSET",
                                 "MAIL FROM:<a.@example.com>", "RSET", "MAIL FROM:<.a@example.com>", "RSET", "MAIL FROM:<a@example.com.>"]),
    Dialogue("unclosed and quoted", ["EHLO c.example", "MAIL FROM:u@[192.0.2.1", "RSET", "MAIL FROM:<u@[192.0.2.1>", "RSET", "MAIL FROM:<u@[192.0.2.1", "MAIL FROM:<u@[foo>", "MAIL FROM:<u@b(c>", "RSET",
                                     "MAIL FROM:\"u@b.example", "MAIL FROM:<\"u@b.example>", "MAIL FROM:<\"a b\"@c.example>", "RCPT TO:u@[192.0.2.1", "RCPT TO:<u@[192.0.2.1>", "RCPT TO:u@[IPv6:::1",
                                     "RCPT TO:<\"a b\"@c.example>", "RCPT TO:<@a:u@c.example>", "RCPT TO:@a,@b:u@c.example", "RCPT TO:<@c.example>"],
             {"smtpd_recipient_restrictions": "check_recipient_access static:REJECT"}),
    Dialogue("strict envelopes", ["EHLO c.example", "MAIL FROM:a@example.com", "MAIL FROM: <a@example.com>", "RSET", "MAIL FROM:Name <a@b>", "MAIL FROM:<a@b>", "RCPT TO:ACCOUNT@localhost",
                                  "RCPT TO: <ACCOUNT@localhost>", "RCPT TO:<ACCOUNT@localhost>"], {"strict_rfc821_envelopes": "yes"}),
    Dialogue("mail parameters", ["EHLO c.example", "MAIL FROM:<a@example.com> SIZE=1000", "RSET", "MAIL FROM:<a@example.com> BODY=8BITMIME", "RSET",
                                 "MAIL FROM:<a@example.com> BODY=7BIT SIZE=5", "RSET", "MAIL FROM:<a@example.com> BODY=BINARYMIME", "MAIL FROM:<a@example.com> FOO", "MAIL FROM:<a@example.com> FOO=BAR",
                                 "MAIL FROM:<a@example.com> SIZE=x", "MAIL FROM:<a@example.com> SIZE=99999999999", "MAIL FROM:<a@example.com> SIZE=-1", "MAIL FROM:<a@example.com> SIZE=", "MAIL FROM:<a@example.com> body=8bitmime size=10"]),
    Dialogue("size beyond all numbers", ["EHLO c.example", "MAIL FROM:<a@example.com> SIZE=99999999999999999999", "MAIL FROM:<a@example.com> SIZE=10240001", "MAIL FROM:<a@example.com> SIZE=10240000", "RSET", "MAIL FROM:<a@example.com> SIZE"]),
    Dialogue("dsn parameters", ["EHLO c.example", "MAIL FROM:<a@example.com> RET=HDRS ENVID=abc", "RCPT TO:<ACCOUNT@localhost> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y", "RCPT TO:<ACCOUNT@localhost> NOTIFY=NEVER",
                                "RCPT TO:<ACCOUNT@localhost> NOTIFY=NEVER,SUCCESS", "RCPT TO:<ACCOUNT@localhost> NOTIFY=x", "RCPT TO:<ACCOUNT@localhost> ORCPT=x", "RCPT TO:<ACCOUNT@localhost> FOO=1",
                                "RSET", "MAIL FROM:<a@example.com> RET=x", "MAIL FROM:<a@example.com> ENVID=", "MAIL FROM:<a@example.com> RET=FULL RET=HDRS", "RSET", "MAIL FROM:<a@example.com> ENVID=a=b", "MAIL FROM:<a@example.com> ENVID=a+zz"]),
    Dialogue("notify odd", [*TAKES_RCPT, "RCPT TO:<ACCOUNT@localhost> NOTIFY=", "RCPT TO:<ACCOUNT@localhost> NOTIFY=SUCCESS,SUCCESS", "RCPT TO:<ACCOUNT@localhost> notify=success,failure,delay", "RCPT TO:<ACCOUNT@localhost> ORCPT=rfc822;a+2Bb@c",
                            "RCPT TO:<ACCOUNT@localhost> ORCPT=rfc822;a+zz", "RCPT TO:<ACCOUNT@localhost> ORCPT=;a", "RCPT TO:<ACCOUNT@localhost> NOTIFY"]),
    Dialogue("smtputf8", ["EHLO c.example", "MAIL FROM:<a@example.com> SMTPUTF8", "RCPT TO:<ACCOUNT@localhost>", "RSET", "MAIL FROM:<a@example.com> SMTPUTF8=x", b"MAIL FROM:<\xc3\xa9@example.com>\r\n", READ, "RSET",
                          b"MAIL FROM:<\xc3\xa9@example.com> SMTPUTF8\r\n", READ, b"RCPT TO:<\xc3\xa9@localhost>\r\n", READ, "RSET", b"MAIL FROM:<\xff@example.com> SMTPUTF8\r\n", READ, b"MAIL FROM:<\xff@example.com>\r\n", READ]),
    Dialogue("strict smtputf8", ["EHLO c.example", b"MAIL FROM:<\xc3\xa9@example.com>\r\n", READ, "MAIL FROM:<a@example.com>", b"RCPT TO:<\xc3\xa9@localhost>\r\n", READ], {"strict_smtputf8": "yes"}),
    Dialogue("smtputf8 off", ["EHLO c.example", "MAIL FROM:<a@example.com> SMTPUTF8", b"MAIL FROM:<\xc3\xa9@example.com>\r\n", READ], {"smtputf8_enable": "no"}),
    Dialogue("parameters after helo", ["HELO c.example", "MAIL FROM:<a@example.com> SIZE=10 BODY=8BITMIME", "RCPT TO:<ACCOUNT@localhost> NOTIFY=NEVER"]),
    Dialogue("long addresses", ["EHLO c.example", "MAIL FROM:<" + "x" * 64 + "@example.com>", "RSET", "MAIL FROM:<" + "x" * 65 + "@example.com>", "RSET", "MAIL FROM:<" + "x" * 300 + "@example.com>", "RSET",
                                "MAIL FROM:<a@" + "d" * 64 + ".example>", "RSET", "MAIL FROM:<a@" + ("d" * 60 + ".") * 5 + "example>"]),
]

RCPT = [
    Dialogue("rcpt without mail", ["EHLO c.example", "RCPT TO:<ACCOUNT@localhost>"]),
    Dialogue("rcpt syntax", ["EHLO c.example", "MAIL FROM:<>", "RCPT", "RCPT TO", "RCPT TO:", "RCPT TO:<>", "RCPT FROM:<a@b>", "RCPT TO <a@b>", "RCPT TO:<a b@c>", "RCPT TO:<a@b> <c@d>", "RCPT TO:<ACCOUNT@localhost", "RCPT x"]),
    Dialogue("rcpt forms", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:ACCOUNT@localhost", "RCPT TO:ACCOUNT", "RCPT TO:<ACCOUNT>", "RCPT TO: <ACCOUNT@localhost>", "RCPT TO:<ACCOUNT@LOCALHOST>", "RCPT TO:<ACCOUNT@[127.0.0.1]>",
                            "RCPT TO:<@a,@b:ACCOUNT@localhost>", "RCPT TO:\"ACCOUNT\"@localhost", "RCPT TO:<postmaster>", "RCPT TO:<Postmaster@mail.example.test>", "RCPT TO:<ACCOUNT@[1.2.3.4]>"]),
    Dialogue("rcpt source forms", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a%b@localhost>", "RCPT TO:<a!b@localhost>", "RCPT TO:<a@b@localhost>", "RCPT TO:<@localhost>", "RCPT TO:<ACCOUNT@>", "RCPT TO:<b!ACCOUNT>"]),
    Dialogue("unknown users", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<nobody-here@localhost>", "RCPT TO:<nobody-here>", "RCPT TO:<nobody-here@example.test>", "RCPT TO:<a+b@example.test>", "DATA", "RCPT TO:<ACCOUNT@localhost>", "DATA", BODY, READ]),
    Dialogue("unknown virtual users", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<x@alias.test>", "RCPT TO:<y@alias.test>", "RCPT TO:<x@box.test>", "RCPT TO:<y@box.test>", "RCPT TO:<x@relay.test>", "RCPT TO:<y@relay.test>", "RCPT TO:<x+ext@alias.test>"],
             {"recipient_delimiter": "+"}),
    Dialogue("unlisted recipients taken", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<nobody-here@localhost>"], {"smtpd_reject_unlisted_recipient": "no"}),
    Dialogue("no local recipient maps", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<nobody-here@localhost>"], {"local_recipient_maps": ""}),
    Dialogue("codes of unknown users", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<nobody-here@localhost>", "RCPT TO:<y@alias.test>", "RCPT TO:<y@box.test>", "RCPT TO:<y@relay.test>"],
             {"unknown_local_recipient_reject_code": "450", "unknown_virtual_alias_reject_code": "451", "unknown_virtual_mailbox_reject_code": "552", "unknown_relay_recipient_reject_code": "551"}),
    Dialogue("table and relay names hidden", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<y@alias.test>"],
             {"show_user_unknown_table_name": "no"}),
    Dialogue("unlisted senders", ["EHLO c.example", "MAIL FROM:<nobody-here@example.test>", "RCPT TO:<ACCOUNT@localhost>"], {"smtpd_reject_unlisted_sender": "yes"}),
    Dialogue("error transport", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@closed.test>", "RCPT TO:<a@gone.test>", "RCPT TO:<a@later.test>", "RCPT TO:<a@thrown.test>"]),
    Dialogue("recipient limit", [*TAKES_RCPT, *["RCPT TO:<ACCOUNT@localhost>"] * 5], {"smtpd_recipient_limit": "3"}),
    Dialogue("recipient overshoot", [*TAKES_RCPT, *["RCPT TO:<ACCOUNT@localhost>"] * 8], {"smtpd_recipient_limit": "2", "smtpd_recipient_overshoot_limit": "3"}),
]

RELAY = [
    Dialogue("relaying allowed from mynetworks", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@elsewhere.test>"]),
    Dialogue("relay denied", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@elsewhere.test>", "RCPT TO:<ACCOUNT@localhost>", "RCPT TO:<a%elsewhere.test@localhost>", "RCPT TO:<elsewhere.test!a>", "RCPT TO:<a@[192.0.2.1]>"], {"mynetworks": "192.0.2.0/24", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}),
    Dialogue("relay deferred", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@elsewhere.test>", "RCPT TO:<ACCOUNT@localhost>"], {"mynetworks": "192.0.2.0/24", "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, permit_tls_clientcerts, defer_unauth_destination"}),
    Dialogue("relay default", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@elsewhere.test>"], {"mynetworks": "192.0.2.0/24"}),
    Dialogue("relay code", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@elsewhere.test>"], {"mynetworks": "192.0.2.0/24", "relay_domains_reject_code": "550"}),
    Dialogue("relay domains", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<x@relay.test>", "RCPT TO:<x@sub.relay.test>", "RCPT TO:<a@other.test>"], {"mynetworks": "192.0.2.0/24", "smtpd_relay_restrictions": "reject_unauth_destination"}),
    Dialogue("excluded network", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<a@elsewhere.test>"], {"mynetworks": "!127.0.0.1, 127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}),
]

RESTRICTIONS = [
    Dialogue("client reject", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", "VRFY ACCOUNT", "DATA"], {"smtpd_client_restrictions": "reject"}),
    Dialogue("client reject at once", ["EHLO c.example", "NOOP", "MAIL FROM:<>", "QUIT"], {"smtpd_client_restrictions": "reject", "smtpd_delay_reject": "no"}),
    Dialogue("client defer", TAKES_RCPT, {"smtpd_client_restrictions": "defer"}),
    Dialogue("helo reject", ["HELO c.example", *TAKES_RCPT], {"smtpd_helo_restrictions": "reject"}),
    Dialogue("helo reject at once", ["HELO c.example", "EHLO c.example", "MAIL FROM:<>"], {"smtpd_helo_restrictions": "reject", "smtpd_delay_reject": "no"}),
    Dialogue("sender reject", TAKES_RCPT, {"smtpd_sender_restrictions": "reject"}),
    Dialogue("sender reject at once", TAKES_RCPT, {"smtpd_sender_restrictions": "reject", "smtpd_delay_reject": "no"}),
    Dialogue("sender defer", TAKES_RCPT, {"smtpd_sender_restrictions": "defer"}),
    Dialogue("recipient reject", [*TAKES_RCPT, "DATA"], {"smtpd_recipient_restrictions": "reject"}),
    Dialogue("recipient permit then reject", [*TAKES_RCPT, "DATA"], {"smtpd_recipient_restrictions": "permit_mynetworks, reject"}),
    Dialogue("data reject", [*TAKES_RCPT, "DATA"], {"smtpd_data_restrictions": "reject"}),
    Dialogue("end of data reject", [*TAKES_RCPT, "DATA", BODY, READ, "NOOP"], {"smtpd_end_of_data_restrictions": "reject"}),
    Dialogue("unknown restriction", [*TAKES_RCPT, "RCPT TO:<ACCOUNT@localhost>"], {"smtpd_recipient_restrictions": "reject_by_magic, permit"}),
    Dialogue("access client", TAKES_RCPT, {"smtpd_client_restrictions": "check_client_access TABLE:access"}, {"access": "127.0.0.1 REJECT\n"}),
    Dialogue("access client network", TAKES_RCPT, {"smtpd_client_restrictions": "check_client_access TABLE:access"}, {"access": "127 554 5.7.1 no networks here\n"}),
    Dialogue("access client name", TAKES_RCPT, {"smtpd_client_restrictions": "check_client_access TABLE:access"}, {"access": "localhost 450 4.7.1 later\n"}),
    Dialogue("access helo", TAKES_RCPT, {"smtpd_helo_restrictions": "check_helo_access TABLE:access"}, {"access": "c.example REJECT go away\n"}),
    Dialogue("access helo parent", TAKES_RCPT, {"smtpd_helo_restrictions": "check_helo_access TABLE:access"}, {"access": "example REJECT\n"}),
    Dialogue("access sender", TAKES_RCPT, {"smtpd_sender_restrictions": "check_sender_access TABLE:access"}, {"access": "s@example.com REJECT not you\n"}),
    Dialogue("access sender domain", TAKES_RCPT, {"smtpd_sender_restrictions": "check_sender_access TABLE:access"}, {"access": "example.com DEFER\n"}),
    Dialogue("access sender user", TAKES_RCPT, {"smtpd_sender_restrictions": "check_sender_access TABLE:access"}, {"access": "s@ 550 no s here\n"}),
    Dialogue("access null sender", ["EHLO x", "MAIL FROM:<>", "RCPT TO:<ACCOUNT@localhost>"], {"smtpd_sender_restrictions": "check_sender_access TABLE:access"}, {"access": "<> 550 5.7.1 no bounces\n"}),
    Dialogue("access recipient", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, permit"}, {"access": "localhost 450\n"}),
    Dialogue("access bare table", TAKES_RCPT, {"smtpd_recipient_restrictions": "TABLE:access, permit"}, {"access": "localhost 521 5.7.1 gone\n"}),
    Dialogue("access dunno", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, reject"}, {"access": "localhost DUNNO\n"}),
    Dialogue("access ok", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, reject"}, {"access": "localhost OK\n"}),
    Dialogue("access number is ok", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, reject"}, {"access": "localhost 12345\n"}),
    Dialogue("access restriction list", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, permit"}, {"access": "localhost permit_mynetworks, reject\n"}),
    Dialogue("access restriction list rejects", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, permit"}, {"access": "localhost check_client_access static:DUNNO, reject\n"}),
    Dialogue("access unknown action", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access TABLE:access, permit"}, {"access": "localhost WOBBLE\n"}),
    Dialogue("access missing table", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access hash:/nonexistent/x, permit"}),
    Dialogue("access in-line", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access inline:{localhost=REJECT}, permit"}),
    Dialogue("access defer if permit", TAKES_RCPT, {"smtpd_recipient_restrictions": "check_recipient_access inline:{{localhost=DEFER_IF_PERMIT not yet}}, permit"}),
    Dialogue("defer if permit then reject", TAKES_RCPT, {"smtpd_recipient_restrictions": "defer_if_permit, reject"}),
    Dialogue("defer if reject", TAKES_RCPT, {"smtpd_recipient_restrictions": "defer_if_reject, reject"}),
    Dialogue("warn if reject", TAKES_RCPT, {"smtpd_recipient_restrictions": "warn_if_reject reject, permit"}),
    Dialogue("notes of access tables", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", "DATA", BODY, READ],
             {"smtpd_client_restrictions": "check_client_access static:WARN", "smtpd_recipient_restrictions": "check_recipient_access static:{INFO some text}, permit", "smtpd_data_restrictions": "check_sender_access static:{WARN at data}"}),
    Dialogue("permits are logged", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
             {"smtpd_log_access_permit_actions": "static:all", "smtpd_helo_restrictions": "check_helo_access inline:{c.example=ok}", "smtpd_sender_restrictions": "permit_auth_destination, permit_inet_interfaces, permit",
              "smtpd_recipient_restrictions": "permit_mynetworks"}),
    Dialogue("permits for a destination are logged", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>"],
             {"smtpd_log_access_permit_actions": "static:all", "smtpd_recipient_restrictions": "permit_auth_destination, reject", "smtpd_relay_restrictions": "check_recipient_access inline:{localhost=12345}, permit"}),
    Dialogue("restriction class named by a table", TAKES_RCPT, {"smtpd_restriction_classes": "outer, strange", "outer": "check_client_access static:strange", "strange": "check_recipient_access inline:{{localhost=REJECT classy}}",
                                                                "smtpd_recipient_restrictions": "check_helo_access static:outer, permit"}),
    Dialogue("restriction class", TAKES_RCPT, {"smtpd_restriction_classes": "strange", "strange": "check_recipient_access inline:{{localhost=REJECT classy}}", "smtpd_recipient_restrictions": "strange, permit"}),
    Dialogue("reject code", TAKES_RCPT, {"reject_code": "550", "smtpd_client_restrictions": "reject"}),
    Dialogue("access map reject code", TAKES_RCPT, {"access_map_reject_code": "550", "smtpd_client_restrictions": "check_client_access static:REJECT"}),
    Dialogue("defer code", TAKES_RCPT, {"defer_code": "451", "smtpd_client_restrictions": "defer"}),
    Dialogue("soft bounce", [*TAKES_RCPT, "RCPT TO:<nobody-here@localhost>"], {"soft_bounce": "yes", "smtpd_client_restrictions": "reject"}),
    Dialogue("421 from a table", TAKES_RCPT, {"smtpd_client_restrictions": "check_client_access static:{421 4.7.0 bye}"}),
    Dialogue("521 from a table", TAKES_RCPT, {"smtpd_client_restrictions": "check_client_access static:{521 5.7.0 bye}"}),
    Dialogue("reject footer", [*TAKES_RCPT, "MAIL FROM:<>"], {"smtpd_client_restrictions": "reject", "smtpd_reject_footer": "\\c. Write to postmaster, $localtime is not shown"}),
]

DATA = [
    Dialogue("data without mail", ["DATA", "EHLO c.example", "DATA", "MAIL FROM:<>", "DATA"]),
    Dialogue("data with argument", [*TAKES_RCPT, "DATA x", "DATA", BODY, READ, "QUIT", END]),
    Dialogue("a message", [*TAKES_RCPT, "DATA", BODY, READ, "DATA", "RCPT TO:<ACCOUNT@localhost>", "MAIL FROM:<x@example.com>", "QUIT"]),
    Dialogue("two messages", [*TAKES_RCPT, "DATA", BODY, READ, "MAIL FROM:<>", "RCPT TO:<ACCOUNT@localhost>", "DATA", BODY, READ, "QUIT"]),
    Dialogue("an empty message", [*TAKES_RCPT, "DATA", b".\r\n", READ]),
    Dialogue("not a header", [*TAKES_RCPT, "DATA", b"not a header\r\nbody\r\n.\r\n", READ]),
    Dialogue("dots", [*TAKES_RCPT, "DATA", b"Subject: x\r\n\r\n..\r\n...\r\n.a\r\n.\r\n", READ]),
    Dialogue("pipelined transaction", [b"EHLO c.example\r\n", READ, b"MAIL FROM:<s@example.com>\r\nRCPT TO:<ACCOUNT@localhost>\r\nDATA\r\n", READ, READ, READ, BODY + b"QUIT\r\n", READ, READ, END]),
    Dialogue("size announced too large", ["EHLO c.example", "MAIL FROM:<> SIZE=2000"], {"message_size_limit": "1000"}),
    Dialogue("message too large", [*TAKES_RCPT, "DATA", b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y" * 1500 + b"\r\n.\r\n", READ, "MAIL FROM:<>", "RCPT TO:<ACCOUNT@localhost>"], {"message_size_limit": "1000"}),
    Dialogue("no limit on size", ["EHLO c.example", "MAIL FROM:<> SIZE=20000000000"], {"message_size_limit": "0"}),
    Dialogue("too many hops", [*TAKES_RCPT, "DATA", b"Received: x\r\n" * 60 + b"\r\nx\r\n.\r\n", READ]),
    Dialogue("bare newlines normalized", [*TAKES_RCPT, "DATA", b"Subject: x\r\n\r\na\nb\n.\nc\r\n.\r\n", READ]),
    Dialogue("insufficient space", ["EHLO c.example", "MAIL FROM:<a@example.com>", "MAIL FROM:<a@example.com> SIZE=10"], {"queue_minfree": "9000000000000000"}),
    Dialogue("message size over mailbox", [*TAKES_RCPT, "DATA", BODY, READ]),
]

BDAT = [
    Dialogue("bdat last", [*TAKES_RCPT, b"BDAT 22 LAST\r\nSubject: x\r\n\r\nhello\r\n\r\n", READ, "QUIT"]),
    Dialogue("bdat in chunks", [*TAKES_RCPT, b"BDAT 10\r\nSubject: x", READ, b"BDAT 11\r\n\r\n\r\nhello\r\n", READ, b"BDAT 0 LAST\r\n", READ, "NOOP"]),
    Dialogue("bdat without mail", [b"BDAT 3\r\nabc", READ, "EHLO c.example", b"BDAT 3 LAST\r\nabc", READ, "MAIL FROM:<>", b"BDAT 3 LAST\r\nabc", READ, "NOOP"]),
    Dialogue("bdat without recipients", ["EHLO c.example", "MAIL FROM:<s@example.com>", b"BDAT 3 LAST\r\nabc", READ, "MAIL FROM:<s@example.com>", b"BDAT 3\r\nabc", READ,
                                         b"BDAT 2\r\nab", READ, b"BDAT 1 LAST\r\na", READ, "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", b"BDAT 4 LAST\r\nab\r\n", READ]),
    Dialogue("bdat syntax", [*TAKES_RCPT, "BDAT", "BDAT x", "BDAT -1", "BDAT 3 FIRST", "BDAT 3 LAST x", "NOOP"]),
    Dialogue("commands between chunks", [*TAKES_RCPT, b"BDAT 3\r\na: ", READ, "DATA", "RCPT TO:<ACCOUNT@localhost>", "MAIL FROM:<>", "NOOP", "VRFY ACCOUNT", "RSET", b"BDAT 0 LAST\r\n", READ]),
    Dialogue("bdat after data", [*TAKES_RCPT, "DATA", BODY, READ, b"BDAT 1 LAST\r\nx", READ]),
    Dialogue("bdat too large", [*TAKES_RCPT, b"BDAT 2000 LAST\r\n" + b"x" * 1998 + b"\r\n", READ, "NOOP", "MAIL FROM:<>"], {"message_size_limit": "1000"}),
    Dialogue("bdat grows too large", [*TAKES_RCPT, b"BDAT 600\r\n" + b"x" * 598 + b"\r\n", READ, b"BDAT 600\r\n" + b"x" * 598 + b"\r\n", READ, b"BDAT 0 LAST\r\n", READ, "NOOP"], {"message_size_limit": "1000"}),
    Dialogue("bdat after helo", ["HELO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", b"BDAT 4 LAST\r\nab\r\n", READ]),
    Dialogue("bdat without line end", [*TAKES_RCPT, b"BDAT 5 LAST\r\nhello", READ, "NOOP"]),
    Dialogue("chunking discarded", ["EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ACCOUNT@localhost>", b"BDAT 1 LAST\r\nx", READ], {"smtpd_discard_ehlo_keywords": "chunking, silent-discard"}),
    Dialogue("bdat pipelined", [*TAKES_RCPT, b"BDAT 12\r\nSubject: x\r\nBDAT 9 LAST\r\n\r\nhello\r\nQUIT\r\n", READ, READ, READ, END]),
    Dialogue("bdat of nothing", [*TAKES_RCPT, "BDAT 0", b"BDAT 3 LAST\r\nabc", READ, "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", b"BDAT 3\r\nabc", READ, "BDAT 0", "RSET",
                                 "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", b"BDAT 0 LAST\r\n", READ]),
    Dialogue("bdat of odd lines", [*TAKES_RCPT, b"bdat  0003  last \r\na\0b", READ, "BDAT +3 LAST", "NOOP"]),
    Dialogue("bdat with too many hops", [*TAKES_RCPT, b"BDAT 780 LAST\r\n" + b"Received: x\r\n" * 60, READ, "NOOP", "MAIL FROM:<s@example.com>"]),
    Dialogue("bdat for nobody", ["EHLO c.example", "MAIL FROM:<s@example.com>", "RCPT TO:<nobody-here@localhost>", b"BDAT 3 LAST\r\nabc", READ, "NOOP"]),
    Dialogue("huge bdat number", [*TAKES_RCPT, "BDAT 99999999999999999999999"]),
]

LIMITS = [
    Dialogue("junk commands", ["EHLO c.example", *["NOOP"] * 3, *["RSET"] * 4, "MAIL FROM:<s@example.com>", "RCPT TO:<ACCOUNT@localhost>", "NOOP"],
             {"smtpd_junk_command_limit": "5", "smtpd_soft_error_limit": "100", "smtpd_hard_error_limit": "7", "smtpd_error_sleep_time": "0"}),
    Dialogue("hard error limit", ["FOO"] * 6, {"smtpd_hard_error_limit": "3", "smtpd_error_sleep_time": "0", "smtpd_soft_error_limit": "1"}),
    Dialogue("errors are forgotten after a message", ["FOO", "FOO", *TAKES_RCPT, "DATA", BODY, READ, "FOO", "FOO", "FOO"], {"smtpd_hard_error_limit": "3", "smtpd_error_sleep_time": "0"}),
    Dialogue("vrfy is junk", ["VRFY ACCOUNT"] * 4, {"smtpd_junk_command_limit": "2", "smtpd_hard_error_limit": "2", "smtpd_error_sleep_time": "0"}),
    Dialogue("hard limit with refused recipients", ["EHLO c.example", "MAIL FROM:<s@example.com>", *["RCPT TO:<nobody-here@localhost>"] * 5], {"smtpd_hard_error_limit": "3", "smtpd_error_sleep_time": "0"}),
    Dialogue("discarded keywords", ["EHLO c.example", "MAIL FROM:<a@example.com> SIZE=10", "RSET", "MAIL FROM:<a@example.com> RET=FULL", "RSET", "VRFY ACCOUNT"],
             {"smtpd_discard_ehlo_keywords": "size, dsn, silent-discard, vrfy, 8bitmime"}),
    Dialogue("noop commands", ["XFOO", "XFOO bar", "FOO"], {"smtpd_noop_commands": "xfoo"}),
    Dialogue("forbidden commands", ["XFOO", END], {"smtpd_forbidden_commands": "xfoo"}),
    Dialogue("banner", ["QUIT"], {"smtpd_banner": "$myhostname at your service"}),
]

SMUGGLING = [
    Dialogue("early after " + words.split(" ")[0], ["EHLO c.example", (words + "\r\nNOOP\r\n").encode(), READ, READ])
    for words in ["NOOP", "RSET", "EHLO x", "HELO x", "MAIL FROM:<>", "VRFY ACCOUNT", "QUIT", "FOO", "DATA", "BDAT 0 LAST", "RCPT TO:<a@b>"]
] + [
    Dialogue("early without hello", [b"NOOP\r\nNOOP\r\n", READ, READ]),
    Dialogue("early after helo alone", ["HELO x", b"MAIL FROM:<>\r\nRCPT TO:<root@localhost>\r\n", READ, READ]),
    Dialogue("early is allowed", ["HELO x", b"NOOP\r\nNOOP\r\n", READ, READ], {"smtpd_forbid_unauth_pipelining": "no"}),
    Dialogue("content behind DATA at once", [*TAKES_RCPT, b"DATA\r\nSubject: x\r\n\r\n.\r\n", READ, READ]),
    Dialogue("dot between bare newlines", [*TAKES_RCPT, "DATA", b"a\n.\nMAIL FROM:<evil@example.com>\r\n.\r\n", READ, "NOOP"]),
    Dialogue("dot behind a bare newline", [*TAKES_RCPT, "DATA", b"a\n.\r\nMAIL FROM:<evil@example.com>\r\n.\r\n", READ, "NOOP"]),
    Dialogue("dot before a bare newline", [*TAKES_RCPT, "DATA", b"a\r\n.\nMAIL FROM:<evil@example.com>\r\n.\r\n", READ, "NOOP"]),
    Dialogue("dot before a bare return", [*TAKES_RCPT, "DATA", b"a\r\n.\rMAIL FROM:<evil@example.com>\r\n.\r\n", READ, "NOOP"]),
    Dialogue("bare newline refused", [*TAKES_RCPT, "DATA", b"a\nb\r\n.\r\n", READ, "NOOP"], {"smtpd_forbid_bare_newline": "reject"}),
    Dialogue("bare newline refused in a command", [b"NOOP\n", READ, END], {"smtpd_forbid_bare_newline": "reject"}),
    Dialogue("bare newline refused in a chunk", [*TAKES_RCPT, b"BDAT 4 LAST\r\na\nb\n", READ, "NOOP"], {"smtpd_forbid_bare_newline": "reject"}),
    Dialogue("bare newline ends the message", [*TAKES_RCPT, "DATA", b"a\n.\n", READ, "NOOP"], {"smtpd_forbid_bare_newline": "no"}),
    Dialogue("bare newline from an excluded client", [*TAKES_RCPT, "DATA", b"a\n.\n", READ, "NOOP"], {"smtpd_forbid_bare_newline_exclusions": "127.0.0.0/8"}),
]

ENDS = [
    Dialogue("timeout at once", [READ, END], {"smtpd_timeout": "1s"}),
    Dialogue("timeout after ehlo", ["EHLO c.example", READ, END], {"smtpd_timeout": "1s"}),
    Dialogue("timeout in content", [*TAKES_RCPT, "DATA", b"abc\r\ndef", READ, END], {"smtpd_timeout": "1s"}),
    Dialogue("timeout after a message", [*TAKES_RCPT, "DATA", BODY, READ, READ, END], {"smtpd_timeout": "1s"}),
    Dialogue("lost at once", []),
    Dialogue("lost after a message", [*TAKES_RCPT, "DATA", BODY, READ]),
    Dialogue("lost in content", [*TAKES_RCPT, "DATA", b"abc\r\nde"]),
    Dialogue("lost before content", [*TAKES_RCPT, "DATA"]),
    Dialogue("lost in a chunk", [*TAKES_RCPT, b"BDAT 10\r\nabc"]),
    Dialogue("lost in a command", ["EHLO c.example", b"NOOP"]),
    Dialogue("lost after rset", ["EHLO c.example", "RSET"]),
    Dialogue("every verb", ["HELO x", "EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ACCOUNT@localhost>", "NOOP", "VRFY ACCOUNT", "RSET", *TAKES_RCPT[1:], "DATA", BODY, READ,
                            *TAKES_RCPT[1:], b"BDAT 3 LAST\r\na\r\n", READ, "FOO", "STARTTLS", "AUTH x", "QUIT"]),
    Dialogue("postmaster", ["EHLO c.example", "MAIL FROM:<x@example.com>", "RCPT TO:<postmaster>", "RCPT TO:<postmaster@localhost>", "RCPT TO:<abuse@localhost>", "RCPT TO:<postmaster@example.test>",
                            "RCPT TO:<mailer-daemon@localhost>", "RCPT TO:<double-bounce@localhost>", "RCPT TO:<postmaster@alias.test>"]),
    Dialogue("postmaster from a refused client", ["EHLO c.example", "MAIL FROM:<x@example.com>", "RCPT TO:<postmaster>", "RCPT TO:<postmaster@localhost>"], {"smtpd_client_restrictions": "reject"}),
]

# Tables and domains of the whole instance.
SHARED_TABLES = {
    "valias": "x@alias.test ACCOUNT@localhost\n",
    "vbox": "x@box.test x/\n",
    "relay": "x@relay.test ok\n@sub.relay.test ok\n",
    "transport": "closed.test error:we are closed\ngone.test error:5.1.6 moved away\nlater.test retry:4.3.0 come again\nthrown.test discard:\n",
}
SHARED_MAIN = {
    "virtual_alias_domains": "alias.test",
    "virtual_alias_maps": "TABLE:valias",
    "virtual_mailbox_domains": "box.test",
    "virtual_mailbox_maps": "TABLE:vbox",
    "relay_domains": "relay.test",
    "relay_recipient_maps": "TABLE:relay",
    "transport_maps": "TABLE:transport",
    "smtpd_error_sleep_time": "0",
    "smtpd_forbid_bare_newline_exclusions": "",
}
# What 3.11 has by default.
STOCK_MAIN = {
    "smtpd_forbid_bare_newline": "normalize",
    "smtpd_forbid_unauth_pipelining": "yes",
}

ALL = SMUGGLING + ENDS + HELLO + OTHER + MAIL + RCPT + RELAY + RESTRICTIONS + DATA + BDAT + LIMITS
