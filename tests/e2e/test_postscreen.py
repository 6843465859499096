# SPDX-License-Identifier: Apache-2.0
"""postscreen: who is let through to smtpd, who is refused, what the log says of it, and sessions that go on."""

import itertools
import re
import time
from pathlib import Path

import pytest

from support.certificates import Authority, client_context
from support.instance import IS_SANITIZED, Merpati
from support.own_names import own_names
from support.side_by_side import options
from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port, wait_until

BANNER = "mail.example.test ESMTP Merpati"
TEASER, GREETING = f"220-{BANNER}", f"220 {BANNER}"
UNAVAILABLE, PROTOCOL = "450 4.3.2 Service currently unavailable", "550 5.5.1 Protocol error"
DEEP = {"postscreen_pipelining_enable": "yes", "postscreen_non_smtp_command_enable": "yes", "postscreen_bare_newline_enable": "yes"}
HELD = {**DEEP, "postscreen_carry_on": "no"}
MAIL = ["EHLO me.test", "MAIL FROM:<a@x.test>"]
RCPT = "RCPT TO:<root@example.test>"

ENTRANCES = {
    "plain": {},
    "deep": DEEP,
    "held": HELD,
    "permits": {"postscreen_access_list": "permit_mynetworks, cidr:{{127.0.0.0/8 permit}}"},
    "old-words": {"postscreen_access_list": "static:permit", "respectful_logging": "no"},
    "odd": {"postscreen_access_list": "static:foo static:reject"},
    "denies": {"postscreen_access_list": "cidr:{{127.0.0.0/8 reject}}", "postscreen_denylist_action": "enforce"},
    "old-denies": {"postscreen_access_list": "cidr:{{127.0.0.0/8 reject}}", "postscreen_blacklist_action": "drop"},
    "greet-enforce": {"postscreen_greet_action": "enforce"},
    "greet-drop": {"postscreen_greet_action": "drop", "postscreen_greet_ttl": "1s"},
    "no-teaser": {"postscreen_greet_banner": ""},
    "dnsbl": {"postscreen_dnsbl_sites": "bl.test*2, bl.test=127.0.0.[9..10]*3, wl.test*-6, faint.test, slow.test", "postscreen_dnsbl_threshold": "2",
              "postscreen_dnsbl_action": "enforce", "postscreen_dnsbl_reply_map": "inline:{bl.test=lists}",
              "postscreen_dnsbl_allowlist_threshold": "-3", "postscreen_dnsbl_timeout": "3s", **HELD},
    "dnsbl-drop": {"postscreen_dnsbl_sites": "bl.test", "postscreen_dnsbl_action": "drop", "dnsblog_service_name": "slowlog",
                   "postscreen_dnsbl_min_ttl": "1s", "postscreen_dnsbl_max_ttl": "2h"},
    "drops": {**HELD, "postscreen_pipelining_action": "drop", "postscreen_bare_newline_action": "drop",
              "postscreen_non_smtp_command_action": "enforce", "postscreen_forbidden_commands": "CONNECT GET"},
    "ignores": {**HELD, "postscreen_pipelining_action": "ignore", "postscreen_bare_newline_action": "enforce",
                "postscreen_non_smtp_command_action": "ignore"},
    "few": {**HELD, "postscreen_command_count_limit": "3"},
    "limits": {**HELD, "postscreen_command_time_limit": "1s"},
    "words": {**HELD, "postscreen_helo_required": "yes", "postscreen_disable_vrfy_command": "yes",
              "postscreen_discard_ehlo_keywords": "dsn, chunking, silent-discard",
              "postscreen_discard_ehlo_keyword_address_maps": "inline:{127.0.0.77=size}",
              "postscreen_command_filter": "pcre:{{/^HALLO (.*)$$/ EHLO $$1}}",
              "postscreen_reject_footer": "see \\c and $client_address:$client_port $helo_name $server_name",
              "postscreen_reject_footer_maps": "inline:{{458 Unable to queue messages = \\c. Sorry}}"},
    "backup": {"postscreen_allowlist_interfaces": "!127.0.0.1 static:all"},
    "old-backup": {"postscreen_whitelist_interfaces": "127.9.9.9"},
    "crowd": {"postscreen_client_connection_count_limit": "2", "postscreen_pre_queue_limit": "10", "postscreen_greet_wait": "${stress?{50}:{60}}s"},
    "proxied": {"postscreen_upstream_proxy_protocol": "haproxy", "postscreen_upstream_proxy_timeout": "2s"},
    "tls": {**DEEP, "postscreen_tls_security_level": "may"},
    "must-tls": {**HELD, "postscreen_tls_security_level": "", "postscreen_enforce_tls": "yes"},
    "use-tls": {**HELD, "postscreen_tls_security_level": "", "postscreen_use_tls": "yes", "tlsproxy_service_name": "nobody"},
    "kept": {"postscreen_cache_map": "lmdb:$data_directory/kept", "postscreen_cache_cleanup_interval": "1s", "postscreen_cache_retention_time": "1s",
             "postscreen_greet_ttl": "1s", "postscreen_watchdog_timeout": "20s"},
    "pipelining-ends": {**HELD, "postscreen_pipelining_ttl": "1s"},
    "command-ends": {**HELD, "postscreen_non_smtp_command_ttl": "1s"},
    "newline-ends": {**HELD, "postscreen_bare_newline_ttl": "1s"},
    "many": {**HELD, "postscreen_pre_queue_limit": "2000"},
    "nowhere": {"postscreen_post_queue_limit": "10", "smtpd_service_name": "nowhere"},
}


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o755)
    Authority(folder).issue("mail")
    mail = Merpati(main={
        "mynetworks": "10.0.0.0/8", "postscreen_greet_wait": "1s", "smtpd_tls_chain_files": folder / "mail.chain", "smtpd_tls_loglevel": 1,
        "smtpd_tls_received_header": "yes", "tlsproxy_tls_security_level": "may", "smtpd_peername_lookup": "no", "postscreen_cache_map": "", "local_recipient_maps": "inline:{root=x}",
        "smtpd_sender_restrictions": "check_sender_access inline:{bad@x.test=REJECT}", "smtpd_delay_reject": "no"})
    mail.ports = {name: free_port() for name in ENTRANCES}
    mail.services += ["smtpd pass - - y - - smtpd", "slowlog unix - - y - 0 dnsblog -o dnsblog_reply_delay=1s"]
    mail.services += [f"127.0.0.1:{mail.ports[name]} inet n - y - 1 postscreen{options(parameters)}" for name, parameters in ENTRANCES.items()]
    mail.write_config()
    names = own_names(mail)
    for name, address in (("2.0.99.127.bl.test", "127.0.0.2"), ("3.0.99.127.bl.test", "127.0.0.10"), ("4.0.99.127.wl.test", "127.0.0.2"),
                          ("4.0.99.127.bl.test", "127.0.0.2"), ("6.0.99.127.faint.test", "127.0.0.2")):
        names.add(name, "A", address)
    for last in range(1, 10):
        names.fail(f"{last}.0.99.127.slow.test", "TIMEOUT")
    mail.start()
    # They wait for their greeting together.
    mail.pool = {name: [Client(mail, name, greet=False) for _ in range(count)]
                 for name, count in {"plain": 3, "deep": 6, "held": 8, "no-teaser": 1, "tls": 1, "must-tls": 1, "use-tls": 1, "nowhere": 1}.items()}
    yield mail
    mail.finish()
    names.stop()


