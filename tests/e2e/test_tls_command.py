# SPDX-License-Identifier: Apache-2.0
"""merpati tls, beside "postfix tls": keys, certificates, requests, TLSA records, and settings that switch TLS on."""

import hashlib
import re
import smtplib

import pytest

from support.certificates import client_context, openssl
from support.instance import Stock
from support.signing_dns import SigningDns

NO_TLS = {"smtpd_tls_security_level": None, "smtp_tls_security_level": None}


def tls(mail, *words, check=False):
    return mail.command("merpati", "-c", mail.config, "tls", *words, check=check)


def pem(mail, prefix, number=-1):
    """The newest file of that kind."""
    return sorted(mail.config.glob(f"{prefix}-*.pem"))[number]


def settings(mail):
    """What main.cf says of TLS."""
    lines = (mail.config / "main.cf").read_text().splitlines()
    return dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines if "tls" in line)


# Each takes stock half a second to two.
COMPARED = [
    ("output-server-csr",),
    ("new-server-key", "-a", "ecdsa", "a.example.test", "b.example.test"),
    ("output-server-tlsa", "-h", "m.example.test", "eckey"),
    ("deploy-server-cert", "eccert", "main.cf"),
    ("deploy-server-cert", "eccert", "eckey"),
    ("all-default-server",),
    ("nosuch",),
]


def say(mail, words):
    known = [str(pem(mail, word)) if list(mail.config.glob(f"{word}-2*.pem")) else word for word in words]
    if mail.program == "merpati":
        done = tls(mail, *known)
    else:
        line = " ".join(["postfix", "-c", str(mail.config), "tls", *known])
        done = mail.run("script", "-qec", line, "/dev/null", check=False)
    text = (done.stdout + done.stderr).replace("\r", "").replace(str(mail.config), "DIR").replace(str(mail.data), "DATA")
    text = re.sub(r"(?m)^(merpati/postfix-tls-script|merpati): ", "", text)
    text = re.sub(r"-\d{8}-\d{6}", "-STAMP", text).replace("postfix", "merpati").replace("Postfix", "Merpati")
    return done.returncode, re.sub(r"1 1 [0-9a-f]{64}$", "1 1 DIGEST", text, flags=re.M)


@pytest.mark.skipif(Stock.why_not() is not None, reason=f"stock Postfix: {Stock.why_not()}")
def test_what_is_typed_is_answered_as_stock_answers(make_merpati, make_stock):
    sides = (make_merpati(), make_stock(main={}))
    sides[1].set(**NO_TLS)
    for words in COMPARED:
        ours, stock = (say(mail, words) for mail in sides)
        assert ours == stock, words


def test_a_certificate_has_its_names_and_is_its_keys_own(make_merpati):
    mail = make_merpati()
    assert tls(mail, "new-server-key", "a.example.test", "*.b.example.test").returncode == 0
    certificate, key = pem(mail, "cert"), pem(mail, "key")
    assert key.stat().st_mode & 0o777 == 0o600 and certificate.stat().st_mode & 0o777 == 0o644
    text = openssl("x509", "-in", certificate, "-noout", "-text").decode()
    assert "Subject: CN = a.example.test" in text and "Issuer: CN = a.example.test" in text
    assert "DNS:a.example.test, DNS:*.b.example.test" in text and "(2048 bit)" in text and "CA:FALSE" in text
    openssl("verify", "-x509_strict", "-purpose", "sslserver", "-partial_chain", "-trusted", certificate, certificate)
    request = tls(mail, "output-server-csr", "-k", key.name, "c.example.test").stdout.encode()
    text = openssl("req", "-verify", "-noout", "-text", input=request).decode()
    assert "DNS:c.example.test" in text and "Subject: \n" in text


def test_a_record_is_of_the_key_and_a_new_certificate_keeps_it(make_merpati):
    mail = make_merpati()
    tls(mail, "new-server-key", "-a", "ecdsa")
    certificate, key = pem(mail, "eccert"), pem(mail, "eckey")
    assert tls(mail, "deploy-server-cert", certificate.name, key.name).returncode == 0
    digest = hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).hexdigest()
    record = f"; {key}\n_25._tcp.mail.example.test. IN TLSA 3 1 1 {digest}\n"
    assert tls(mail, "output-server-tlsa").stdout == record
    assert tls(mail, "new-server-cert", "-a", "ecdsa", "other.example.test").returncode == 0
    assert pem(mail, "eckey") != key
    assert tls(mail, "output-server-tlsa", "ecdsa", pem(mail, "eckey").name).stdout.count(digest) == 2
    assert b"DNS:other.example.test" in openssl("x509", "-in", pem(mail, "eccert"), "-noout", "-text")
    # In one and the same second, too, nothing is written over.
    for _ in range(3):
        tls(mail, "new-server-key", "-a", "ecdsa")
    assert len(list(mail.config.glob("eckey-*.pem"))) == 5


