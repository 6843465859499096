# SPDX-License-Identifier: Apache-2.0
"""
MTA-STS (RFC 8461): each mode of a policy with each kind of server, policies that cannot be had, policies that are kept, and
what DANE and an administrator's own policies have to say first.
"""

import re
import time
from pathlib import Path

import pytest

from support.channel import Call, text, varint
from support.channel import time as instant
from support.dane_world import DaneWorld
from support.instance import Merpati
from support.sts_server import StsServer, policy, server_context
from support.smtp_sink import SmtpSink
from support.waiting import free_port, wait_until

CLEAR = "clear"
VERIFIED, TRUSTED, UNTRUSTED = "Verified", "Trusted", "Untrusted"
NOT_OFFERED = r"4\.7\.4 TLS is required, but was not offered by host .*"
NOT_VERIFIED = r"4\.7\.5 Server certificate not verified"
NOT_LISTED = r"4\.7\.5 host \S+ is not one of the MTA-STS policy of \S+"
NO_ENGINE = r"4\.7\.5 TLS is required, but our TLS engine is unavailable"

# Servers: all right; certificates that have expired, are of another name, by an authority that nobody knows; no STARTTLS, or
# none today; one that the policy does not list; none for good, which it says in clear, where anybody could say it.
KINDS = ("good", "expired", "other", "strange", "clear", "refusing", "unlisted", "never")
MODES = {
    "enforce": (VERIFIED, NOT_VERIFIED, NOT_VERIFIED, NOT_VERIFIED, NOT_OFFERED, r"4\.7\.0 TLS is required, but host .* refused.*", NOT_LISTED,
                r"4\.7\.4 TLS is required, but host \S+ refused to start TLS: 501 5\.5\.4 never"),
    "testing": (VERIFIED, UNTRUSTED, UNTRUSTED, UNTRUSTED, CLEAR, CLEAR, VERIFIED, CLEAR),
    "none": (TRUSTED, UNTRUSTED, TRUSTED, UNTRUSTED, CLEAR, CLEAR, TRUSTED, CLEAR),
}
# Policies that cannot be had, and what is told of each.
LOST = {
    "unreachable": "Failed to connect.*|.*Couldn't connect.*",
    "no-host": r"mta-sts\.no-host\.plain\.test: .*",
    "cert-other": "SSL: no alternative certificate subject name matches target host name 'mta-sts.cert-other.plain.test'",
    "cert-strange": "SSL certificate problem: .*",
    "cert-expired": "SSL certificate problem: certificate has expired",
    "missing": "the answer is HTTP 404",
    "redirect": "the answer is HTTP 302",
    "html": "the answer is not text/plain",
    "huge": "it is larger than 65536 bytes",
    "endless": "it is larger than 65536 bytes",
    "slow": r"Operation timed out after [2-9]\d{3} milliseconds.*",
    "cut": ".*",
    "no-age": "it has no max_age",
    "empty": "it has no version",
    "two-records": "there is more than one of its records",
    "bad-record": "its record: it has no id",
    "broken-dns": ".*",
}
MAY = {"smtp_tls_security_level": "may"}
FROM_TABLE = "secure match=nobody.test policy_type=sts policy_domain=x.test policy_ttl=1000 {policy_string = mode: enforce}"
LMTP_TABLE = f"static:{{{FROM_TABLE.replace('{policy_string = mode: enforce}', '')} mx_host_pattern=*.mx.test}}"
SERVICES = {
    "may": (MAY, {
        **{f"{mode}-{kind}": end for mode, row in MODES.items() for kind, end in zip(KINDS, row)},
        **{name: TRUSTED for name in LOST if name != "slow"},
        "no-record": TRUSTED, "aliased": VERIFIED, "some-listed": VERIFIED, "exact": VERIFIED, "short-lived": VERIFIED, "young-entry": NOT_OFFERED,
        "old-entry": CLEAR, "later-entry": CLEAR, "strange-entry": CLEAR, "broken-entry": CLEAR,
        "[direct.mx.test]": TRUSTED,
    }),
    "encrypt": ({"smtp_tls_security_level": "encrypt"}, {
        "enforce-good": VERIFIED, "enforce-other": NOT_VERIFIED, "testing-clear": NOT_OFFERED, "none-good": TRUSTED, "no-record": TRUSTED}),
    "off": ({**MAY, "smtp_tls_mta_sts_enable": "no"}, {"enforce-other": TRUSTED, "enforce-unlisted": TRUSTED}),
    "none": ({"smtp_tls_security_level": "none"}, {"enforce-good": CLEAR}),
    # Who demands proof anyway demands that of his own.
    "secure": ({"smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "other.test"}, {
        "enforce-other": VERIFIED, "enforce-good": NOT_VERIFIED}),
    "table": ({**MAY, "smtp_tls_policy_maps": "inline:{ {enforce-other.plain.test = may}, "
                                              f"{{none-good.plain.test = {FROM_TABLE} mx_host_pattern=*.mx.test}},"
                                              f"{{none-other.plain.test = {FROM_TABLE} mx_host_pattern=*.mx.test}},"
                                              f"{{none-strange.plain.test = {FROM_TABLE} mx_host_pattern=x.mx.test}},"
                                              "{none-expired.plain.test = may policy_type=sts mx_host_pattern=x.mx.test},"
                                              "{none-clear.plain.test = may policy_type=no-policy-found policy_failure=sts-policy-fetch-error} }"}, {
        "enforce-other": TRUSTED, "enforce-good": VERIFIED, "none-good": VERIFIED, "none-other": NOT_VERIFIED, "none-strange": NOT_LISTED,
        "none-expired": UNTRUSTED, "none-clear": CLEAR}),
    "names": ({**MAY, "smtp_tls_enforce_sts_mx_patterns": "no", "smtp_tls_policy_maps":
               f"inline:{{ {{none-good.plain.test = {FROM_TABLE} mx_host_pattern=x.test}} }}"}, {"none-good": NOT_VERIFIED}),
    # A server with records is judged by them; where no signed record names it, it must still be one of the policy.
    "dane": ({"smtp_tls_security_level": "dane"}, {
        "judged.dane.test": VERIFIED, "unjudged.dane.test": NOT_VERIFIED, "unsigned-listed": TRUSTED, "unsigned-unlisted": NOT_LISTED,
        "enforce-good": VERIFIED, "enforce-other": NOT_VERIFIED, "testing-other": UNTRUSTED}),
    "no-engine": ({**MAY, "smtp_tls_cert_file": "/nonexistent"}, {"none-good": CLEAR, "enforce-good": NO_ENGINE}),
    # The same of LMTP's tables.
    "lmtp": ({"lmtp_tls_policy_maps": LMTP_TABLE}, {"inet:lmtp.mx.test": VERIFIED}),
    "lmtp-names": ({"lmtp_tls_policy_maps": LMTP_TABLE, "lmtp_tls_enforce_sts_mx_patterns": "no"}, {"inet:lmtp.mx.test": NOT_VERIFIED}),
    # What keeps nothing asks again.
    "forgetful": ({**MAY, "tlsmgr_service_name": "nobody"}, {"enforce-good": VERIFIED, "enforce-other": NOT_VERIFIED}),
    "kept": (MAY, {}),
    "again": (MAY, {}),
    "hasty": ({**MAY, "smtp_tls_mta_sts_timeout": "2s"}, {"slow": TRUSTED}),
    # Whom to believe is not known: who must be proven is not.
    "anchorless": ({**MAY, "smtp_tls_trust_anchor_file": "/nonexistent"}, {
        "enforce-good": r"4\.7\.5 client TLS configuration problem", "none-good": TRUSTED,
    }),
    "patient": ({**MAY, "smtp_tls_mta_sts_timeout": "1h"}, {}),
}
ROWS = [(service, domain) for service, (_, ends) in SERVICES.items() for domain in ends]
LMTP_PORT = free_port()
LATER = [("patient", "stalled"), ("again", "kept-good"), ("kept", "kept-good"), ("kept", "kept-clear"), ("kept", "renewed"), ("again", "kept-clear"), ("again", "renewed")]


