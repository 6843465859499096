# SPDX-License-Identifier: Apache-2.0
"""
DANE (RFC 7672): each level of TLS with each kind of server and of DNS, all of it signed for the test. What is expected is what
stock Postfix does behind a resolver that validates; where Merpati does otherwise a comment says so.
"""

import re

import pytest

from support.dane_world import DaneWorld
from support.instance import Merpati, Stock
from support.signing_dns import front_for_stock

# How it ends: what the log says of TLS, or why the mail waits.
CLEAR = "clear"
VERIFIED, TRUSTED, UNTRUSTED = "Verified", "Trusted", "Untrusted"
NOT_OFFERED = r"4\.7\.4 TLS is required, but was not offered by host .*"
NOT_VERIFIED = r"4\.7\.5 Server certificate not verified"
NOT_KNOWN = r"4\.7\.5 TLSA lookup error for mx\.\S+:\d+"
NO_RECORDS = r"4\.7\.5 no TLSA records found"
UNUSABLE = r"4\.7\.5 TLSA records unusable"
NOT_SECURE = r"4\.7\.5 non DNSSEC destination"
CONFIGURATION = r"4\.7\.5 client TLS configuration problem"
FORGED = r"4\.4\.3 Host or domain name not found\. Name service error for name=\S+ type=\w+: DNSSEC validation failure"

# Servers: all right; its certificate has expired, is for another name, is by an authority that nobody knows; no STARTTLS; a TLSA
# record of another certificate; TLSA records, and MX records, whose signatures are wrong.
KINDS = ("good", "expired", "other", "strange", "clear", "wrong", "bogus", "forged")
MATRIX = {
    "none": (CLEAR, CLEAR, CLEAR, CLEAR, CLEAR, CLEAR, CLEAR, FORGED),
    "may": (TRUSTED, UNTRUSTED, TRUSTED, UNTRUSTED, CLEAR, TRUSTED, TRUSTED, FORGED),
    "encrypt": (TRUSTED, UNTRUSTED, TRUSTED, UNTRUSTED, NOT_OFFERED, TRUSTED, TRUSTED, FORGED),
    "fingerprint": (VERIFIED, VERIFIED, NOT_VERIFIED, VERIFIED, NOT_OFFERED, NOT_VERIFIED, NOT_VERIFIED, FORGED),
    "dane": (VERIFIED, VERIFIED, VERIFIED, VERIFIED, NOT_OFFERED, NOT_VERIFIED, NOT_KNOWN, FORGED),
    "dane-only": (VERIFIED, VERIFIED, VERIFIED, VERIFIED, NOT_OFFERED, NOT_VERIFIED, NOT_KNOWN, FORGED),
    # The MX record is not signed, the host is.
    "half-dane": (TRUSTED, TRUSTED, TRUSTED, TRUSTED, NOT_OFFERED, NOT_VERIFIED, NOT_KNOWN, TRUSTED),
    "verify": (VERIFIED, NOT_VERIFIED, NOT_VERIFIED, NOT_VERIFIED, NOT_OFFERED, VERIFIED, VERIFIED, FORGED),
    "secure": (VERIFIED, NOT_VERIFIED, NOT_VERIFIED, NOT_VERIFIED, NOT_OFFERED, VERIFIED, VERIFIED, FORGED),
}

