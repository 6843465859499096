# SPDX-License-Identifier: Apache-2.0
"""Each list is asked about each of its sessions, by stock Postfix and by us: the same replies, and the same lines in the log."""

import threading

import pytest
from dnslib import QTYPE, DNSRecord
from support.dns_server import DnsServer
from support.instance import Stock
from support.judges import make_judges
from support.smtp_client import SmtpClient
from support.waiting import PATIENCE

RECORDS = [
    ("good.test", "A", "192.0.2.1"),
    ("good.test", "NS", "ns1.test."),
    ("ns1.test", "A", "192.0.2.53"),
    ("deep.sub.good.test", "A", "192.0.2.99"),
    ("mx.test", "MX", "10 mail.mx.test."),
    ("mail.mx.test", "A", "192.0.2.7"),
    ("null.test", "MX", "0 ."),
    ("halfnull.test", "MX", "10 ."),
    ("halfnull.test", "MX", "20 mail.mx.test."),
    ("txt.test", "TXT", "x"),
    ("badmx.test", "MX", "10 nowhere.test."),
    ("mxtemp.test", "MX", "10 temp.test."),
    ("mxtemp.test", "MX", "20 mail.mx.test."),
    ("v6.test", "AAAA", "2001:db8::1"),
    ("cname.test", "CNAME", "good.test."),
    ("nsbad.test", "NS", "nowhere.test."),
    ("nsbad.test", "A", "192.0.2.98"),
    ("oka.test", "A", "192.0.2.66"),
    ("okmx.test", "MX", "10 ok.test."),
    ("class.test", "A", "192.0.2.70"),
    ("later.test", "A", "192.0.2.67"),
    ("1.0.0.127.bl.test", "A", "127.0.0.3"),
    # clients
    ("h2.test", "A", "127.0.0.2"),
    ("2.0.0.127.in-addr.arpa", "PTR", "h2.test."),
    ("3.0.0.127.in-addr.arpa", "PTR", "forged.test."),
    ("forged.test", "A", "192.0.2.5"),
    ("5.0.0.127.in-addr.arpa", "PTR", "nowhere.test."),
    ("6.0.0.127.in-addr.arpa", "PTR", "temp.test."),
    # whom we are a mail exchanger of: me.test is ours
    ("me.test", "A", "192.0.2.200"),
    ("far.test", "A", "198.51.100.1"),
    ("backup.test", "MX", "10 mail.mx.test."),
    ("backup.test", "MX", "20 me.test."),
    ("primary.test", "MX", "10 me.test."),
    ("primary.test", "MX", "20 mail.mx.test."),
    ("farbackup.test", "MX", "10 far.test."),
    ("farbackup.test", "MX", "20 me.test."),
    ("tempbackup.test", "MX", "10 temp.test."),
    ("tempbackup.test", "MX", "20 me.test."),
]
FAILURES = {"temp.test": "SERVFAIL", "4.0.0.127.in-addr.arpa": "SERVFAIL"}


def mail(recipient="r@ours.test", helo="good.test", sender="s@good.test"):
    return [f"HELO {helo}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"]


def helos(text):
    return [mail(helo=word) for word in text.split()]


def senders(text):
    return [mail(sender="" if word == "<>" else word) for word in text.split()]


def recipients(text):
    return [mail(recipient=word) for word in text.split()]


def clients(*numbers):
    return [(f"127.0.0.{number}", mail()) for number in numbers]


def at_rcpt(value, sessions=None, **parameters):
    return {"smtpd_recipient_restrictions": value, **parameters}, sessions or [mail()]


def lists(sessions=None, **parameters):
    """client="..." stands for smtpd_client_restrictions."""
    short = ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data", "etrn")
    return {f"smtpd_{k}_restrictions" if k in short else k: v for k, v in parameters.items()}, sessions or [mail()]


