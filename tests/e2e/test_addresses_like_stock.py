# SPDX-License-Identifier: Apache-2.0
"""What becomes of addresses, parameter by parameter: what leaves the system is what leaves stock Postfix."""

import re
import smtplib

import pytest
from support.instance import Stock
from support.side_by_side import make_pair, new_messages

# An entrance by its name: parameters of smtpd, and of a cleanup of its own.
ENTRANCES = {
    "plain": ({}, None),
    **{
        f"canonical {name}": ({}, {"canonical_maps": "inline:{a@x.example=mapped@else.example}", "canonical_classes": name})
        for name in ("envelope_sender", "envelope_recipient", "header_sender", "header_recipient")
    },
    "sender canonical": ({}, {
        "sender_canonical_maps": "inline:{a@x.example=sender@else.example}",
        "sender_canonical_classes": "header_sender",
        "recipient_canonical_maps": "inline:{a@x.example=recipient@else.example}",
        "recipient_canonical_classes": "envelope_recipient",
    }),
    **{
        f"masquerade {name}": ({}, {"masquerade_domains": "x.example", "masquerade_classes": name,
                                    "masquerade_exceptions": "inline:{root=1}, admin"})
        for name in ("envelope_sender", "envelope_recipient", "header_sender", "header_recipient")
    },
    "extensions": ({}, {
        "propagate_unmatched_extensions": "",
        "canonical_maps": "inline:{a@x.example=mapped@else.example}",
        "virtual_alias_maps": "inline:{v@x.example=virtual@else.example}",
    }),
    "extensions of canonical": ({}, {
        "propagate_unmatched_extensions": "canonical",
        "canonical_maps": "inline:{a@x.example=mapped@else.example}",
        "virtual_alias_maps": "inline:{v@x.example=virtual@else.example}",
    }),
    "copies": ({}, {
        "sender_bcc_maps": "inline:{s+full@here.test=full@copy.test, s@here.test=sender@copy.test, bare=bare@copy.test,"
        " {@all.test=catch@copy.test}, two@all.test=one@copy.test}",
        "recipient_bcc_maps": "inline:{r+full@here.test=full@rcopy.test, r@here.test=recipient@rcopy.test,"
        " bare=bare@rcopy.test, {@all.test=catch@rcopy.test}, loop@far.test=loop2@far.test,"
        " loop2@far.test=loop3@far.test, alias@far.test=alias2@far.test, same@far.test=same@far.test}",
        "virtual_alias_maps": "inline:{alias2@far.test=end@copy.test, aliased@far.test=behind@far.test,"
        " behind@far.test=behind@far.test}",
    }),
    "no mappings": ({"receive_override_options": "no_address_mappings"}, {
        "canonical_maps": "inline:{a@x.example=mapped@else.example}",
        "virtual_alias_maps": "inline:{v@x.example=virtual@else.example}",
        "masquerade_domains": "x.example",
        "always_bcc": "always@copy.test",
        "recipient_bcc_maps": "inline:{r@here.test=recipient@rcopy.test}",
    }),
    "strangers": ({"local_header_rewrite_clients": ""}, {
        "canonical_maps": "inline:{a@x.example=mapped@else.example}",
    }),
    "strangers with a domain": ({"local_header_rewrite_clients": ""}, {
        "remote_header_rewrite_domain": "far.invalid",
        "canonical_maps": "inline:{a@x.example=mapped@else.example}",
    }),
    "known networks": ({"local_header_rewrite_clients": "permit_mynetworks"}, None),
    "owners": ({}, {
        "recipient_delimiter": "-",
        "virtual_alias_maps": "inline:{list@x.example=wrong@else.example, owner@x.example=wrong@else.example,"
        " user@x.example=right@else.example}",
    }),
    "owners like others": ({}, {
        "recipient_delimiter": "-",
        "owner_request_special": "no",
        "virtual_alias_maps": "inline:{list@x.example=list@else.example, owner@x.example=owner@else.example}",
    }),
}

MAIN = {
    "recipient_delimiter": "+",
    "mydestination": "here.test",
    "myorigin": "here.test",
    "local_recipient_maps": "",
    "remote_header_rewrite_domain": "",
}

ADDRESSED = "From: a@x.example\nTo: a@x.example, b@y.x.example\nCc: foo, root@y.x.example, admin@y.x.example\n\nbody\n"


# Each cleanup is a writer of the queue, and of those there are sixteen.
HALVES = [list(ENTRANCES)[:10], list(ENTRANCES)[10:]]


def prepare(names):
    def equip(side):
        side.instance.main["local_transport"] = f"smtp:[127.0.0.1]:{side.sink.port}"
        side.ports = {name: side.add_entrance(*ENTRANCES[name]) for name in names}

    return equip


@pytest.fixture(scope="module")
def pairs():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = {}
    yield made
    for sides in made.values():
        for side in sides:
            side.finish()


@pytest.fixture
def pair(request, pairs):
    """The pair that has the entrance of the test."""
    entrance = request.node.callspec.params.get("entrance", "copies")
    half = 0 if entrance in HALVES[0] else 1
    if half not in pairs:
        pairs[half] = make_pair(MAIN, prepare=prepare(HALVES[half]))
    return pairs[half]


