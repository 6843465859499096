# SPDX-License-Identifier: Apache-2.0
"""AUTH: clients log in through Dovecot's protocol, beside stock Postfix; what a login means; back ends that are no use."""

import base64
import hmac
import re
import shutil
import smtplib
import subprocess

import pytest
from support.certificates import Authority, client_context
from support.dovecot_auth import PASSWORD, DovecotAuth, ScriptedAuth, why_not
from support.instance import IS_ROOT, Merpati
from support.policy_server import PolicyServer
from support.waiting import free_port

PATIENT = {"smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000", "smtpd_error_sleep_time": "0", "mynetworks": "127.0.0.9"}
SETTINGS = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth", **PATIENT}


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


PLAIN = b64(f"\0bob\0{PASSWORD}")
AUTH = f"AUTH PLAIN {PLAIN}"


@pytest.fixture
def backend():
    """Makes a back end at private/auth of an instance: backend(mail, answer) or, without an answer, the real Dovecot."""
    made = []

    def make(mail, answer=None, place=None, **options):
        path = place or mail.queue / "private" / "auth"
        path.parent.mkdir(exist_ok=True)
        if answer is None:
            if why_not():
                pytest.skip(why_not())
            made.append(DovecotAuth(path, free_port(), **options))
        else:
            made.append(ScriptedAuth(answer, path, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def start(either, backend, answer=None, handshake=None, services=(), **main):
    """A started instance, and its back end."""
    mail = either(main={**SETTINGS, **main}, services=list(services))
    options = {"handshake": handshake} if handshake else {}
    if isinstance(mail, Merpati):
        mail.start()
        return mail, backend(mail, answer, **options)
    server = backend(mail, answer, **options)
    return mail.start(), server


def granted(name):
    return lambda fields: f"OK\t{fields[1]}\tuser={name}"


def talk(mail, *lines, hello="EHLO c.example"):
    """The last lines of the replies; a line may be made of the reply before."""
    said = []
    with mail.smtp() as client:
        for line in ([hello] if hello else []) + list(lines):
            said.append(client.command(line(said[-1]) if callable(line) else line).text)
    return said[1 if hello else 0:]


def announced(mail):
    with mail.smtp() as client:
        return [line[4:] for line in client.command("EHLO c.example").lines if "AUTH" in line]


DONE = "235 2.7.0 Authentication successful"
FAILED = "535 5.7.8 Error: authentication failed: "


def cram(reply):
    return b64("bob " + hmac.new(PASSWORD.encode(), base64.b64decode(reply[4:]), "md5").hexdigest())


# What is said after EHLO, and what is answered, with the real Dovecot.
DIALOGUES = {
    "plain": ([AUTH], [DONE]),
    "plain in two": (["AUTH PLAIN", PLAIN], ["334 ", DONE]),
    "lower case": ([f"auth plain {PLAIN}"], [DONE]),
    "login": (["AUTH LOGIN", b64("bob"), b64(PASSWORD)], ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", DONE]),
    "login begun": (["AUTH LOGIN " + b64("bob"), b64(PASSWORD)], ["334 UGFzc3dvcmQ6", DONE]),
    "cram": (["AUTH CRAM-MD5", cram], [None, DONE]),
    "wrong password": (["AUTH PLAIN " + b64("\0bob\0wrong")], [FAILED + "(reason unavailable)"]),
    "nobody": (["AUTH LOGIN", b64("nobody"), b64("x")], ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", FAILED + "(reason unavailable)"]),
    "broken off": (["AUTH LOGIN", "*", "NOOP"], ["334 VXNlcm5hbWU6", "501 5.7.0 Authentication aborted", "250 2.0.0 Ok"]),
    "broken off later": (["AUTH LOGIN", b64("bob"), "*", AUTH], ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "501 5.7.0 Authentication aborted", DONE]),
    "no mechanism": (["AUTH", "AUTH PLAIN x y"], ["501 5.5.4 Syntax: AUTH mechanism"] * 2),
    "not offered": (["AUTH NOSUCH", "AUTH ANONYMOUS eA==", "AUTH EXTERNAL ="], [FAILED + "Invalid authentication mechanism"] * 3),
    "no base64": (["AUTH PLAIN !!!!", "AUTH PLAIN " + PLAIN[:-2], "AUTH LOGIN %%%"], [FAILED + "Invalid base64 data in initial response"] * 3),
    "no base64 later": (["AUTH LOGIN", "EHLO x", "NOOP"], ["334 VXNlcm5hbWU6", FAILED + "Invalid base64 data in continued response", "250 2.0.0 Ok"]),
    "a tab": (["AUTH LOGIN", "QUJD\tQUJD"], ["334 VXNlcm5hbWU6", FAILED + "Invalid base64 data in continued response"]),
    "nothing": (["AUTH LOGIN", ""], ["334 VXNlcm5hbWU6", FAILED + "(reason unavailable)"]),
    "another mechanism in the middle": (["AUTH LOGIN", AUTH, AUTH], ["334 VXNlcm5hbWU6", FAILED + "Invalid base64 data in continued response", DONE]),
    "twice": ([AUTH, AUTH, "EHLO again", AUTH, "RSET", AUTH], [DONE, "503 5.5.1 Error: already authenticated", None, "503 5.5.1 Error: already authenticated",
                                                             "250 2.0.0 Ok", "503 5.5.1 Error: already authenticated"]),
    "in a transaction": (["MAIL FROM:<a@example.com>", AUTH, "RSET", AUTH], ["250 2.1.0 Ok", "503 5.5.1 Error: MAIL transaction in progress", "250 2.0.0 Ok", DONE]),
    "too long": (["AUTH PLAIN", "A" * 13000, "NOOP"], ["334 ", "500 5.5.6 SASL response limit exceeded", "250 2.0.0 Ok"]),
    "a megabyte": (["AUTH PLAIN " + "A" * 1000000, "NOOP", "AUTH LOGIN", "A" * 1000000, AUTH],
                   [FAILED + "Invalid base64 data in initial response", "250 2.0.0 Ok", "334 VXNlcm5hbWU6", "500 5.5.6 SASL response limit exceeded", DONE]),
    "one master": (["AUTH PLAIN " + b64(f"ann@example.test\0bob\0{PASSWORD}")], [FAILED + "(reason unavailable)"]),
}

LINES = {
    "wrong password": "SASL PLAIN authentication failed: (reason unavailable), sasl_username=bob",
    "nobody": "SASL LOGIN authentication failed: (reason unavailable), sasl_username=nobody",
    "broken off": "SASL LOGIN authentication aborted",
    "not offered": "SASL NOSUCH authentication failed: Invalid authentication mechanism, sasl_username=(unavailable)",
    "no base64": "SASL PLAIN authentication failed: Invalid base64 data in initial response, sasl_username=(unavailable)",
    "no base64 later": "SASL LOGIN authentication failed: Invalid base64 data in continued response, sasl_username=(unavailable)",
}


def test_clients_log_in_through_dovecot(either, backend):
    mail, _ = start(either, backend)
    assert announced(mail) == ["AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER XOAUTH2"]
    for name, (lines, expected) in DIALOGUES.items():
        said = talk(mail, *lines)
        assert [text if wanted else None for text, wanted in zip(said, expected)] == expected, name
        if name in LINES:
            assert mail.log_line(re.escape(f"warning: localhost[127.0.0.1]: {LINES[name]}") + "$")
    assert talk(mail, AUTH, hello=None) == [DONE]
    assert talk(mail, AUTH, hello="HELO c.example") == [DONE]
    assert mail.log_line(r"disconnect from \S+ ehlo=1 auth=0/1 commands=1/2")
    assert "c2VjcmV0IHdvcmQ" not in mail.log_text()


# What a back end says, and what the client hears; a third word: of ours, where it is not what Postfix 3.7 says.
ANSWERS = {
    "OK\tID\tuser=bob": [DONE],
    "OK\tID\tuser=bob\tresp=QUJD": [DONE],
    "FAIL\tID\tuser=bob\treason=because of it": [FAILED + "because of it"],
    "FAIL\tID\tuser_disabled\tuser=z": [FAILED + "(reason unavailable)"],
    "FAIL\tID\treason=": [FAILED + "(reason unavailable)"],
    "FAIL\tID\tuser=a b,c<x>\treason=\u00e4": [FAILED + "\u00e4"],
    "CONT\tID\tQUJD": ["334 QUJD"],
    b"OK": ["454 4.7.0 Temporary authentication failure: Connection lost to authentication server"],
    None: ["454 4.7.0 Temporary authentication failure: Connection lost to authentication server"],
    "OK\tID": [FAILED + "Authentication backend error", "454 4.7.0 Temporary authentication failure: Authentication backend error"],
    "OK\tID\tuser=": [DONE, "454 4.7.0 Temporary authentication failure: Authentication backend error"],
    "OK\tID\tuser=a\001nb": [DONE, "454 4.7.0 Temporary authentication failure: Authentication backend error"],
    "CONT\tID": [FAILED + "Authentication backend error", "454 4.7.0 Temporary authentication failure: Authentication backend error"],
    "CONT\tID\tno base64": ["334 no base64", "454 4.7.0 Temporary authentication failure: Authentication backend error"],
    "FAIL\tID\ttemp\treason=away": [FAILED + "away", "454 4.7.0 Temporary authentication failure: away"],
    "FAIL\tID\tcode=temp_fail": [FAILED + "(reason unavailable)", "454 4.7.0 Temporary authentication failure: (reason unavailable)"],
}


class Answers:
    """A back end that says what it is told to."""

    def __init__(self):
        self.next = None

    def __call__(self, fields):
        return self.next.replace("ID", fields[1]) if isinstance(self.next, str) else self.next


def test_what_a_back_end_says_is_what_the_client_hears(either, backend):
    answers = Answers()
    mail, server = start(either, backend, answers)
    is_ours = isinstance(mail, Merpati)
    for answers.next, expected in ANSWERS.items():
        assert talk(mail, AUTH) == [expected[-1 if is_ours else 0]], answers.next
    for answers.next in ("OK", "FAIL\tx", "CONT\t99\tQUJD", "x" * 20000) if is_ours else ():  # Postfix waits 10 s for better
        assert talk(mail, AUTH) == ["454 4.7.0 Temporary authentication failure: Connection lost to authentication server"]
    answers.next = "OK\tID\tuser=bob"
    assert talk(mail, "AUTH LOGIN =") == [DONE]
    first, last = server.said("AUTH")[0], server.said("AUTH")[-1]
    assert first[2:] == ["PLAIN", "service=smtp", "nologin", "lip=127.0.0.1", "rip=127.0.0.1", f"resp={PLAIN}"]
    assert last[2:-1] == ["LOGIN", "service=smtp", "nologin", "lip=127.0.0.1", "rip=127.0.0.1"] and last[-1] in ("resp=", "resp==")
    for line in ("because of it, sasl_username=bob", "Connection lost to authentication server, sasl_username=(unavailable)", "\u00e4, sasl_username=a b,c<x>"):
        assert mail.log_line(re.escape(f"warning: localhost[127.0.0.1]: SASL PLAIN authentication failed: {line}") + "$")


# Services with settings of their own: what is announced, what PLAIN comes to; with Postfix 3.7, where that differs.
OFFERED = ["AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1"]
NOT_ALLOWED = FAILED + "Invalid authentication mechanism"
NOT_ENABLED = "503 5.5.1 Error: authentication not enabled"
ENTRANCES = {
    "usual": ({}, OFFERED, DONE),
    "no plain text": ({"smtpd_sasl_security_options": "noanonymous, noplaintext"}, ["AUTH CRAM-MD5 SCRAM-SHA-1"], NOT_ALLOWED),
    "all": ({"smtpd_sasl_security_options": ""}, ["AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 ANONYMOUS"], DONE),
    "nodictionary": ({"smtpd_sasl_security_options": "nodictionary"}, ["AUTH PLAIN LOGIN SCRAM-SHA-1 ANONYMOUS"], DONE),
    "noactive": ({"smtpd_sasl_security_options": "noactive noanonymous"}, ["AUTH PLAIN LOGIN SCRAM-SHA-1"], DONE),
    "mutual": ({"smtpd_sasl_security_options": "mutual_auth"}, ["AUTH SCRAM-SHA-1"], NOT_ALLOWED),
    "without tls": ({"smtpd_sasl_tls_security_options": "mutual_auth"}, OFFERED, DONE),
    "broken": ({"broken_sasl_auth_clients": "yes"}, OFFERED + ["AUTH=PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1"], DONE),
    "excepted": ({"smtpd_sasl_exceptions_networks": "!127.0.0.2, 127.0.0.0/8"}, [], DONE),
    "not excepted": ({"smtpd_sasl_exceptions_networks": "!127.0.0.1, 127.0.0.0/8"}, OFFERED, DONE),
    "filtered": ({"smtpd_sasl_mechanism_filter": "!plain, static:rest"}, ["AUTH LOGIN CRAM-MD5 SCRAM-SHA-1 EXTERNAL"], NOT_ALLOWED, DONE),
    "named": ({"smtpd_sasl_mechanism_filter": "external plain"}, ["AUTH PLAIN EXTERNAL"], DONE),
    "off": ({"smtpd_sasl_auth_enable": "no"}, [], NOT_ENABLED),
    "tls only": ({"smtpd_tls_auth_only": "yes"}, [], NOT_ENABLED),
    "discarded": ({"smtpd_discard_ehlo_keywords": "auth"}, [], NOT_ENABLED),
    "another service": ({"smtpd_sasl_service": "submission"}, OFFERED, DONE),
}


def test_settings_say_which_mechanisms_there_are(either, backend):
    ports = {name: free_port() for name in ENTRANCES}
    services = [f"127.0.0.1:{port} inet n - n - - smtpd" +
                "".join(f" -o {{ {key} = {value} }}" for key, value in ENTRANCES[name][0].items()) for name, port in ports.items()]
    mail, server = start(either, backend, granted("bob"), services=services)
    for name, (_, keywords, outcome, *stocks) in ENTRANCES.items():
        mail.wait_for_port(ports[name])
        mail.port = ports[name]
        assert announced(mail) == keywords, name
        assert talk(mail, AUTH) == [outcome if isinstance(mail, Merpati) else [*stocks, outcome][0]], name
    assert server.said("AUTH")[-1][3] == "service=submission"


def test_answers_may_be_as_long_as_is_said(make_merpati, backend):
    answers = Answers()
    answers.next = "CONT\tID\t"
    port = free_port()
    mail, server = start(make_merpati, backend, answers, smtpd_sasl_response_limit="12300",
                         services=[f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_sasl_response_limit=12288"])
    limit = "500 5.5.6 SASL response limit exceeded"
    for length, port, expected in ((12300, mail.port, "334 "), (12304, mail.port, limit), (12288, port, "334 "), (12292, port, limit), (100000, port, limit)):
        mail.port = port
        assert talk(mail, "AUTH PLAIN", "A" * length, "*")[:2] == ["334 ", expected], length
        if expected == "334 ":
            assert server.said("CONT")[-1][2] == "A" * length
    assert mail.log_line(r"warning: localhost\[127\.0\.0\.1\]: request longer than 12288: A{30}\.\.\.")
    mail.set(smtpd_sasl_response_limit="100")
    assert "smtpd_sasl_response_limit" in mail.control("check", check=False).stderr


def test_a_login_is_known_wherever_it_matters(either, backend, sink):
    inn, policy = sink(), PolicyServer(lambda question: "DUNNO")
    main = {"relayhost": f"[127.0.0.1]:{inn.port}", "smtpd_sasl_authenticated_header": "yes", "smtpd_log_access_permit_actions": "permit_sasl_authenticated",
            "smtpd_authorized_xclient_hosts": "127.0.0.1", "smtpd_delay_open_until_valid_rcpt": "no",
            "smtpd_data_restrictions": f"check_policy_service {policy.place}"}
    mail, _ = start(either, backend, granted("b)\\o(b"), **main)
    said = talk(mail, AUTH, "MAIL FROM:<s@own.test> AUTH=al+2Bx@b.test", "RCPT TO:<z@else.test>", "DATA", "Subject: x\r\n\r\nhello\r\n.")
    assert said[0] == DONE and said[2] == "250 2.1.5 Ok" and said[4].startswith("250 2.0.0 Ok")
    assert {name: value for name, value in policy.questions[0].items() if name.startswith("sasl_")} == {
        "sasl_method": "PLAIN", "sasl_username": "b)\\o(b", "sasl_sender": "al+2Bx@b.test"}
    policy.stop()
    assert talk(mail, "MAIL FROM:<s@own.test>", "RCPT TO:<z@else.test>")[-1] == "454 4.7.1 <z@else.test>: Relay access denied"
    assert mail.log_line(r"client=localhost\[127\.0\.0\.1\], sasl_method=PLAIN, sasl_username=b\)\\o\(b, sasl_sender=al\+2Bx@b\.test$")
    assert mail.log_line(r"\w+: permit: RCPT from \S+: action=permit_sasl_authenticated for Client host=localhost\[127\.0\.0\.1\] ?; from=<s@own\.test> to=<z@else\.test>")
    mail.wait_empty()
    received = inn.messages[0].content.decode().split("\n")
    head = "\n".join(line.rstrip("\r") for line in received)
    assert re.match(r"Received: from c\.example \(localhost \[127\.0\.0\.1\]\)\n\t\(Authenticated sender: b\?\?o\(b\)\)\n"
                    r"\tby mail\.example\.test \(Merpati\) with ESMTPA id ", head)
    assert talk(mail, AUTH, "MAIL FROM:<s@own.test> AUTH=a AUTH=b")[-1] == "503 5.5.4 Error: multiple AUTH= options"
    # XCLIENT begins anew, and may name a login.
    already = "503 5.5.1 Error: already authenticated"
    assert talk(mail, "XCLIENT LOGIN=ann", "EHLO y", AUTH, "MAIL FROM:<q@own.test>")[2:] == [already, "250 2.1.0 Ok"]
    assert mail.log_line(r"client=localhost\[127\.0\.0\.1\], sasl_method=XCLIENT, sasl_username=ann$")
    assert talk(mail, "XCLIENT LOGIN=x+0Ay", "EHLO y", "MAIL FROM:<q3@own.test> AUTH=a\x01b")[-1] == "250 2.1.0 Ok"
    assert mail.log_line(r"client=localhost\[127\.0\.0\.1\], sasl_method=XCLIENT, sasl_username=x\?y, sasl_sender=a\?b$")
    assert talk(mail, AUTH, "XCLIENT ADDR=192.0.2.7", "EHLO x", "MAIL FROM:<q2@own.test>", "RSET", AUTH)[-1] == DONE
    assert mail.log_line(r"client=localhost\[192\.0\.2\.7\]$")


OWNERS = "bob@own.test bob\ntwo@own.test ann, bob\n@dom.test ann\nroot Bob\n"
SENDERS = ("bob@own.test", "BOB@own.test", "two@own.test", "x@dom.test", "bob+x@own.test", "free@else.test", "", "root", "root@example.test")
NOT_HIS, NOT_IN, PASSES = "not owned by user bob", "not logged in", ""
# By restriction: what becomes of each sender, for bob, and for one who has not logged in.
MISMATCHES = {
    "reject_sender_login_mismatch": ([PASSES] * 3 + [NOT_HIS, PASSES, NOT_HIS, PASSES, PASSES, PASSES],
                                     [NOT_IN] * 5 + [PASSES, PASSES, NOT_IN, NOT_IN]),
    "reject_authenticated_sender_login_mismatch": ([PASSES] * 3 + [NOT_HIS, PASSES, NOT_HIS, PASSES, PASSES, PASSES], [PASSES] * 9),
    "reject_unauthenticated_sender_login_mismatch": ([PASSES] * 9, [NOT_IN] * 5 + [PASSES, PASSES, NOT_IN, NOT_IN]),
    "reject_known_sender_login_mismatch": ([PASSES] * 3 + [NOT_HIS] + [PASSES] * 5, [NOT_IN] * 5 + [PASSES, PASSES, NOT_IN, NOT_IN]),
}


def test_a_sender_belongs_to_who_is_logged_in(either, backend):
    mail = either()
    table = mail.table("owners", OWNERS)
    kinds = {name: f"{name.split('_')[1]}x" for name in MISMATCHES}
    main = {"smtpd_sender_login_maps": table, "recipient_delimiter": "+", "local_recipient_maps": "",
            "smtpd_restriction_classes": " ".join(kinds.values()), **{kind: name for name, kind in kinds.items()},
            "smtpd_sender_restrictions": "check_helo_access inline:{" + " ".join(f"{{{kind}.example = {kind}}}" for kind in kinds.values()) + "}"}
    mail.set(**SETTINGS, **main)
    is_ours = isinstance(mail, Merpati)
    if is_ours:
        mail.start()
    backend(mail, granted("bob"))
    if not is_ours:
        mail.start()
    for name, outcomes in MISMATCHES.items():
        for login, expected in zip(([AUTH], []), outcomes):
            found = []
            for sender in SENDERS:
                reply = talk(mail, *login, f"MAIL FROM:<{sender}>", "RCPT TO:<q@example.test>", hello=f"EHLO {kinds[name]}.example")[-1]
                found.append("" if reply == "250 2.1.5 Ok" else reply.removeprefix(f"553 5.7.1 <{sender}>: Sender address rejected: "))
            assert found == expected, (name, login)


def test_access_tables_see_login_names(either, backend):
    answers = Answers()
    mail, _ = start(either, backend, answers, local_recipient_maps="", smtpd_recipient_restrictions="check_sasl_access inline:{ {bob=REJECT b} "
                    "{ann@example.test=REJECT full} {example.test=REJECT dom} {ann@=REJECT local} {x@z.test=REJECT noext} }, permit",
                    recipient_delimiter="+")
    for name, reply in {"bob": "554 5.7.1 <bob>: SASL login name rejected: b", "boB": "554 5.7.1 <boB>: SASL login name rejected: b",
                        "ann@example.test": "554 5.7.1 <ann@example.test>: SASL login name rejected: full", "x@example.test": "250 2.1.5 Ok",
                        "x+y@z.test": "250 2.1.5 Ok", "127.0.0.1": "250 2.1.5 Ok"}.items():
        answers.next = f"OK\tID\tuser={name}"
        assert talk(mail, AUTH, "MAIL FROM:<q@own.test>", "RCPT TO:<q@example.test>")[-1] == reply, name
    assert talk(mail, "MAIL FROM:<q@own.test>", "RCPT TO:<q@example.test>")[-1] == "250 2.1.5 Ok"


def test_many_tries_are_too_many(either, backend):
    mail, _ = start(either, backend, granted("bob"), smtpd_client_auth_rate_limit="3", smtpd_helo_required="yes")
    assert talk(mail, AUTH, hello=None) == ["503 5.5.1 Error: send HELO/EHLO first"]
    assert talk(mail, "AUTH", AUTH, AUTH) == ["501 5.5.4 Syntax: AUTH mechanism", DONE, "450 4.7.1 Error: too many AUTH commands from 127.0.0.1"]
    assert mail.log_line(r"warning: AUTH command rate limit exceeded: 4 from localhost\[127\.0\.0\.1\] for service ")


def test_tls_changes_what_may_be_used(either, backend, sink, tmp_path_factory):
    inn = sink()
    folder = tmp_path_factory.mktemp("keys")
    chain = Authority(folder).issue("mail")
    mail, server = start(either, backend, granted("bob"), relayhost=f"[127.0.0.1]:{inn.port}", smtpd_tls_security_level="may", smtpd_tls_chain_files=chain,
                         smtpd_tls_auth_only="yes", smtpd_sasl_security_options="noanonymous, noplaintext",
                         smtpd_sasl_tls_security_options="noanonymous", smtpd_tls_loglevel="0", smtpd_tls_received_header="yes", smtpd_sasl_authenticated_header="yes")
    assert announced(mail) == [] and talk(mail, AUTH) == [NOT_ENABLED]
    with smtplib.SMTP("127.0.0.1", mail.port, "c.example") as client:
        client.starttls(context=client_context())
        client.ehlo("c.example")
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1"]
        assert client.docmd("AUTH", f"PLAIN {PLAIN}")[0] == 235
        client.sendmail("s@own.test", ["z@else.test"], "Subject: x\n\nhello\n")
    assert "secured" in server.said("AUTH")[-1]
    mail.wait_empty()
    head = inn.messages[0].content.decode().replace("\r", "")
    assert re.match(r"Received: from c\.example \(localhost \[127\.0\.0\.1\]\)\n(\t.*TLS.*\n(\t .*\n)*)?(\t\(No client certificate requested\)\n)?"
                    r"\t\(Authenticated sender: bob\)\n\tby mail\.example\.test \(Merpati\) with ESMTPSA id ", head)


# What no handshake should be: what is announced, and what the log says.
HANDSHAKES = {
    "closes": (None, r"warning: SASL: Dovecot auth socket 'private/\w+': "),
    "another version": (("VERSION\t2\t0", "MECH\tPLAIN\tplaintext", "DONE"), r"warning: SASL: Protocol version mismatch \(2 vs\. 1\)$"),
    "no mechanisms": (("VERSION\t1\t0", "DONE"), r"warning: no SASL authentication mechanisms$"),
    "not there": ("", r"warning: SASL: Connect to Dovecot auth socket 'private/\w+' failed: No such file or directory$"),
    "endless line": (b"VERSION\t1\t0\n" + b"x" * 100000 + b"\n", r"warning: SASL: Dovecot auth socket 'private/\w+': a line too long$"),
}


def test_a_back_end_of_no_use_stops_nobody_else(make_merpati, backend):
    ports = {name: free_port() for name in HANDSHAKES}
    paths = {name: name.replace(" ", "") for name in HANDSHAKES}
    mail, good = start(make_merpati, backend, granted("bob"), local_recipient_maps="",
                       services=[f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_sasl_path=private/{paths[name]}" for name, port in ports.items()])
    usual = mail.port
    for name, (handshake, line) in HANDSHAKES.items():
        if handshake != "":
            backend(mail, granted("bob"), mail.queue / "private" / paths[name], handshake=handshake)
        mail.port = ports[name]
        mail.wait_for_port(mail.port)
        assert announced(mail) == [], name
        said = talk(mail, AUTH, "MAIL FROM:<q@own.test>", "RCPT TO:<q@example.test>")
        assert said[0].startswith("454 4.7.0 Temporary authentication failure: ") and said[-1] == "250 2.1.5 Ok", name
        assert mail.log_line(line)
    mail.port = usual
    assert announced(mail) == OFFERED and talk(mail, AUTH) == [DONE]
    # One that goes away and comes back: announced as ever, refused for now, and then as if nothing had been.
    path = mail.queue / "private" / "auth"
    good.stop()
    path.unlink()
    assert announced(mail) == OFFERED
    assert talk(mail, "AUTH CRAM-MD5")[0].startswith(("454 4.7.0", "235"))
    backend(mail, granted("bob"))
    assert talk(mail, AUTH) == [DONE]


def test_a_back_end_may_be_elsewhere_and_a_path_may_be_whole(either, backend, sink):
    away, inn = ScriptedAuth(granted("away")), sink()
    ports = [free_port() for _ in range(3)]
    mail = either(main={**SETTINGS, "relayhost": f"[127.0.0.1]:{inn.port}", "smtpd_delay_open_until_valid_rcpt": "no"})
    places = [f"inet:127.0.0.1:{away.port}", f"inet:localhost:{away.port}", f"unix:{'' if not isinstance(mail, Merpati) else str(mail.queue) + '/'}private/auth"]
    mail.services += [f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_sasl_path={place}" for port, place in zip(ports, places)]
    mail.write_config()
    try:
        if isinstance(mail, Merpati):
            mail.start()
        backend(mail, granted("near"))
        if not isinstance(mail, Merpati):
            mail.start()
        for port, name in zip(ports, ("away", "away", "near")):
            mail.wait_for_port(port)
            mail.port = port
            assert talk(mail, AUTH, f"MAIL FROM:<{port}@own.test>") == [DONE, "250 2.1.0 Ok"]
        mail.wait_log(r"sasl_method=PLAIN, sasl_username=away$", 2)
        mail.wait_log(r"sasl_method=PLAIN, sasl_username=near$")
        # Without EHLO: what RFC 3848 has no name for.
        said = talk(mail, AUTH, "MAIL FROM:<s@own.test>", "RCPT TO:<z@else.test>", "DATA", "Subject: x\r\n\r\nhello\r\n.", hello="HELO c.example")
        assert said[-1].startswith("250 2.0.0 Ok")
        mail.wait_empty()
        assert " with SMTP id " in inn.messages[0].content.decode()
    finally:
        away.stop()


def test_a_check_tells_which_back_end_cannot_be_reached(make_merpati, backend):
    main = {**SETTINGS, "smtpd_milters": "unix:private/milter", "smtpd_recipient_restrictions": "check_policy_service unix:private/policy, permit"}
    mail = make_merpati(main=main)
    mail.control("start")
    mail.is_running = True
    told = mail.control("check").stderr
    assert re.search(r"main\.cf, line \d+: smtpd_sasl_path: nobody listens at ", told)
    for line in ("smtpd_sasl_path: nobody listens at {}/private/auth now", "smtpd_milters: nobody listens at {}/private/milter now",
                 "smtpd_recipient_restrictions: nobody listens at {}/private/policy now"):
        assert line.format(mail.queue) in told
    backend(mail, granted("bob"))
    assert "smtpd_sasl_path" not in mail.control("check").stderr
    port = free_port()
    mail.set(smtpd_sasl_path=f"inet:127.0.0.1:{port}", non_smtpd_milters=f"{{ inet:localhost:{port}, default_action=accept }}",
             smtpd_milters="inet:nosuch.invalid:25", smtpd_recipient_restrictions="check_policy_service inet:127.0.0.1:nosuch, permit")
    told = mail.control("check").stderr
    for line in (f"smtpd_sasl_path: nobody listens at inet:127.0.0.1:{port} now", f"non_smtpd_milters: nobody listens at inet:localhost:{port} now",
                 "smtpd_milters: cannot connect to inet:nosuch.invalid:25: ", "smtpd_recipient_restrictions: inet:127.0.0.1:nosuch: no port of that name"):
        assert told.count(line) == 1, (line, told)
    away = ScriptedAuth(granted("bob"))
    mail.set(smtpd_sasl_path=f"inet:127.0.0.1:{away.port}", non_smtpd_milters=f"inet:localhost:{away.port}", smtpd_milters=f"inet:localhost:{away.port}",
             smtpd_recipient_restrictions=f"check_policy_service inet:127.0.0.1:{away.port}, permit")
    assert "inet" not in mail.control("check").stderr
    away.stop()
    mail.set(smtpd_sasl_path="private/auth", non_smtpd_milters="unix:private/auth", smtpd_milters="", smtpd_recipient_restrictions="permit")
    told = mail.control("check").stderr
    # private/ is for those who face the network.
    assert (f"non_smtpd_milters: merpati-map cannot reach {mail.queue}/private/auth: a directory above it is closed to it" in told) == IS_ROOT
    mail.set(non_smtpd_milters=f"unix:{mail.path('milter')}")
    milter = ScriptedAuth(granted("bob"), mail.path("milter"))
    assert "non_smtpd_milters" not in mail.control("check").stderr
    milter.stop()
    if IS_ROOT:
        path = mail.queue / "private" / "auth"
        shutil.chown(path, "nobody", "nogroup")
        path.chmod(0o660)
        assert (f"smtpd_sasl_path: merpati-net cannot connect to {path} (nobody:nogroup, mode 0660): let the program that makes it use the group of "
                "merpati-net and mode 0660, or put merpati-net into the socket's group (adduser) and restart\n") in mail.control("check").stderr
        mail.path("milter").unlink()
        milter = ScriptedAuth(granted("bob"), mail.path("milter"))
        mail.path("milter").chmod(0o600)
        assert f"non_smtpd_milters: merpati-map cannot connect to {mail.path('milter')} (root:root, mode 0600): let the program" in mail.control("check").stderr
        milter.stop()
        shutil.chown(path, group="merpati-net")
        assert "smtpd_sasl_path" not in mail.control("check").stderr
        mail.set(smtpd_sasl_path="/run/dovecot/auth-client")
        assert f"smtpd_sasl_path: smtpd sees nothing but {mail.queue}: it cannot reach /run/dovecot/auth-client" in mail.control("check").stderr


CLIENTS = {
    "swaks plain": ["swaks", "--auth", "PLAIN", "--auth-user", "bob", "--auth-password", PASSWORD],
    "swaks login": ["swaks", "--auth", "LOGIN", "--auth-user", "bob", "--auth-password", PASSWORD],
    "curl": ["curl", "-sS", "--user", f"bob:{PASSWORD}", "--mail-from", "s@own.test", "--mail-rcpt", "z@else.test"],
}


def test_clients_of_others_log_in(make_merpati, backend, sink):
    inn = sink()
    mail, _ = start(make_merpati, backend, relayhost=f"[127.0.0.1]:{inn.port}")
    letter = mail.write("letter", "Subject: hello\n\nhello\n")
    for name, words in CLIENTS.items():
        if words[0] == "swaks":
            words = [*words, "--server", f"127.0.0.1:{mail.port}", "--from", "s@own.test", "--to", "z@else.test", "--helo", "c.example"]
        else:
            words = [*words, f"smtp://127.0.0.1:{mail.port}/c.example", "--upload-file", str(letter)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    with smtplib.SMTP("127.0.0.1", mail.port, "c.example") as client:
        client.login("ann@example.test", PASSWORD)  # CRAM-MD5, as it comes first there
        client.sendmail("s@own.test", ["z@else.test"], "Subject: x\n\nhello\n")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        with smtplib.SMTP("127.0.0.1", mail.port, "c.example") as client:
            client.login("bob", "wrong")
    mail.wait_empty()
    assert len(inn.messages) == len(CLIENTS) + 1
    assert len(mail.log_lines(r"sasl_method=(PLAIN|LOGIN|CRAM-MD5|SCRAM-\S+|DIGEST-MD5), sasl_username=bob$")) == 3
    assert mail.log_line(r"sasl_method=CRAM-MD5, sasl_username=ann@example\.test$")