NAMES = (
    "good.test mx.test null.test txt.test badmx.test nothere.test temp.test foo foo. 192.0.2.1 [192.0.2.1] [IPv6:2001:db8::1] "
    "[2001:db8::1] [300.1.1.1] 300.1.1.1 -a.test a_b.test a..test .a.test v6.test cname.test a.test. x@y.test 1.2 12345 #bad [foo 2001:db8::1"
)
SENDERS = "a a@foo a@good.test a@foo. a@[192.0.2.1] a@mx.test a@null.test a@txt.test a@badmx.test a@nothere.test a@temp.test a@v6.test "
SENDERS += "a@halfnull.test a@mail.example.test @good.test a%b@good.test a@ours.test"
HOSTS = (
    "inline:{ {192.0.2.1 = REJECT one}, {mail.mx.test = REJECT exchanger}, {192.0.2.7 = REJECT seven}, {ns1.test = REJECT server}, "
    "{2001:db8::1 = REJECT six}, {ok.test = OK}, {192.0.2.66 = OK}, {192.0.2.67 = 450 later}, {nothere.test = REJECT absent}, "
    "{192.0.2.70 = class} }"
)
HELOS = (
    "good.test mx.test null.test txt.test badmx.test nothere.test temp.test foo foo. [192.0.2.1] 192.0.2.1 [IPv6:2001:db8::1] v6.test "
    "cname.test deep.sub.good.test oka.test okmx.test class.test later.test nsbad.test mxtemp.test x.foo.nothere.test .a.test a..b"
)
ADDRESSES = "a@good.test a a@mx.test a@null.test a@nothere.test a@temp.test a@[192.0.2.1] a@mail.example.test a@deep.sub.good.test"
PERMIT_CLASS = {"smtpd_restriction_classes": "class", "class": "permit"}
CLIENT_HOSTS = (
    "inline:{ {127.0.0.2 = REJECT two}, {h2.test = REJECT h2}, {192.0.2.5 = REJECT five}, {forged.test = REJECT forged}, "
    "{127.0.0.7 = REJECT seven}, {unknown = REJECT unknown} }"
)
OWNERS = "inline:{ {owned@good.test = joe}, {@dom.test = ann} }"
LOGINS = senders("owned@good.test x@good.test any@dom.test <>")
BACKUPS = "x@backup.test x@primary.test x@ours.test x@nothere.test x@temp.test x@null.test x@good.test a%b@backup.test x@badmx.test"
ENVELOPE = ["EHLO good.test", "MAIL FROM:<s@good.test>", "RCPT TO:<r@ours.test>"]
TWICE = [[*ENVELOPE, "RSET", *ENVELOPE[1:]]]
BOUNCE = ["EHLO good.test", "MAIL FROM:<>", "RCPT TO:<a@ours.test>", "RCPT TO:<b@ours.test>", "DATA"]
UNLISTED = [mail(sender="nobody-here@mail.example.test")]
TOO_EARLY = [b"RCPT TO:<r@ours.test>\r\nRCPT TO:<q@ours.test>\r\n", "<", "<"]
FILTER = "regexp:{ {/^good.test/ IGNORE}, {/^mail.mx.test/ IGNORE} }"

