# SPDX-License-Identifier: Apache-2.0
"""TLS of the SMTP server beside stock Postfix: replies, log lines, headers and what policy servers hear, session by session."""

import difflib
import re
import ssl

import pytest

from support.certificates import Authority, client_context
from support.policy_server import PolicyServer
from support.side_by_side import make_pair, new_messages
from support.smtp_client import Disconnected, SmtpClient
from support.waiting import wait_until

EHLO, STARTTLS, QUIT = "EHLO client.example.test", "STARTTLS", "QUIT"
MAIL, RCPT, ELSEWHERE = "MAIL FROM:<a@x.example.test>", "RCPT TO:<b@example.test>", "RCPT TO:<b@elsewhere.test>"
MESSAGE = (EHLO, MAIL, ELSEWHERE, "DATA", "Subject: test\r\n\r\ntext\r\n.", QUIT)
TLS = object()  # the client's handshake
READ = object()  # a reply that comes by itself


class World:
    """Certificates, the entrances of both sides, and a policy server."""

    def __init__(self, directory):
        directory.chmod(0o755)
        self.directory = directory
        self.authority = Authority(directory)
        self.authority.issue("ec")
        self.authority.issue("rsa", kind="rsa")
        self.authority.issue("client", "/CN=client.example.test/O=Client")
        self.authority.issue_under("far", "/CN=far.example.test", levels=2)
        (directory / "other").mkdir()
        Authority(directory / "other", "Other Authority").issue("stranger", "/CN=stranger.example.test")
        (directory / "mismatch").write_bytes((directory / "rsa.key").read_bytes() + (directory / "ec.pem").read_bytes())
        (directory / "garbage").write_text("hello\n")
        (directory / "known").write_text(f"{self.authority.digest('client')} known\n")
        (directory / "access").write_text(f"{self.authority.key_digest('client')} REJECT no thanks\n")
        self.policy = PolicyServer(lambda question: "DUNNO")
        self.ports = [{}, {}]
        self.sides = make_pair(self.main(), prepare=self.prepare)
        for side in self.sides:
            # The look whether it is up.
            side.instance.wait_log(r"disconnect from localhost\[127.0.0.1\] commands=0/0")

    def main(self):
        file = self.directory.joinpath
        return {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": file("ec.pem"),
            "smtpd_tls_key_file": file("ec.key"),
            "smtpd_tls_CAfile": file("ca.pem"),
            "smtpd_tls_loglevel": 1,
            "smtpd_tls_received_header": "yes",
            # 3.11's leaves out more.
            "tls_medium_cipherlist": "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH",
        }

    def entrances(self):
        file = self.directory.joinpath
        ask = {"smtpd_tls_ask_ccert": "yes"}
        limit = {"smtpd_client_new_tls_session_rate_limit": 1, "smtpd_client_event_limit_exceptions": ""}
        required = {"smtpd_tls_security_level": "encrypt"}
        wrapper = {"smtpd_tls_wrappermode": "yes"}
        only12 = {"smtpd_tls_protocols": "!TLSv1.3"}
        nothing = {"smtpd_tls_cert_file": "", "smtpd_tls_key_file": ""}
        return {
            "may": {},
            "quiet": {"smtpd_tls_loglevel": 0},
            "told": {"smtpd_tls_loglevel": 2, **ask},
            "none": {"smtpd_tls_security_level": "none"},
            "use": {"smtpd_tls_security_level": "", "smtpd_use_tls": "yes"},
            "enforce": {"smtpd_tls_security_level": "", "smtpd_enforce_tls": "yes"},
            "encrypt": required,
            "wrapper": wrapper,
            "wrapper-nocert": {**wrapper, **nothing},
            "nocert": nothing,
            "nofile": {"smtpd_tls_cert_file": "/nosuch/cert", "smtpd_tls_key_file": "/nosuch/key"},
            "nokey": {"smtpd_tls_key_file": "/nosuch/key"},
            "mismatch": {"smtpd_tls_key_file": file("rsa.key")},
            "garbage": {"smtpd_tls_cert_file": file("garbage")},
            "chain": {"smtpd_tls_chain_files": f"{file('rsa.chain')}, {file('ec.chain')}", **nothing},
            "chain-garbage": {"smtpd_tls_chain_files": file("garbage")},
            "chain-keyless": {"smtpd_tls_chain_files": file("ec.pem")},
            "older": {**nothing, "smtpd_tls_eccert_file": file("ec.pem"), "smtpd_tls_eckey_file": file("ec.key"),
                      "smtpd_tls_dcert_file": file("rsa.pem"), "smtpd_tls_dkey_file": file("rsa.key")},
            "noca": {"smtpd_tls_CAfile": "/nosuch/ca"},
            "protocols": {"smtpd_tls_protocols": "nonsense"},
            "digest": {"smtpd_tls_fingerprint_digest": "nonsense"},
            "options": {"tls_ssl_options": "nonsense NO_TICKET", "tls_disable_workarounds": "nonsense"},
            "only12": {"smtpd_tls_protocols": "<=TLSv1.2", "smtpd_tls_mandatory_protocols": ">=TLSv1.3"},
            "only13": {**required, "smtpd_tls_protocols": "<=TLSv1.2", "smtpd_tls_mandatory_protocols": ">=TLSv1.3"},
            "ciphers": {"smtpd_tls_ciphers": "high", "smtpd_tls_exclude_ciphers": "AES256 CHACHA20",
                        "smtpd_tls_mandatory_ciphers": "null"},
            "mandatory": {**required, "smtpd_tls_mandatory_ciphers": "null", "tls_null_cipherlist": "ECDHE-ECDSA-AES128-SHA",
                          "smtpd_tls_mandatory_protocols": "!TLSv1.3"},
            "mandatory-exclude": {**required, "smtpd_tls_mandatory_exclude_ciphers": "AES256 CHACHA20",
                                  "smtpd_tls_mandatory_protocols": "!TLSv1.3"},
            "preempt": {"tls_preempt_cipherlist": "yes", "tls_medium_cipherlist": "AES128:AES256:ECDHE",
                        "smtpd_tls_protocols": "!TLSv1.3"},
            "low": {"smtpd_tls_ciphers": "low", **{f"tls_{grade}_cipherlist": "ECDHE-ECDSA-AES128-SHA" for grade in ("low", "medium")}, **only12},
            "export": {"smtpd_tls_ciphers": "export", **{f"tls_{grade}_cipherlist": "ECDHE-ECDSA-AES128-SHA" for grade in ("export", "medium")}, **only12},
            "null": {"smtpd_tls_ciphers": "null", "tls_null_cipherlist": "ECDHE-ECDSA-AES128-SHA", **only12},
            "high": {"smtpd_tls_ciphers": "high", "tls_high_cipherlist": "ECDHE-ECDSA-AES128-SHA", **only12},
            "auto": {"tls_eecdh_auto_curves": "X448 nosuchcurve"},
            "legacy": {**ask, "smtpd_tls_loglevel": 2, "tls_legacy_public_key_fingerprints": "yes"},
            "ask": ask,
            "ask-path": {**ask, "smtpd_tls_CAfile": "", "smtpd_tls_CApath": self.directory / "path"},
            "depth": {**ask, "smtpd_tls_ccert_verifydepth": 0},
            "depth-1": {**ask, "smtpd_tls_ccert_verifydepth": 1},
            "md5": {**ask, "smtpd_tls_fingerprint_digest": "md5", "smtpd_tls_loglevel": 2},
            "require": {"smtpd_tls_req_ccert": "yes"},
            "require-tls": {**required, "smtpd_tls_req_ccert": "yes"},
            "known": {**ask, "relay_clientcerts": f"texthash:{file('known')}",
                      "smtpd_relay_restrictions": "permit_tls_clientcerts, reject"},
            "known-unasked": {"relay_clientcerts": f"texthash:{file('known')}",
                              "smtpd_relay_restrictions": "permit_tls_clientcerts, reject"},
            "trusted": {**ask, "smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject",
                        "smtpd_log_access_permit_actions": "static:all"},
            "access": {**ask, "smtpd_recipient_restrictions": f"check_ccert_access texthash:{file('access')}, reject"},
            "access-unasked": {"smtpd_recipient_restrictions": f"check_ccert_access texthash:{file('access')}, reject"},
            "plain": {"smtpd_recipient_restrictions": "reject_plaintext_session, permit"},
            "policy": {**ask, "smtpd_recipient_restrictions": f"check_policy_service inet:127.0.0.1:{self.policy.port}, permit"},
            "rate": limit,
            "rate-wrapper": {**limit, **wrapper},
            "slow": {"smtpd_starttls_timeout": "1s"},
            "xclient": {"smtpd_authorized_xclient_hosts": "127.0.0.1"},
            "discard": {"smtpd_discard_ehlo_keywords": "starttls"},
        }

    def prepare(self, side):
        ports = self.ports[0 if not self.ports[0] else 1]
        path = self.directory / "path"
        if not path.exists():
            path.mkdir()
            name = ssl_hash(self.directory / "ca.pem")
            (path / f"{name}.0").write_bytes((self.directory / "ca.pem").read_bytes())
        for name, parameters in self.entrances().items():
            ports[name] = side.add_entrance(parameters)

    def context(self, certificate=None, **options):
        chain = {name: self.directory / f"{name}.chain" for name in ("client", "far")} | {"stranger": self.directory / "other" / "stranger.chain"}
        return client_context(chain.get(certificate), **options)

    def finish(self):
        for side in self.sides:
            side.finish()
        self.policy.stop()