def test_the_client_is_switched_on_as_stock_does_it(make_merpati):
    mail = make_merpati()
    said = tls(mail, "enable-client", "-r", "dev:/dev/urandom", check=True).stderr
    assert said.replace("merpati: ", "") == ("Enabled opportunistic TLS in the Merpati SMTP client.\nRun the command:\n  # merpati reload\n"
                                             "if you want the new settings to take effect immediately.\n")
    assert settings(mail) == {"smtp_tls_security_level": "may", "smtp_tls_loglevel": "1", "tls_random_source": "dev:/dev/urandom",
                              "smtp_tls_session_cache_database": "lmdb:${data_directory}/smtp_scache"}
    assert tls(mail, "all-default-client").returncode == 1
    assert "*** Non-default SMTP client TLS settings detected, no changes made." in tls(mail, "enable-client", check=True).stderr


def test_tls_is_switched_on_once_and_served(make_merpati):
    mail = make_merpati()
    said = tls(mail, "enable-server", "-a", "ecdsa", "mail.example.test")
    assert said.returncode == 0 and "Enabled opportunistic TLS in the Merpati SMTP server" in said.stderr
    assert settings(mail) == {
        "smtpd_tls_eccert_file": str(pem(mail, "eccert")), "smtpd_tls_eckey_file": str(pem(mail, "eckey")),
        "smtpd_tls_security_level": "may", "smtpd_tls_loglevel": "1", "smtpd_tls_received_header": "yes",
        "smtpd_tls_protocols": ">=TLSv1.2", "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
        "smtpd_tls_exclude_ciphers": "aNULL, kRSA, SHA1, SHA256, SHA384", "tls_preempt_cipherlist": "yes",
    }
    assert tls(mail, "all-default-server").returncode == 1 and tls(mail, "all-default-client").returncode == 0
    before = (mail.config / "main.cf").read_text()
    said = tls(mail, "enable-server")
    assert said.returncode == 0 and "no changes made" in said.stderr
    assert (mail.config / "main.cf").read_text() == before
    mail.start()
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.starttls(context=client_context())
        assert client.noop()[0] == 250
    mail.wait_log(r"TLS connection established from localhost\[127\.0\.0\.1\]: TLSv1\.3")


def test_what_the_records_say_is_what_a_client_finds(make_merpati):
    """docs/tls-howto.md, steps 1 and 3."""
    mail = make_merpati()
    names = SigningDns()
    try:
        names.sign("dane.test")
        tls(mail, "enable-server", "mail.dane.test", check=True)
        mail.start()
        record = tls(mail, "output-server-tlsa", "-h", "mail.dane.test", check=True).stdout.splitlines()[1]
        found = re.fullmatch(r"_25\._tcp\.mail\.dane\.test\. IN TLSA (\d) (\d) (\d) ([0-9a-f]{64})", record)
        names.add("dane.test", "MX", "10 mail.dane.test.")
        names.add("mail.dane.test", "A", "127.0.0.1")
        names.add_tlsa("mail.dane.test", mail.port, *found.groups())
        environment = {"MERPATI_RESOLV_CONF": str(mail.write("resolv.conf", f"nameserver {names.address}@{names.port}\n")),
                       "MERPATI_TRUST_ANCHORS": str(mail.write("anchors", names.anchors()))}
        said = mail.command("posttls-finger", "-c", f"dane.test:{mail.port}", environment=environment).stdout
    finally:
        names.stop()
    assert "Matched DANE EE certificate at depth 0: 3 1 1 " in said
    assert f"Verified TLS connection established to mail.dane.test[127.0.0.1]:{mail.port}: TLSv1.3" in said


@pytest.mark.parametrize("words, said", [
    (("new-server-key", "-b", "100"), 'an RSA key of "100" bits: write 1024 to 16384'),
    (("new-server-key", "-a", "ecdsa", "-b", "foo"), "make a private key: error:"),
    (("output-server-csr", "-k", "missing.pem"), "missing.pem: No such file or directory"),
    (("output-server-tlsa", "-h", "not a name"), 'bad host name: "not a name"'),
    (("new-server-key", "a name"), 'bad host name: "a name"'),
    (("new-server-key", "-a", "dsa"), "Unsupported public key algorithm: dsa"),
    (("enable-client", "word"), "usage: merpati tls enable-client [-r randsource]"),
    (("deploy-server-cert", "main.cf", "main.cf"), "no private key found in file: "),
])
def test_what_cannot_be_done_is_said_and_changes_nothing(make_merpati, words, said):
    mail = make_merpati()
    before = sorted(mail.config.iterdir()), (mail.config / "main.cf").read_text()
    done = tls(mail, *words)
    assert done.returncode == 1 and "fatal: " in done.stderr and said in done.stderr
    assert (sorted(mail.config.iterdir()), (mail.config / "main.cf").read_text()) == before


def test_chain_files_are_not_outranked_in_silence(make_merpati):
    mail = make_merpati(main={"smtpd_tls_chain_files": "/x"})
    tls(mail, "new-server-key")
    done = tls(mail, "deploy-server-cert", pem(mail, "cert"), pem(mail, "key"))
    assert done.returncode == 1 and "sets smtpd_tls_chain_files, which outranks" in done.stderr
    assert "smtpd_tls_cert_file" not in settings(mail)
