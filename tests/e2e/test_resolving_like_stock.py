# SPDX-License-Identifier: Apache-2.0
"""Parameters that decide where an address leads: the door's replies are stock Postfix's under each of them."""

import pytest
from support.instance import Stock
from support.side_by_side import make_pair, options
from support.smtp_client import SmtpClient

MAIN = {
    "recipient_delimiter": "+",
    "mydestination": "here.test, localhost",
    "myorigin": "here.test",
    "mydomain": "example.test",
    "local_recipient_maps": "inline:{user=1, MAILER-DAEMON=1, a%far.test=1, far.test!a=1}",
    "virtual_alias_domains": "alias.test",
    "virtual_alias_maps": "inline:{known@alias.test=user@here.test, Gr\u00fc\u00dfe@alias.test=user@here.test}",
    "virtual_mailbox_domains": "mbox.test",
    "virtual_mailbox_maps": "inline:{known@mbox.test=x, {@sub.mbox.test=x}}",
    "relay_domains": "relay.test, .dot.test, B\u00dcCHER.test",
    "relay_recipient_maps": "",
    "mynetworks": "192.0.2.0/24",
    "inet_interfaces": "127.0.0.1",
    "proxy_interfaces": "192.0.2.55",
    "smtpd_relay_restrictions": "reject_unauth_destination",
    "smtputf8_enable": "yes",
}
ROUTES = ("inline:{{one.relay.test=error:5.1.2 exact}, {.relay.test=error:5.1.3 dotted},"
          " {relay.test=error:5.1.4 parent}, {whole@here.test=error:5.1.5 whole}, {*=error:5.1.6 star}}")