ADDRESSES = (f"127.0.{third}.{last}" for third, last in itertools.product(range(100, 200), range(2, 250)))


class Client(SmtpClient):
    """With an address that nobody else has, unless it is given."""

    def __init__(self, door, entrance, source=None, greet=True):
        self.source = source or next(ADDRESSES)
        super().__init__(door.ports[entrance], source=self.source, greet=False)
        self.shown = f"[{self.source}]:{self.socket.getsockname()[1]}"
        self.door = door
        if greet:
            self.greet()

    def greet(self):
        self.lines = self.reply().lines
        return self

    def say(self, line):
        self.line(line)
        return str(self.reply())

    def talk(self, *lines):
        return [self.say(line) for line in lines][-1]

    def told(self, text):
        """Waits for a line of postscreen's about this client; CLIENT stands for it."""
        pattern = re.escape(text).replace("CLIENT", re.escape(self.shown)).replace("SOME", r"[0-9.]+")
        return self.door.wait_log(rf"/postscreen\[\d+\]: {pattern}$")

    def ended(self):
        with pytest.raises((Disconnected, ConnectionResetError)):
            self.reply()
        return True


@pytest.fixture
def come(door):
    made = []

    def make(entrance, source=None, greet=True):
        waiting = door.pool.get(entrance)
        is_there = waiting and source is None
        made.append(waiting.pop() if is_there else Client(door, entrance, source, greet=False))
        if greet:
            made[-1].greet()
        return made[-1]

    yield make
    for client in made:
        client.socket.close()