REFUSED_FOR_GOOD = r"4\.7\.4 TLS is required, but host \S+ refused to start TLS: 501 5\.5\.4 never"
DANE, ONLY = {"smtp_tls_security_level": "dane"}, {"smtp_tls_security_level": "dane-only"}
# Of each: the next hop, and how it ends.
MORE = {
    "dane": (DANE, {
        **{f"u{usage}s{selector}m{matching}": VERIFIED for usage in (2, 3) for selector in (0, 1) for matching in (0, 1, 2)},
        # A record of an authority says nothing of names and dates.
        "ta-expired": NOT_VERIFIED, "ta-other": NOT_VERIFIED, "ta-strange": NOT_VERIFIED, "over": VERIFIED,
        "weak": VERIFIED, "weak-authority": NOT_VERIFIED, "pkix": TRUSTED, "pkix-clear": NOT_OFFERED, "short": TRUSTED, "strange-kinds": TRUSTED, "garbage": TRUSTED, "many": TRUSTED,
        "refusing": REFUSED_FOR_GOOD, "some-usable": VERIFIED, "old-and-new": VERIFIED, "agility": NOT_VERIFIED,
        "none": TRUSTED, "none-clear": CLEAR, "unsigned-host": TRUSTED, "none-host.plain.test": TRUSTED,
        "no-mx": VERIFIED, "domain-alias": VERIFIED, "alias-end": VERIFIED, "alias-own": VERIFIED, "alias-none": TRUSTED,
        "alias-away": VERIFIED, "alias-away-none": TRUSTED, "alias-bogus": FORGED, "record-alias": VERIFIED,
        "second": VERIFIED, "expired-mx": FORGED, "stripped-mx": FORGED, "bogus-address": FORGED, "below.child": VERIFIED,
        "[mx.good.dane.test]": VERIFIED, "[mx.wrong.dane.test]": NOT_VERIFIED, "[mx.good.plain.test]": TRUSTED,
        "[mx.forced.plain.test]": TRUSTED,
        "[mx.alias.plain.test]": TRUSTED, "[127.0.0.10]": TRUSTED, "broken": NOT_KNOWN,
    }),
    "dane-only": (ONLY, {
        "none": NO_RECORDS, "none-clear": NO_RECORDS, "pkix": UNUSABLE, "over": VERIFIED, "alias-away": VERIFIED,
        "alias-away-none": NO_RECORDS, "unsigned-host": NO_RECORDS, "no-mx": VERIFIED, "good.plain.test": NOT_SECURE,
        "clear.plain.test": NOT_SECURE, "bogus.plain.test": NOT_SECURE, "[mx.good.dane.test]": VERIFIED,
        "[127.0.0.10]": NO_RECORDS,
        # Stock tells at the handshake only, with other words: a connection in vain.
        "short": UNUSABLE, "garbage": UNUSABLE,
    }),
    "insecure-may": ({**DANE, "smtp_tls_dane_insecure_mx_policy": "may"}, {
        "good.plain.test": TRUSTED, "wrong.plain.test": TRUSTED, "clear.plain.test": CLEAR, "bogus.plain.test": TRUSTED,
    }),
    "insecure-encrypt": ({**DANE, "smtp_tls_dane_insecure_mx_policy": "encrypt"}, {
        "good.plain.test": TRUSTED, "wrong.plain.test": TRUSTED, "clear.plain.test": NOT_OFFERED, "bogus.plain.test": NOT_KNOWN,
        "none-host.plain.test": TRUSTED,
    }),
    # Where only a policy says dane, too, the insecure MX policy is dane: stock's since 3.7.13.
    "policy": ({"smtp_tls_security_level": "may", "smtp_tls_policy_maps": "static:dane"}, {
        "good": VERIFIED, "strange": VERIFIED, "wrong.plain.test": NOT_VERIFIED,
    }),
    "policy-words": ({"smtp_tls_policy_maps": "inline:{ {good.dane.test = dane protocols=TLSv1.2 servername=x.test},"
                      " {none.dane.test = dane protocols=TLSv1.2}, {wrong.dane.test = dane match=x.test},"
                      " {expired.dane.test = half-dane} }"}, {
        "good": VERIFIED, "none": TRUSTED, "wrong": CONFIGURATION, "expired": CONFIGURATION,
    }),
    "forced": ({**DANE, "smtp_tls_force_insecure_host_tlsa_lookup": "yes"}, {
        "[mx.good.plain.test]": TRUSTED, "[mx.forced.plain.test]": VERIFIED}),
    "one-digest": ({**DANE, "tls_dane_digests": "sha256"}, {"u3s1m2": TRUSTED, "u3s1m1": VERIFIED}),
    "other-order": ({**DANE, "tls_dane_digests": "sha256 sha512"}, {"agility": VERIFIED}),
    "third-digest": ({**DANE, "tls_dane_digests": "sha3-256=3 sha256"}, {"strange-kinds": NOT_VERIFIED}),
    "bad-digests": ({**DANE, "tls_dane_digests": "nonsense sha256=2 sha512 sha512 md5=300 sha256"}, {
        "u3s1m2": VERIFIED, "u3s1m1": VERIFIED}),
    "no-dnssec": ({**DANE, "smtp_dns_support_level": "enabled"}, {"good": TRUSTED, "wrong": TRUSTED}),
    "no-dnssec-only": ({**ONLY, "smtp_dns_support_level": "enabled"}, {"good": CONFIGURATION}),
    "no-engine": ({**DANE, "smtp_tls_cert_file": "/nonexistent"}, {
        "good": "4.7.5 TLS is required, but our TLS engine is unavailable", "none": CLEAR}),
    "wrapped": ({**DANE, "smtp_tls_wrappermode": "yes"}, {"none": "4.3.0 server unavailable or unable to receive mail"}),
    # may's versions where it ends as may, the mandatory ones where not.
    "versions": ({**DANE, "smtp_tls_protocols": "TLSv1.3", "smtp_tls_mandatory_protocols": "TLSv1.2"}, {
        "good": VERIFIED, "none": TRUSTED, "pkix": TRUSTED}),
    "details": ({**DANE, "smtp_tls_loglevel": "2"}, {"u2s1m1": VERIFIED, "u3s1m1": VERIFIED}),
}