# Parameters of trivial-rewrite, and of smtpd.
DOORS = {
    "as it is": ({}, {}),
    "numeric": ({"resolve_numeric_domain": "yes"}, {"resolve_numeric_domain": "yes"}),
    "null": ({"resolve_null_domain": "yes"}, {"resolve_null_domain": "yes"}),
    "not dequoted": ({"resolve_dequoted_address": "no"}, {}),
    "no percent": ({"allow_percent_hack": "no"}, {}),
    "no bang": ({"swap_bangpath": "no"}, {}),
    "trusting": ({}, {"allow_untrusted_routing": "yes"}),
    "empty": ({"empty_address_recipient": "nobody-here"}, {"empty_address_recipient": "nobody-here"}),
    "dots": ({"append_dot_mydomain": "yes"}, {}),
    "no origin": ({"append_at_myorigin": "no"}, {}),
    "no parents": ({"parent_domain_matches_subdomains": ""}, {"parent_domain_matches_subdomains": ""}),
    "parents for routes": ({"parent_domain_matches_subdomains": "transport_maps", "transport_maps": ROUTES}, {}),
    "routes": ({"transport_maps": ROUTES}, {}),
    "every list": ({"parent_domain_matches_subdomains": "mydestination, virtual_alias_domains, virtual_mailbox_domains"}, {}),
    "access": ({}, {"smtpd_recipient_restrictions": "check_recipient_access inline:{{relay.test=REJECT x}, {.dot.test=REJECT y}}"}),
    "access without parents": ({}, {
        "smtpd_recipient_restrictions": "check_recipient_access inline:{{relay.test=REJECT x}, {.dot.test=REJECT y}}",
        "parent_domain_matches_subdomains": "relay_domains"}),
    "min user": ({"allow_min_user": "yes"}, {"allow_min_user": "yes"}),
    "by sender": ({
        "sender_dependent_default_transport_maps": "inline:{{a@s.test=error:5.1.1 a}, {@t.test=error:5.1.2 t}, {user=error:5.1.3 user},"
        " {<>=error:5.1.4 null}, {d@t.test=DUNNO}}",
        }, {"mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}),
    "by an empty sender": ({
        "sender_dependent_default_transport_maps": "inline:{{nobody=error:5.1.5 nobody}, {<>=error:5.1.4 null}}",
        "empty_address_default_transport_maps_lookup_key": "nobody"}, {"mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}),
    "no checks": ({}, {"receive_override_options": "no_unknown_recipient_checks"}),
    "no checks but wanted": ({}, {"receive_override_options": "no_unknown_recipient_checks",
                                  "smtpd_recipient_restrictions": "reject_unlisted_recipient"}),
    "no mappings": ({}, {"receive_override_options": "no_address_mappings"}),
    "soft": ({}, {"soft_bounce": "yes"}),
    "without utf8": ({"smtputf8_enable": "no"}, {"smtputf8_enable": "no"}),
}

RECIPIENTS = [
    "user@here.test", "user+x@here.test", "nobody@here.test", "user", "user@[127.0.0.1]", "user@[192.0.2.55]", "user@127.0.0.1", "user@192.0.2.1",
    "user@192.0.2.55", "user@", "@here.test", "user@localhost", "user@host", "a%far.test@here.test", "far.test!a@here.test", '"a@far.test"@here.test',
    '"a%far.test"@here.test', "a@far.test@here.test", "a%far.test", "far.test!a", "user%here.test@here.test", "a%far.test@relay.test",
    "user@far.test", "user@relay.test", "user@sub.relay.test", "user@one.relay.test", "user@two.one.relay.test", "user@dot.test", "user@sub.dot.test",
    "user@.relay.test", "user@relay.test.", "user@sub.here.test", "user@sub.alias.test", "known@alias.test", "unknown@alias.test",
    "known+x@alias.test", "known@mbox.test", "unknown@mbox.test", "x@sub.mbox.test", "whole@here.test", "whole+y@here.test", "-user@here.test",
    "@a.test:user@here.test", "@a.test,@b.test:user@relay.test", "postmaster", "postmaster@far.test", "user@b\u00fccher.test", "user@B\u00dcCHER.test",
    "user@xn--bcher-kva.test", "gr\u00fc\u00dfe@alias.test", "GR\u00dc\u00dfE@alias.test", "double-bounce@here.test",
]
SENDERS = ["a@s.test", "a+x@s.test", "q@t.test", "d@t.test", "user@here.test", "user@far.test", ""]


def prepare(side):
    instance = side.instance
    side.ports = {}
    for number, (name, (rewrite, smtpd)) in enumerate(DOORS.items()):
        instance.services.append(f"rewrite{number} unix - - n - - trivial-rewrite{options(rewrite)}")
        side.ports[name] = side.add_entrance({**smtpd, "rewrite_service_name": f"rewrite{number}", "smtpd_error_sleep_time": "0",
                                              "smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000"})


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    sides = make_pair(MAIN, prepare=prepare)
    yield sides
    for side in sides:
        side.finish()


def ask(side, door, sender, recipients, words=""):
    with SmtpClient(side.ports[door]) as client:
        client.command("EHLO c.example")
        client.command(f"MAIL FROM:<{sender}>{words}")
        return [f"{recipient}: {client.command(f'RCPT TO:<{recipient}>')}" for recipient in recipients]


@pytest.mark.parametrize("door", [door for door in DOORS if not door.startswith("by")])
def test_recipients(pair, door):
    # MAILER-DAEMON is there whatever transport it has; keys are folded as Unicode has it, with or without SMTPUTF8.
    left_out = {"routes": "@here.test", "parents for routes": "@here.test", "without utf8": "GR\u00dc\u00dfE@alias.test"}
    recipients = [recipient for recipient in RECIPIENTS if recipient != left_out.get(door)]
    words = " SMTPUTF8" if door == "as it is" else ""
    stock, ours = (ask(side, door, "s@c.example", recipients, words) for side in pair)
    wrong = [f"{a} != {b}" for a, b in zip(ours, stock) if a != b]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("door", ["by sender", "by an empty sender"])
@pytest.mark.parametrize("sender", SENDERS)
def test_senders(pair, door, sender):
    stock, ours = (ask(side, door, sender, ["x@far.test", "user@here.test", "x@relay.test"]) for side in pair)
    assert ours == stock