def test_a_client_that_waits_is_let_through_and_known_the_next_time(door, come):
    client = come("plain")
    assert client.lines == [TEASER, GREETING]
    assert "250-PIPELINING" in client.say("EHLO me.test")
    client.told(f"CONNECT from CLIENT to [127.0.0.1]:{door.ports['plain']}")
    client.told("PASS NEW CLIENT")
    again = come("plain", source=client.source)
    assert again.lines == [GREETING]
    again.told("PASS OLD CLIENT")
    door.wait_log(rf"/smtpd\[\d+\]: connect from unknown\[{client.source}\]")


BY_ADDRESS = [
    ("permits", "ALLOWLISTED CLIENT", GREETING), ("old-words", "WHITELISTED CLIENT", GREETING),
    ("denies", "DENYLISTED CLIENT", TEASER), ("old-denies", "DENYLISTED CLIENT", "521 5.3.2 Service currently unavailable"),
    ("odd", "warning: static:foo: unknown command: foo -- ignoring the remainder of this access list", TEASER),
]


def test_who_is_known_by_address(come):
    for client, (entrance, line, answer) in [(come(row[0], greet=False), row) for row in BY_ADDRESS]:
        assert client.greet().lines[0] == answer
        client.told(line)
        if entrance == "denies":
            assert client.talk(*MAIL, RCPT) == "550 5.3.2 Service currently unavailable"


def test_who_speaks_before_the_greeting(door):
    def come(entrance, greet):
        return Client(door, entrance, greet=greet)

    for entrance, answer in (("plain", "554 5.5.0 Error: SMTP protocol synchronization"), ("greet-enforce", None), ("greet-drop", "521 5.5.1 Protocol error")):
        client = come(entrance, greet=False)
        client.line("EHLO early")
        lines = client.reply().lines
        client.told(r"PREGREET 12 after SOME from CLIENT: EHLO early\r\n")
        assert lines[0] == TEASER
        if answer:
            assert lines[-1] == answer
    enforced = come("greet-enforce", greet=False)
    enforced.line("EHLO early")
    enforced.reply()
    assert enforced.talk(*MAIL, RCPT) == PROTOCOL
    enforced.told("NOQUEUE: reject: RCPT from CLIENT: 550 5.5.1 Protocol error; from=<a@x.test>, to=<root@example.test>, proto=ESMTP, helo=<me.test>")
    assert enforced.talk("DATA") == "554 5.5.1 Error: no valid recipients"
    enforced.told("DATA without valid RCPT from CLIENT")
    enforced.told("DISCONNECT CLIENT")


def test_who_hangs_up(door, come):
    client = Client(door, "plain", greet=False)
    client.read_line()
    client.socket.close()
    client.told("HANGUP after SOME from CLIENT in tests before SMTP handshake")
    client = come("held")
    client.socket.close()
    client.told("HANGUP after SOME from CLIENT in tests after SMTP handshake")


