# SPDX-License-Identifier: Apache-2.0
"""posttls-finger, beside stock Postfix's: what it prints of servers, certificates and DANE."""

import os
import re
import subprocess

import pytest

from support.certificates import openssl
from support.dane_world import DaneWorld
from support.instance import BUILD, Stock
from support.signing_dns import front_for_stock
from support.smtp_sink import CLOSE, SmtpSink

# What is typed; PORT, CA and OTHER stand for the servers' port, an authority's file and a second server's port.
SAME = [
    "good.dane.test:PORT",
    "clear.dane.test:PORT",
    "-c wrong.dane.test:PORT",
    "-c none.dane.test:PORT",
    "-c authority.dane.test:PORT",
    "-c other.dane.test:PORT",
    "-c alias.dane.test:PORT",
    "-c -l dane-only none.dane.test:PORT",
    "-c -l verify -F CA good.dane.test:PORT",
    "-c -l secure -F CA good.dane.test:PORT",
    "-c -l secure -F CA good.dane.test:PORT a.test mx.good.dane.test",
    "-c -l secure good.dane.test:PORT",
    "-c -l secure -A CA good.dane.test:PORT",
    "-c -l verify -A KEY-FILE good.dane.test:PORT",
    "-c -l fingerprint good.dane.test:PORT DIGEST",
    "-c -l fingerprint good.dane.test:PORT KEY",
    "-C -c -l secure -F CA good.dane.test:PORT",
    "-c -p TLSv1.2 good.dane.test:PORT",
    "-c -p TLSv1.1 good.dane.test:PORT",
    "-c -g best good.dane.test:PORT",
    "-c -d none good.dane.test:PORT",
    "-c -F /nowhere good.dane.test:PORT",
    "-c -s foo.test -l encrypt good.dane.test:PORT",
    "-o myhostname=me.test good.dane.test:PORT",
    "-c nosuch.dane.test:PORT",
    "-c [127.0.0.1]:1",
    "-c null.dane.test",
    "-l encrypt -w [127.0.0.1]:WRAPPED",
    "-w good.dane.test:PORT",
    "[127.0.0.1]:REFUSING",
    "[127.0.0.1]:GREETLESS",
    "[127.0.0.1]:DEAF",
    "-l encrypt -S inet:127.0.0.1:LMTP",
    "-S unix:/nowhere/lmtp",
    "",
]


