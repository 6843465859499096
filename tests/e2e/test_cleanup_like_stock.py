# SPDX-License-Identifier: Apache-2.0
"""Headers, addresses and recipients on their way in: what leaves the system is what leaves stock Postfix."""

import re
import smtplib

import pytest
from support.instance import Stock
from support.side_by_side import make_pair, new_messages

MAIN = {
    "recipient_delimiter": "+",
    "mydestination": "",
    "local_recipient_maps": "",
    "canonical_maps": "inline:{ canon@example.test=changed@else.example, {@whole.example=@moved.example},"
    " first@a.example=second@a.example, second@a.example=third@a.example, bare=mapped@else.example }",
    "sender_canonical_maps": "inline:{ onlysender@a.example=s@else.example }",
    "recipient_canonical_maps": "inline:{ onlyrcpt@a.example=r@else.example }",
    "masquerade_domains": "!keep.inner.example inner.example",
    "masquerade_exceptions": "root",
    "virtual_alias_maps": "inline:{ {multi@a.example = a1@x.example, a2@x.example, multi@a.example},"
    " {one@a.example = two@a.example}, {two@a.example = end+own@x.example},"
    " {@catch.example = @caught.example}, {named@a.example = \"Some Name\" <n@x.example>},"
    " {list@a.example = l1@x.example l2@x.example}, {loop1@a.example=loop2@a.example},"
    " {loop2@a.example=loop1@a.example}, {ext@a.example = plain@x.example}, {quo@a.example = \"q q\"@x.example} }",
}

HEADERS = {
    "plain": "Subject: x\nTo: a@b.example\n",
    "bare names": "To: foo, Bar <bar>, \"Q, R\" <baz>\nCc: x@y\nFrom: me\n",
    "canonical": "From: canon\nTo: canon (c), \"A B\" <canon@example.test>\nReply-To: u@whole.example\n"
    "Sender: first@a.example\nErrors-To: canon\nX-To: canon\nApparently-To: canon\nMail-Followup-To: canon\n"
    "Return-Receipt-To: canon\nDisposition-Notification-To: canon\nMail-Reply-To: canon\nDelivered-To: canon\n",
    "sender and recipient canonical": "From: onlysender@a.example\nTo: onlysender@a.example, onlyrcpt@a.example\n"
    "Reply-To: onlyrcpt@a.example\n",
    "masquerade": "From: u@h.inner.example\nTo: root@h.inner.example, v@keep.inner.example, w@x.keep.inner.example\n",
    "extensions": "From: canon+ext@example.test\nTo: u+ext@whole.example\n",
    "groups": "To: undisclosed-recipients:;\nCc: g: foo, bar@x;\n",
    "route": "To: <@a,@b:foo@c.example>\n",
    "dropped": "Return-Path: <x>\nBcc: y\nContent-Length: 5\nResent-Bcc: z\nSubject: kept\n",
    "resent": "Resent-From: r\nTo: foo\nSubject: x\n",
    "resent id": "Resent-Message-Id: <r@x>\nResent-Date: today\nResent-To: foo\nSubject: x\n",
    "only cc": "Cc: foo@x.example\n",
    "only bcc": "Bcc: foo@x.example\n",
    "two of a kind": "From: a\nFrom: b\nMessage-Id: <1@x>\nMessage-Id: <2@x>\nDate: 1\nDate: 2\n",
    "space before colon": "Subject : x\nTo : foo\n",
    "comment": "To: foo (a (nested) comment)\n",
    "percent and bang": "To: a%b@c.example, d!e\n",
    "domain without dots": "To: u@host\n",
    "quoted": "To: \"a b\"@c.example, \"x\"@c.example\n",
    "literal": "To: u@[192.0.2.1]\n",
    "long": "To: " + ", ".join(f"user{i}@sub{i}.example.test" for i in range(40)) + "\n",
}

RECIPIENTS = {
    "plain": ["a@b.example"],
    "twice": ["a@b.example", "A@B.example", "a@b.example"],
    "several": ["multi@a.example", "list@a.example"],
    "chain": ["one@a.example"],
    "catch all": ["u@catch.example", "v+x@catch.example"],
    "extension": ["ext+tag@a.example"],
    "canonical": ["canon@example.test", "u@whole.example"],
    "recipient canonical": ["onlyrcpt@a.example"],
    "bare": ["bare"],
    "quoted result": ["quo@a.example"],
    "masquerade is not for recipients": ["u@h.inner.example"],
}

SENDERS = ["", "s", "canon", "u@whole.example", "u@h.inner.example", "onlysender@a.example", '"a b"@c.example', "x+y@c.example"]


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair(MAIN)
    yield sides
    for side in sides:
        side.finish()


def send(side, sender, recipients, text):
    with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
        client.ehlo("c.example")
        client.mail(sender)
        for recipient in recipients:
            code, reply = client.rcpt(recipient)
            assert code == 250, reply
        code, reply = client.data(text)
        assert code == 250, reply