def test_without_a_teaser(come):
    assert come("no-teaser").lines == [GREETING]


def test_who_is_in_lists(door, come):
    started = time.monotonic()
    listed, worse, good, unlisted, below = (come("dnsbl", source=f"127.99.0.{last}", greet=False) for last in (2, 3, 4, 5, 6))
    dropped = come("dnsbl-drop", source="127.99.0.2", greet=False)
    assert dropped.greet().lines == [TEASER, "521 5.7.1 Service unavailable; client [127.99.0.2] blocked using bl.test"]
    assert time.monotonic() - started > 0.9
    assert listed.greet().talk(*MAIL, RCPT) == "550 5.7.1 Service unavailable; client [127.99.0.2] blocked using lists"
    listed.told("DNSBL rank 2 for CLIENT")
    door.wait_log(r"/dnsblog\[\d+\]: addr 127\.99\.0\.2 listed by domain bl\.test as 127\.0\.0\.2$")
    worse.told("DNSBL rank 5 for CLIENT")
    # One that is in a list of good ones needs no tests, not even those of the dialogue.
    assert "250-PIPELINING" in good.greet().say("EHLO me.test")
    assert unlisted.greet().talk(*MAIL, RCPT) == UNAVAILABLE
    assert below.greet().talk(*MAIL, RCPT) == UNAVAILABLE


def test_a_client_that_passes_goes_on_with_smtpd(door, come):
    client = come("deep")
    assert client.lines == [TEASER, GREETING]
    answer = client.say("EHLO me.test")
    assert "PIPELINING" not in answer and "AUTH" not in answer and answer.endswith("250 CHUNKING")
    assert client.say("MAIL FROM:<a@x.test>") == "250 2.1.0 Ok"
    assert client.say(RCPT) == "250 2.1.5 Ok"
    client.told("PASS NEW CLIENT")
    assert client.say("DATA").startswith("354")
    client.send("Subject: carried\r\n\r\nhello\r\n.\r\n")
    assert client.reply().code == 250
    assert client.say("QUIT") == "221 2.0.0 Bye"
    door.wait_log(rf"/smtpd\[\d+\]: disconnect from unknown\[{client.source}\] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5$")
    assert come("deep", source=client.source).lines == [GREETING]


def test_what_smtpd_would_have_refused_before_is_the_answer_to_rcpt(come):
    client = come("deep")
    assert client.talk("EHLO me.test", "MAIL FROM:<bad@x.test>") == "250 2.1.0 Ok"
    assert client.say(RCPT) == "554 5.7.1 <bad@x.test>: Sender address rejected: Access denied"
    assert client.say(RCPT) == "503 5.5.1 Error: need MAIL command"
    assert client.talk("MAIL FROM:<a@x.test>", "RCPT TO:<nobody@example.test>").startswith("550 5.1.1")


def test_what_was_said_too_early_goes_nowhere(door, come):
    """What comes behind RCPT in one piece is no beginning of a session with smtpd."""
    client, bare, cut = [come("deep", greet=False) for _ in range(3)]
    client.greet().talk(*MAIL)
    client.send(f"{RCPT}\r\nDATA\r\nSubject: smuggled\r\n.\r\n")
    assert str(client.reply()) == PROTOCOL
    client.told(r"COMMAND PIPELINING from CLIENT after RCPT: DATA\r\nSubject: smuggled\r\n.\r\n")
    assert client.reply().code == 554
    assert client.ended()
    # A line is one command to postscreen and smtpd alike: what bare CR or NUL would hide is not there.
    client = bare.greet()
    assert client.talk("EHLO me.test\rRSET", "MAIL FROM:<a@x.test>\rRCPT TO:<b@x.test>") == "250 2.1.0 Ok"
    assert client.say(RCPT) == UNAVAILABLE
    client = cut.greet()
    assert client.talk("EHLO me.test", b"MAIL FROM:<a@x.test>\0 X") == "250 2.1.0 Ok"
    assert client.say(RCPT) == "250 2.1.5 Ok"
    assert "smuggled" not in door.log_text().replace("COMMAND PIPELINING", "").split("after RCPT")[0]


