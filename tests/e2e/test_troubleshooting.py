# SPDX-License-Identifier: Apache-2.0
"""The log lines that docs/troubleshooting.md explains come as it quotes them: each is brought about for real."""

import re
import socket

import pytest
from support.instance import IS_ROOT, SOURCE, Merpati
from support.milter import DISCARD, Milter
from support.side_by_side import options
from support.smtp_client import SmtpClient
from support.smtp_sink import SmtpSink
from support.waiting import free_port

# What the first cells of the rows quote, by the first of it.
ROWS = {quoted[0]: quoted for line in (SOURCE / "docs/troubleshooting.md").read_text().splitlines() if line.startswith("| `")
        for quoted in [[part.strip() for part in re.findall(r"`([^`]+)`", line.split(" | ")[0])]]}
TO_OURS = ["MAIL FROM:<a@sender.test>", "RCPT TO:<postmaster@mail.example.test>"]
STRICT = {"smtpd_delay_reject": "yes", "mynetworks": "", "smtpd_relay_restrictions": "reject_unauth_destination"}

# A refusal: what the entrance has, and what its client says.
REFUSED = {
    "Relay access denied": (STRICT, ["MAIL FROM:<a@sender.test>", "RCPT TO:<b@else.test>"]),
    "Recipient address rejected: User unknown in local recipient table": ({}, ["MAIL FROM:<a@sender.test>", "RCPT TO:<nobody-here@mail.example.test>"]),
    "User unknown in virtual alias table": ({}, ["MAIL FROM:<a@sender.test>", "RCPT TO:<x@aliases.test>", "RCPT TO:<x@boxes.test>"]),
    "Client host rejected: cannot find your": (STRICT | {"smtpd_client_restrictions": "reject_unknown_client_hostname"}, TO_OURS),
    "Server configuration error": ({"smtpd_sender_restrictions": "reject_nonsense"}, TO_OURS),
    "Temporary lookup failure": ({"local_recipient_maps": "fail:x"}, ["MAIL FROM:<a@sender.test>", "RCPT TO:<b@mail.example.test>"]),
    "too many connections from": ({"smtpd_client_connection_count_limit": "1", "smtpd_client_event_limit_exceptions": ""}, None),
    "Message size exceeds fixed limit": ({}, ["MAIL FROM:<a@sender.test> SIZE=999999999"]),
    "Insufficient system storage": ({"queue_minfree": "2147483647000"}, ["MAIL FROM:<a@sender.test>"]),
    "Service unavailable - try again later": ({"smtpd_milters": "inet:127.0.0.1:CLOSED", "milter_default_action": "tempfail"}, TO_OURS),
    "Must issue a STARTTLS command first": ({"smtpd_tls_security_level": "encrypt"}, ["MAIL FROM:<a@sender.test>"]),
    "Temporary authentication failure": ({"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "inet:127.0.0.1:CLOSED"}, ["AUTH PLAIN AGEAYg=="]),
}
# A delivery to u@NAME.test: by which transport.
DELIVERED = {
    "Connection refused": "smtp:[127.0.0.1]:CLOSED",
    "Host or domain name not found": "smtp:nowhere.invalid",
    "TLS is required, but was not offered by host": "encrypted:[127.0.0.1]:SINK",
    "SASL authentication failed": "login:[127.0.0.1]:SINK",
    "mail transport unavailable": "nowhere:",
    "status=sent (250": "smtp:[127.0.0.1]:SINK",
    "status=bounced": "error:no such thing",
}


@pytest.fixture(scope="module")
def mail():
    server = SmtpSink(extensions=["AUTH PLAIN"], replies={"AUTH": "535 5.7.8 no such user"})
    instance = Merpati(main={
        "local_recipient_maps": "inline:{ postmaster=ok }", "virtual_alias_domains": "aliases.test", "virtual_mailbox_domains": "boxes.test",
        "virtual_mailbox_maps": "inline:{ a@boxes.test=a }", "virtual_mailbox_base": "/nonexistent",
    })
    words = {"CLOSED": str(free_port()), "SINK": str(server.port)}

    def filled(text):
        return re.sub("CLOSED|SINK", lambda word: words[word[0]], text)

    routes = " ".join(f"{{d{number}.test = {filled(transport)}}}" for number, transport in enumerate(DELIVERED.values()))
    instance.set(transport_maps=f"inline:{{ {routes} }}")
    instance.ports = {name: free_port() for name in REFUSED}
    instance.services += [f"127.0.0.1:{instance.ports[name]} inet n - y - - smtpd{options({key: filled(value) for key, value in own.items()})}"
                          for name, (own, said) in REFUSED.items()]
    instance.services += [f"{name} unix - - y - - smtp{options({key: filled(value) for key, value in own.items()})}" for name, own in {
        "encrypted": {"smtp_tls_security_level": "encrypt"},
        "login": {"smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous", "smtp_sasl_password_maps": "inline:{ 127.0.0.1=u:p }"},
    }.items()]
    instance.write_config()
    instance.start()
    yield instance
    instance.finish()
    server.stop()


def expect(quoted, text):
    assert quoted in ROWS, f"docs/troubleshooting.md does not quote {quoted} any more"
    for part in ROWS[quoted]:
        assert part in text or part == "mailbox", f"{part}: {text}"


@pytest.mark.parametrize("quoted", REFUSED)
def test_a_refusal_is_quoted_as_it_is(mail, quoted):
    commands = REFUSED[quoted][1]
    port = mail.ports[quoted]
    if commands is None:
        with SmtpClient(port), SmtpClient(port, greet=False) as second:
            expect(quoted, second.reply().text)
        return
    # Not one of mynetworks, and without a name.
    with SmtpClient(port, source="127.9.9.9" if REFUSED[quoted][0].get("mynetworks") == "" else None) as client:
        client.hello()
        said = "\n".join(client.command(command).text for command in commands)
    expect(quoted, said)
    assert quoted != "User unknown in virtual alias table" or "User unknown in virtual mailbox table" in said


@pytest.mark.parametrize("quoted", DELIVERED)
def test_the_outcome_of_a_delivery_is_quoted_as_it_is(mail, quoted):
    address = f"u@d{list(DELIVERED).index(quoted)}.test"
    mail.sendmail("-f", "postmaster@mail.example.test", address, input="Subject: x\n\nhello\n")
    mail.wait_log(f"to=<{address}>.*status=")
    expect(quoted, mail.log_line(f"to=<{address}>.*status="))


def test_what_became_of_mail_in_the_queue_is_quoted_as_it_is(make_merpati):
    milter = Milter(script={"E": DISCARD})
    port = free_port()
    mail = make_merpati(main={"maximal_queue_lifetime": "0", "bounce_queue_lifetime": "0", "default_transport": f"smtp:[127.0.0.1]:{free_port()}", "smtpd_milters": milter.place})
    mail.start()
    with mail.smtp() as client:
        client.hello()
        client.deliver("a@sender.test", "b@else.test", "Subject: x\n\nhello\n")
    mail.wait_log("milter-discard")
    expect("milter-discard", mail.log_line("milter-discard"))
    mail.sendmail("-f", "a@sender.test", "b@else.test", input="Subject: x\n\nhello\n")
    mail.wait_log("status=expired")
    expect("status=expired, returned to sender", mail.log_line("status=expired"))
    milter.stop()
    # What stands in the way of a start, and of a second one.
    said = mail.control("start", check=False).stderr
    expect("the Merpati mail system is already running", said)
    mail.stop()
    with socket.create_server(("127.0.0.1", port)):
        mail.services.append(f"127.0.0.1:{port} inet n - n - - smtpd")
        mail.write_config()
        said = mail.control("start", check=False).stderr + mail.log_text()
    expect("Address already in use", said)


def test_a_table_that_was_never_made_is_quoted_as_it_is(make_merpati):
    mail = make_merpati(main={"transport_maps": "hash:$config_directory/transport"})
    mail.start()
    mail.sendmail("-f", "a@sender.test", "b@else.test", input="Subject: x\n\nhello\n")
    mail.wait_log("status=deferred")
    expect("address resolver failure", mail.log_line("status=deferred"))
    expect("open database", mail.log_line("open database"))


def test_mail_to_a_mailbox_is_quoted_as_it_is(make_merpati):
    user = "nobody" if IS_ROOT else None
    mail = make_merpati(main={"mailbox_size_limit": "20000", "message_size_limit": "20000"})
    user = user or mail.user
    mail.start()
    for _ in range(2):
        mail.sendmail("-f", "", f"{user}@localhost", input="Subject: x\n\n" + "hello world\n" * 1000)
    mail.wait_log("status=sent")
    expect("status=sent (delivered to mailbox)", mail.log_line("status=sent"))
    mail.wait_log("status=bounced")
    expect("cannot update mailbox", mail.log_line("status=bounced"))


def test_what_check_finds_is_quoted_as_it_is(make_merpati):
    mail = make_merpati()
    mail.start()
    mail.stop()
    (mail.queue / "hold").chmod(0o777)
    expect("which should be", mail.control("check", check=False).stderr + "is owned by")
    mail.write_config()
    with (mail.config / "main.cf").open("a") as file:
        file.write("a line without a sign\n")
    expect("missing '=' after attribute name", mail.control("check", check=False).stderr)


def test_a_service_that_cannot_begin_is_quoted_as_it_is(make_merpati):
    mail = make_merpati()
    mail.start()
    mail.set(spool_journal_limit="8388608")
    mail.write_config()
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<a@example.com>")
        client.send(b"RCPT TO:<postmaster@localhost>\r\n")
        mail.wait_log("throttling")
    expect("bad command startup -- throttling", mail.log_line("throttling"))


def test_most_rows_are_brought_about():
    here = (SOURCE / "tests/e2e/test_troubleshooting.py").read_text()
    assert len([quoted for quoted in ROWS if f'"{quoted}"' in here]) > 28