class World(DaneWorld):
    def __init__(self):
        super().__init__()
        self.others = {}
        pems = {name: self.issue(name, **options) for name, options in
                {"good": {}, "expired": {"days": -1}, "wrong": {}, "authority": {},
                 "other": {"alternative": "DNS:other.test"}}.items()}
        for name in (*pems, "clear", "none"):
            pem, authority = pems.get(name, pems["good"])
            self.add_domain(name)
            self.add_host(f"mx.{name}.dane.test", self.serve(name, name != "clear" and pem.with_suffix(".chain")))
            if name in ("authority", "other"):
                self.add_tlsa(f"mx.{name}.dane.test", 2, 1, 1, authority)
            elif name != "none":
                self.add_tlsa(f"mx.{name}.dane.test", 3, 1, 1, pems["good"][0] if name == "wrong" else pem)
        good = self.servers["good"].address
        self.add_domain("alias")
        self.dns.add("mx.alias.dane.test", "CNAME", "mx.good.dane.test.")
        self.dns.add("null.dane.test", "MX", "0 .")
        self.add_domain("unsigned", ["mx.good.dane.test"], "plain.test")
        for name in ("unusable", "bogus"):
            self.add_domain(name)
            self.add_host(f"mx.{name}.dane.test", good)
            self.add_tlsa(f"mx.{name}.dane.test", 1, 1, 1, pems["good"][0])
        self.dns.spoil(f"_{self.port}._tcp.mx.bogus.dane.test")
        tls = self.servers["good"].tls
        self.others = {
            "WRAPPED": SmtpSink(tls=tls, is_wrapped=True), "LMTP": SmtpSink(is_lmtp=True, tls=tls),
            "REFUSING": SmtpSink(tls=tls, replies={"STARTTLS": "454 4.7.0 not now"}),
            "GREETLESS": SmtpSink(replies={"CONNECT": "554 5.3.2 go away"}),
            "CLOSING": SmtpSink(tls=tls, replies={"STARTTLS": CLOSE}), "DEAF": SmtpSink(replies={"EHLO": "502 5.5.2 what?"}),
        }
        (self.directory / "main.cf").write_text("compatibility_level = 3.6\nmyhostname = client.test\n")
        (self.directory / "anchors").write_text(self.dns.anchors())
        (self.directory / "resolv.ours").write_text(f"nameserver {self.dns.address}@{self.dns.port}\n")
        (self.directory / "ca.public").write_bytes(openssl("pkey", "-in", self.authority.key, "-pubout"))
        self.front = None

    def finish(self):
        for server in self.others.values():
            server.stop()
        if self.front:
            self.front.stop()
        super().finish()

    def words(self, text):
        for name, server in self.others.items():
            text = text.replace(name, str(server.port))
        text = text.replace("PORT", str(self.port)).replace("CA", str(self.authority.certificate))
        text = text.replace("KEY-FILE", str(self.directory / "ca.public")).replace("STRANGE", str(self.stranger.certificate))
        text = text.replace("DIGEST", self.authority.digest("good")).replace("KEY", self.authority.key_digest("good"))
        return text.split()

    def run(self, program, words, **environment):
        return subprocess.run([*program, *words], env={**os.environ, "MAIL_CONFIG": str(self.directory), **environment},
                              capture_output=True, text=True, timeout=60)

    def ours(self, text):
        done = self.run([BUILD / "bin" / "posttls-finger"], self.words(text), MERPATI_RESOLV_CONF=str(self.directory / "resolv.ours"),
                        MERPATI_TRUST_ANCHORS=str(self.directory / "anchors"))
        return done.returncode, self.normal(done.stdout), done.stderr.replace(f"{BUILD}/bin/", "")

    def stock(self, text):
        if not self.front:
            self.front = front_for_stock(self.dns)
            (self.directory / "resolv.stock").write_text(f"nameserver {self.front.address}\noptions trust-ad edns0\n")
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        done = self.run(["unshare", "-m", "sh", "-c", script, self.directory / "resolv.stock", "posttls-finger"], self.words(text))
        return done.returncode, self.normal(done.stdout), done.stderr

    def normal(self, text):
        return re.sub(rf"(?<!\d){self.port}(?!\d)", "PORT", text)


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.finish()


@pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")
def test_the_lines_are_those_of_stock(world):
    different = [(text, ours, stock) for text in SAME if (ours := world.ours(text)) != (stock := world.stock(text))]
    assert not different, "\n".join(f"== {text}\n{ours}\n{stock}" for text, ours, stock in different)


PEER = r"mx\.good\.dane\.test\[127\.0\.0\.\d+\]:PORT"