def next_hop(domain):
    return f"{domain}:{LMTP_PORT}" if domain.startswith("inet:") else domain if "." in domain else f"{domain}.plain.test"


def recipient(service, domain):
    return re.sub(r"[\[\]]|inet:", "", domain) + f".{service}.test"


class World(DaneWorld):
    """Every host NAME.mx.test has the certificate of *.mx.test, or one that is wrong."""

    def __init__(self):
        super().__init__()
        self.dns.leave_unsigned("mx.test")
        stars = {"alternative": "DNS:*.mx.test"}
        chains = {
            "good": self.issue("good", **stars), "expired": self.issue("expired", days=-1, **stars),
            "other": self.issue("other", alternative="DNS:other.test"), "strange": self.issue("strange", self.stranger, **stars),
        }
        self.certificates = {kind: pem for kind, (pem, _) in chains.items()}
        for kind, pem in self.certificates.items():
            self.serve(kind, pem.with_suffix(".chain"))
        self.serve("clear")
        self.servers["lmtp"] = SmtpSink(port=LMTP_PORT, is_lmtp=True, tls=server_context(self.certificates["good"].with_suffix(".chain")))
        self.dns.add("lmtp.mx.test", "A", self.servers["lmtp"].address)
        self.serve("refusing", self.certificates["good"].with_suffix(".chain"), replies={"STARTTLS": "454 4.7.0 not now"})
        self.serve("never", self.certificates["good"].with_suffix(".chain"), replies={"STARTTLS": "501 5.5.4 never"})
        self.policies = StsServer(self.context("https", "DNS:nobody.test"))

    def context(self, name, alternative, authority=None, **options):
        # Its own files: the name of a host is not its.
        pem, _ = self.issue(name, authority, alternative=alternative, **options)
        return server_context(pem.with_suffix(".chain"))

    def finish(self):
        self.policies.stop()
        super().finish()

    def add(self, name, server, text=None, patterns=("*.mx.test",), host=None, zone="plain.test", identity="1"):
        """A domain, its one server, and its policy: a text, or a mode."""
        domain, host = f"{name}.{zone}", host or f"{name}.mx.test"
        self.dns.add(domain, "MX", f"10 {host}.")
        self.dns.add(host, "A", self.servers[server].address)
        self.dns.add(f"mta-sts.{domain}", "A", self.policies.address)
        self.publish(domain, identity)
        if isinstance(text, str) and text in MODES:
            text = policy(text, *patterns)
        self.policies.policies[domain] = text

    def prove(self):
        """One certificate for all domains that have none of their own."""
        known = [f"DNS:mta-sts.{domain}" for domain in self.policies.policies]
        context = self.context("https-all", ",".join(known))
        self.policies.contexts = {domain: context for domain in self.policies.policies} | self.policies.contexts

    def publish(self, domain, identity):
        self.dns.remove(f"_mta-sts.{domain}")
        self.dns.add(f"_mta-sts.{domain}", "TXT", f'"v=STSv1; id={identity};"')