def seen(side, recipients, received):
    """What the peer saw, as one comparable text; deliveries of one message by recipient."""
    rows = []
    for message in received:
        rows.append((sorted(message.recipients), message.sender, side.normal(message.text)))
    return sorted(rows)


def outcome(side, sender, recipients, text, deliveries):
    received = new_messages(side, deliveries, lambda: send(side, sender, recipients, text))
    return seen(side, recipients, received)


@pytest.mark.parametrize("name", HEADERS)
def test_headers(pair, name):
    stock, ours = (outcome(side, "s@c.example", ["a@b.example"], HEADERS[name] + "\nbody\n", 1) for side in pair)
    if "\n\t" in stock[0][2] or "\n " in stock[0][2]:
        # Rewritten headers are folded anew by Postfix, and left as they were by Merpati.
        unfold = lambda rows: [(r, s, " ".join(t.split())) for r, s, t in rows]
        stock, ours = unfold(stock), unfold(ours)
    assert ours == stock


@pytest.mark.parametrize("name", RECIPIENTS)
def test_recipients(pair, name):
    stock, ours = (outcome(side, "s@c.example", RECIPIENTS[name], "Subject: x\n\nbody\n", 1) for side in pair)
    recipients = lambda rows: sorted(r for row in rows for r in row[0])
    assert recipients(ours) == recipients(stock)


@pytest.mark.parametrize("sender", SENDERS)
def test_senders(pair, sender):
    stock, ours = (outcome(side, sender, ["a@b.example"], "Subject: x\n\nbody\n", 1) for side in pair)
    assert ours == stock


ALIASES = {
    "virtual_alias_maps": "inline:{ {list@a.test = x@b.test, list@a.test, y@b.test}, {one@a.test = two@a.test},"
    " {two@a.test = three@a.test}, {three@a.test = four@b.test}, {big@a.test = p@b.test q@b.test r@b.test s@b.test},"
    " {long@a.test = llllllllllllllllllllllllll@b.test} }",
    "virtual_alias_expansion_limit": "3",
    "virtual_alias_recursion_limit": "2",
    "virtual_alias_address_length_limit": "20",
    "mydestination": "",
    "local_recipient_maps": "",
}


@pytest.fixture(scope="module")
def narrow():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair(ALIASES)
    yield sides
    for side in sides:
        side.finish()


@pytest.mark.parametrize("name", ["list", "one", "two", "three", "big", "long"])
def test_aliases_beyond_a_limit(narrow, name):
    outcomes = []
    for side in narrow:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("c.example")
            client.mail("s@c.example")
            assert client.rcpt(f"{name}@a.test")[0] == 250
            code, text = client.data("Subject: x\n\nbody\n")
        said = ""
        if code != 250:
            said = side.instance.wait_log(rf": (unreasonable .*(for {name}@|result l+@).*)$")[1]
        outcomes.append((code, re.sub(b"as [0-9A-F]+", b"as ID", text), said))
    assert outcomes[1] == outcomes[0]


LIMIT = 200
FOLDED = {
    "fits": [50, 50, 50],
    "fits to the byte": [100, 99],
    "a byte too long near the limit": [190, 10],
    "cut early in the limit": [100, 150, 10],
    "dropped near the limit": [150, 31, 100, 3],
    "a long first line": [300, 10],
    "a first line as long as the limit": [200, 1],
    "many": [40] * 20,
}


def folded(lengths):
    """A field of lines of these lengths, without their line ends, and one after it."""
    lines = ["X-Long: " + "a" * (lengths[0] - 8), *(" " + chr(98 + i % 20) * (n - 1) for i, n in enumerate(lengths[1:]))]
    return "\n".join(lines) + "\nSubject: after\n\nbody\n"


@pytest.fixture(scope="module")
def short_headers():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair({"header_size_limit": str(LIMIT), "mydestination": "", "local_recipient_maps": ""})
    yield sides
    for side in sides:
        side.finish()


@pytest.mark.parametrize("name", FOLDED)
def test_a_header_that_is_too_long_is_cut_where_stock_cuts_it(short_headers, name):
    stock, ours = (outcome(side, "s@c.example", ["a@b.example"], folded(FOLDED[name]), 1) for side in short_headers)
    assert ours == stock
    assert "Subject: after\n" in ours[0][2] and ours[0][2].endswith("\n\nbody\n")


def test_aliases_in_a_circle(pair):
    replies = []
    for side in pair:
        with smtplib.SMTP("127.0.0.1", side.instance.port) as client:
            client.ehlo("c.example")
            client.mail("s@c.example")
            client.rcpt("loop1@a.example")
            replies.append(client.data("Subject: x\n\nbody\n"))
    assert replies[1] == replies[0]