LISTS = {
    # names
    "invalid helo": at_rcpt("reject_invalid_helo_hostname", helos(NAMES)),
    "helo not full": at_rcpt("reject_non_fqdn_helo_hostname", helos(NAMES)),
    "unknown helo": at_rcpt("reject_unknown_helo_hostname", helos(NAMES)),
    "unknown helo, then refused": at_rcpt("reject_unknown_helo_hostname, reject", helos("temp.test null.test")),
    "unknown helo, other codes": at_rcpt("reject_unknown_helo_hostname, reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname",
                                         helos("temp.test nothere.test [foo good"), unknown_helo_hostname_tempfail_action="defer",
                                         unknown_hostname_reject_code="550", invalid_hostname_reject_code="554", non_fqdn_reject_code="550"),
    "unknown helo, deferred": at_rcpt("reject_unknown_helo_hostname, reject", helos("temp.test"), unknown_helo_hostname_tempfail_action="defer"),
    "unknown sender domain, deferred": at_rcpt("reject_unknown_sender_domain, reject", senders("a@temp.test"),
                                               unknown_address_tempfail_action="defer"),
    "not full, other code": at_rcpt("reject_non_fqdn_helo_hostname, reject_non_fqdn_sender", [*helos("foo"), *senders("a@foo")],
                                    non_fqdn_reject_code="550"),
    "no helo": at_rcpt("reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname, reject_unknown_helo_hostname", [mail()[1:]]),
    "sender not full": at_rcpt("reject_non_fqdn_sender", senders(SENDERS)),
    "recipient not full": at_rcpt("reject_non_fqdn_recipient", recipients(SENDERS)),
    "unknown sender domain": at_rcpt("reject_unknown_sender_domain", senders(SENDERS)),
    "unknown sender domain, other codes": at_rcpt("reject_unknown_sender_domain", senders("a@temp.test a@nothere.test a@null.test"),
                                                  unknown_address_tempfail_action="defer", unknown_address_reject_code="550"),
    "unknown recipient domain": at_rcpt("reject_unknown_recipient_domain", recipients(SENDERS)),
    "unknown client": at_rcpt("reject_unknown_client_hostname", clients(2, 3, 4, 5, 6, 7)),
    "unknown client, other code": at_rcpt("reject_unknown_client_hostname", clients(3, 4, 5, 6, 7), unknown_client_reject_code="550"),
    "unknown reverse name": at_rcpt("reject_unknown_reverse_client_hostname", clients(2, 3, 4, 5, 7), unknown_client_reject_code="550"),
    "names not asked": at_rcpt("reject_unknown_client_hostname", clients(2), smtpd_peername_lookup="no"),
    "old words": at_rcpt("reject_unknown_client, reject_invalid_hostname, reject_non_fqdn_hostname, reject_unknown_hostname, reject_unknown_address",
                         [*clients(2, 7), *[("127.0.0.2", lines) for lines in [*helos("[foo foo nothere.test"), *senders("a@nothere.test")]]]),
    # hosts behind names
    **{f"helo {k}": at_rcpt(f"check_helo_{k}_access {HOSTS}, reject_unauth_destination", helos(HELOS), **PERMIT_CLASS) for k in ("a", "mx", "ns")},
    **{f"sender {k}": at_rcpt(f"check_sender_{k}_access {HOSTS}", senders(ADDRESSES + " <>")) for k in ("a", "mx", "ns")},
    **{f"recipient {k}": at_rcpt(f"check_recipient_{k}_access {HOSTS}", recipients(ADDRESSES)) for k in ("a", "mx", "ns")},
    **{f"client {k}": at_rcpt(f"check_client_{k}_access {CLIENT_HOSTS}", clients(2, 3, 4, 7)) for k in ("a", "mx", "ns")},
    **{f"reverse client{k}": at_rcpt(f"check_reverse_client_hostname{k}_access {CLIENT_HOSTS}", clients(2, 3, 4, 7))
       for k in ("", "_a", "_mx", "_ns")},
    "sender's hosts are permitted": at_rcpt("check_sender_a_access inline:{192.0.2.1=OK}"),
    "recipient's hosts are permitted": at_rcpt("check_recipient_mx_access inline:{192.0.2.7=OK}", recipients("x@mx.test")),
    "reverse client is permitted": at_rcpt("check_reverse_client_hostname_access inline:{h2.test=OK}, reject", clients(2)),
    # who logged in
    **{word: at_rcpt(word, LOGINS, smtpd_sender_login_maps=OWNERS)
       for word in ("reject_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch",
                    "reject_authenticated_sender_login_mismatch", "reject_known_sender_login_mismatch")},
    "nobody is known": at_rcpt("check_sasl_access inline:{a=OK}, check_ccert_access inline:{a=OK}, permit_tls_all_clientcerts, reject"),
    "in plain text": at_rcpt("reject_plaintext_session"),
    "in plain text, other code": at_rcpt("reject_plaintext_session", plaintext_reject_code="554"),
    # mail exchangers
    "backup": at_rcpt("permit_mx_backup, reject", recipients(BACKUPS), proxy_interfaces="192.0.2.200"),
    "backup of some": at_rcpt("permit_mx_backup, reject", recipients("x@backup.test x@farbackup.test x@tempbackup.test x@ours.test"),
                              proxy_interfaces="192.0.2.200", permit_mx_backup_networks="192.0.2.0/28"),
    "backup, logged": at_rcpt("permit_mx_backup", recipients("x@backup.test x@ours.test"), proxy_interfaces="192.0.2.200",
                              smtpd_log_access_permit_actions="static:all"),
    # words and their arguments
    **{value or "nothing": at_rcpt(value) for value in (
        "sleep", "sleep 0", "sleep soon", "check_client_access", "check_client_access permit", "check_policy_service", "reject_rbl", "reject_rbl_client",
        "reject_rbl bl.test", "reject_rbl_client bl.test", "warn_if_reject",
        "warn_if_reject permit, reject", "warn_if_reject warn_if_reject permit_mynetworks, reject", "reject, reject_unauth_destination",
        "defer, reject_unauth_destination, permit", "no_such_word", "")},
    # deferrals
    **{value: at_rcpt(value) for value in (
        "defer_if_permit, permit", "defer_if_permit, reject", "defer_if_reject, reject", "defer_if_reject, permit", "defer_if_permit",
        "defer_if_permit, defer_if_reject, reject", "defer_if_reject, defer_if_permit, reject", "defer_if_reject, defer",
        "warn_if_reject defer_if_permit, warn_if_reject defer, reject_unauth_destination, warn_if_reject reject")},
    **{value: at_rcpt(value, senders("a@temp.test")) for value in (
        "reject_unknown_sender_domain, reject", "defer_if_reject, defer_if_permit, reject_unknown_sender_domain",
        "reject_unknown_sender_domain, defer_if_permit", "reject_unknown_sender_domain, defer_if_reject, reject",
        "warn_if_reject reject_unknown_sender_domain")},
    "a class that warns": at_rcpt("warn_if_reject class, reject", smtpd_restriction_classes="class", **{"class": "defer_if_reject, reject"}),
    "deferred by the client": lists(client="defer_if_permit", sender="reject", recipient="permit"),
    "deferred twice": lists(client="check_client_access inline:{127.0.0.1=DEFER_IF_PERMIT}", recipient="defer_if_permit, permit"),
    "deferral of another list": lists(client="defer_if_reject", recipient="reject"),
    # when
    **{f"at once: {name}": (parameters | {"smtpd_delay_reject": "no"}, sessions) for name, (parameters, sessions) in {
        "client": lists([["HELO x", "MAIL FROM:<a@b.test>", "NOOP", "RSET", "VRFY a", "HELP"]], client="reject"),
        "client 421": lists(client="check_client_access inline:{127.0.0.1=421}"),
        "client 450": lists(client="check_client_access inline:{ {127.0.0.1=450 later} }"),
        "helo": lists([mail(), ["HELO good.test", "HELO good.test", "RCPT TO:<a@b.test>", "MAIL FROM:<>"]], helo="reject"),
        "sender": lists(sender="reject"),
        "client deferred": lists([*TWICE, mail()[1:], ["ETRN ours.test"]], client="defer_if_permit"),
        "client deferred, recipient refused": lists(client="defer_if_permit", recipient="reject"),
        "client deferred if refused": lists(client="defer_if_reject", helo="reject"),
        "client refused and deferred": lists(client="defer_if_reject, reject"),
        "helo deferred": lists([mail(), ["HELO good.test", *mail()]], helo="defer_if_permit"),
        "sender deferred": lists(TWICE, sender="check_sender_access inline:{ {s@good.test=DEFER_IF_PERMIT hm} }"),
        "another sender": lists([[*ENVELOPE, "RSET", "MAIL FROM:<t@good.test>", ENVELOPE[2]]],
                                sender="check_sender_access inline:{s@good.test=DEFER_IF_PERMIT}"),
        "recipient in the client's list": lists(client="check_recipient_access inline:{r@ours.test=REJECT}"),
        "later words in the client's list": lists(
            client="reject_unknown_helo_hostname, reject_non_fqdn_sender, check_helo_access inline:{good.test=REJECT}"),
        "warnings": lists(helo="warn_if_reject reject", sender="warn_if_reject reject, defer_if_permit", recipient="warn_if_reject reject"),
        "unlisted": lists(UNLISTED, smtpd_reject_unlisted_sender="yes"),
        "asked": lists([["HELO good.test", "VRFY r@ours.test"]], client="permit", recipient="reject"),
        "postmaster": lists(recipients("postmaster"), client="defer_if_permit", sender="defer_if_permit"),
        "ETRN": lists([["EHLO good.test", "ETRN ours.test"]], client="defer_if_permit"),
        "DATA": lists([[*ENVELOPE, "DATA"]], data="defer_if_permit"),
    }.items()},
    "unlisted sender": lists(UNLISTED, smtpd_reject_unlisted_sender="yes"),
    "unlisted sender, permitted": lists(UNLISTED, smtpd_reject_unlisted_sender="yes", sender="permit"),
    "unlisted sender, deferred": lists(UNLISTED, smtpd_reject_unlisted_sender="yes", client="defer_if_permit"),
    "unlisted recipient, deferred": lists(recipients("nobody-here@mail.example.test"), client="defer_if_permit"),
    "unlisted recipient by a word": lists(recipients("nobody-here@mail.example.test r@ours.test"), smtpd_reject_unlisted_recipient="no",
                                          recipient="reject_unlisted_recipient"),
    "postmaster": lists(recipients("postmaster"), client="reject"),
    "asked": lists([["HELO good.test", "VRFY r@ours.test"]], client="reject"),
    "relay first": lists(recipients("x@nothere.test"), mynetworks="192.0.2.0/24", relay="permit_mynetworks, reject_unauth_destination",
                         recipient="reject_unknown_recipient_domain", unknown_address_reject_code="550"),
    "relay last": lists(recipients("x@nothere.test"), mynetworks="192.0.2.0/24", relay="permit_mynetworks, reject_unauth_destination",
                        recipient="reject_unknown_recipient_domain", unknown_address_reject_code="550",
                        smtpd_relay_before_recipient_restrictions="no"),
    "ETRN": lists([["EHLO good.test", "ETRN ours.test"], ["ETRN ours.test"]], etrn="reject", client="permit"),
    "ETRN, client refused": lists([["EHLO good.test", "ETRN ours.test"]], etrn="permit", client="reject"),
    "ETRN, deferred": lists([["EHLO good.test", "ETRN ours.test"]], etrn="defer_if_permit, permit"),
    "ETRN in the client's list": lists([["EHLO good.test", "ETRN ours.test"]], client="check_etrn_access inline:{ours.test=REJECT}"),
    "DATA, deferred": lists([[*ENVELOPE, "DATA"]], data="defer_if_permit"),
    "DATA, one recipient": lists([[*ENVELOPE, "DATA"]], data="check_recipient_access inline:{r@ours.test=REJECT}"),
    "DATA, two recipients": lists([[*ENVELOPE, "RCPT TO:<q@ours.test>", "DATA"]],
                                  data="check_recipient_access inline:{r@ours.test=REJECT}, "
                                       "check_sender_access inline:{ {s@good.test=REJECT sender} }"),
    "end of data": lists([[*ENVELOPE, "DATA", b"x\r\n.\r\n", "<"]], end_of_data="reject"),
    "end of data, deferred": lists([[*ENVELOPE, "DATA", b"x\r\n.\r\n", "<"]], end_of_data="defer_if_permit"),
    "bounce to many": at_rcpt("reject_multi_recipient_bounce", [BOUNCE[:4]]),
    "bounce to many at DATA": lists([BOUNCE], data="reject_multi_recipient_bounce", multi_recipient_bounce_reject_code="551"),
    "too early": at_rcpt("reject_unauth_pipelining", [["HELO good.test", ENVELOPE[1], *TOO_EARLY], [*ENVELOPE[:2], *TOO_EARLY]],
                         smtpd_forbid_unauth_pipelining="no"),
    "too early at DATA": lists([[*ENVELOPE, b"DATA\r\nRSET\r\n", "<", "<"]], data="reject_unauth_pipelining", smtpd_forbid_unauth_pipelining="no"),
    # lists in lists
    "null sender": lists([mail(sender="")], smtpd_null_access_lookup_key="nobody", sender="check_sender_access inline:{ {nobody=REJECT null} }"),
    "list in a table": lists(smtpd_restriction_classes="one, two", one="check_sender_access inline:{s@good.test=two}, permit",
                             two="check_helo_access inline:{ {good.test=REJECT in two} }", client="one"),
    "words in a table": at_rcpt("check_recipient_access inline:{ {r@ours.test=defer_if_permit reject_unknown_sender_domain} }, permit"),
    "a table that leads back": at_rcpt("circle", smtpd_restriction_classes="circle", circle="check_recipient_access inline:{r@ours.test=circle}"),
    "number in a table": at_rcpt("check_recipient_access inline:{ {r@ours.test=sleep 0} }, reject"),
    "argument missing in a table": at_rcpt("check_recipient_access inline:{r@ours.test=check_sender_access}, permit"),
    "warnings of a table": at_rcpt("warn_if_reject check_recipient_access inline:{ {r@ours.test=REJECT no} }, "
                                   "warn_if_reject check_recipient_access inline:{ {r@ours.test=DEFER_IF_REJECT x} }, reject"),
    "permits are logged": lists(smtpd_log_access_permit_actions="static:all", client="permit_mynetworks", helo="permit",
                                sender="permit_inet_interfaces", recipient="permit_auth_destination"),
    # filtered
    "filtered": at_rcpt("reject_unknown_sender_domain", senders("a@good.test a@mx.test"), smtpd_dns_reply_filter=FILTER),
    "addresses are not filtered": at_rcpt("check_helo_a_access inline:{ {192.0.2.1=REJECT a} }, check_helo_mx_access inline:{ {192.0.2.7=REJECT mx} }",
                                          helos("good.test mx.test"), smtpd_dns_reply_filter=FILTER),
}