def ssl_hash(path):
    from support.certificates import openssl

    return openssl("x509", "-in", path, "-noout", "-subject_hash").decode().strip()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("tls"))
    yield made
    made.finish()


def hold(side, port, steps, context, is_wrapped):
    """One session; what the client saw."""
    seen = []
    client = SmtpClient(port, greet=False)
    try:
        if is_wrapped:
            client.socket = context.wrap_socket(client.socket)
        seen.append(str(client.reply()))
        for step in steps:
            if step is TLS and not seen[-1].startswith("220 "):
                continue
            if step is TLS:
                client.socket = context.wrap_socket(client.socket)
                seen.append(f"{client.socket.version()} {client.socket.cipher()[0]}")
                continue
            if step is not READ:
                client.line(step)
            seen.append(str(client.reply()))
    except (OSError, Disconnected, EOFError):
        seen.append("end")
    client.socket.close()
    return [re.sub(r"queued as \w+", "queued as ID", side.normal(line)) for line in seen]


def log_of(side, since):
    """The lines of the session that began with the line `since`, to its end, of smtpd alone."""
    def lines():
        return side.instance.log_text().splitlines()[since:]

    wait_until(lambda: any(" disconnect from " in line for line in lines()), lambda: f"the session's end\n{side.instance.tail()}")
    told = []
    for line in lines():
        if not re.search(r"/smtpd\[|/\S*smtpd\[", line) or "improper command pipelining" in line:
            continue
        text = re.sub(r"^.*?smtpd\[\d+\]: ", "", line)
        text = re.sub(r"^[0-9A-F]{9,15}: ", "ID: ", text)
        text = re.sub(r"key expiration: \d+", "key expiration: TIME", text)
        told.append(re.sub(r"for service 127.0.0.1:\d+", "for service HERE", text))
    return told


