# SPDX-License-Identifier: Apache-2.0
"""check_policy_service: what servers are told, what their answers do, and what becomes of mail when they are no use."""

import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.policy_server import PolicyServer
from support.waiting import HOLD, free_port

# What Postfix 3.7 says, in its order; 3.8 added the last two.
NAMES = """request protocol_state protocol_name client_address client_name client_port reverse_client_name server_address
server_port helo_name sender recipient recipient_count queue_id instance size etrn_domain stress sasl_method sasl_username
sasl_sender ccert_subject ccert_issuer ccert_fingerprint ccert_pubkey_fingerprint encryption_protocol encryption_cipher
encryption_keysize policy_context""".split()


@pytest.fixture
def policy():
    """Makes PolicyServers that end with the test."""
    made = []

    def make(answer, **options):
        made.append(PolicyServer(answer, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def start(either, sink, recipient_restrictions, **main):
    mail = either(main={"relayhost": f"[127.0.0.1]:{sink().port}", "smtpd_error_sleep_time": "0",
                        "smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000",
                        "smtpd_policy_service_retry_delay": "1s",
                        "smtpd_recipient_restrictions": recipient_restrictions, **main})
    return mail.start()


def ask(mail, recipient, sender="s@example.com"):
    with mail.smtp() as client:
        client.hello()
        return client.commands(f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>")[-1]


def test_a_server_is_told_all_that_is_known(either, sink, policy):
    server = policy(lambda question: "DUNNO")
    mail = start(either, sink, f"check_policy_service {server.place}, permit",
                 smtpd_data_restrictions=f"check_policy_service {{ {server.place}, {{ policy_context = of data }} }}",
                 smtpd_end_of_data_restrictions=f"check_policy_service {server.place}",
                 smtpd_etrn_restrictions=f"check_policy_service {server.place}, reject",
                 smtpd_policy_service_policy_context="mine")
    with mail.smtp() as client:
        client.command("EHLO c.example")
        client.command('MAIL FROM:<"s s"@example.com> SIZE=100')
        client.command('RCPT TO:<"b b"@example.net>')
        client.command("RCPT TO:<c@example.net>")
        client.command("DATA")
        client.command("Subject: x\r\n\r\nhello\r\n.")
        client.command("ETRN away.example")
    first, second, data, end, etrn = server.questions
    assert list(first)[: len(NAMES)] == NAMES
    expected = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "client_address": "127.0.0.1",
                "client_name": "localhost", "reverse_client_name": "localhost", "server_address": "127.0.0.1",
                "server_port": str(mail.port), "helo_name": "c.example", "sender": "s s@example.com", "recipient": "b b@example.net",
                "recipient_count": "0", "queue_id": "", "size": "100", "etrn_domain": "", "stress": "", "sasl_username": "",
                "encryption_keysize": "0", "policy_context": "mine"}
    assert {name: first[name] for name in expected} == expected
    assert int(first["client_port"]) > 0
    assert second["recipient"] == "c@example.net" and mail.log_line(rf"{second['queue_id']}: client=")
    assert [data[name] for name in ("protocol_state", "recipient", "recipient_count", "size", "policy_context")] == [
        "DATA", "", "2", "100", "of data"]
    assert [end[name] for name in ("protocol_state", "recipient_count", "size")] == ["END-OF-MESSAGE", "2", str(len("Subject: x\r\n\r\nhello\r\n"))]
    assert first["instance"] and {question["instance"] for question in (second, data, end)} == {first["instance"]}
    assert [etrn[name] for name in ("protocol_state", "etrn_domain", "instance")] == ["ETRN", "away.example", ""]
    assert server.connections <= 2  # one a server and its settings


def test_an_answer_does_what_an_access_table_would(either, sink, policy):
    answers = {"reject": "REJECT no thanks", "code": "550 5.1.1 gone", "class": "reject_unauth_destination", "later": "DEFER_IF_PERMIT wait",
               "odd": "NOSUCH x", "first": b"action=dunno\naction=REJECT second\n\n", "more": b"x=y\naction=REJECT more\nz=1\n\n",
               "empty": "", "hold": "HOLD for now", "fine": "OK"}
    server = policy(lambda question: answers[question["recipient"].split("@")[0]])
    mail = start(either, sink, f"check_policy_service {server.place}, permit")
    says = {name: ask(mail, f"{name}@example.net") for name in answers}
    assert says == {
        "reject": "554 5.7.1 <reject@example.net>: Recipient address rejected: no thanks",
        "code": "550 5.1.1 <code@example.net>: Recipient address rejected: gone",
        "class": "554 5.7.1 <class@example.net>: Relay access denied",
        "later": "450 4.7.1 <later@example.net>: Recipient address rejected: wait",
        "odd": "451 4.3.5 Server configuration error",
        "first": "250 2.1.5 Ok",
        "more": "554 5.7.1 <more@example.net>: Recipient address rejected: more",
        "empty": "250 2.1.5 Ok", "hold": "250 2.1.5 Ok", "fine": "250 2.1.5 Ok"}
    assert mail.log_line(rf"NOQUEUE: reject: RCPT from \S+: 554 5\.7\.1 <reject@example\.net>: Recipient address rejected: no thanks; "
                         r"from=<s@example\.com> to=<reject@example\.net> proto=ESMTP helo=<\S+>")
    assert mail.log_line(r"NOQUEUE: hold: RCPT from \S+: <hold@example\.net>: Recipient address for now; from=")
    assert mail.log_line(rf"access table {server.place} entry  has empty value")


def test_a_server_of_no_use_has_its_default_action(either, sink, policy):
    answers = {"closes": None, "half": b"action=DU", "nonsense": b"hello world\n\n", "nothing": b"a=b\n\n"}
    server = policy(lambda question: answers[question["recipient"].split("@")[0]])
    nobody = free_port()
    mail = start(either, sink, "check_recipient_access inline:{ {absent@example.net = absent} {path@example.net = path} {own@example.net = own} }, "
                 f"check_policy_service {server.place}, permit",
                 smtpd_restriction_classes="absent path own", absent=f"check_policy_service inet:127.0.0.1:{nobody}",
                 path="check_policy_service unix:private/nosuch",
                 own=f"check_policy_service {{ inet:127.0.0.1:{nobody}, {{ default_action = 421 4.3.5 my words }}, try_limit=1 }}")
    words = "451 4.3.5 <{}@example.net>: Recipient address rejected: Server configuration problem"
    names = [*answers, "absent", "path"]
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(lambda name: ask(mail, f"{name}@example.net"), names)) == [words.format(name) for name in names]
    assert ask(mail, "own@example.net") == "421 4.3.5 <own@example.net>: Recipient address rejected: my words"
    name = f"127\\.0\\.0\\.1:{server.port}"
    for line in [f"warning: problem talking to server {name}: Application error",
                 f"warning: premature end-of-input on {name} while reading input attribute value",
                 f"warning: missing attribute action in input from {name}",
                 f"warning: connect to 127\\.0\\.0\\.1:{nobody}: Connection refused",
                 f"warning: problem talking to server 127\\.0\\.0\\.1:{nobody}: Connection refused",
                 "warning: connect to private/nosuch: No such file or directory",
                 "warning: problem talking to server private/nosuch: No such file or directory"]:
        assert mail.log_line(line)


def test_a_default_action_may_let_mail_pass(either, sink):
    mail = start(either, sink, f"check_policy_service inet:127.0.0.1:{free_port()}, permit",
                 smtpd_policy_service_default_action="DUNNO", smtpd_policy_service_try_limit="1")
    assert ask(mail, "a@example.net") == "250 2.1.5 Ok"


def test_a_server_may_be_behind_a_unix_socket(either, sink, policy):
    mail = either()
    mail.finish()
    mail = start(either, sink, "check_policy_service unix:private/policy, permit")
    server = policy(lambda question: "REJECT by path", path=str(mail.queue / "private" / "policy"))
    assert ask(mail, "a@example.net") == "554 5.7.1 <a@example.net>: Recipient address rejected: by path"
    assert len(server.questions) == 1


def test_a_slow_server_keeps_only_its_own_sessions(merpati, sink, policy):
    go_on = threading.Event()

    def answer(question):
        if question["recipient"].startswith("slow"):
            go_on.wait(HOLD)
        return "REJECT slow" if question["recipient"].startswith("slow") else "DUNNO"

    server = policy(answer)
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{sink().port}", "smtpd_policy_service_timeout": f"{int(HOLD)}s",
                         "smtpd_recipient_restrictions": f"check_policy_service {server.place}, permit"})
    with mail.smtp() as waiting:
        waiting.hello()
        waiting.command("MAIL FROM:<s@example.com>")
        waiting.send(b"RCPT TO:<slow@example.net>\r\n")
        # As many as to have some in the process of the one that waits.
        for _ in range(2 * os.cpu_count() + 2):
            assert ask(mail, "quick@example.net") == "250 2.1.5 Ok"
        go_on.set()
        assert waiting.reply().text == "554 5.7.1 <slow@example.net>: Recipient address rejected: slow"