DIALOGUES = [
    ("held", "GET / HTTP/1.0\r\n", "NON-SMTP COMMAND from CLIENT after CONNECT: GET / HTTP/1.0", "521 5.7.0 Error: I can break rules, too. Goodbye.", None),
    ("drops", "GET / HTTP/1.0\r\n", "NON-SMTP COMMAND from CLIENT after CONNECT: GET / HTTP/1.0", "502 5.5.2 Error: command not recognized", PROTOCOL),
    ("drops", "POST / HTTP/1.0\r\n", None, "502 5.5.2 Error: command not recognized", UNAVAILABLE),
    ("ignores", "Subject: x\r\n", "NON-SMTP COMMAND from CLIENT after CONNECT: Subject: x", "502 5.5.2 Error: command not recognized", UNAVAILABLE),
    ("held", "NOOP\n", "BARE NEWLINE from CLIENT after NOOP", "250 2.0.0 Ok", UNAVAILABLE),
    ("drops", "NOOP\n", "BARE NEWLINE from CLIENT after NOOP", "521 5.5.1 Protocol error", None),
    ("ignores", "NOOP\n", "BARE NEWLINE from CLIENT after NOOP", "250 2.0.0 Ok", PROTOCOL),
    ("held", "NOOP\r\nNOOP\r\n", r"COMMAND PIPELINING from CLIENT after NOOP: NOOP\r\n", "250 2.0.0 Ok", PROTOCOL),
    ("drops", "NOOP\r\nNOOP\r\n", r"COMMAND PIPELINING from CLIENT after NOOP: NOOP\r\n", "521 5.5.1 Protocol error", None),
    ("ignores", "NOOP\r\nNOOP\r\n", r"COMMAND PIPELINING from CLIENT after NOOP: NOOP\r\n", "250 2.0.0 Ok", UNAVAILABLE),
    ("held", "x" * 3000 + "\r\n", "COMMAND LENGTH LIMIT from CLIENT after CONNECT", "421 mail.example.test Service unavailable - try again later", None),
    ("limits", "", "COMMAND TIME LIMIT from CLIENT after CONNECT", "421 4.4.2 mail.example.test Error: timeout exceeded", None),
]


def check_dialogue(client, sent, line, answer, then):
    client.greet()
    client.send(sent)
    assert str(client.reply()) == answer
    if line:
        client.told(line)
    if then is None:
        client.told("DISCONNECT CLIENT")
        return
    if sent.count("NOOP") > 1:
        assert client.reply().code == 250
    assert client.talk(*MAIL, RCPT) == then
    assert client.say("QUIT") == "221 2.0.0 Bye"
    client.told("DISCONNECT CLIENT")
    if then == UNAVAILABLE:
        client.told("PASS NEW CLIENT")


def test_the_tests_of_the_dialogue(come):
    for client, row in [(come(row[0], greet=False), row) for row in DIALOGUES if row[0] != "limits"]:
        check_dialogue(client, *row[1:])
    for row in DIALOGUES:
        if row[0] == "limits":
            check_dialogue(come("limits", greet=False), *row[1:])


def test_too_many_commands(come):
    client = come("few")
    assert client.talk("NOOP", "NOOP", "NOOP") == "250 2.0.0 Ok"
    assert client.say("NOOP") == "421 mail.example.test Service unavailable - try again later"
    client.told("COMMAND COUNT LIMIT from CLIENT after NOOP")