# What is told when a process starts, which may be at another time.
AT_START = re.compile(r"initializing the server|disabling TLS support|TLS library problem: error:(8|1008|0A08|0480|1000|0588)"
                      r"|ignoring unknown ECDHE curve|No server certs|Both smtpd_tls|No PEM data|error loading|key not first|unknown tls_|Can't require|Digest algorithm")


def play(world, entrance, *steps, context=None, is_wrapped=False):
    """[what the client saw and the log of each side]"""
    results = []
    for side, ports in zip(world.sides, world.ports):
        since = len(side.instance.log_text().splitlines())
        seen = hold(side, ports[entrance], steps, context or world.context(), is_wrapped)
        told = log_of(side, since)
        results.append((seen, [line for line in told if not AT_START.search(line)]))
    return results


def same(world, entrance, *steps, **options):
    stock, ours = play(world, entrance, *steps, **options)
    differences = list(difflib.unified_diff(stock[0] + stock[1], ours[0] + ours[1], "stock", "ours", lineterm=""))
    assert not differences, "\n".join(differences)
    return ours


TLS12 = {"version": ssl.TLSVersion.TLSv1_2}


@pytest.mark.parametrize("entrance", ["may", "quiet", "told", "none", "use", "enforce", "encrypt", "nocert", "discard", "only12", "options", "older"])
def test_a_session_begins_tls_as_it_may(world, entrance):
    seen, _ = same(world, entrance, EHLO, MAIL, RCPT, "VRFY x", "NOOP", "RSET", STARTTLS, TLS, EHLO, MAIL, STARTTLS, QUIT)
    assert seen


