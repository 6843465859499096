# SPDX-License-Identifier: Apache-2.0
"""Recipients who have moved: refused at RCPT, and returned, with the words of stock Postfix."""

import re

import pytest
from support.instance import Stock
from support.side_by_side import make_pair

MAIN = {
    "recipient_delimiter": "+",
    "mydestination": "here.test",
    "myorigin": "here.test",
    "local_recipient_maps": "",
    "virtual_alias_domains": "alias.test",
    "virtual_alias_maps": "inline:{to@alias.test=gone@here.test, gone@alias.test=gone@alias.test}",
    "relay_domains": "relay.test",
    "relocated_maps": "inline:{gone@here.test=new@far.test, {bare=the new place}, {@moved.test=elsewhere},"
    " gone@relay.test=5.1.2, gone@alias.test=x, unknown@alias.test=y, routed@far.test=z}",
    "transport_maps": "inline:{routed@far.test={error:5.1.2 no such host}}",
}
RECIPIENTS = ["gone@here.test", "gone+x@here.test", "GONE@HERE.test", "bare@here.test", "bare", "bare@far.test", "any@moved.test",
              "gone@relay.test", "gone@alias.test", "unknown@alias.test", "to@alias.test", "routed@far.test", "here@here.test"]


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair(MAIN)
    yield sides
    for side in sides:
        side.finish()


def test_at_the_door(pair):
    replies = []
    for side in pair:
        with side.instance.smtp() as client:
            client.command("EHLO c.example")
            client.command("MAIL FROM:<s@c.example>")
            replies.append([str(client.command(f"RCPT TO:<{recipient}>")) for recipient in RECIPIENTS])
    assert replies[1] == replies[0]
    assert replies[1][0] == ("550 5.1.6 <gone@here.test>: Recipient address rejected: User has moved to new@far.test")


@pytest.mark.parametrize("recipient", [r for r in RECIPIENTS if r not in ("here@here.test", "bare@far.test")])
def test_from_inside(pair, recipient):
    lines = []
    for side in pair:
        bounced = r"to=<[^>]*>, (?:orig_to=<\S+>, )?relay=none, .* status=bounced .*"
        count = len(side.instance.log_lines(bounced))
        side.instance.sendmail("-f", "<>", recipient, input="Subject: x\n\nhello\n")
        line = side.instance.wait_log(bounced, count + 1)[0]
        lines.append(re.sub(r"delay=.*?, dsn", "dsn", line))
    assert lines[1] == lines[0]


def test_without_the_prefix_the_table_says_it_all(merpati):
    mail = merpati(main={**MAIN, "relocated_prefix_enable": "no",
                         "relocated_maps": "inline:{{a@here.test=5.1.6 try b@here.test}, {c@here.test=4.7.0 later}}"})
    with mail.smtp() as client:
        client.command("EHLO c.example")
        client.command("MAIL FROM:<s@c.example>")
        first, second = (str(client.command(f"RCPT TO:<{r}@here.test>")) for r in "ac")
    assert first == "550 5.1.6 <a@here.test>: Recipient address rejected: try b@here.test"
    assert second == "450 4.7.0 <c@here.test>: Recipient address rejected: later"
