# SPDX-License-Identifier: Apache-2.0
"""
Mail servers with certificates, and a signed DNS that tells of them: the zone dane.test with a domain KIND.dane.test for
each kind, whose MX mx.KIND.dane.test is a server of its own. The zone plain.test is not signed.
"""

import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from .certificates import Authority, openssl
from .signing_dns import SigningDns
from .smtp_sink import SmtpSink
from .waiting import free_port


def server_context(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Weak certificates are shown, too; old versions are not spoken.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    return context


class DaneWorld:
    def __init__(self, dns_port=0):
        self.dns = SigningDns(port=dns_port)
        self.dns.sign("dane.test")
        self.dns.leave_unsigned("plain.test")
        self.port = free_port()
        self.servers = {}
        self.directory_made = tempfile.TemporaryDirectory(prefix="merpati-dane-")
        self.directory = Path(self.directory_made.name)
        self.directory.chmod(0o755)
        self.authority = Authority(self.directory)
        (self.directory / "strange").mkdir()
        self.stranger = Authority(self.directory / "strange", "Strange Authority")

    def finish(self):
        for server in self.servers.values():
            server.stop()
        self.dns.stop()
        self.directory_made.cleanup()

    # ---- servers ----

    def issue(self, name, authority=None, **options):
        """Files NAME.chain and so on in the authority's directory; the certificate and its authority's, for tlsa()."""
        authority = authority or self.authority
        authority.issue(name, f"/CN={name}", **{"alternative": f"DNS:mx.{name}.dane.test", **options})
        chain = authority.path(name, "chain")
        # An authority in a TLSA record must come along (RFC 7672 section 3.1.2).
        chain.write_bytes(chain.read_bytes() + authority.certificate.read_bytes())
        return authority.path(name, "pem"), authority.certificate

    def serve(self, name, chain=None, **options):
        """A server with an address of its own; without a chain it has no STARTTLS."""
        self.servers[name] = SmtpSink(address=f"127.0.0.{len(self.servers) + 10}", port=self.port,
                                      tls=chain and server_context(chain), **options)
        return self.servers[name].address

    def add_host(self, host, address):
        self.dns.add(host, "A", address)

    def add_domain(self, name, hosts=None, zone="dane.test"):
        """The domain NAME.ZONE with MX records of hosts, the best first; its own is mx.NAME.ZONE."""
        for place, host in enumerate(hosts or [f"mx.{name}.{zone}"]):
            self.dns.add(f"{name}.{zone}", "MX", f"{10 * (place + 1)} {host}.")

    def add_tlsa(self, host, usage, selector, matching, pem, port=None):
        self.dns.add_tlsa(host, port or self.port, usage, selector, matching, tlsa(pem, selector, matching))


def tlsa(pem, selector, matching):
    certificate = x509.load_pem_x509_certificate(Path(pem).read_bytes())
    if selector == 1:
        data = certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        data = certificate.public_bytes(serialization.Encoding.DER)
    if matching == 0:
        return data.hex()
    digest = hashes.Hash({1: hashes.SHA256(), 2: hashes.SHA512()}[matching])
    digest.update(data)
    return digest.finalize().hex()