@pytest.mark.parametrize("own, connections", [("", 1), (", timeout=1s, try_limit=2", 2)])
def test_a_server_that_does_not_answer_in_time_is_given_up(merpati, sink, policy, own, connections):
    forever = threading.Event()
    server = policy(lambda question: forever.wait(HOLD))
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{sink().port}", "smtpd_policy_service_timeout": "1s",
                         "smtpd_policy_service_try_limit": "1",
                         "smtpd_recipient_restrictions": f"check_policy_service {{ {server.place}{own} }}, permit"})
    assert ask(mail, "a@example.net") == "451 4.3.5 <a@example.net>: Recipient address rejected: Server configuration problem"
    assert mail.log_line(rf"warning: timeout on 127\.0\.0\.1:{server.port} while reading input attribute name")
    assert mail.log_line(rf"warning: problem talking to server 127\.0\.0\.1:{server.port}: Connection timed out")
    assert server.connections == connections
    forever.set()


def test_a_second_try_waits_for_the_retry_delay(merpati, sink, policy):
    asked = []
    server = policy(lambda question: "DUNNO" if asked.append(time.monotonic()) or len(asked) > 1 else None)
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{sink().port}", "smtpd_policy_service_retry_delay": "2s",
                         "smtpd_recipient_restrictions": f"check_policy_service {server.place}, permit"})
    assert ask(mail, "a@example.net") == "250 2.1.5 Ok"
    assert asked[1] - asked[0] >= 2