@pytest.mark.parametrize("steps", [
    (STARTTLS, TLS, MAIL, "HELO c", STARTTLS, QUIT),
    (EHLO, "STARTTLS now", STARTTLS, TLS, QUIT),
    (EHLO, MAIL, STARTTLS, TLS, RCPT, QUIT),
    (EHLO, STARTTLS, "this is no handshake"),
    (EHLO, STARTTLS),
])
def test_the_order_of_starttls(world, steps):
    same(world, "may", *steps)


def test_without_tls_nothing_that_counts_is_taken_where_it_is_required(world):
    seen, _ = same(world, "encrypt", "HELO c", "AUTH PLAIN", "DATA", "BDAT 3 LAST", "ETRN x", "STARTTLS x", "EXPN x", QUIT)
    assert "530 5.7.0 Must issue a STARTTLS command first" in seen


@pytest.mark.parametrize("entrance", ["nofile", "nokey", "mismatch", "garbage", "chain-garbage", "chain-keyless", "noca", "protocols", "digest"])
def test_bad_files_and_settings_are_a_local_problem(world, entrance):
    results = play(world, entrance, EHLO, STARTTLS, MAIL, QUIT)
    assert results[1] == results[0]
    assert "454 4.7.0 TLS not available due to local problem" in results[1][0]


@pytest.mark.parametrize("entrance,told", [
    ("nocert", "warning: No server certs available. TLS won't be enabled"),
    ("nofile", 'warning: cannot get RSA certificate from file "/nosuch/cert": disabling TLS support'),
    ("nokey", 'warning: cannot get RSA private key from file "/nosuch/key": disabling TLS support'),
    ("mismatch", "warning: RSA private key in {d}/rsa.key does not match public key in {d}/ec.pem: disabling TLS support"),
    ("garbage", 'warning: cannot get RSA certificate from file "{d}/garbage": disabling TLS support'),
    ("chain-garbage", "warning: error loading private keys and certificates from: {d}/garbage: disabling TLS support"),
    ("chain-keyless", "warning: error loading chain from {d}/ec.pem: key not first"),
    ("noca", 'cannot load Certification Authority data, CAfile="/nosuch/ca": disabling TLS support'),
    ("protocols", 'warning: Invalid TLS protocol list "nonsense": disabling TLS support'),
    ("digest", 'warning: Digest algorithm "nonsense" not found'),
    ("options", 'warning: unknown tls_ssl_options value "nonsense" in "nonsense NO_TICKET"'),
    ("options", 'warning: unknown tls_disable_workarounds value "nonsense" in "nonsense"'),
    ("require", "warning: Can't require client certs unless TLS is required"),
])
def test_what_is_wrong_is_told_when_a_process_starts(world, entrance, told):
    for side, ports in zip(world.sides, world.ports):
        hold(side, ports[entrance], (QUIT,), None, False)
        side.instance.wait_log(re.escape("]: " + told.format(d=world.directory)) + "$")


@pytest.mark.parametrize("entrance,options", [
    ("chain", {"ciphers": "ECDHE-RSA-AES256-GCM-SHA384", **TLS12}),
    ("chain", TLS12),
    ("older", {"ciphers": "ECDHE-RSA-AES256-GCM-SHA384", **TLS12}),
    ("older", {"ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384", **TLS12}),
    ("chain", {}),
    ("may", TLS12),
    ("ciphers", TLS12),
    ("mandatory", {}),
    ("mandatory-exclude", {}),
    ("preempt", {"ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", **TLS12}),
    ("only13", {}),
    ("only13", TLS12),
    ("only12", {"version": ssl.TLSVersion.TLSv1_3}),
    ("low", {}), ("export", {}), ("null", {}), ("high", {}), ("auto", {}),
])
def test_versions_ciphers_and_certificates_of_several_kinds(world, entrance, options):
    same(world, entrance, EHLO, STARTTLS, TLS, QUIT, context=world.context(**options))


@pytest.mark.parametrize("entrance", ["wrapper", "wrapper-nocert"])
def test_wrapper_mode(world, entrance):
    same(world, entrance, EHLO, STARTTLS, MAIL, QUIT, is_wrapped=True)


@pytest.mark.parametrize("certificate", [None, "client", "far", "stranger"])
@pytest.mark.parametrize("entrance", ["told", "legacy", "depth", "depth-1", "md5", "require", "known", "known-unasked", "trusted", "access"])
def test_client_certificates(world, entrance, certificate):
    same(world, entrance, EHLO, STARTTLS, TLS, EHLO, MAIL, ELSEWHERE, RCPT, QUIT, context=world.context(certificate))