@pytest.fixture(scope="module")
def judges():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = make_judges({name: parameters for name, (parameters, _) in LISTS.items()}, records=RECORDS, failures=FAILURES)
    yield made
    for judge in made:
        judge.finish()


@pytest.mark.parametrize("name", LISTS)
def test_same_judgement(judges, name):
    for session in LISTS[name][1]:
        source, lines = session if isinstance(session, tuple) else (None, session)
        expected, found = (judge.play(name, lines, source) for judge in judges)
        assert found == expected, (source, lines)


class Together(DnsServer):
    """Answers nothing below held.test before so many different questions have come: who asks one after the other waits in vain."""

    def __init__(self, count):
        self.wanted, self.asked, self.all_here = count, set(), threading.Condition()
        super().__init__()

    def answer(self, data):
        reply = super().answer(data)
        name, kind = self.question(data)
        if name.endswith("held.test"):
            with self.all_here:
                self.asked.add((name, kind))
                self.all_here.notify_all()
                self.all_here.wait_for(lambda: len(self.asked) >= self.wanted, PATIENCE)
        return reply

    @staticmethod
    def question(data):
        asked = DNSRecord.parse(data).q
        return str(asked.qname).rstrip(".").lower(), QTYPE[asked.qtype]


def test_names_are_asked_side_by_side_and_once(make_merpati):
    """What all lists of a recipient will ask goes out with the first question; the second recipient's answers are there."""
    asked = {(name, kind) for name in ("here.held.test", "from.held.test", "far.held.test") for kind in ("MX", "A", "AAAA")}
    names = Together(len(asked) + 1)
    instance = make_merpati(
        main={
            "relay_domains": "far.held.test",
            "smtpd_helo_restrictions": "reject_unknown_helo_hostname",
            "smtpd_sender_restrictions": "permit_inet_interfaces, reject_unknown_sender_domain, check_sender_ns_access inline:{x=y}",
            "smtpd_recipient_restrictions": "reject_unknown_recipient_domain, permit, check_helo_ns_access inline:{x=y}",
            "inet_interfaces": "127.0.0.1",
        }
    )
    path = instance.write("resolv.conf", f"nameserver {names.address}@{names.port}\n")
    instance.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={path}")
    try:
        for name in ("here.held.test", "from.held.test", "far.held.test"):
            names.add(name, "MX", f"10 mail.{name}.", ttl=0)
        instance.start()
        with SmtpClient(instance.port, source="127.0.0.9") as client:
            client.command("HELO here.held.test")
            client.command("MAIL FROM:<s@from.held.test>")
            assert client.command("RCPT TO:<r@far.held.test>").code == 250
            first = [query for query in names.queries if query[0].endswith("from.held.test")]
            assert names.asked >= {*asked, ("from.held.test", "NS")}
            assert len(first) == len({*first})
            assert client.command("RCPT TO:<q@far.held.test>").code == 250
            assert [query for query in names.queries if query[0].endswith("from.held.test")] == first
    finally:
        instance.finish()
        names.stop()


