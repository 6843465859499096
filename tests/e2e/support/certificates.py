# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates for tests of TLS: an authority and what it signs, made by openssl in a directory."""

import hashlib
import ssl
import subprocess
from pathlib import Path


def openssl(*words, input=None):
    return subprocess.run(["openssl", *map(str, words)], input=input, check=True, capture_output=True).stdout


class Authority:
    """Makes what is asked for: NAME.key, NAME.pem (the certificate) and NAME.chain (key and certificate) in `directory`."""

    def __init__(self, directory, name="Test Authority"):
        self.directory = Path(directory)
        self.serial = 1000
        self.key = self.new_key("ca", "ec")
        self.certificate = self.directory / "ca.pem"
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/O=Example/CN={name}", "-days", 30, "-out", self.certificate)

    def path(self, name, ending):
        return self.directory / f"{name}.{ending}"

    def new_key(self, name, kind):
        path = self.path(name, "key")
        if kind == "rsa":
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
        else:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
        return path

    def issue(self, name, subject="/CN=mail.example.test", kind="ec", days=30, alternative="DNS:mail.example.test", digest="sha256"):
        """A key and a certificate that the authority has signed; days = 0: it expires as it is made."""
        key = self.new_key(name, kind)
        request = openssl("req", "-new", "-key", key, "-subj", subject)
        self.serial += 1
        extensions = self.path(name, "ext")
        extensions.write_text(f"subjectAltName={alternative}\n")
        openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-set_serial", self.serial, "-days", days, f"-{digest}",
                "-extfile", extensions, "-out", self.path(name, "pem"), input=request)
        self.path(name, "chain").write_bytes(key.read_bytes() + self.path(name, "pem").read_bytes())
        return self.path(name, "chain")

    def issue_under(self, name, subject, levels=1):
        """The same with so many authorities between; the chain file has their certificates, too."""
        above, chain = (self.certificate, self.key), b""
        extensions = self.path(name, "ext")
        for level in range(levels, -1, -1):
            own = f"{name}-{level}" if level else name
            key, certificate = self.new_key(own, "ec"), self.path(own, "pem")
            extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n" if level else "keyUsage=digitalSignature\n")
            request = openssl("req", "-new", "-key", key, "-subj", f"/CN=Authority {level}" if level else subject)
            openssl("x509", "-req", "-CA", above[0], "-CAkey", above[1], "-set_serial", level + 1, "-days", 30, "-extfile", extensions,
                    "-out", certificate, input=request)
            above, chain = (certificate, key), certificate.read_bytes() + chain
        self.path(name, "chain").write_bytes(above[1].read_bytes() + chain)

    def digest(self, name, algorithm="sha256"):
        """As tables of fingerprints have it: AA:BB:..."""
        der = ssl.PEM_cert_to_DER_cert(self.path(name, "pem").read_text())
        return hashlib.new(algorithm, der).digest().hex(":").upper()

    def key_digest(self, name, algorithm="sha256"):
        """The same of the public key."""
        der = openssl("pkey", "-in", self.path(name, "key"), "-pubout", "-outform", "DER")
        return hashlib.new(algorithm, der).digest().hex(":").upper()


def client_context(certificate=None, version=None, ciphers=None):
    """For a client that believes everything; with a chain file it shows that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    if certificate:
        context.load_cert_chain(certificate)
    return context