def build_matrix(world):
    """A domain for each kind of server; all but wrong and bogus have a right record."""
    certificates = {
        "good": world.issue("good"),
        "expired": world.issue("expired", days=-1),
        "other": world.issue("other", alternative="DNS:other.test"),
        "strange": world.issue("strange", world.stranger),
        "wrong": world.issue("wrong"),
        "bogus": world.issue("bogus"),
        "forged": world.issue("forged"),
    }
    for kind in KINDS:
        host = f"mx.{kind}.dane.test"
        pem = certificates.get(kind, certificates["good"])[0]
        world.add_domain(kind)
        world.add_domain(kind, [host], "plain.test")
        world.add_host(host, world.serve(kind, None if kind == "clear" else pem.with_suffix(".chain")))
        world.add_tlsa(host, 3, 1, 1, pem if kind != "wrong" else certificates["good"][0])
    world.dns.spoil(f"_{world.port}._tcp.mx.bogus.dane.test")
    world.dns.spoil("forged.dane.test")
    return certificates


def build_more(world, certificates):
    """Other records, and other ways to a host, each a domain of its own; their servers are those of the matrix."""
    good, authority = certificates["good"]
    dns, address = world.dns, {kind: server.address for kind, server in world.servers.items()}

    def domain(name, server, records, pem=None, zone="dane.test", hosts=None):
        world.add_domain(name, hosts, zone)
        world.add_host(f"mx.{name}.{zone}", address[server])
        for usage, selector, matching in records:
            world.add_tlsa(f"mx.{name}.{zone}", usage, selector, matching, pem or good)

    address["over"] = world.serve("over", world.issue("over", alternative="DNS:over.dane.test")[0].with_suffix(".chain"))
    # Each kind of record that counts.
    for selector in (0, 1):
        for matching in (0, 1, 2):
            domain(f"u3s{selector}m{matching}", "good", [(3, selector, matching)])
            # Of an authority: the certificate needs the name.
            name = f"u2s{selector}m{matching}"
            pem = world.issue(name)[0]
            address[name] = world.serve(name, pem.with_suffix(".chain"))
            domain(name, name, [(2, selector, matching)], authority)
    address["ta-expired"] = world.serve("ta-expired", world.issue("ta-expired", days=-1)[0].with_suffix(".chain"))
    domain("ta-expired", "ta-expired", [(2, 1, 1)], authority)
    domain("ta-other", "other", [(2, 1, 1)], authority)
    domain("ta-strange", "strange", [(2, 1, 1)], authority)
    domain("over", "over", [(2, 0, 1)], authority)
    # Weak digests are of no account where only the key counts.
    weak = world.issue("weak", alternative="DNS:mx.weak-authority.dane.test", digest="sha1")[0]
    address["weak"] = world.serve("weak", weak.with_suffix(".chain"))
    domain("weak", "weak", [(3, 1, 1)], weak)
    domain("weak-authority", "weak", [(2, 1, 1)], authority)
    # What is said in clear may be anybody's.
    refusing = world.issue("refusing")[0]
    address["refusing"] = world.serve("refusing", refusing.with_suffix(".chain"), replies={"STARTTLS": "501 5.5.4 never"})
    domain("refusing", "refusing", [(3, 1, 1)], refusing)
    # Records that prove nothing.
    domain("pkix", "good", [(1, 1, 1), (0, 0, 1)])
    domain("pkix-clear", "clear", [(1, 1, 1)])
    domain("short", "good", [])
    world.dns.add_tlsa("mx.short.dane.test", world.port, 3, 1, 1, "00" * 31)
    domain("strange-kinds", "good", [])
    for words in ((3, 1, 3), (3, 2, 1), (4, 1, 1)):
        world.dns.add_tlsa("mx.strange-kinds.dane.test", world.port, *words, "00" * 32)
    domain("garbage", "good", [])
    world.dns.add_tlsa("mx.garbage.dane.test", world.port, 3, 0, 0, "00" * 40)
    world.dns.add_tlsa("mx.garbage.dane.test", world.port, 2, 1, 0, "30" * 40)
    domain("many", "good", [])
    for number in range(150):
        world.dns.add_tlsa("mx.many.dane.test", world.port, 1, 1, 1, f"{number:064x}")
    domain("some-usable", "good", [(1, 1, 1), (3, 1, 1)])
    domain("old-and-new", "good", [(3, 1, 1)])
    world.dns.add_tlsa("mx.old-and-new.dane.test", world.port, 3, 1, 1, "11" * 32)
    # Of two digests of one thing only the better counts (RFC 7671 section 9).
    domain("agility", "good", [(3, 1, 1)])
    world.dns.add_tlsa("mx.agility.dane.test", world.port, 3, 1, 2, "11" * 64)
    domain("none", "good", [])
    domain("none-clear", "clear", [])
    # Ways to the host.
    world.add_domain("unsigned-host", ["mx.good.plain.test"])
    world.add_host("mx.good.plain.test", address["good"])
    world.add_tlsa("mx.good.plain.test", 3, 1, 1, good)
    world.add_domain("none-host", ["mx.none.dane.test"], "plain.test")
    world.add_host("no-mx.dane.test", address["good"])
    world.add_tlsa("no-mx.dane.test", 3, 1, 1, good)
    dns.add("domain-alias.dane.test", "CNAME", "good.dane.test.")
    for name, target in [("alias-end", "mx.good.dane.test"), ("alias-own", "mx.none.dane.test"),
                         ("alias-none", "mx.none.dane.test"), ("alias-away", "mx.good.plain.test"),
                         ("alias-away-none", "mx.good.plain.test")]:
        world.add_domain(name)
        dns.add(f"mx.{name}.dane.test", "CNAME", f"{target}.")
    for name in ("alias-own", "alias-away"):
        world.add_tlsa(f"mx.{name}.dane.test", 3, 1, 1, good)
    domain("alias-bogus", "good", [])
    dns.remove("mx.alias-bogus.dane.test")
    dns.add("mx.alias-bogus.dane.test", "CNAME", "mx.good.dane.test.")
    dns.spoil("mx.alias-bogus.dane.test")
    domain("record-alias", "good", [])
    dns.add(f"_{world.port}._tcp.mx.record-alias.dane.test", "CNAME", f"_{world.port}._tcp.mx.good.dane.test.")
    # Whoever cannot be asked is passed by.
    world.add_domain("second", ["mx.bogus.dane.test", "mx.wrong.dane.test", "mx.good.dane.test"])
    world.add_domain("expired-mx")
    world.add_host("mx.expired-mx.dane.test", address["good"])
    dns.spoil("expired-mx.dane.test", "expired")
    world.add_domain("stripped-mx")
    world.add_host("mx.stripped-mx.dane.test", address["good"])
    dns.spoil("stripped-mx.dane.test", "stripped")
    domain("bogus-address", "good", [(3, 1, 1)])
    dns.spoil("mx.bogus-address.dane.test")
    # Signed records of a host that is not.
    world.add_host("mx.forced.plain.test", address["good"])
    dns.sign("_tcp.mx.forced.plain.test")
    world.add_tlsa("mx.forced.plain.test", 3, 1, 1, good)
    dns.add("mx.alias.plain.test", "CNAME", "mx.good.plain.test.")
    dns.sign("_tcp.mx.alias.plain.test")
    world.add_tlsa("mx.alias.plain.test", 3, 1, 1, good)
    domain("broken", "good", [])
    dns.fail(f"_{world.port}._tcp.mx.broken.dane.test", "SERVFAIL")
    # A zone under the zone.
    dns.sign("child.dane.test")
    world.add_domain("below", ["mx.good.dane.test"], "child.dane.test")


