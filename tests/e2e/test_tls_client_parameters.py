# SPDX-License-Identifier: Apache-2.0
"""Parameters of TLS and logins of the SMTP and LMTP clients, each by what it alone changes: a transport and a server a row."""

import re

import pytest
from support.certificates import Authority
from support.instance import Merpati
from support.smtp_sink import SmtpSink
from test_smtp_tls import server_context

CIPHER = "ECDHE-ECDSA-AES128-GCM-SHA256"  # what nobody here would choose by itself
NAME = "mail.example.test"
OLD = {"tls_protocols": "TLSv1.2", "tls_mandatory_protocols": "TLSv1.2"}
MAY, ENCRYPT = {"tls_security_level": "may"}, {"tls_security_level": "encrypt"}
SECURE = {"tls_security_level": "secure", "tls_secure_cert_match": NAME}
LOGIN = {"sasl_auth_enable": "yes", "sasl_password_maps": "inline:{ 127.0.0.1=user:secret }"}
ESTABLISHED = r"]: \w+ TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:PORT: "
SENT = r"relay=127\.0\.0\.1\[127\.0\.0\.1\]:PORT, .* status=sent "

# The parameter that matters, its value, what stands beside it, and what the log says.
ROWS = {
    "tls_protocols": ("!TLSv1.3", MAY, ESTABLISHED + "TLSv1.2 "),
    "tls_mandatory_protocols": ("!TLSv1.3", ENCRYPT, ESTABLISHED + "TLSv1.2 "),
    "tls_ciphers": ("null", {**MAY, **OLD}, ESTABLISHED + f"TLSv1.2 with cipher {CIPHER} "),
    "tls_mandatory_ciphers": ("null", {**ENCRYPT, **OLD}, ESTABLISHED + f"TLSv1.2 with cipher {CIPHER} "),
    "tls_exclude_ciphers": ("AES256 CHACHA20", {**MAY, **OLD}, ESTABLISHED + f"TLSv1.2 with cipher {CIPHER} "),
    "tls_mandatory_exclude_ciphers": ("AES256 CHACHA20", {**ENCRYPT, **OLD}, ESTABLISHED + f"TLSv1.2 with cipher {CIPHER} "),
    "tls_scert_verifydepth": ("0", SECURE, r"relay=127\.0\.0\.1\[127\.0\.0\.1\]:PORT, .* dsn=4\.7\.5, status=deferred \(Server certificate not \w+\)"),
    "tls_servername": ("asked.example.test", MAY, SENT),
    "sasl_mechanism_filter": ("login", {**MAY, **LOGIN, "sasl_tls_security_options": "noanonymous"}, r"PORT, .* status=deferred \(SASL authentication failed"),
    "sasl_tls_security_options": ("noanonymous", {**ENCRYPT, **LOGIN}, SENT),
    "sasl_tls_verified_security_options": ("noanonymous", {**SECURE, **LOGIN}, SENT),
}

NAMES = [
    "smtp_tls_protocols", "lmtp_tls_protocols",
    "smtp_tls_mandatory_protocols", "lmtp_tls_mandatory_protocols",
    "smtp_tls_ciphers", "lmtp_tls_ciphers",
    "smtp_tls_mandatory_ciphers", "lmtp_tls_mandatory_ciphers",
    "smtp_tls_exclude_ciphers", "lmtp_tls_exclude_ciphers",
    "smtp_tls_mandatory_exclude_ciphers", "lmtp_tls_mandatory_exclude_ciphers",
    "smtp_tls_scert_verifydepth", "lmtp_tls_scert_verifydepth",
    "smtp_tls_servername", "lmtp_tls_servername",
    "smtp_sasl_mechanism_filter", "lmtp_sasl_mechanism_filter",
    "smtp_sasl_tls_security_options", "lmtp_sasl_tls_security_options",
    "smtp_sasl_tls_verified_security_options", "lmtp_sasl_tls_verified_security_options",
]


class Row:
    """A client's transport for one parameter, and the server that it goes to."""

    def __init__(self, client, parameter, chain, mechanisms):
        self.client, self.parameter = client, parameter
        self.value, self.beside, self.told = ROWS[parameter]
        self.asked = []  # the names that the client has asked for
        replies = {"AUTH": lambda session, line: "535 5.7.8 no" if "LOGIN" in line else "235 2.7.0 ok"}
        self.sink = SmtpSink(tls=self.note_name(chain), is_lmtp=client == "lmtp", extensions=[f"AUTH {mechanisms}"], replies=replies)
        self.domain = f"{client}-{parameter.replace('_', '-')}.test"

    def note_name(self, chain):
        context = server_context(chain)
        context.sni_callback = lambda connection, name, _: self.asked.append(name)
        return context

    def service(self, chroot):
        words = "".join(f" -o {{ {self.client}_{name} = {value} }}" for name, value in {**self.beside, self.parameter: self.value}.items())
        return f"{self.domain} unix - - {chroot} - - {self.client}{words}"

    def route(self):
        place = "inet:127.0.0.1" if self.client == "lmtp" else "[127.0.0.1]"
        return f"{self.domain}={self.domain}:{place}:{self.sink.port}"


class World:
    def __init__(self, mail, directory):
        directory.chmod(0o755)
        authority = Authority(directory)
        chain = authority.issue("mail")
        authority.issue_under("far", f"/CN={NAME}", levels=2)
        far = authority.path("far", "chain")
        self.mail = mail
        self.rows = {name: Row(*name.split("_", 1), far if "depth" in name else chain, "PLAIN LOGIN" if "filter" in name else "PLAIN") for name in NAMES}
        for row in self.rows.values():
            mail.services.append(row.service(mail.chroot))
        for client in ("smtp", "lmtp"):
            mail.set(**{f"{client}_tls_loglevel": "1", f"{client}_tls_CAfile": authority.certificate, f"{client}_host_lookup": "native"})
        mail.set(tls_null_cipherlist=CIPHER, transport_maps=f"inline:{{ {', '.join(row.route() for row in self.rows.values())} }}")
        mail.start()
        for row in self.rows.values():
            mail.sendmail("-f", "s@example.test", f"a@{row.domain}", input="Subject: x\n\ntext\n")

    def stop(self):
        for row in self.rows.values():
            row.sink.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    mail = Merpati()
    made = World(mail, tmp_path_factory.mktemp("keys"))
    yield made
    mail.finish()
    made.stop()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_heard(world, name):
    row = world.rows[name]
    world.mail.wait_log(row.told.replace("PORT", str(row.sink.port)))
    if row.parameter == "tls_servername":
        assert row.asked == [row.value]


@pytest.mark.parametrize("name", ["smtp_sasl_type", "lmtp_sasl_type"])
def test_logins_are_of_one_kind(make_merpati, name):
    mail = make_merpati(main={name: "nosuch"})
    done = mail.control("start", check=False)
    assert done.returncode != 0 and re.search(rf"{name} = nosuch: write one of: cyrus", done.stderr)