@pytest.mark.parametrize("text, lines", [
    ("-c good.dane.test:PORT", [rf"{PEER}: Matched DANE EE certificate at depth 0: 3 1 1 [0-9A-F]{{64}}",
                                rf"{PEER}: subject_CN=good, issuer_CN=Test Authority, fingerprint=[0-9A-F:]{{95}}, pkey_fingerprint=[0-9A-F:]{{95}}",
                                rf"Verified TLS connection established to {PEER}: TLSv1\.3 with cipher .*"]),
    ("-c unsigned.plain.test:PORT", ["MX RRset insecure: log verified as trusted", ".*Matched DANE EE.*", ".*subject_CN.*",
                                     rf"Trusted TLS connection established to {PEER}: .*"]),
    ("-c -M encrypt unsigned.plain.test:PORT", ["TLSA RRs found, MX RRset insecure: just encrypt", ".*subject_CN.*",
                                                f"Untrusted TLS connection established to {PEER}: .*"]),
    ("-c -M may unsigned.plain.test:PORT", ["TLSA RRs found, MX RRset insecure: opportunistic TLS", ".*subject_CN.*",
                                            f"Untrusted TLS connection established to {PEER}: .*"]),
    ("-c bogus.dane.test:PORT", ["warning: DANE TLSA lookup problem: Host or domain name not found. Name service error for "
                                 r"name=_PORT\._tcp\.mx\.bogus\.dane\.test type=TLSA: DNSSEC validation failure",
                                 r"Failed to establish session to bogus.dane.test:PORT via mx.bogus.dane.test: "
                                 r"TLSA lookup error for mx\.bogus\.dane\.test:PORT"]),
    ("-c -L summary unusable.dane.test:PORT", [r"warning: _PORT\._tcp\.mx\.unusable\.dane\.test: unusable TLSA RR: 1 1 1 [0-9A-F]{64}: "
                                               "unsupported certificate usage", "server certificate verification failed for .*",
                                               "Untrusted TLS connection established to .*"]),
    ("-c -r 1 good.dane.test:PORT", [".*Matched DANE.*", ".*subject_CN.*", "Verified TLS connection established .*",
                                     "Reconnecting after 1 seconds", f"{PEER}: Reusing old session",
                                     f"Verified TLS connection established to {PEER}: .*",
                                     "Found a previously used server.  Done reconnecting."]),
    ("-c -l secure -A /nowhere good.dane.test:PORT", ["warning: open /nowhere: No such file or directory: disabling TLS support"]),
    ("-c -l secure -A STRANGE good.dane.test:PORT", [f"certificate verification failed for {PEER}: untrusted issuer /O=Example/CN=Test Authority",
                                                     ".*subject_CN.*", "Untrusted TLS .*"]),
    # Stock ends with status 1 here.
    ("-c [127.0.0.1]:CLOSING", ["lost connection while sending STARTTLS"]),
    ("-c -r 1 wrong.dane.test:PORT", ["server certificate verification failed .*", ".*subject_CN.*", "Untrusted TLS .*",
                                      "Sessions of servers that are not verified are not kept. Done reconnecting."]),
])
def test_what_dane_and_sessions_come_to(world, text, lines):
    status, said, errors = world.ours(text)
    assert status == 0 and not errors
    said = said.splitlines()
    assert len(said) == len(lines), said
    for line, pattern in zip(said, lines):
        assert re.fullmatch("posttls-finger: " + pattern, line), (line, pattern)


def test_details_are_those_of_the_client(world):
    said = world.ours("-c -L debug good.dane.test:PORT")[1]
    for line in ("initializing the client-side TLS engine", "DNSSEC-signed TLSA record: _PORT._tcp.mx.good.dane.test: 3 1 1 ",
                 "SSL_connect:SSLv3/TLS write client hello", "Verified TLS connection established to "):
        assert said.count(f"posttls-finger: {line}") >= 1, said
    assert said.count("subject_CN=") == said.count("Verified TLS connection") == said.count("Matched DANE") == 1


def test_without_trust_anchors_there_is_no_dane(world):
    anchors = world.directory / "anchors"
    text = anchors.read_text()
    anchors.write_text("")
    try:
        said = world.ours("-c good.dane.test:PORT")[1]
    finally:
        anchors.write_text(text)
    assert "warning: DNSSEC validation is unavailable: " in said and "(install the package dns-root-data)" in said
    assert "Matched DANE" not in said and "Untrusted TLS connection established to " in said


@pytest.mark.parametrize("text, words", [
    # As stock, which ends a second later.
    ("-c good.dane.test:nosuch", "unknown service: nosuch/tcp"),
    ("-l foo good.dane.test", 'Invalid TLS level "foo"'),
    ("-a foo good.dane.test", "bad '-a' option value: foo"),
    ("-M foo good.dane.test", "bad '-M' option value: foo"),
    ("-t 0 good.dane.test", "bad '-t' option value: 0"),
    ("-r x good.dane.test", "bad '-r' option value: x"),
    ("-m -1 good.dane.test", "bad '-m' option value: -1"),
    ("-h hosts good.dane.test", "bad '-h' option value: hosts"),
    ("-X good.dane.test", "there is no tlsproxy mode"),
])
def test_options_that_make_no_sense_are_refused(world, text, words):
    status, said, _ = world.ours(text)
    assert status == 1 and words in said and said.startswith("posttls-finger: fatal: ")