def services():
    """Of each: its parameters, and for each next hop how it ends."""
    levels = {name: ({"smtp_tls_security_level": name}, dict(zip(KINDS, row))) for name, row in MATRIX.items() if name != "half-dane"}
    levels["half-dane"] = (DANE, {f"{kind}.plain.test": end for kind, end in zip(KINDS, MATRIX["half-dane"])})
    for name, (parameters, ends) in MORE.items():
        known = levels.setdefault(name, (parameters, {}))
        known[1].update(ends)
    return levels


def next_hop(text):
    return text if "." in text and not text.endswith(".child") else f"{text}.dane.test"


def recipient(service, hop):
    return re.sub(r"[\[\]]", "", hop) + f".{service}.test"


SERVICES = services()
ROWS = [(service, hop) for service, (_, ends) in SERVICES.items() for hop in ends]


def configure(mail, world):
    digests = ",".join(world.authority.digest(kind) for kind in ("good", "expired"))
    base = {
        "smtp_dns_support_level": "dnssec", "smtp_tcp_port": str(world.port), "smtp_tls_loglevel": "1",
        "smtp_tls_CAfile": str(world.authority.certificate), "smtp_tls_fingerprint_digest": "sha256",
        "smtp_tls_fingerprint_cert_match": f"{digests},{world.stranger.digest('strange')}",
    }
    mail.set(**base, transport_maps="inline:{ " + ", ".join(
        f"{{{recipient(service, hop)} = at-{service}:{next_hop(hop)}}}" for service, hop in ROWS) + " }")
    for service, (parameters, _) in SERVICES.items():
        words = "".join(f" -o {{ {name} = {value} }}" for name, value in {"syslog_name": f"at-{service}", "smtp_helo_name": f"{service}.test", **parameters}.items())
        mail.services.append(f"at-{service} unix - - {mail.chroot} - - smtp{words}")