def build_modes(world):
    for mode in MODES:
        for kind in KINDS:
            listed = ("mx.other.test", "*.mx.mx.test") if kind == "unlisted" else ("*.mx.test",)
            world.add(f"{mode}-{kind}", "good" if kind == "unlisted" else kind, mode, listed)


def build_lost(world):
    right = policy("enforce", "nobody.test")
    answers = {name: right for name in LOST} | {
        "missing": None, "redirect": lambda handler: handler.answer("", status=302, Location="https://mta-sts.exact.plain.test/"),
        "html": lambda handler: handler.answer(right, kind="text/html"), "huge": right + "x: y\r\n" * 12000,
        "endless": lambda handler: (handler.send_response(200), handler.send_header("Content-Type", "text/plain"), handler.end_headers(),
                                    handler.wfile.write(b"mx: a.test\n" * 20000)),
        "slow": world.policies.stall, "cut": lambda handler: handler.answer(right, Content_Length=5000), "empty": "",
        "no-age": "version: STSv1\nmode: enforce\nmx: nobody.test\n",
    }
    for name, answer in answers.items():
        world.add(name, "good", answer)
    dns = world.dns
    dns.remove("mta-sts.unreachable.plain.test")
    dns.add("mta-sts.unreachable.plain.test", "A", "127.0.0.99")
    dns.remove("mta-sts.no-host.plain.test")
    dns.add("_mta-sts.two-records.plain.test", "TXT", '"v=STSv1; id=2;"')
    dns.remove("_mta-sts.bad-record.plain.test")
    dns.add("_mta-sts.bad-record.plain.test", "TXT", '"v=STSv1; ID=2;"')
    dns.fail("_mta-sts.broken-dns.plain.test", "SERVFAIL")
    contexts = world.policies.contexts
    contexts["cert-other.plain.test"] = world.context("https-other", "DNS:www.plain.test")
    contexts["cert-strange.plain.test"] = world.context("https-strange", "DNS:mta-sts.cert-strange.plain.test", world.stranger)
    contexts["cert-expired.plain.test"] = world.context("https-expired", "DNS:mta-sts.cert-expired.plain.test", days=-1)