def test_authorities_of_a_directory_are_known_in_the_jail(world):
    _, told = play(world, "ask-path", EHLO, STARTTLS, TLS, QUIT, context=world.context("client"))[1]
    assert told[1].startswith("Trusted TLS connection established")
    _, told = play(world, "ask-path", EHLO, STARTTLS, TLS, QUIT, context=world.context("stranger"))[1]
    assert told[1].startswith("Untrusted TLS connection established")


@pytest.mark.parametrize("entrance", ["known", "known-unasked", "trusted", "access", "access-unasked"])
def test_nobody_has_a_certificate_in_clear(world, entrance):
    same(world, entrance, EHLO, MAIL, ELSEWHERE, RCPT, QUIT)


def test_a_trusted_certificate_is_required(world):
    same(world, "require-tls", EHLO, STARTTLS, TLS, EHLO, MAIL, ELSEWHERE, QUIT, context=world.context("client"))
    for certificate in (None, "stranger"):
        seen, _ = same(world, "require-tls", EHLO, STARTTLS, TLS, EHLO, context=world.context(certificate))
        assert seen[-1].startswith("421 4.7.1 mail.example.test Error: ")


def test_reject_plaintext_session(world):
    same(world, "plain", EHLO, MAIL, ELSEWHERE, STARTTLS, TLS, EHLO, MAIL, ELSEWHERE, QUIT)


@pytest.mark.parametrize("certificate", [None, "client", "stranger"])
def test_policy_servers_hear_of_it(world, certificate):
    world.policy.questions.clear()
    same(world, "policy", EHLO, STARTTLS, TLS, EHLO, MAIL, ELSEWHERE, QUIT, context=world.context(certificate))
    stock, ours = [{name: value for name, value in question.items() if re.match("ccert|encryption", name)}
                   for question in world.policy.questions]
    assert ours == stock
    assert ours["encryption_protocol"] == "TLSv1.3"


@pytest.mark.parametrize("entrance,certificate,options", [
    ("ask", None, {}), ("ask", "client", {}), ("ask", "stranger", {}), ("ask", "client", TLS12), ("ask", None, TLS12),
    ("may", None, {}), ("xclient", None, {}),
])
def test_the_received_header_tells_of_it(world, entrance, certificate, options):
    heads = []
    for side, ports in zip(world.sides, world.ports):
        before = len(side.sink.messages)
        context = world.context(certificate, **options)
        new_messages(side, 1, lambda: hold(side, ports[entrance], (EHLO, STARTTLS, TLS, *MESSAGE), context, False))
        heads.append(side.normal(side.sink.messages[before].content.decode().split("Subject:")[0]))
    assert heads[1] == heads[0]


def test_a_client_that_speaks_older_smtp_is_encrypted_all_the_same(world):
    heads = []
    for side, ports in zip(world.sides, world.ports):
        before = len(side.sink.messages)
        steps = ("HELO client.example.test", STARTTLS, TLS, "HELO client.example.test", *MESSAGE[1:])
        new_messages(side, 1, lambda: hold(side, ports["may"], steps, world.context(), False))
        heads.append(side.normal(side.sink.messages[before].content.decode().split("Subject:")[0]))
    assert heads[1] == heads[0]


def test_too_many_new_sessions(world):
    same(world, "rate", EHLO, STARTTLS, TLS, EHLO, QUIT)
    seen, _ = same(world, "rate", EHLO, STARTTLS, TLS, READ)
    assert seen[-1] == "421 4.7.0 mail.example.test Error: too many new TLS sessions from localhost[127.0.0.1]"
    seen, _ = same(world, "rate", EHLO, STARTTLS, MAIL, QUIT)
    assert "454 4.7.0 Error: too many new TLS sessions from localhost[127.0.0.1]" in seen
    same(world, "rate-wrapper", EHLO, QUIT, is_wrapped=True)
    same(world, "rate-wrapper", is_wrapped=True)
    same(world, "rate-wrapper", is_wrapped=True)


def test_a_handshake_that_stands_still(world):
    for side, ports in zip(world.sides, world.ports):
        client = SmtpClient(ports["slow"])
        for line in (EHLO, STARTTLS):
            client.line(line)
            client.reply()
        assert client.socket.recv(100) == b""
        side.instance.wait_log(r"SSL_accept error from localhost\[127.0.0.1\]: Connection timed out")
        side.instance.wait_log(r"lost connection after STARTTLS from localhost\[127.0.0.1\]")