@pytest.mark.parametrize("general, own, connections", [("0", "", 1), ("1", "", 3), ("0", ", request_limit=2", 2)])
def test_a_connection_serves_request_limit_questions(merpati, sink, policy, general, own, connections):
    server = policy(lambda question: "DUNNO")
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{sink().port}", "default_process_limit": "1",
                         "smtpd_policy_service_request_limit": general,
                         "smtpd_recipient_restrictions": f"check_policy_service {{ {server.place}{own} }}, permit"})
    with mail.smtp() as client:
        client.hello()
        client.commands("MAIL FROM:<s@example.com>", *(f"RCPT TO:<a{i}@example.net>" for i in range(3)))
    assert server.connections == connections


@pytest.mark.parametrize("parameter", ["smtpd_policy_service_max_idle", "smtpd_policy_service_max_ttl"])
def test_a_connection_ends_with_its_time(merpati, sink, policy, parameter):
    server = policy(lambda question: "DUNNO")
    ended = threading.Event()
    handle = server.server.shutdown_request
    server.server.shutdown_request = lambda request: (handle(request), ended.set())
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{sink().port}", parameter: "1s",
                         "smtpd_recipient_restrictions": f"check_policy_service {server.place}, permit"})
    with mail.smtp() as client:
        client.hello()
        client.commands("MAIL FROM:<s@example.com>", "RCPT TO:<a@example.net>")
        assert ended.wait(HOLD)
        assert client.command("RCPT TO:<b@example.net>").code == 250
    assert server.connections == 2


@pytest.mark.parametrize("value, words", [("nosuch", '"nosuch": need unix:path or inet:host:port'),
                                          ("{ inet:127.0.0.1:10023, timeuot=3s }", '"timeuot=3s" is no setting of a policy service')])
def test_what_is_no_server_is_told_and_refuses(merpati, value, words):
    mail = merpati(main={"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions": f"check_policy_service {value}, reject"})
    assert ask(mail, "a@example.net") == "451 4.3.5 Server configuration error"
    assert mail.log_line(re.escape(words))


def test_control_characters_of_an_answer_are_spaces_in_the_reply(either, sink, policy):
    said = [b"a\rb", b"a\x01b", b"a\tb", b"a\x7fb"]
    server = policy(lambda question: b"action=REJECT " + said[int(question["recipient"].split("@")[0])] + b"\n\n")
    mail = start(either, sink, f"check_policy_service {server.place}, permit")
    with socket.create_connection(("127.0.0.1", mail.port), timeout=60) as connection:
        replies = connection.makefile("rb")
        replies.readline()
        for command in ("HELO c.example", "MAIL FROM:<s@example.com>"):
            connection.sendall(f"{command}\r\n".encode())
            replies.readline()
        for number in range(len(said)):
            connection.sendall(f"RCPT TO:<{number}@example.net>\r\n".encode())
            assert replies.readline() == f"554 5.7.1 <{number}@example.net>: Recipient address rejected: a b\r\n".encode()