def test_answers_of_the_dialogue(come):
    client = come("held")
    for sent, answer in (("RCPT TO:<a@b>", "503 5.5.1 Error: need MAIL command"), ("EHLO", "501 Syntax: EHLO hostname"), ("HELO", "501 Syntax: HELO hostname"),
                         ("HELO x", "250 mail.example.test"), ("MAIL FROM:a", "250 2.1.0 Ok"), ("MAIL FROM:a", "503 5.5.1 Error: nested MAIL command"),
                         ("RCPT", "501 5.5.4 Syntax: RCPT TO:<address>"), ("RSET", "250 2.0.0 Ok"), ("MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>"),
                         ("VRFY", "501 5.5.4 Syntax: VRFY address"), ("VRFY x", UNAVAILABLE), ("ETRN x", "458 Unable to queue messages"),
                         ("ETRN", "500 Syntax: ETRN domain"), ("AUTH PLAIN", "502 5.5.2 Error: command not recognized"),
                         ("STARTTLS", "502 5.5.1 Error: command not implemented"), ("BDAT 3", "554 5.5.1 Error: need MAIL command")):
        assert client.say(sent) == answer
    client.told("BDAT without valid RCPT from CLIENT")
    client.told("PASS NEW CLIENT")


def test_words_that_are_set(come):
    client, other = come("words", greet=False), come("words", source="127.0.0.77", greet=False)
    client.greet()
    code = f"see \\c and {client.source}:{client.socket.getsockname()[1]}"
    assert client.say("MAIL FROM:<a@x>") == f"503-5.5.1 Error: send HELO/EHLO first\n503 5.5.1 {code}  mail.example.test"
    answer = client.say("HALLO me.test")
    assert "SIZE" in answer and "DSN" not in answer and "CHUNKING" not in answer
    assert client.say("VRFY x") == f"502-5.5.1 VRFY command is disabled\n502 5.5.1 {code} me.test mail.example.test"
    assert client.say("ETRN x") == "458 Unable to queue messages. Sorry"
    answer = other.greet().say("EHLO me.test")
    assert "SIZE" not in answer and "DSN" in answer


def test_a_backup_lets_nobody_through(come):
    for client, again in [[come(entrance, source=address, greet=False) for _ in range(2)]
                          for entrance, address in (("backup", "127.0.5.1"), ("old-backup", "127.0.5.2"))]:
        client.greet().told("ALLOWLIST VETO CLIENT")
        assert client.talk(*MAIL, RCPT) == UNAVAILABLE
        client.say("QUIT")
        client.told("DISCONNECT CLIENT")
        assert again.greet().talk(*MAIL, RCPT) == UNAVAILABLE


def test_too_many_connections_and_stress(door, come):
    clients = [come("crowd", source="127.0.3.1", greet=False) for _ in range(3)]
    assert [client.read_line() for client in clients][-1] == "421 4.7.0 Error: too many connections"
    clients[-1].told("NOQUEUE: reject: CONNECT from CLIENT: too many connections")
    for _ in range(8):
        clients.append(come("crowd", greet=False))
        assert clients[-1].read_line() == TEASER
    door.wait_log(r"entering STRESS mode with 9 connections")
    late = come("crowd", greet=False)
    assert late.read_line() == "421 4.3.2 All screening ports are busy"
    late.told("reject: connect from CLIENT: all screening ports busy")
    for client in clients:
        client.socket.close()
    door.wait_log(r"leaving STRESS mode with 7 connections")


def test_a_proxy_says_who_it_is(door, come):
    client, other, silent = [come("proxied", greet=False) for _ in range(3)]
    other.line("EHLO x")
    client.send("PROXY TCP4 192.0.2.7 192.0.2.25 4321 25\r\n")
    assert client.reply().lines == [TEASER, GREETING]
    door.wait_log(r"CONNECT from \[192\.0\.2\.7\]:4321 to \[192\.0\.2\.25\]:25")
    door.wait_log(r"/smtpd\[\d+\]: connect from unknown\[192\.0\.2\.7\]")
    assert str(other.reply()) == "421 4.3.2 No system resources" and other.ended()
    door.wait_log(r"warning: haproxy read: short protocol header: EHLO x\\r\\n")
    assert str(silent.reply()) == "421 4.3.2 No system resources" and silent.ended()
    door.wait_log(r"warning: haproxy read: timeout error")