@pytest.mark.parametrize(
    "value, line",
    [
        ("permit_naked_ip_address", 'support for restriction "permit_naked_ip_address" has been removed in Postfix 3.9; instead, specify '
                                    '"permit_mynetworks" or "permit_sasl_authenticated"'),
        ("check_relay_domains", 'support for restriction "check_relay_domains" has been removed in Postfix 3.9; instead, specify '
                                '"reject_unauth_destination"'),
        ("reject_maps_rbl", 'support for restriction "reject_maps_rbl" has been removed in Postfix 3.9; instead, specify '
                            '"reject_rbl_client domain-name"'),
        ("permit, reject", "restriction `reject' after `permit' is ignored"),
    ],
)
def test_words_that_postfix_3_7_still_takes_or_tells_twice(merpati, value, line):
    instance = merpati(main={"relay_domains": "ours.test", "smtpd_recipient_restrictions": value})
    with instance.smtp() as client:
        client.hello()
        replies = client.commands("MAIL FROM:<s@good.test>", "RCPT TO:<r@ours.test>")
    assert replies[1] == ("250 2.1.5 Ok" if value.startswith("permit,") else "451 4.3.5 Server configuration error")
    assert instance.log_line(r"smtpd\[\d+\]: warning: .*restriction").removeprefix("warning: ") == line


@pytest.mark.parametrize("word", ["reject_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch",
                                  "reject_known_sender_login_mismatch"])
def test_a_sender_that_has_an_owner_is_not_for_strangers(merpati, word):
    """As Postfix says it of clients that have not logged in, where logins are enabled: ours cannot log in yet."""
    instance = merpati(
        main={
            "relay_domains": "ours.test",
            "recipient_delimiter": "+",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sender_login_maps": "inline:{owned@good.test=joe, @dom.test=ann, here=joe}",
            "smtpd_recipient_restrictions": word,
        }
    )
    refused = "owned@good.test owned+ext@good.test any@dom.test here@mail.example.test".split()
    for sender in [*refused, "other@good.test", "here@good.test", ""]:
        with instance.smtp() as client:
            reply = client.commands("HELO good.test", f"MAIL FROM:<{sender}>", "RCPT TO:<r@ours.test>")[2]
        assert reply == (f"553 5.7.1 <{sender}>: Sender address rejected: not logged in" if sender in refused else "250 2.1.5 Ok")