def send(side, entrance, sender, recipients, text):
    with smtplib.SMTP("127.0.0.1", side.ports[entrance]) as client:
        client.ehlo("c.example")
        assert client.mail(sender)[0] == 250
        for recipient in recipients:
            code, reply = client.rcpt(recipient)
            assert code == 250, reply
        code, reply = client.data(text)
        assert code == 250, reply


def outcome(side, entrance, sender, recipients, text, deliveries=1):
    """What reached the peer; deliveries of one message that differ in their recipients alone are one row."""
    received = new_messages(side, deliveries, lambda: send(side, entrance, sender, recipients, text))
    rows = {}
    for message in received:
        key = (message.sender, " ".join(side.normal(message.text).split()))
        rows.setdefault(key, []).extend(message.recipient_lines)
    return sorted((key, sorted(lines)) for key, lines in rows.items())


def expect_like_stock(pair, *arguments):
    stock, ours = (outcome(side, *arguments) for side in pair)
    assert ours == stock
    return ours


CLASSES = [name for name in ENTRANCES if re.match("canonical|sender canonical|masquerade|strangers|known|no mapp", name)]


@pytest.mark.parametrize("entrance", CLASSES)
def test_classes(pair, entrance):
    expect_like_stock(pair, entrance, "a@x.example", ["a@x.example"], ADDRESSED)
    expect_like_stock(pair, entrance, "u@y.x.example", ["u@y.x.example", "root@y.x.example", "v@x.example"], ADDRESSED)


@pytest.mark.parametrize("entrance", ["extensions", "extensions of canonical"])
def test_extensions(pair, entrance):
    expect_like_stock(pair, entrance, "a+b@x.example", ["a+c@x.example", "v+d@x.example"],
                      "From: a+e@x.example\nTo: v+f@x.example\n\nbody\n")


@pytest.mark.parametrize("entrance", ["owners", "owners like others"])
def test_owners(pair, entrance):
    expect_like_stock(pair, entrance, "s@c.example",
                      ["owner-list@x.example", "list-request@x.example", "user-ext@x.example"], ADDRESSED)


COPIES = {
    "the whole sender": ("s+full@here.test", ["x@far.test"]),
    "without the extension": ("s+other@here.test", ["x@far.test"]),
    "a bare local user": ("bare@here.test", ["bare@here.test"]),
    "no bare user elsewhere": ("bare@far.test", ["bare@far.test"]),
    "a domain": ("any@all.test", ["any@all.test", "other@all.test"]),
    "an entry before its domain": ("two@all.test", ["x@far.test"]),
    "the whole recipient": ("x@c.example", ["r+full@here.test", "r+other@here.test", "r@here.test"]),
    "the null sender": ("", ["r@here.test"]),
    "a copy has no copy": ("x@c.example", ["loop@far.test"]),
    "a copy may be an alias": ("x@c.example", ["alias@far.test"]),
    "a copy to itself": ("x@c.example", ["same@far.test"]),
    "what an alias leads to": ("x@c.example", ["aliased@far.test"]),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies(pair, name):
    expect_like_stock(pair, "copies", *COPIES[name], ADDRESSED)


def test_an_unknown_override_stops_the_service(make_stock):
    make_stock(main={"receive_override_options": "no_such_thing"}).start().wait_log(r"no_such_thing")


def test_an_unknown_override_is_refused_by_the_start(make_merpati):
    done = make_merpati(main={"receive_override_options": "no_such_thing"}).control("start", check=False)
    assert done.returncode == 1 and "no_such_thing" in done.stderr


def test_a_table_that_goes_away_defers_until_it_is_back(either, account):
    mail = either(main={"virtual_alias_domains": "v.test"})
    lines = f"known@v.test {account}\n"
    table = mail.table("virtual", lines)
    mail.set(virtual_alias_maps=table)
    mail.start()

    def answers():
        with mail.smtp() as client:
            client.hello()
            client.command("MAIL FROM:<s@c.example>")
            return [client.command(f"RCPT TO:<{user}@v.test>").text for user in ("known", "unknown")]

    assert answers() == ["250 2.1.5 Ok", "550 5.1.1 <unknown@v.test>: Recipient address rejected: User unknown in virtual alias table"]
    (mail.directory / "virtual.db").unlink()
    mail.reload()
    assert answers() == [f"451 4.3.0 <{user}@v.test>: Temporary lookup failure" for user in ("known", "unknown")]
    mail.sendmail("-f", "s@c.example", account, input="Subject: first\n\nhello\n")
    mail.wait_log(r"cleanup\[\d+\]: warning: [0-9A-F]+: virtual_alias_maps map lookup problem for \S+ -- message not accepted, try again later$")
    assert mail.table("virtual", lines) == table
    mail.reload()
    mail.sendmail("-f", "s@c.example", account, input="Subject: second\n\nhello\n")
    found = mail.wait_mailbox(account, count=2)
    assert sorted(line for message in found for line in message.splitlines() if line.startswith("Subject: ")) == [
        "Subject: first", "Subject: second"]
    assert answers()[0] == "250 2.1.5 Ok"