def build_more(world):
    dns = world.dns
    world.add("no-record", "good", "enforce", ["nobody.test"])
    dns.remove("_mta-sts.no-record.plain.test")
    dns.add("_mta-sts.no-record.plain.test", "TXT", '"v=spf1 -all"')
    # Somebody else keeps the policy (section 8.2), and other records stand there, too.
    world.add("aliased", "good", "enforce")
    dns.remove("_mta-sts.aliased.plain.test")
    dns.add("_mta-sts.aliased.plain.test", "CNAME", "_mta-sts.kept.mx.test.")
    dns.add("_mta-sts.kept.mx.test", "TXT", '"v=STSv1; id=7;"')
    dns.add("_mta-sts.kept.mx.test", "TXT", '"else"')
    # The best host is not listed: the next one is tried.
    world.add("some-listed", "good", "enforce", ["second.mx.test"])
    dns.add("some-listed.plain.test", "MX", "20 second.mx.test.")
    dns.add("second.mx.test", "A", world.servers["good"].address)
    world.add("direct", "other", "enforce", ["nobody.test"], zone="mx.test")
    world.add("exact", "good", "enforce", ["Exact.MX.test"])
    world.add("short-lived", "good", policy("enforce", "*.mx.test", max_age=0))
    # Records of DANE.
    for name, record, zone, is_listed in (("judged", "strange", "dane.test", False), ("unjudged", "good", "dane.test", True),
                                          ("unsigned-listed", "strange", "plain.test", True),
                                          ("unsigned-unlisted", "strange", "plain.test", False)):
        host = f"mx.{name}.dane.test"
        world.add(name, "strange", "enforce", [host if is_listed else "nobody.test"], host=host, zone=zone)
        world.add_tlsa(host, 3, 1, 1, world.certificates[record])
    for name in ENTRIES:
        world.add(name, "clear")
    world.add("kept-good", "good", "enforce")
    world.add("kept-clear", "clear", "enforce")
    world.add("stalled", "good", world.policies.stall)
    world.add("renewed", "clear", "enforce")


# Of what the cache has: whose record has gone, but not its time; whose time is over; what a clock that went wrong, or somebody
# else, has put there.
ENTRIES = {
    "young-entry": lambda now: f"1 {now - 3600} 1\n" + policy("enforce", "*.mx.test"),
    "old-entry": lambda now: f"1 {now - 100000} 1\n" + policy("enforce", "*.mx.test"),
    "later-entry": lambda now: f"1 {now + 100000} 1\n" + policy("enforce", "*.mx.test"),
    "strange-entry": lambda now: "nonsense",
    "broken-entry": lambda now: f"1 {now - 3600} 1\nversion: STSv1\n",
}


def keep_entries(mail, world):
    now = int(time.time())
    for name, entry in ENTRIES.items():
        world.dns.remove(f"_mta-sts.{name}.plain.test")
        call = Call(mail.queue / "private" / "tlsmgr", "tlsmgr")
        # Number 2 is put, and so is the cache of policies.
        call.send(2, varint(2) + text(f"{name}.plain.test") + text(entry(now)) + instant(now + 1000))
        assert call.receive()[1].number() == 1
        call.close()