# Stock does otherwise, in words mostly: it has no other word for what is forged, sees that a record is of no use at the handshake
# only, and looks at names where there is nothing that could be proven.
SERVFAIL = FORGED.replace("DNSSEC validation failure", "Host not found, try again")
STOCK = {
    **{("dane", hop): UNTRUSTED for hop in ("short", "strange-kinds", "garbage")}, ("one-digest", "u3s1m2"): UNTRUSTED,
    # Stock returns the mail.
    ("dane", "refusing"): r"5\.5\.4 TLS is required, but host .* refused to start TLS: 501 5\.5\.4 never",
    ("dane-only", "short"): NOT_VERIFIED, ("dane-only", "garbage"): NOT_VERIFIED,
    # Before 3.7.13 the insecure MX policy was may where only a policy says dane.
    ("policy", "wrong.plain.test"): TRUSTED,
}


def send_all(mail):
    """Until everything has ended as it ends."""
    mail.write_config()
    mail.start()
    with mail.smtp() as client:
        client.hello()
        for service, hop in ROWS:
            assert client.deliver("s@example.test", f"b@{recipient(service, hop)}", "Subject: x\n\ntext\n").code == 250
    for service, hop in ROWS:
        mail.wait_log(rf"to=<b@{re.escape(recipient(service, hop))}>.*status=")


@pytest.fixture(scope="module")
def world():
    world = DaneWorld()
    try:
        certificates = build_matrix(world)
        build_more(world, certificates)
        yield world
    finally:
        world.finish()


@pytest.fixture(scope="module")
def delivered(world):
    mail = Merpati()
    try:
        configure(mail, world)
        resolv_conf = mail.write("resolv.conf", f"nameserver 127.0.0.1@{world.dns.port}\n")
        anchors = mail.write("anchors", world.dns.anchors())
        mail.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={resolv_conf} MERPATI_TRUST_ANCHORS={anchors}")
        send_all(mail)
        yield mail, world
    finally:
        mail.finish()


@pytest.fixture(scope="module")
def delivered_by_stock(world):
    """Its resolver believes that the name server validates."""
    mail, front = Stock(), front_for_stock(world.dns)
    try:
        configure(mail, world)
        resolv_conf = mail.write("resolv.conf", f"nameserver {front.address}\noptions trust-ad edns0\n")
        mail.wrapper = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv_conf]
        send_all(mail)
        yield mail
    finally:
        mail.finish()
        front.stop()


def how_it_ended(mail, service, hop):
    line = mail.log_line(rf"to=<b@{re.escape(recipient(service, hop))}>.*status=")
    dsn, status, text = re.search(r"dsn=([\d.]+), status=(\w+) \((.*)\)$", line).groups()
    if status != "sent":
        return f"{dsn} {text}"
    host = re.escape(re.search(r"relay=(\S+?),", line)[1])
    found = re.findall(rf"at-{service}/smtp\[\d+\]: (\w+) TLS connection established to {host}", mail.log_text())
    return found[-1] if found else CLEAR


@pytest.mark.parametrize("service, hop", ROWS, ids=lambda text: str(text).strip("[]"))
def test_each_level_with_each_server_and_its_records(delivered, service, hop):
    mail, _ = delivered
    assert re.fullmatch(SERVICES[service][1][hop], how_it_ended(mail, service, hop))


@pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")
def test_stock_does_the_same(delivered_by_stock):
    wrong = []
    for service, hop in ROWS:
        expected = STOCK.get((service, hop), SERVICES[service][1][hop])
        ended = how_it_ended(delivered_by_stock, service, hop)
        if not re.fullmatch(SERVFAIL if expected == FORGED else expected, ended):
            wrong.append(f"{service} {hop}: {ended}, not {expected}")
    assert not wrong, "\n".join(wrong)


def told(mail, service):
    """What a service has said beside recipients' lines."""
    lines = re.findall(rf"at-{service}/smtp\[\d+\]: (.*)", mail.log_text())
    return [line for line in lines if "status=" not in line]


@pytest.mark.sanitized
def test_what_is_told_of_records(delivered):
    mail, world = delivered
    port, records = world.port, world.dns.sets
    dane, only = told(mail, "dane"), told(mail, "dane-only")
    forged = "Host or domain name not found. Name service error for name="
    assert f"warning: DANE TLSA lookup problem: {forged}_{port}._tcp.mx.bogus.dane.test type=TLSA: DNSSEC validation failure" in dane
    assert f"warning: TLS policy lookup for bogus.dane.test/mx.bogus.dane.test: TLSA lookup error for mx.bogus.dane.test:{port}" in dane
    assert "warning: TLS policy lookup for none.dane.test/mx.none.dane.test: no TLSA records found" in only
    assert "warning: TLS policy lookup for good.plain.test/mx.good.dane.test: non DNSSEC destination" in only
    assert "warning: TLS policy lookup for pkix.dane.test/mx.pkix.dane.test: TLSA records unusable" in only
    assert f"warning: _{port}._tcp.mx.short.dane.test: unusable TLSA RR: 3 1 1 {'00' * 31}: bad digest length" in dane
    assert (f"warning: mx.short.dane.test[127.0.0.10]:{port}: all TLSA records unusable, fallback to unauthenticated TLS") in dane
    assert len([line for line in dane if "mx.many.dane.test: unusable TLSA RR: 1 1 1 " in line]) == 10
    assert f"server certificate verification failed for mx.wrong.dane.test[{world.servers['wrong'].address}]:{port}: " \
           "num=65:no matching DANE TLSA records" in dane
    assert "warning: good.dane.test: dane configured with dnssec lookups disabled" in told(mail, "no-dnssec")
    assert "warning: good.dane.test: dane-only configured with dnssec lookups disabled" in told(mail, "no-dnssec-only")
    digests = told(mail, "bad-digests")
    for complaint in ("tls_dane_digests: digest algorithm nonsense needs an explicit number",
                      "tls_dane_digests: matching type 2 specified more than once",
                      "Invalid matching type number in tls_dane_digests: md5=300"):
        assert f"warning: {complaint}" in digests


def test_details_tell_which_record_has_been_met(delivered):
    mail, world = delivered
    lines = told(mail, "details")
    for host, server, how in (("mx.u2s1m1.dane.test", "u2s1m1", "TA certificate at depth 1: 2 1 1"),
                              ("mx.u3s1m1.dane.test", "good", "EE certificate at depth 0: 3 1 1")):
        peer = f"{host}[{world.servers[server].address}]:{world.port}"
        assert f"{peer}: SNI hostname: {host}" in lines
        assert any(line.startswith(f"{peer}: Matched DANE {how} ") for line in lines)
        assert any(line.startswith(f"DNSSEC-signed TLSA record: _{world.port}._tcp.{host}: {how[-5:]} ") for line in lines)


def test_versions_are_those_of_the_level_that_holds(delivered):
    mail, _ = delivered
    versions = dict(re.findall(r"at-versions/smtp\[\d+\]: \w+ TLS connection established to mx\.(\w+)\..*: (TLS\S+) with", mail.log_text()))
    assert versions == {"good": "TLSv1.2", "none": "TLSv1.3", "pkix": "TLSv1.2"}


def test_a_host_whose_records_are_forged_is_not_connected_to(delivered):
    mail, world = delivered
    hellos = {session.hello for session in world.servers["bogus"].sessions}
    assert "EHLO may.test" in hellos and not hellos & {"EHLO dane.test", "EHLO dane-only.test", "EHLO half-dane.test"}
    lines = [line for line in mail.log_lines(r"to=<b@second\.dane\.test>")]
    assert all("relay=mx.good.dane.test[" in line for line in lines)


