# SPDX-License-Identifier: Apache-2.0
"""TLS with servers, beside stock Postfix: what each level does with each kind of server."""

import re
import ssl
import tempfile
from pathlib import Path

import pytest

from support.certificates import Authority, openssl
from support.instance import Stock
from support.side_by_side import make_pair
from support.smtp_sink import CLOSE, STALL, SmtpSink
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")

HERE = "[127.0.0.1]:PORT"
NAME = "mail.example.test"
CA = {"smtp_tls_CAfile": "DIR/ca.pem"}
BY_NAME = {"smtp_tls_verify_cert_match": NAME, **CA}


def level(word, **more):
    return {"smtp_tls_security_level": word, **more}


def policy(text, **more):
    return {"smtp_tls_security_level": "none", "smtp_tls_policy_maps": f"inline:{{ {{{HERE} = {text}}} }}", **more}


# Name: which certificate the server has (None: it offers no STARTTLS; a text: its answer to that), our parameters.
ROWS = {
    "may": ("good", level("may")),
    "may-trusted": ("good", level("may", **CA)),
    "may-expired": ("old", level("may", **CA)),
    "may-not-offered": (None, level("may")),
    "may-refused": ("454 4.7.0 not now", level("may")),
    "may-gone": (CLOSE, level("may")),
    "may-no-version": ("good", level("may", smtp_tls_protocols="TLSv1.1")),
    "may-bad-protocols": ("good", level("may", smtp_tls_protocols="TLSv9")),
    "may-bad-ciphers": ("good", level("may", smtp_tls_ciphers="best")),
    "may-excluded": ("good", level("may", smtp_tls_protocols="TLSv1.2", smtp_tls_exclude_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")),
    "discarded": ("good", level("may", smtp_discard_ehlo_keywords="starttls")),
    "none": ("good", level("none")),
    "none-noted": ("good", level("none", smtp_tls_note_starttls_offer="yes")),
    "none-not-noted": (None, level("none", smtp_tls_note_starttls_offer="yes")),
    "use": ("good", level("", smtp_use_tls="yes")),
    "enforce": ("host", level("", smtp_enforce_tls="yes", smtp_tls_verify_cert_match="localhost", **CA)),
    "enforce-other": ("other", level("", smtp_enforce_tls="yes", **CA)),
    "one-label": ("stars", level("verify", **{**BY_NAME, "smtp_tls_verify_cert_match": "a.b.example.test"},
                                  tls_wildcard_matches_multiple_labels="no")),
    "enforce-no-name": ("other", level("", smtp_enforce_tls="yes", smtp_tls_enforce_peername="no", **CA)),
    "encrypt": ("good", level("encrypt")),
    "encrypt-not-offered": (None, level("encrypt")),
    "encrypt-refused": ("454 4.7.0 not now", level("encrypt")),
    "encrypt-refused-for-good": ("501 5.5.4 never", level("encrypt")),
    "encrypt-gone": (CLOSE, level("encrypt")),
    "encrypt-no-version": ("good", level("encrypt", smtp_tls_mandatory_protocols="TLSv1.1")),
    "encrypt-ciphers": ("good", level("encrypt", smtp_tls_mandatory_protocols="TLSv1.2", smtp_tls_mandatory_ciphers="high",
                                      smtp_tls_mandatory_exclude_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")),
    "verify": ("good", level("verify", **BY_NAME)),
    "verify-below": ("good", level("verify", **{**BY_NAME, "smtp_tls_verify_cert_match": ".example.test"})),
    "verify-other": ("other", level("verify", **BY_NAME)),
    "verify-expired": ("old", level("verify", **BY_NAME)),
    "verify-weak": ("weak", level("verify", **BY_NAME)),
    "encrypt-weak": ("weak", level("encrypt", **CA)),
    "verify-strange": ("strange", level("verify", **BY_NAME)),
    "verify-too-deep": ("good", level("verify", smtp_tls_scert_verifydepth="0", **BY_NAME)),
    "verify-one-between": ("between-1", level("verify", smtp_tls_scert_verifydepth="0", **BY_NAME)),
    "verify-two-between": ("between-2", level("verify", smtp_tls_scert_verifydepth="0", **BY_NAME)),
    "verify-two-in-all": ("between-2", level("verify", smtp_tls_scert_verifydepth="1", **BY_NAME)),
    "verify-directory": ("good", level("verify", smtp_tls_CApath="DIR/hashed", smtp_tls_verify_cert_match=NAME)),
    "secure": ("host", level("secure", smtp_tls_secure_cert_match="other.test, localhost", **CA)),
    "secure-other": ("host", level("secure", **CA)),
    "secure-not-offered": (None, level("secure", **CA)),
    "fingerprint": ("strange", level("fingerprint", smtp_tls_fingerprint_cert_match="DIGEST(other), DIGEST(strange)",
                                     smtp_tls_fingerprint_digest="sha256")),
    "fingerprint-key": ("good", level("fingerprint", smtp_tls_fingerprint_cert_match="KEY(good)",
                                      smtp_tls_fingerprint_digest="sha256")),
    "fingerprint-sha1": ("good", level("fingerprint", smtp_tls_fingerprint_cert_match="SHA1(good)",
                                       smtp_tls_fingerprint_digest="sha1")),
    "fingerprint-other": ("good", level("fingerprint", smtp_tls_fingerprint_cert_match="DIGEST(other)", **CA)),
    "fingerprint-none": ("good", level("fingerprint")),
    "policy": ("good", policy("encrypt")),
    "policy-none": ("good", {**policy("none"), "smtp_tls_security_level": "encrypt"}),
    "policy-secure": ("good", policy(f"secure match=other.test:{NAME} protocols=TLSv1.2 ciphers=high", **CA)),
    "policy-exclude": ("good", policy("may protocols=TLSv1.2 exclude=ECDHE-ECDSA-AES256-GCM-SHA384")),
    "policy-fingerprint": ("good", policy("fingerprint match=DIGEST(other)|DIGEST(good)", smtp_tls_fingerprint_digest="sha256")),
    "policy-level": ("good", policy("safe")),
    "policy-word": ("good", policy("encrypt certs=good")),
    "policy-no-value": ("good", policy("encrypt ciphers")),
    "policy-match": ("good", policy("may match=x.test")),
    "policy-fails": ("good", level("may", smtp_tls_policy_maps="fail:x")),
    "policy-of-others": ("good", level("none", smtp_tls_policy_maps="inline:{ {[127.0.0.1] = encrypt} }")),
    "policy-not-sites": ("good", policy("encrypt", smtp_tls_per_site="static:NONE")),
    "site-none": ("good", level("may", smtp_tls_per_site="inline:{ {" + HERE + " = NONE} }")),
    "site-may": ("good", level("none", smtp_tls_per_site="inline:{ {127.0.0.1 = may} }")),
    "site-may-is-no-less": (None, level("encrypt", smtp_tls_per_site="static:MAY")),
    "site-none-before-may": ("good", level("may", smtp_tls_per_site="inline:{ {" + HERE + " = MAY}, {127.0.0.1 = NONE} }")),
    "site-must": ("other", level("", smtp_tls_per_site="inline:{ {" + HERE + " = MUST}, {127.0.0.1 = NONE} }", **BY_NAME)),
    "site-must-anybody": (None, level("none", smtp_tls_per_site="static:MUST_NOPEERMATCH")),
    "site-none-at-encrypt": ("good", level("encrypt", smtp_tls_per_site="static:NONE")),
    "site-fails": ("good", level("may", smtp_tls_per_site="fail:x")),
    "anchor": ("strange", level("verify", smtp_tls_trust_anchor_file="DIR/strange/ca.pem, DIR/other.pem", **BY_NAME)),
    "anchor-instead": ("good", level("verify", smtp_tls_trust_anchor_file="DIR/strange/ca.pem", **BY_NAME)),
    "anchor-other-name": ("strange", level("secure", smtp_tls_trust_anchor_file="DIR/strange/ca.pem",
                                           smtp_tls_secure_cert_match="other.test")),
    "anchor-between": ("between-1", level("verify", smtp_tls_trust_anchor_file="DIR/between-1-1.pem",
                                          smtp_tls_verify_cert_match=NAME)),
    "anchor-missing": ("good", level("verify", smtp_tls_trust_anchor_file="DIR/missing.pem", **BY_NAME)),
    "anchor-missing-encrypt": ("good", level("encrypt", smtp_tls_trust_anchor_file="DIR/missing.pem", **CA)),
    "wrapped-weak": ("good", level("may", smtp_tls_wrappermode="yes")),
    "no-authorities": ("good", level("encrypt", smtp_tls_CAfile="DIR/missing.pem")),
    "no-key": ("good", level("may", smtp_tls_cert_file="DIR/good.pem", smtp_tls_key_file="DIR/other.key")),
    "details": ("good", level("verify", smtp_tls_loglevel="2", tls_medium_cipherlist="aNULL:-aNULL:HIGH:MEDIUM", smtp_tls_fingerprint_digest="sha256", **BY_NAME)),
}


@pytest.fixture(scope="module")
def certificates():
    """Where everybody can read: stock opens certificates of a directory as its own user."""
    with tempfile.TemporaryDirectory(prefix="merpati-tls-") as name:
        Path(name).chmod(0o755)
        yield make_certificates(Path(name))


def make_certificates(directory):
    authority = Authority(directory)
    authority.issue("good", f"/CN={NAME}", alternative=f"DNS:{NAME}")
    authority.issue("host", "/CN=localhost", alternative="DNS:localhost")
    authority.issue("stars", "/CN=x", alternative="DNS:*.example.test")
    authority.issue_under("between-1", f"/CN={NAME}", levels=1)
    authority.issue_under("between-2", f"/CN={NAME}", levels=2)
    authority.issue("other", "/CN=other.test", alternative="DNS:other.test")
    authority.issue("old", f"/CN={NAME}", alternative=f"DNS:{NAME}", days=-1)
    authority.issue("weak", f"/CN={NAME}", alternative=f"DNS:{NAME}", digest="sha1")
    (directory / "strange").mkdir()
    stranger = Authority(directory / "strange", "Strange Authority")
    stranger.issue("strange", f"/CN={NAME}", alternative=f"DNS:{NAME}")
    for ending in ("key", "pem", "chain"):
        (directory / f"strange.{ending}").write_bytes(stranger.path("strange", ending).read_bytes())
    (directory / "hashed").mkdir()
    (directory / "hashed" / "ca.pem").write_bytes(authority.certificate.read_bytes())
    openssl("rehash", directory / "hashed")
    return authority


def server_context(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Weak certificates are shown, too; old versions are not spoken.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    return context


def row_of(session):
    return session.hello.split()[1].removesuffix(".test")


def kind_of(session):
    return ROWS[row_of(session)][0]


def ehlo(session, line):
    session.hello = line
    return "250-sink.example\n250-8BITMIME\n" + ("250 DSN" if kind_of(session) is None or session.tls else "250 STARTTLS")


def starttls(session, line):
    kind = kind_of(session)
    return kind if kind is CLOSE or kind[:1] in "45" else None


def fill_in(text, authority, port):
    text = text.replace("PORT", str(port)).replace("DIR", str(authority.directory))
    text = re.sub(r"DIGEST\((\w+)\)", lambda m: authority.digest(m[1]), text)
    text = re.sub(r"SHA1\((\w+)\)", lambda m: authority.digest(m[1], "sha1"), text)
    return re.sub(r"KEY\((\w+)\)", lambda m: authority.key_digest(m[1]), text)


@pytest.fixture(scope="module")
def pair(certificates):
    def add_services(side):
        instance = side.instance
        for name, (_, parameters) in ROWS.items():
            options = {"smtp_tls_loglevel": "1", "smtp_helo_name": f"{name}.test", "smtp_host_lookup": "native", **parameters}
            words = "".join(f" -o {{ {key} = {value} }}" for key, value in options.items())
            words = fill_in(words, certificates, side.sink.port)
            instance.services.append(f"at-{name} unix - - {instance.chroot} - - smtp{words}")
        instance.set(transport_maps="inline:{ " + ", ".join(
            f"{name}.test=at-{name}:[127.0.0.1]:{side.sink.port}" for name in ROWS) + " }")

    def context_of(session):
        return server_context(certificates.path(kind_of(session), "chain"))

    sides = make_pair({}, {"EHLO": ehlo, "STARTTLS": starttls}, add_services, tls=context_of)
    try:
        for side in sides:
            for name in ROWS:
                side.instance.sendmail("-f", "a@example.test", f"b@{name}.test", input="Subject: x\n\ntext\n")
            for name in ROWS:
                side.instance.wait_log(rf"to=<b@{name}\.test>.*status=")
        yield sides
    finally:
        for side in sides:
            side.finish()


def dialogue(side, name):
    return [(session.tls, [line for line in session.lines if line != "QUIT"])
            for session in side.sink.sessions if session.hello and row_of(session) == name]


def outcome(side, name):
    line = side.instance.log_line(rf"to=<b@{name}\.test>.*status=")
    text = side.normal(re.sub(r".*(relay=\S+).*(dsn=\S+).*(status=.*)", r"\1 \2 \3", line))
    return re.sub(r"queued as SINK\d+", "queued as SINK", text)


@pytest.mark.parametrize("name", ROWS)
def test_each_level_with_each_server_is_as_stocks(pair, name):
    stock, ours = pair
    assert dialogue(ours, name) == dialogue(stock, name)
    assert outcome(ours, name) == outcome(stock, name)


def told(side):
    """The kinds of lines: how often a process starts anew, and what comes after the handshake, is not compared."""
    lines = set()
    for line in side.instance.log_text().splitlines():
        found = re.search(r"smtp\[\d+\]: (.*(?:TLS|SSL|ertificate|peername).*)", line)
        if not found or "status=" in line or "lookup" in line or "negotiation finished" in line or "session ticket" in line:
            continue
        # Of a chain that is too long ours says what OpenSSL found in it.
        if "longer than limit" in line or "issuer /CN=Authority" in line:
            continue
        # Where anchors are not met ours says whose certificate it is, stock that of no TLSA record.
        if "untrusted issuer /O=Example/CN=Test Authority" in line:
            continue
        text = side.normal(found[1]).replace("postfix", "NAME").replace("merpati", "NAME")
        lines.add(re.sub(r"^[0-9A-F]{8,}: ", "", text))
    return lines


def test_what_is_told_is_as_stocks(pair):
    stock, ours = pair
    assert told(ours) == told(stock)


@pytest.fixture
def relayed(make_merpati, certificates):
    sinks = []

    def make(parameters, certificate="good", replies=None, is_wrapped=False, context=None):
        context = context or server_context(certificates.path(certificate, "chain"))
        sink = SmtpSink(tls=context, is_wrapped=is_wrapped, replies=replies)
        sinks.append(sink)
        mail = make_merpati()
        mail.set(relayhost=f"[127.0.0.1]:{sink.port}", smtp_host_lookup="native", smtp_tls_loglevel="1",
                 **{key: fill_in(value, certificates, sink.port) for key, value in parameters.items()})
        return mail, sink

    yield make
    for sink in sinks:
        sink.stop()


def send(mail, sender="a@a.test"):
    mail.sendmail("-f", sender, "b@else.test", input="Subject: x\n\ntext\n")


def test_tls_from_the_first_byte(relayed):
    mail, sink = relayed(level("encrypt", smtp_tls_wrappermode="yes"), is_wrapped=True)
    mail.start()
    send(mail)
    sink.wait_for(1)
    assert sink.sessions[0].tls and "STARTTLS" not in sink.lines()


def test_mail_that_has_waited_goes_in_clear_where_that_is_enough(relayed):
    mail, sink = relayed(level("may", smtp_tls_protocols="TLSv1.1", minimal_backoff_time="1s", maximal_backoff_time="1s",
                               queue_run_delay="1s"))
    mail.start()
    send(mail)
    mail.wait_log(r"status=deferred \(Cannot start TLS: handshake failure\)")
    assert not sink.messages
    sink.wait_for(1)
    assert sink.sessions[-1].tls is None
    assert mail.log_lines(r": Cannot start TLS: handshake failure$")


def test_a_password_is_not_tried_in_clear_where_a_handshake_has_failed(relayed):
    login = {"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "static:user:word", "smtp_sasl_security_options": ""}
    mail, sink = relayed(level("may", smtp_tls_protocols="TLSv1.1", minimal_backoff_time="1s", maximal_backoff_time="1s",
                               queue_run_delay="1s", **login))
    mail.start()
    send(mail)
    mail.wait_log(r"status=deferred \(Cannot start TLS: handshake failure\)", count=3)
    assert all(session.lines[-1] == "STARTTLS" for session in sink.sessions)


def test_what_must_be_encrypted_never_goes_in_clear(relayed):
    mail, sink = relayed(level("encrypt", smtp_tls_mandatory_protocols="TLSv1.1", minimal_backoff_time="1s",
                               maximal_backoff_time="1s", queue_run_delay="1s"))
    mail.start()
    send(mail)
    mail.wait_log(r"status=deferred \(Cannot start TLS: handshake failure\)", count=3)
    assert not sink.messages and all(session.lines[-1] == "STARTTLS" for session in sink.sessions)


def test_what_a_server_says_before_the_handshake_does_not_count(relayed):
    mail, sink = relayed(level("encrypt"), replies={"STARTTLS": b"220 go on\r\n250 2.0.0 trust me\r\n250 AUTH PLAIN\r\n"})
    mail.set(smtp_sasl_auth_enable="yes", smtp_sasl_password_maps="static:user:word")
    mail.start()
    send(mail)
    sink.wait_for(1)
    assert not any(line.startswith("AUTH") for line in sink.lines())


def test_passwords_for_tls_alone(relayed):
    login = {"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "static:user:word",
             "smtp_sasl_tls_security_options": "noanonymous"}
    replies = {"EHLO": lambda session, line: "250-x\n250-STARTTLS\n250 AUTH PLAIN", "AUTH": "235 2.7.0 ok"}
    mail, sink = relayed(level("encrypt", **login), replies=replies)
    mail.start()
    send(mail)
    sink.wait_for(1)
    lines = sink.sessions[0].lines
    assert lines.index("STARTTLS") < next(i for i, line in enumerate(lines) if line.startswith("AUTH PLAIN"))


def test_passwords_for_servers_that_have_proved_who_they_are(relayed):
    login = {"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "static:user:word",
             "smtp_sasl_tls_verified_security_options": "noanonymous"}
    replies = {"EHLO": lambda session, line: "250-x\n250-STARTTLS\n250 AUTH PLAIN", "AUTH": "235 2.7.0 ok"}
    mail, sink = relayed(level("verify", **login, **BY_NAME), replies=replies)
    mail.start()
    send(mail)
    sink.wait_for(1)
    assert any(line.startswith("AUTH PLAIN") for line in sink.lines())
    mail.set(smtp_tls_security_level="encrypt")
    mail.reload()
    wait_until(lambda: (send(mail), mail.log_lines("no mechanism available"))[-1], lambda: mail.tail())


@pytest.mark.parametrize("parameters", [
    {"smtp_tls_chain_files": "DIR/other.chain"},
    {"smtp_tls_cert_file": "DIR/other.pem", "smtp_tls_key_file": "DIR/other.key"},
    {"smtp_tls_eccert_file": "DIR/other.pem", "smtp_tls_eckey_file": "DIR/other.key"},
    {"smtp_tls_dcert_file": "DIR/other.pem", "smtp_tls_dkey_file": "DIR/other.key"},
])
def test_our_certificate_is_shown_and_its_key_is_read_before_the_jail(relayed, certificates, parameters):
    context = server_context(certificates.path("good", "chain"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.certificate)
    for ending in ("key", "chain"):
        certificates.path("other", ending).chmod(0o600)
    mail, sink = relayed(level("encrypt", **parameters), context=context)
    mail.start()
    send(mail)
    sink.wait_for(1)
    subject = sink.sessions[0].certificate["subject"]
    assert subject == ((("commonName", "other.test"),),)


def test_the_name_that_servers_are_asked_for(relayed, certificates):
    asked = []
    context = server_context(certificates.path("good", "chain"))
    context.sni_callback = lambda connection, name, own: asked.append(name)
    mail, sink = relayed(policy("encrypt servername=special.test"), context=context)
    mail.start()
    send(mail)
    sink.wait_for(1)
    assert asked == ["special.test"]
    mail.set(smtp_tls_policy_maps="", smtp_tls_security_level="may", smtp_tls_servername="usual.test")
    mail.reload()
    wait_until(lambda: (send(mail), "usual.test" in asked)[-1], lambda: asked)


def test_a_star_can_stand_for_several_labels(relayed):
    mail, sink = relayed({**level("verify", **BY_NAME), "smtp_tls_verify_cert_match": "a.b.example.test"}, certificate="stars")
    mail.start()
    send(mail)
    sink.wait_for(1)
    mail.wait_log("Verified TLS connection established")


def test_a_session_under_tls_is_used_again(relayed):
    mail, sink = relayed(level("may", smtp_connection_cache_destinations="static:all", smtp_connection_cache_time_limit="60s",
                               connection_cache_ttl_limit="60s"))
    mail.start()
    for count in (1, 2, 3):
        send(mail)
        sink.wait_for(count)
        mail.wait_empty()
    assert len(sink.sessions) == 1 and sink.sessions[0].tls


def test_a_server_that_stalls_in_the_handshake_is_left(make_merpati):
    def go_on_and_stall(session, line):
        session.socket.sendall(b"220 go on\r\n")
        return STALL

    silent = SmtpSink(extensions=["STARTTLS"], replies={"STARTTLS": go_on_and_stall})
    mail = make_merpati()
    mail.set(relayhost=f"[127.0.0.1]:{silent.port}", smtp_host_lookup="native", smtp_tls_security_level="encrypt",
             smtp_starttls_timeout="1s")
    try:
        mail.start()
        send(mail)
        mail.wait_log("SSL_connect error to .*: Connection timed out")
        mail.wait_log(r"status=deferred \(Cannot start TLS: handshake failure\)")
    finally:
        silent.stop()


LMTP_ROWS = [
    ({"lmtp_use_tls": "yes"}, True), ({"lmtp_enforce_tls": "yes", "lmtp_tls_enforce_peername": "no"}, True),
    ({"lmtp_tls_policy_maps": "inline:{ {inet:127.0.0.1:PORT = encrypt} }"}, True),
    ({"lmtp_tls_security_level": "may", "lmtp_tls_protocols": "TLSv1.2", "lmtp_tls_ciphers": "high",
      "lmtp_tls_exclude_ciphers": "AES128"}, True),
    ({"lmtp_tls_security_level": "encrypt", "lmtp_tls_mandatory_protocols": "TLSv1.2", "lmtp_tls_mandatory_ciphers": "high",
      "lmtp_tls_mandatory_exclude_ciphers": "AES128"}, True),
    ({"lmtp_tls_security_level": "secure", "lmtp_tls_secure_cert_match": NAME, "lmtp_tls_CApath": "DIR/hashed",
      "lmtp_tls_scert_verifydepth": "5"}, True),
    ({"lmtp_tls_security_level": "fingerprint", "lmtp_tls_fingerprint_cert_match": "SHA1(good)",
      "lmtp_tls_fingerprint_digest": "sha1"}, True),
    ({"lmtp_tls_security_level": "may", "lmtp_tls_servername": "lmtp.test", "lmtp_starttls_timeout": "20s"}, True),
    ({"lmtp_tls_note_starttls_offer": "yes"}, False),
]


@pytest.mark.parametrize("parameters, is_encrypted", LMTP_ROWS)
def test_lmtp_acts_on_each_of_its_parameters(make_merpati, certificates, parameters, is_encrypted):
    sink = SmtpSink(tls=server_context(certificates.path("good", "chain")), is_lmtp=True)
    mail = make_merpati()
    mail.set(transport_maps=f"inline:{{ else.test=lmtp:inet:127.0.0.1:{sink.port} }}", lmtp_host_lookup="native",
             **{key: fill_in(value, certificates, sink.port) for key, value in parameters.items()})
    try:
        mail.start()
        send(mail)
        sink.wait_for(1)
        assert bool(sink.sessions[0].tls) == is_encrypted
        if not is_encrypted:
            mail.wait_log(r"Host offered STARTTLS: \[127\.0\.0\.1\]")
    finally:
        sink.stop()


@pytest.mark.parametrize("parameters", [
    {"lmtp_tls_chain_files": "DIR/other.chain"},
    {"lmtp_tls_cert_file": "DIR/other.pem", "lmtp_tls_key_file": "DIR/other.key"},
    {"lmtp_tls_eccert_file": "DIR/other.pem", "lmtp_tls_eckey_file": "DIR/other.key"},
    {"lmtp_tls_dcert_file": "DIR/other.pem", "lmtp_tls_dkey_file": "DIR/other.key"},
    {"lmtp_tls_cert_file": "DIR/other.chain", "lmtp_tls_wrappermode": "yes"},
])
def test_lmtp_shows_its_certificate(make_merpati, certificates, parameters):
    context = server_context(certificates.path("good", "chain"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.certificate)
    sink = SmtpSink(tls=context, is_lmtp=True, is_wrapped="lmtp_tls_wrappermode" in parameters)
    mail = make_merpati()
    mail.set(transport_maps=f"inline:{{ else.test=lmtp:inet:127.0.0.1:{sink.port} }}", lmtp_host_lookup="native",
             lmtp_tls_security_level="encrypt",
             lmtp_sasl_auth_enable="yes", lmtp_sasl_password_maps="inline:{}", lmtp_sasl_tls_security_options="noanonymous",
             lmtp_sasl_tls_verified_security_options="noanonymous",
             **{key: fill_in(value, certificates, sink.port) for key, value in parameters.items()})
    try:
        mail.start()
        send(mail)
        sink.wait_for(1)
        assert sink.sessions[0].certificate["subject"] == ((("commonName", "other.test"),),)
    finally:
        sink.stop()


@pytest.mark.parametrize("parameters", [
    {"lmtp_tls_security_level": "verify", "lmtp_tls_trust_anchor_file": "DIR/ca.pem", "lmtp_tls_verify_cert_match": NAME},
    {"lmtp_tls_per_site": "static:MUST", "lmtp_tls_verify_cert_match": NAME, "lmtp_tls_CAfile": "DIR/ca.pem"},
])
def test_lmtp_has_anchors_and_sites_of_its_own(make_merpati, certificates, parameters):
    sink = SmtpSink(tls=server_context(certificates.path("good", "chain")), is_lmtp=True)
    mail = make_merpati()
    mail.set(transport_maps=f"inline:{{ else.test=lmtp:inet:127.0.0.1:{sink.port} }}", lmtp_host_lookup="native",
             lmtp_tls_loglevel="1", **{key: fill_in(value, certificates, sink.port) for key, value in parameters.items()})
    try:
        mail.start()
        send(mail)
        sink.wait_for(1)
        assert sink.sessions[0].tls
        mail.wait_log("Verified TLS connection established to 127.0.0.1")
    finally:
        sink.stop()


def test_lmtp_has_levels_of_its_own(make_merpati, certificates):
    sink = SmtpSink(tls=server_context(certificates.path("good", "chain")), is_lmtp=True)
    mail = make_merpati()
    mail.set(transport_maps=f"inline:{{ else.test=lmtp:inet:127.0.0.1:{sink.port} }}", lmtp_host_lookup="native",
             lmtp_tls_security_level="verify", lmtp_tls_verify_cert_match=NAME, lmtp_tls_loglevel="1",
             lmtp_tls_CAfile=str(certificates.certificate))
    try:
        mail.start()
        send(mail)
        sink.wait_for(1)
        assert sink.sessions[0].tls
        mail.wait_log("Verified TLS connection established to 127.0.0.1")
    finally:
        sink.stop()