def configure(mail, world):
    mail.set(**{
        "smtp_dns_support_level": "dnssec", "smtp_tcp_port": str(world.port), "smtp_tls_loglevel": "1", "smtp_tls_mta_sts_enable": "yes",
        "smtp_tls_CAfile": str(world.authority.certificate),
        "lmtp_tls_CAfile": str(world.authority.certificate), "lmtp_tls_loglevel": "1",
        "smtp_tls_dane_insecure_mx_policy": "dane", "smtp_connection_cache_on_demand": "no",
    }, transport_maps="inline:{ " + ", ".join(
        f"{{{recipient(service, domain)} = at-{service}:{next_hop(domain)}}}" for service, domain in ROWS + LATER) + " }")
    for service, (parameters, _) in SERVICES.items():
        words = {"syslog_name": f"at-{service}", "smtp_helo_name": f"{service}.test", **parameters}
        mail.services.append(f"at-{service} unix - - {mail.chroot} - - {'lmtp' if 'lmtp' in service else 'smtp'}" + "".join(f" -o {{ {name} = {value} }}" for name, value in words.items()))
    resolv_conf = mail.write("resolv.conf", f"nameserver 127.0.0.1@{world.dns.port}\n")
    anchors = mail.write("anchors", world.dns.anchors())
    mail.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={resolv_conf} MERPATI_TRUST_ANCHORS={anchors}"
                                f" MERPATI_MTA_STS_PORT={world.policies.port}")


def deliver(mail, rows):
    with mail.smtp() as client:
        client.hello()
        for service, domain in rows:
            assert client.deliver("s@example.test", f"b@{recipient(service, domain)}", "Subject: x\n\ntext\n").code == 250
    for service, domain in rows:
        mail.wait_log(rf"to=<b@{re.escape(recipient(service, domain))}>.*status=")


@pytest.fixture(scope="module")
def delivered():
    """Everything has been sent, and has ended as it ends."""
    world, mail = World(), Merpati()
    try:
        build_modes(world)
        build_lost(world)
        build_more(world)
        world.prove()
        configure(mail, world)
        mail.write_config()
        mail.start()
        keep_entries(mail, world)
        deliver(mail, ROWS)
        yield mail, world
    finally:
        mail.finish()
        world.finish()


def how_it_ended(mail, service, domain):
    line = mail.log_line(rf"to=<b@{re.escape(recipient(service, domain))}>.*status=")
    dsn, status, text = re.search(r"dsn=([\d.]+), status=(\w+) \((.*)\)$", line).groups()
    if status != "sent":
        return f"{dsn} {text}"
    host = re.escape(re.search(r"relay=(\S+?),", line)[1])
    found = re.findall(rf"at-{service}/[sl]mtp\[\d+\]: (\w+) TLS connection established to {host}", mail.log_text())
    return found[-1] if found else CLEAR


@pytest.mark.parametrize("service, domain", ROWS, ids=lambda text: str(text).strip("[]"))
def test_each_mode_with_each_server_and_policies_that_cannot_be_had(delivered, service, domain):
    mail, _ = delivered
    assert re.fullmatch(SERVICES[service][1][domain], how_it_ended(mail, service, domain))


@pytest.mark.parametrize("name", LOST)
def test_why_a_policy_cannot_be_had_is_told(delivered, name):
    mail, _ = delivered
    found = re.findall(rf"at-(?:may|hasty)/smtp\[\d+\]: warning: MTA-STS policy of {name}\.plain\.test: (.*); mail goes there without one", mail.log_text())
    assert len(found) == 1 and re.fullmatch(LOST[name], found[0])


def told(mail, service):
    return re.findall(rf"at-{service}/[sl]mtp\[\d+\]: (.*)", mail.log_text())


