# SPDX-License-Identifier: Apache-2.0
"""merpati check tells of TLS that will not come about: file, what is wrong, what to do."""

import re

import pytest

from support.certificates import Authority, openssl

PAIR = {"smtpd_tls_cert_file": "DIR/good.pem", "smtpd_tls_key_file": "DIR/good.key"}
MAY = {"smtpd_tls_security_level": "may"}

# Settings, and what is said of which of them; DIR is where the certificates are.
ROWS = [
    ({**MAY, **PAIR}, None, None),
    ({**MAY}, "smtpd_tls_security_level", 'smtpd_tls_security_level = may, but no certificate is named: TLS is not available; '
                                          '"merpati tls new-server-key" makes one'),
    ({**MAY, "smtpd_tls_cert_file": "none"}, None, None),
    ({"smtpd_use_tls": "yes", **PAIR, "smtpd_tls_cert_file": "DIR/missing.pem"}, "smtpd_tls_cert_file",
     "smtpd_tls_cert_file = DIR/missing.pem: there is no such file: there will be no TLS; name the right one"),
    ({"smtpd_enforce_tls": "yes", **PAIR, "smtpd_tls_key_file": "DIR/missing.key"}, "smtpd_tls_key_file",
     "smtpd_tls_key_file = DIR/missing.key: there is no such file"),
    ({**MAY, **PAIR, "smtpd_tls_key_file": "DIR"}, "smtpd_tls_key_file", "smtpd_tls_key_file = DIR: cannot be read: "),
    ({**MAY, **PAIR, "smtpd_tls_cert_file": "DIR/old.pem", "smtpd_tls_key_file": "DIR/old.key"}, "smtpd_tls_cert_file",
     r"smtpd_tls_cert_file = DIR/old.pem: the certificate has expired \(20..-..-.. ..:..:.. GMT\): renew it"),
    ({**MAY, **PAIR, "smtpd_tls_cert_file": "DIR/soon.pem", "smtpd_tls_key_file": "DIR/soon.key"}, "smtpd_tls_cert_file",
     r"smtpd_tls_cert_file = DIR/soon.pem: the certificate expires soon \(20..-..-.. ..:..:.. GMT\): renew it"),
    ({**MAY, **PAIR, "smtpd_tls_key_file": "DIR/old.key"}, "smtpd_tls_cert_file",
     "smtpd_tls_cert_file = DIR/good.pem: the certificate does not belong to the key in DIR/old.key: there will be no TLS; name a pair"),
    ({**MAY, **PAIR, "smtpd_tls_key_file": "DIR/open.key"}, "smtpd_tls_key_file",
     r"smtpd_tls_key_file = DIR/open.key: everybody on this machine can read the private key \(mode 0644\): chmod 600 DIR/open.key"),
    ({**MAY, **PAIR, "smtpd_tls_key_file": "DIR/locked.key"}, "smtpd_tls_key_file",
     "smtpd_tls_key_file: no private key found in file: DIR/locked.key, or it has a passphrase: there will be no TLS"),
    ({**MAY, **PAIR, "smtpd_tls_cert_file": "DIR/good.key"}, "smtpd_tls_cert_file",
     "smtpd_tls_cert_file: no certificate found in file: DIR/good.key: there will be no TLS"),
    ({**MAY, "smtpd_tls_eccert_file": "DIR/missing.pem"}, "smtpd_tls_eccert_file", "smtpd_tls_eccert_file = DIR/missing.pem: there is no such"),
    ({**MAY, "smtpd_tls_chain_files": "DIR/good.chain"}, None, None),
    ({**MAY, "smtpd_tls_chain_files": "DIR/good.chain, DIR/mixed.chain"}, "smtpd_tls_chain_files",
     "smtpd_tls_chain_files = DIR/mixed.chain: the certificate does not belong to the key in DIR/mixed.chain"),
    ({**MAY, **PAIR, "smtpd_tls_CAfile": "DIR/missing.pem"}, "smtpd_tls_CAfile",
     "smtpd_tls_CAfile = DIR/missing.pem: there is no such file or directory: name the right one"),
    ({**MAY, **PAIR, "smtpd_tls_dh1024_param_file": "DIR/missing.pem"}, "smtpd_tls_dh1024_param_file",
     "smtpd_tls_dh1024_param_file = DIR/missing.pem: there is no such file: OpenSSL's own parameters are taken; name none"),
    ({**MAY, **PAIR, "smtpd_tls_dh1024_param_file": "auto", "tls_server_sni_maps": "lmdb:DIR/closed"}, None, None),
    ({**MAY, **PAIR, "tls_server_sni_maps": "inline:{a.test=x}, proxy:lmdb:DIR/names"}, "tls_server_sni_maps",
     r"tls_server_sni_maps: everybody on this machine can read the private keys in DIR/names.lmdb \(mode 0644\): "
     "chmod o-r DIR/names.lmdb DIR/names, of which"),
    ({"smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "yes"}, "smtpd_tls_auth_only",
     "smtpd_tls_auth_only = yes, but smtpd_tls_security_level is none: nobody can log in"),
    ({"smtp_tls_security_level": "encrypt"}, None, None),
    ({"smtp_tls_security_level": "secure"}, "smtp_tls_security_level",
     "smtp_tls_security_level = secure, but nobody is believed to vouch for servers: no mail goes out; set smtp_tls_CAfile = "),
    ({"smtp_tls_security_level": "verify", "smtp_tls_CAfile": "DIR/ca.pem"}, None, None),
    ({"lmtp_tls_security_level": "verify", "lmtp_tls_CApath": "DIR/nowhere"}, "lmtp_tls_CApath", "lmtp_tls_CApath = DIR/nowhere: there is no such"),
    ({"smtp_tls_security_level": "dane"}, "smtp_tls_security_level",
     "smtp_tls_security_level = dane needs validated answers of the DNS: set smtp_dns_support_level = dnssec"),
    ({"smtp_tls_security_level": "dane", "smtp_dns_support_level": "dnssec"}, None, None),
    ({"smtp_tls_security_level": "may", "smtp_tls_cert_file": "DIR/old.pem", "smtp_tls_key_file": "DIR/old.key"}, "smtp_tls_cert_file",
     "smtp_tls_cert_file = DIR/old.pem: the certificate has expired"),
]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    authority.issue("good")
    authority.issue("other")
    authority.issue("old", days=-1)
    authority.issue("soon", days=7)
    folder = authority.directory
    for key in folder.glob("*.key"):
        key.chmod(0o600)
    for chain in folder.glob("*.chain"):
        chain.chmod(0o600)
    good, other = (folder / "good.key").read_bytes(), (folder / "other.pem").read_bytes()
    (folder / "open.key").write_bytes(good)
    (folder / "open.key").chmod(0o644)
    (folder / "mixed.chain").write_bytes(good + other)
    (folder / "mixed.chain").chmod(0o600)
    openssl("pkey", "-in", folder / "good.key", "-aes256", "-passout", "pass:secret", "-out", folder / "locked.key")
    (folder / "locked.key").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def mail(certificates):
    from support.instance import Merpati

    made = Merpati()
    for name, mode in (("names", 0o644), ("closed", 0o640)):
        (certificates / name).write_text(f"mail.example.test {certificates}/good.chain\n")
        (certificates / name).chmod(mode)
        made.command("postmap", "-F", f"lmdb:{certificates}/{name}")
    yield made
    made.finish()


def told(mail):
    """What is said of TLS by a check that finds nothing that stops a start."""
    checked = mail.control("check")
    lines = [line for line in checked.stderr.splitlines() if "support for parameter" not in line]
    return [line for line in lines if re.search(r"_tls|tls_|dane", line)]


def test_what_is_wrong_is_told_with_its_line(mail, certificates):
    plain = dict(mail.main)
    wrong = []
    for settings, parameter, words in ROWS:
        mail.main = {**plain, **{name: value.replace("DIR", str(certificates)) for name, value in settings.items()}}
        mail.write_config()
        lines = [line.replace(str(certificates), "DIR") for line in told(mail)]
        if words is None:
            wrong += [(settings, lines)] if lines else []
            continue
        number = list(mail.main).index(parameter) + 1
        start = re.escape(f"merpati: warning: {mail.config}/main.cf, line {number}: ")
        if len(lines) != 1 or not re.match(start + words, lines[0]):
            wrong.append((settings, lines))
    mail.main = plain
    assert not wrong, "\n".join(map(str, wrong))


def test_a_service_of_its_own_is_told_with_its_line_of_master_cf(mail, certificates):
    mail.services.append(f"127.0.0.1:1 inet n - y - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_cert_file={certificates}/x.pem")
    mail.write_config()
    try:
        lines = told(mail)
    finally:
        mail.services.pop()
        mail.write_config()
    # The parameter of the key takes after that of the certificate, and is told of no second time.
    assert len(lines) == 1 and re.search(r"/master\.cf, line \d+: smtpd_tls_cert_file = .*/x\.pem: there is no such file", lines[0])