def encrypt(client):
    assert client.say("STARTTLS") == "220 2.0.0 Ready to start TLS"
    client.socket = client_context().wrap_socket(client.socket)


def test_starttls_and_what_smtpd_knows_of_it(door, come):
    client, must, alone = [come(entrance, greet=False) for entrance in ("tls", "must-tls", "use-tls")]
    assert "250-STARTTLS" in client.greet().say("EHLO me.test")
    encrypt(client)
    assert client.say("STARTTLS") == "554 5.5.1 Error: TLS already active"
    assert client.say("RCPT TO:<a@b>") == "503 5.5.1 Error: need MAIL command"
    assert "STARTTLS" not in client.say("EHLO me.test")
    assert client.talk("MAIL FROM:<a@x.test>", RCPT) == "250 2.1.5 Ok"
    assert client.say("DATA").startswith("354")
    client.send("Subject: encrypted\r\n\r\nhello\r\n.\r\n")
    assert client.reply().code == 250
    door.wait_log(rf"/tlsproxy\[\d+\]: Anonymous TLS connection established from {re.escape(client.shown)}: TLSv1.3")
    assert client.say("QUIT") == "221 2.0.0 Bye"
    door.wait_log(rf"/smtpd\[\d+\]: disconnect from unknown\[{client.source}\] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5$")
    assert must.greet().talk(*MAIL) == "530 5.7.0 Must issue a STARTTLS command first"
    client = alone.greet()
    assert client.say("STARTTLS") == "454 4.7.0 TLS not available due to local problem"
    door.wait_log(rf"/postscreen\[\d+\]: warning: no answer from tlsproxy about {re.escape(client.shown)}: ")


def test_what_is_kept_ends(door, come):
    client = come("kept")
    door.wait_log(r"cache lmdb:\S+/kept full cleanup: retained=0 dropped=1 entries")
    assert come("kept", source=client.source).lines == [TEASER, GREETING]


def test_each_test_is_due_again_in_its_time(come):
    entrances = ("pipelining-ends", "command-ends", "newline-ends", "held")
    first = [come(entrance, greet=False) for entrance in entrances]
    for client in first:
        assert client.greet().talk(*MAIL, RCPT) == UNAVAILABLE
        client.say("QUIT")
        client.told("PASS NEW CLIENT")
    for client, entrance in zip(first[:3], entrances):
        wait_until(lambda: "PIPELINING" not in come(entrance, source=client.source).say("EHLO me.test"), f"{entrance} to be due")
    assert come("held", source=first[3].source).lines == [GREETING]


def test_many_clients_take_little_memory(door, come):
    """10,000 of them fit into 150 MB."""
    pids = {pid for pid in door.pids("postscreen")}

    def kilobytes(pid):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))

    before = {pid: kilobytes(pid) for pid in pids}
    clients = [come("many", greet=False) for _ in range(1000)]
    for client in clients:
        client.greet()
    grown = [kilobytes(pid) - before.get(pid, 0) for pid in door.pids("postscreen")]
    assert IS_SANITIZED or max(grown) < 28000


def test_without_smtpd(come):
    client = come("nowhere")
    assert client.lines[-1] == "421 4.3.2 All server ports are busy"
    client.told("DISCONNECT CLIENT")


def test_a_reload_ends_no_session(make_merpati):
    mail = make_merpati(main={"mynetworks": "10.0.0.0/8", "postscreen_greet_wait": "1s", **HELD})
    port = free_port()
    mail.services += ["smtpd pass - - y - - smtpd", f"127.0.0.1:{port} inet n - y - 1 postscreen"]
    mail.write_config()
    mail.start()
    mail.ports = {"held": port}
    client = Client(mail, "held")
    assert client.say("EHLO x").startswith("250-")
    mail.reload()
    assert client.talk("MAIL FROM:<a@x.test>", RCPT) == UNAVAILABLE
    client.say("QUIT")
    other = Client(mail, "held")
    assert other.talk(*MAIL, RCPT) == UNAVAILABLE
    other.say("QUIT")
    other.told("PASS NEW CLIENT")
    mail.reload()
    assert Client(mail, "held", source=other.source).lines == [GREETING]
    mail.stop()