def test_what_is_told_of_policies(delivered):
    mail, world = delivered
    lines = told(mail, "may")
    peer = lambda name, kind: f"{name}.mx.test[{world.servers[kind].address}]:{world.port}"
    tested = lambda kind: f"warning: MTA-STS policy of testing-{kind}.plain.test (testing): {peer(f'testing-{kind}', kind)}: "
    # By whichever service was first.
    assert "MTA-STS policy of enforce-good.plain.test: enforce, id 1, max_age 86400" in told(mail, "[a-z-]+")
    for kind in ("expired", "other", "strange"):
        assert tested(kind) + "its certificate is not verified" in lines
    assert tested("clear") + "offers no STARTTLS" in lines
    assert tested("refusing") + "refuses STARTTLS" in lines
    assert "warning: MTA-STS policy of testing-unlisted.plain.test (testing): testing-unlisted.mx.test: is not one of it" in lines
    assert not any("testing-good" in line and "(testing)" in line for line in lines)
    host = "enforce-unlisted.mx.test"
    assert (f"warning: TLS policy lookup for enforce-unlisted.plain.test/{host}: host {host} is not one of the MTA-STS policy of "
            "enforce-unlisted.plain.test") in lines
    assert any(re.match("warning: MTA-STS policies are not kept: ", line) for line in told(mail, "forgetful"))
    assert any(line.startswith('warning: smtp_tls_mta_sts_enable has no effect without "smtp_tls_security_level = may"') for line in told(mail, "none"))
    assert any(line.startswith("warning: smtp_tls_mta_sts_enable has no effect where") for line in told(mail, "secure"))


def test_libcurl_is_there_only_where_it_is_needed(delivered):
    mail, _ = delivered
    for service, is_needed in (("may", True), ("off", False), ("none", False)):
        pids = set(re.findall(rf"at-{service}/[sl]mtp\[(\d+)\]", mail.log_text()))
        maps = [Path(f"/proc/{pid}/maps") for pid in pids]
        loaded = ["libcurl" in path.read_text() for path in maps if path.exists()]
        assert loaded and all(is_there == is_needed for is_there in loaded)


def test_nobody_is_asked_where_it_does_not_matter(delivered):
    _, world = delivered
    asked = world.policies.asked
    assert not {"judged.dane.test", "unjudged.dane.test", "no-record.plain.test", "direct.mx.test"} & set(asked)


def test_what_is_kept_holds_when_nobody_can_be_asked(delivered):
    mail, world = delivered
    deliver(mail, [("kept", "kept-good"), ("kept", "kept-clear"), ("kept", "renewed")])
    assert how_it_ended(mail, "kept", "kept-good") == VERIFIED
    for name in ("kept-clear", "renewed"):
        assert re.fullmatch(NOT_OFFERED, how_it_ended(mail, "kept", name))
    # Another service need not ask again.
    deliver(mail, [("again", "kept-good")])
    assert how_it_ended(mail, "again", "kept-good") == VERIFIED
    assert world.policies.asked.count("kept-good.plain.test") == 1
    asked = world.policies.asked.count("kept-clear.plain.test")
    # What is on disk is what a new start finds; the record has gone, then there is a new one whose policy is not to be had.
    mail.stop()
    mail.command("postsuper", "-d", "ALL")
    world.policies.policies["kept-clear.plain.test"] = None
    world.publish("kept-clear.plain.test", "2")
    world.publish("renewed.plain.test", "2")
    world.policies.policies["renewed.plain.test"] = policy("none")
    mail.start()
    deliver(mail, [("again", "kept-clear"), ("again", "renewed")])
    assert re.fullmatch(NOT_OFFERED, how_it_ended(mail, "again", "kept-clear"))
    assert "warning: MTA-STS policy of kept-clear.plain.test: the answer is HTTP 404; the one that is known stays in force" in told(mail, "again")
    assert how_it_ended(mail, "again", "renewed") == CLEAR
    wait_until(lambda: world.policies.asked.count("kept-clear.plain.test") == asked + 1, "one more question")


def test_a_policy_that_does_not_come_holds_up_no_stop(delivered):
    mail, world = delivered
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@example.test", f"b@{recipient('patient', 'stalled')}", "Subject: x\n\ntext\n").code == 250
    wait_until(lambda: "stalled.plain.test" in world.policies.asked, "the question")
    mail.stop()
    assert how_it_ended(mail, "patient", "stalled") == "4.3.2 MTA-STS policy of stalled.plain.test: not known yet"
    assert not re.search("at-patient/smtp.*(fatal|panic|killed)", mail.log_text())
