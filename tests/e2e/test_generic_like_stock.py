# SPDX-License-Identifier: Apache-2.0
"""smtp_generic_maps and SMTPUTF8 in the SMTP client: what the next host sees is what stock Postfix shows it."""

import re

import pytest
from support.instance import Stock
from support.side_by_side import make_pair, new_messages, options

TABLE = ("inline:{me@here.test=account@isp.example, me+x@here.test=tagged@isp.example, {@inner.test=@outer.example},"
         " bare=bareuser@isp.example, short@here.test=completed, {two@here.test=a@isp.example, b@isp.example},"
         " first@here.test=second@here.test, second@here.test=third@isp.example,"
         " {quo@here.test=\"q q\"@isp.example} }")
TRANSPORTS = {
    "mapped": {"smtp_generic_maps": TABLE},
    "extended": {"smtp_generic_maps": TABLE, "propagate_unmatched_extensions": "generic"},
    "broken": {"smtp_generic_maps": "texthash:/nonexistent/generic"},
}
MAIN = {"recipient_delimiter": "+", "myorigin": "here.test", "mydestination": "here.test", "smtputf8_enable": "yes",
        "smtputf8_autodetect_classes": "sendmail"}


def prepare(side):
    instance, hop = side.instance, f"[127.0.0.1]:{side.sink.port}"
    for name, parameters in TRANSPORTS.items():
        instance.services.append(f"{name} unix - - {instance.chroot} - - smtp{options(parameters)}")
    routes = ", ".join(f"{name}.test={name}:{hop}" for name in TRANSPORTS)
    instance.main["transport_maps"] = f"inline:{{{routes}, inner.test=mapped:{hop}}}"


def pair_of(**arguments):
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair(MAIN, prepare=prepare, **arguments)
    yield sides
    for side in sides:
        side.finish()


@pytest.fixture(scope="module")
def pair():
    yield from pair_of()


@pytest.fixture(scope="module")
def old_pair():
    """The next host knows nothing of SMTPUTF8."""
    yield from pair_of(extensions=["PIPELINING", "SIZE 0", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"])


def sent(side, sender, recipient, text, *words):
    act = lambda: side.instance.sendmail(*words, "-f", sender, recipient, input=text)
    message = new_messages(side, 1, act)[0]
    mail_line = re.sub(r" (SIZE=\d+|BODY=\w+)", "", message.mail_line)
    return mail_line, message.recipient_lines, " ".join(side.normal(message.text).replace(":;", ": ;").split())


def expect_like_stock(pair, *arguments):
    stock, ours = (sent(side, *arguments) for side in pair)
    # The Received header names the user that ran sendmail alike, but each its own queue id: taken out already.
    assert ours == stock
    return ours


HEADERS = {
    "all kinds": "From: me@here.test\nSender: Me <me@here.test>\nTo: \"A B\" <me@here.test>, u@inner.test (c)\n"
    "Reply-To: me@here.test\nErrors-To: me@here.test\nResent-From: me@here.test\nResent-To: me@here.test\n"
    "Return-Receipt-To: me@here.test\nDisposition-Notification-To: me@here.test\nMail-Followup-To: me@here.test\n"
    "X-From: me@here.test\nSubject: me@here.test\n",
    "extensions": "From: me+x@here.test\nTo: me+y@here.test, u+z@inner.test, bare+q@here.test\n",
    "once": "From: first@here.test\nTo: bare@here.test, bare@far.test, short@here.test, quo@here.test\n",
    "odd results": "From: two@here.test\nTo: other@here.test\n",
    "groups": "To: g: me@here.test, u@inner.test;, undisclosed:;\n",
    "folded": "To: a@far.test,\n me@here.test,\n\tu@inner.test\n",
    "quoted": "To: \"me\"@here.test, \"a b\"@inner.test\n",
}
NESTED = ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nFrom: me@here.test\n\n--b\n"
          "Content-Type: message/rfc822\n\nFrom: me@here.test\nTo: me@here.test\n\nx\n--b\nFrom: me@here.test\n\ny\n--b--\n")


@pytest.mark.parametrize("name", HEADERS)
def test_headers(pair, name):
    expect_like_stock(pair, "s@far.test", "r@mapped.test", HEADERS[name] + "\nTo: me@here.test\n")


def test_headers_within_the_body(pair):
    expect_like_stock(pair, "s@far.test", "r@mapped.test", NESTED)


@pytest.mark.parametrize("sender", ["me@here.test", "me+x@here.test", "me+y@here.test", "bare", "u@inner.test", "", "quo@here.test"])
def test_senders(pair, sender):
    expect_like_stock(pair, sender, "r@mapped.test", "Subject: x\n\nbody\n")


@pytest.mark.parametrize("recipient", ["u@inner.test", "u+x@inner.test"])
def test_recipients(pair, recipient):
    ours = expect_like_stock(pair, "s@far.test", recipient, "Subject: x\n\nbody\n", "-N", "success")
    assert "outer.example" in ours[1][0]


def test_an_extension_goes_on_where_that_is_wanted(pair):
    expect_like_stock(pair, "me+y@here.test", "r@extended.test", "To: me+z@here.test, u+v@inner.test\n\nbody\n")


def test_other_transports_map_nothing(pair):
    expect_like_stock(pair, "me@here.test", "r@plain.test", "To: me@here.test\n\nbody\n")


def test_a_table_that_cannot_be_read_defers(pair):
    for side in pair:
        side.instance.sendmail("-f", "me@here.test", "r@broken.test", input="Subject: x\n\nbody\n")
    pair[1].instance.wait_log(r"to=<r@broken\.test>, .* status=deferred \(address rewriting problem\)$")
    assert not any("r@broken.test" in r for side in pair for m in side.sink.messages for r in m.recipients)


UTF8 = {
    "header": ("s@far.test", "r@far.test", "Subject: gr\u00fc\u00dfe\n\nbody\n"),
    "sender": ("m\u00fcller@far.test", "r@far.test", "Subject: x\n\nbody\n"),
    "recipient": ("s@far.test", "m\u00fcller@far.test", "Subject: x\n\nbody\n"),
    "body": ("s@far.test", "r@far.test", "Subject: x\n\ngr\u00fc\u00dfe\n"),
    "nothing": ("s@far.test", "r@far.test", "Subject: x\n\nbody\n"),
}


@pytest.mark.parametrize("name", UTF8)
def test_what_needs_smtputf8_is_found(pair, name):
    expect_like_stock(pair, *UTF8[name])


def test_a_latin1_header_counts_too(pair):
    expect_like_stock(pair, "s@far.test", "r@far.test", "Subject: gr\udcfc\udcdfe\n\nbody\n")


@pytest.mark.parametrize("name", UTF8)
def test_a_host_without_smtputf8(old_pair, name):
    sender, recipient, text = UTF8[name]
    lines = []
    for side in old_pair:
        wanted = rf"to=<{recipient}>, .* status=(sent|bounced)"
        count = len(side.instance.log_lines(wanted))
        side.instance.sendmail("-f", sender, recipient, input=text)
        side.instance.wait_log(wanted + " .*", count + 1)
        line = side.instance.log_lines(wanted)[count]
        line = re.sub(r"(conn_use=.*?, )?delay=.*?, dsn", "dsn", re.sub(r"^\w+: ", "", line)).replace(str(side.sink.port), "PORT")
        lines.append(re.sub(r"SINK\d+", "SINK", line))
    assert lines[1] == lines[0]