def test_a_stop_waits_for_nobody(make_merpati):
    mail = make_merpati(main={"mynetworks": "10.0.0.0/8", **HELD})
    mail.ports = {"early": free_port(), "held": free_port()}
    mail.services += ["smtpd pass - - y - - smtpd",
                      f"127.0.0.1:{mail.ports['early']} inet n - y - 1 postscreen -o postscreen_greet_wait=600s",
                      f"127.0.0.1:{mail.ports['held']} inet n - y - 1 postscreen -o postscreen_greet_wait=1s -o postscreen_cache_map="]
    mail.write_config()
    mail.start()
    early, talking = Client(mail, "early", greet=False), Client(mail, "held")
    assert early.read_line() == TEASER
    mail.stop()
    for client in (early, talking):
        assert client.read_line() == "421 4.3.2 mail.example.test Service shutting down and closing the connection"
        assert client.ended()


def test_values_that_are_none_are_told(make_merpati):
    mail = make_merpati(main={
        "postscreen_watchdog_timeout": "9s", "tlsproxy_watchdog_timeout": "0s", "postscreen_post_queue_limit": "0", "postscreen_dnsbl_min_ttl": "0s",
        "postscreen_dnsbl_max_ttl": "0h", "postscreen_dnsbl_timeout": "0s", "postscreen_upstream_proxy_timeout": "0s",
        "dnsblog_reply_delay": "soon", "postscreen_command_time_limit": "0s", "postscreen_cache_retention_time": "0d"})
    mail.services += [f"127.0.0.1:{free_port()} inet n - y - 1 postscreen"]
    mail.write_config()
    told = mail.control("check", check=False).stderr
    for name in ("postscreen_watchdog_timeout", "tlsproxy_watchdog_timeout", "postscreen_post_queue_limit", "postscreen_dnsbl_min_ttl",
                 "postscreen_dnsbl_max_ttl", "postscreen_dnsbl_timeout", "postscreen_upstream_proxy_timeout", "dnsblog_reply_delay",
                 "postscreen_command_time_limit", "postscreen_cache_retention_time"):
        assert f"{name} = " in told, name


def test_how_long_it_counts_to_be_in_no_list(make_merpati):
    mail = make_merpati(main={"mynetworks": "10.0.0.0/8", "postscreen_greet_wait": "1s", "postscreen_cache_map": "",
                              "postscreen_dnsbl_sites": "bl.test", "postscreen_dnsbl_min_ttl": "1s", "smtpd_peername_lookup": "no"})
    ports = {"short": free_port(), "long": free_port()}
    mail.services += ["smtpd pass - - y - - smtpd", f"127.0.0.1:{ports['short']} inet n - y - 1 postscreen",
                      f"127.0.0.1:{ports['long']} inet n - y - 1 postscreen -o postscreen_dnsbl_min_ttl=600s -o postscreen_dnsbl_max_ttl=1h"]
    mail.write_config()
    names = own_names(mail)
    mail.start()
    mail.ports = ports
    for client in [Client(mail, entrance, source="127.0.6.1", greet=False) for entrance in ports]:
        assert client.greet().lines[-1] == GREETING
    def asked():
        return sum(name.startswith("1.6.0.127.bl.test") for name, _ in names.queries)

    # Nobody waits for the greeting again because the lists are asked again.
    wait_until(lambda: Client(mail, "short", source="127.0.6.1").lines == [GREETING] and asked() > 2, "the test to be due again")
    before = asked()
    assert Client(mail, "long", source="127.0.6.1").lines == [GREETING]
    assert asked() == before
    names.stop()
