# SPDX-License-Identifier: Apache-2.0
"""MIME that is turned into 7 bits when it comes in, and MIME that nobody should write."""

import re

import pytest
from support.instance import IS_SANITIZED
from support.smtp_sink import SmtpSink

FORCED = """\
Subject: parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b
Content-Transfer-Encoding: 8bit

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

gr\u00fcn =
--b
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Subject: inside
Content-Transfer-Encoding: binary

gr\u00fcn
--b--
""".replace("\n", "\r\n").encode()

MULTIPART = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n"
# What a message is made of, and whether it is refused where rules look at it.
STRANGE = {
    "10,000 parts in parts": (b"".join(MULTIPART % (b, b) for b in (b"b%05d" % i for i in range(10000))), True),
    "10,000 messages in messages": (b"Content-Type: message/rfc822\r\n\r\n" * 10000 + b"Subject: x\r\n\r\n", False),
    "a boundary a line": (MULTIPART % (b"b", b"b") + b"--b\r\n" * 100000, False),
    "boundaries that never end": (b"Content-Type: multipart/mixed; boundary=\"" + b"b" * 3000000 + b"\"\r\n\r\n--" + b"b" * 3000000 + b"\r\n", False),
    "thousands of boundaries": (b"Content-Type: multipart/mixed" + b"; boundary=b" * 9000 + b"\r\n\r\n--b\r\n", True),
    "thousands of types": (b"Content-Type: multipart/mixed; boundary=b\r\n" * 9000 + b"\r\n--b\r\n", True),
    "a line without end": (b"Subject: x\r\n\r\n" + b"x" * 3000000 + b"\r\n", False),
    "a field without end": (b"Subject: " + b"x" * 3000000 + b"\r\n\r\nx\r\n", False),
    "a comment without end": (b"Content-Type: " + b"(" * 90000 + b"\r\n\r\nx\r\n", False),
    "NULs": (MULTIPART % (b"\0b", b"\0b") + b"\0" * 100000 + b"\r\n--\0b\r\nX\0: y\r\n\r\n", False),
    "line ends": (MULTIPART % (b"b", b"b") + b"X: y\n\r\n\rz\n--b\r--b\r\n\r\r\n--b\n", False),
}


@pytest.fixture
def sink():
    made = SmtpSink(extensions=["SIZE 0"])
    yield made
    made.stop()


def send(instance, content, recipient):
    """The answer to the content."""
    client = instance.smtp()
    client.commands("EHLO c.example", "MAIL FROM:<> BODY=8BITMIME", f"RCPT TO:<{recipient}>", "DATA")
    client.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
    answer = client.reply().text
    client.command("QUIT")
    return answer


def test_8_bit_parts_become_7_bit_when_they_come_in(merpati, account):
    mail = merpati(main={"force_mime_input_conversion": "yes", "body_checks": "pcre:{ {/^gr=C3=BCn$$/ REPLACE seen} }"})
    assert send(mail, FORCED, f"{account}@localhost").startswith("250 ")
    (text,) = mail.wait_mailbox(account)
    body = text[text.index("Subject: parts") :]
    assert "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 7bit\n" in body
    assert "\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\ngr=C3=BCn =3D\n--b\n" in body
    assert "\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nSubject: inside\nContent-Transfer-Encoding: quoted-printable\n\nseen\n--b--\n" in body
    assert body.isascii()


def test_an_8_bit_message_stays_what_it_is_without_being_asked(merpati, account):
    mail = merpati()
    assert send(mail, FORCED, f"{account}@localhost").startswith("250 ")
    (text,) = mail.wait_mailbox(account)
    assert FORCED.decode().replace("\r\n", "\n").partition("\n\n")[2] in text


def peak(instance, name):
    """The most memory that a daemon of that name has had, in MB."""
    sizes = []
    for pid in instance.pids(name):
        with open(f"/proc/{pid}/status") as status:
            sizes += [int(size) // 1024 for size in re.findall(r"VmHWM:\s+(\d+)", status.read())]
    return max(sizes)


def test_strange_mime_costs_neither_memory_nor_mail(merpati, sink):
    """Through rules when it comes in and when it leaves, and as quoted-printable."""
    rule = "pcre:{{/^Subject: (.*)never/ WARN $$1}}"
    checks = {f"{side}{what}_checks": rule for side in ("", "smtp_") for what in ("header", "mime_header", "nested_header", "body")}
    mail = merpati(main={**checks, "relayhost": f"[127.0.0.1]:{sink.port}", "smtp_host_lookup": "native", "smtp_line_length_limit": "0"})
    taken = []
    for name, (content, is_refused) in STRANGE.items():
        answer = send(mail, content, f"{len(taken)}@relay.test")
        expected = "550 5.6.0 MIME nesting exceeds safety limit" if is_refused else "250 2.0.0 Ok"
        assert answer.startswith(expected), (name, answer)
        if not is_refused:
            taken.append(name)
    found = {message.recipients[0].partition("@")[0]: message.content for message in sink.wait_for(len(taken))}
    for place, name in enumerate(taken):
        body = STRANGE[name][0].partition(b"\r\n\r\n")[2]
        if name not in ("NULs", "line ends"):
            assert found[str(place)].endswith(body), name
    if not IS_SANITIZED:
        assert peak(mail, "cleanup") < 40 and peak(mail, "smtp") < 40


def test_rules_that_take_long_for_one_message_keep_no_other_from_leaving(make_merpati, sink):
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{sink.port}", "smtp_host_lookup": "native"})
    mail.set(smtp_body_checks=f"pcre:{mail.write('rules', '/^begin/ INFO now' + chr(10) + '/^(a|aa)+$/ IGNORE' + chr(10))}")
    mail.start()
    assert send(mail, b"Subject: slow\r\n\r\nbegin\r\n" + (b"a" * 24 + b"b\r\n") * 1500, "slow@relay.test").startswith("250 ")
    mail.wait_log(r"info: body begin: now")
    assert send(mail, b"Subject: quick\r\n\r\nx\r\n", "quick@relay.test").startswith("250 ")
    assert [message.recipients[0] for message in sink.wait_for(2)] == ["quick@relay.test", "slow@relay.test"]