@pytest.fixture
def small(make_merpati):
    """An instance at level dane, and a world of one good server: good.dane.test is signed, good.plain.test is not."""
    world = DaneWorld()
    pem = world.issue("good")[0]
    for zone in ("dane.test", "plain.test"):
        world.add_domain("good", zone=zone)
        world.add_host(f"mx.good.{zone}", "127.0.0.10")
        world.add_tlsa(f"mx.good.{zone}", 3, 1, 1, pem)
    mail = make_merpati()
    resolv_conf = mail.write("resolv.conf", f"nameserver 127.0.0.1@{world.dns.port}\n")
    anchors = mail.write("anchors", world.dns.anchors())
    mail.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={resolv_conf} MERPATI_TRUST_ANCHORS={anchors}",
             smtp_dns_support_level="dnssec", smtp_tls_security_level="dane", smtp_tls_loglevel="1", smtp_tcp_port=str(world.port))
    world.serve("good", pem.with_suffix(".chain"))
    yield mail, world, anchors
    world.finish()


def send(mail, recipient):
    mail.sendmail("-f", "s@example.test", recipient, input="Subject: x\n\ntext\n")


PROBE = "reason: dnssec_probe '{}' received "


@pytest.mark.parametrize("parameters, first, reason", [
    ({}, "good.plain.test", PROBE.format("ns:.") + "a response that is not DNSSEC validated"),
    ({"dnssec_probe": "mx:forged.dane.test"}, "good.plain.test", PROBE.format("mx:forged.dane.test") + "no response: DNSSEC validation failure"),
    ({"dnssec_probe": "mx:good.dane.test"}, "good.plain.test", None),
    ({"dnssec_probe": ""}, "good.plain.test", None),
    ({}, "good.dane.test", None),
])
def test_it_is_told_when_nothing_is_validated(small, parameters, first, reason):
    mail, world, _ = small
    world.dns.add("forged.dane.test", "MX", "0 x.dane.test.")
    world.dns.spoil("forged.dane.test")
    mail.set(**parameters, service_workers="1")
    mail.start()
    for number, domain in enumerate((first, "good.plain.test", "good.dane.test")):
        send(mail, f"b{number}@{domain}")
        mail.wait_log(rf"to=<b{number}@{domain}>.*status=sent")
    told = [line for line in mail.log_lines("DNSSEC|dnssec")]
    assert told == ([f"warning: {line}" for line in ("DNSSEC validation may be unavailable", reason)] if reason else [])


def test_a_probe_that_is_none_is_told(small):
    mail, *_ = small
    mail.set(dnssec_probe="nonsense")
    mail.start()
    send(mail, "b@good.dane.test")
    mail.wait_log(r"dnssec_probe: nonsense: write a type and a name, as in ns:\.")


def test_new_trust_anchors_are_in_force_soon(small):
    mail, world, anchors = small
    text = anchors.read_text()
    stranger = DaneWorld()
    anchors.write_text(stranger.dns.anchors())
    stranger.finish()
    mail.set(minimal_backoff_time="1s", maximal_backoff_time="1s", queue_run_delay="1s")
    mail.start()
    send(mail, "b@good.dane.test")
    mail.wait_log(r"to=<b@good\.dane\.test>.*status=deferred \(.*DNSSEC validation failure\)")
    anchors.write_text(text)
    mail.wait_log(r"to=<b@good\.dane\.test>.*status=sent")
    assert mail.log_lines("Verified TLS connection established to mx.good.dane.test")


@pytest.mark.parametrize("text, complaint", [
    (None, r"no trust anchor for DNSSEC can be read from this file \(install the package dns-root-data\)"),
    ("; nothing\n", r"no trust anchor for DNSSEC can be read from this file"),
    ("garbage\n", "there is a line that is neither a DNSKEY nor a DS record"),
])
def test_without_trust_anchors_nothing_is_sent_and_that_is_told(small, text, complaint):
    mail, world, anchors = small
    anchors.unlink()
    if text:
        anchors.write_text(text)
    mail.start()
    send(mail, "b@good.dane.test")
    mail.wait_log(complaint)
    assert not world.servers["good"].sessions


def test_the_systems_trust_anchors_are_believed_else(small):
    """By them the test's own zone, which hangs in the air, is forged; and .test is the house's."""
    mail, world, _ = small
    mail.set(import_environment=mail.main["import_environment"].partition(" MERPATI_TRUST_ANCHORS")[0])
    address = world.serve("clear")
    world.dns.sign("dane.example")
    world.add_domain("good", zone="dane.example")
    world.add_host("mx.good.dane.example", address)
    mail.start()
    for domain in ("good.dane.test", "good.dane.example"):
        send(mail, f"b@{domain}")
    mail.wait_log(r"to=<b@good\.dane\.test>.*status=sent")
    mail.wait_log(r"to=<b@good\.dane\.example>.*status=deferred \(.*DNSSEC validation failure\)")


@pytest.mark.parametrize("parameters, host, trust", [
    ({}, "mx.good.dane.test", VERIFIED),
    ({"lmtp_tls_security_level": "dane-only"}, "mx.good.dane.test", VERIFIED),
    ({}, "mx.forced.plain.test", TRUSTED),
    ({"lmtp_tls_force_insecure_host_tlsa_lookup": "yes"}, "mx.forced.plain.test", VERIFIED),
])
def test_lmtp_has_dane_too(small, parameters, host, trust):
    mail, world, _ = small
    pem = world.authority.path("good", "pem")
    address = world.serve("lmtp", pem.with_suffix(".chain"), is_lmtp=True)
    world.dns.remove("mx.good.dane.test")
    for name in ("mx.good.dane.test", "mx.forced.plain.test"):
        world.add_host(name, address)
    world.dns.sign("_tcp.mx.forced.plain.test")
    world.add_tlsa("mx.forced.plain.test", 3, 1, 1, pem)
    mail.write("anchors", world.dns.anchors())
    mail.set(**{"lmtp_dns_support_level": "dnssec", "lmtp_tls_security_level": "dane", "lmtp_tls_loglevel": "1",
                "lmtp_tls_CAfile": str(world.authority.certificate), **parameters},
             transport_maps=f"inline:{{ else.test=lmtp:inet:{host}:{world.port} }}")
    mail.start()
    send(mail, "b@else.test")
    mail.wait_log(rf"{trust} TLS connection established to {re.escape(host)}\[")
    mail.wait_log(r"to=<b@else\.test>.*status=sent")


def test_names_of_the_house_need_no_signatures(small):
    mail, world, anchors = small
    world.dns.sign(".")
    address = world.serve("clear")
    for top in ("internal", "example"):
        # The root knows nothing of them.
        world.dns.leave_unsigned(top)
        world.dns.remove(top)
        world.dns.add(f"corp.{top}", "MX", f"0 mx.corp.{top}.")
        world.add_host(f"mx.corp.{top}", address)
    anchors.write_text(world.dns.anchors())
    mail.start()
    for domain in ("corp.internal", "corp.example"):
        send(mail, f"b@{domain}")
    mail.wait_log(r"to=<b@corp\.internal>.*status=sent")
    mail.wait_log(r"to=<b@corp\.example>.*status=deferred \(.*DNSSEC validation failure\)")


@pytest.mark.parametrize("level, status", [("dnssec", r"deferred \(.*DNSSEC validation failure\)"), ("enabled", "sent")])
def test_a_forged_address_is_not_looked_up_elsewhere(small, level, status):
    mail, world, _ = small
    hosts = mail.write("hosts", "127.0.0.10 mx.good.dane.test mx.gone.plain.test\n")
    world.add_domain("gone", zone="plain.test")
    if level == "dnssec":
        world.dns.spoil("mx.good.dane.test")
    else:
        world.dns.fail("mx.good.dane.test", "SERVFAIL")
    mail.set(smtp_dns_support_level=level, smtp_host_lookup="dns, native",
             import_environment=f"{mail.main['import_environment']} MERPATI_HOSTS={hosts}")
    mail.start()
    for domain in ("good.dane.test", "gone.plain.test"):
        send(mail, f"b@{domain}")
    mail.wait_log(rf"to=<b@good\.dane\.test>.*status={status}")
    # What the DNS does not know may be known to the host.
    mail.wait_log(r"to=<b@gone\.plain\.test>.*status=sent")


def test_a_session_that_is_taken_up_has_proved_what_the_records_of_now_say(small):
    mail, world, _ = small
    mail.set(smtp_tls_session_cache_database="lmdb:$data_directory/smtp_scache", smtp_connection_cache_on_demand="no",
             smtp_tls_loglevel="2", service_workers="1")
    mail.start()
    for number, reused in enumerate([0, 1, 1]):
        if number == 2:
            world.add_tlsa("mx.good.dane.test", 3, 0, 1, world.issue("another")[0])
            mail.kill("smtp")
        send(mail, f"m{number}@good.dane.test")
        mail.wait_log(rf"to=<m{number}@good\.dane\.test>.*status=sent")
        assert len(mail.log_lines("Reusing old session")) == reused
    assert len(mail.log_lines("Verified TLS connection established to mx.good.dane.test")) == 3
