# SPDX-License-Identifier: Apache-2.0
"""
A DNS server on loopback whose zones are signed (RFC 4035) with keys made for the test:

    dns = SigningDns()
    dns.sign("example.test")              # a signed zone; under another signed zone it has a DS record there
    dns.leave_unsigned("plain.example.test")
    dns.add("example.test", "MX", "10 mx.example.test.")
    dns.add_tlsa("mx.example.test", 25, 3, 1, 1, digest)
    dns.spoil("example.test", "expired")  # or "forged", "stripped": what is said of the name is no longer valid
    dns.anchors()                         # lines of a file of trust anchors

Who validates (and says so by the bit CD) gets everything with its signatures. Who does not gets what a resolver that
validates would say: the bit AD for what is signed, SERVFAIL for what is spoilt. What does not exist is denied as a name without
such a record (RFC 9824).
"""

import os
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

from .dns_server import DnsServer

DAY = 86400


def _name(text):
    return dns.name.from_text(str(text).rstrip(".").lower() + ".")


class _Zone:
    def __init__(self, apex, is_signed):
        self.apex = apex
        self.key = ec.generate_private_key(ec.SECP256R1()) if is_signed else None
        self.dnskey = is_signed and dns.dnssec.make_dnskey(
            self.key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)


class SigningDns(DnsServer):
    def __init__(self, **options):
        self.zones = {}
        self.sets = {}
        self.spoilt = {}
        super().__init__(**options)

    # ---- what is in it ----

    def sign(self, apex):
        self._new_zone(apex, True)

    def leave_unsigned(self, apex):
        self._new_zone(apex, False)

    def _new_zone(self, apex, is_signed):
        zone = self.zones[_name(apex)] = _Zone(_name(apex), is_signed)
        self.add(apex, "SOA", "ns.invalid. root.invalid. 1 3600 600 86400 60")
        self.add(apex, "NS", "ns.invalid.")
        if not is_signed:
            return
        self.add(apex, "DNSKEY", zone.dnskey.to_text())
        if self._is_signed_above(zone):
            self.add(apex, "DS", dns.dnssec.make_ds(zone.apex, zone.dnskey, "SHA256").to_text())

    def add(self, name, kind, value, ttl=300):
        where = (_name(name), dns.rdatatype.from_text(kind))
        more = dns.rrset.from_text(where[0], ttl, "IN", kind, value)
        if where in self.sets:
            self.sets[where].update(more)
        else:
            self.sets[where] = more

    def add_tlsa(self, host, port, usage, selector, matching, data):
        self.add(f"_{port}._tcp.{host}", "TLSA", f"{usage} {selector} {matching} {data}")

    def remove(self, name):
        for where in [where for where in self.sets if where[0] == _name(name)]:
            del self.sets[where]

    def spoil(self, name, how="forged"):
        self.spoilt[_name(name)] = how

    def anchors(self):
        tops = [zone for zone in self.zones.values() if zone.key and not self._is_signed_above(zone)]
        return "; made for a test\n" + "".join(f"{zone.apex} IN DNSKEY {zone.dnskey.to_text()} ; a comment\n" for zone in tops)

    def _zone_of(self, name):
        inside = [zone for apex, zone in self.zones.items() if name.is_subdomain(apex)]
        return max(inside, key=lambda zone: len(zone.apex.labels), default=None)

    def _is_signed_above(self, zone):
        above = zone.apex != dns.name.root and self._zone_of(zone.apex.parent())
        return above and above.key

    # ---- what it says ----

    def _signature(self, zone, rrset):
        how = self.spoilt.get(rrset.name)
        if how == "stripped":
            return []
        late = 3 * DAY if how == "expired" else 0
        now = int(time.time())
        rrsig = dns.dnssec.sign(rrset, zone.key, zone.apex, zone.dnskey, inception=now - late - DAY, expiration=now - late + DAY)
        if how == "forged":
            rrsig = rrsig.replace(signature=bytes(len(rrsig.signature)))
        return [dns.rrset.from_rdata(rrset.name, rrset.ttl, rrsig)]

    def _denial(self, zone, name):
        types = {kind for owner, kind in self.sets if owner == name}
        if name in self.zones and self.zones[name] is not zone:
            # Seen from above: a delegation.
            types &= {dns.rdatatype.NS, dns.rdatatype.DS}
        types |= {dns.rdatatype.RRSIG, dns.rdatatype.NSEC}
        text = " ".join(dns.rdatatype.to_text(kind) for kind in sorted(types))
        return dns.rrset.from_text(name, 60, "IN", "NSEC", f"\\000.{name} {text}")

    def answer(self, data):
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name, kind = _name(asked.name), asked.rdtype
        self.queries.append((str(name).rstrip("."), dns.rdatatype.to_text(kind)))
        reply = dns.message.make_response(question, recursion_available=True)
        how = self.failures.get(str(name).rstrip("."))
        if how == "TIMEOUT":
            return None
        if how:
            reply.set_rcode(dns.rcode.from_text(how))
            return reply.to_wire(max_size=65535)
        is_valid = self._fill(reply, name, kind)
        if not question.flags & dns.flags.CD:
            if is_valid is None:
                reply = dns.message.make_response(question, recursion_available=True)
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif is_valid and (question.flags & dns.flags.AD or question.ednsflags & dns.flags.DO):
                reply.flags |= dns.flags.AD
        return reply.to_wire(max_size=65535)

    def _add(self, section, rrset, zone):
        """Whether it is signed; None: not as it should be."""
        section.append(rrset)
        if not zone or not zone.key:
            return False
        section.extend(self._signature(zone, rrset))
        return None if rrset.name in self.spoilt else True

    def _fill(self, reply, name, kind):
        verdicts = []
        for _ in range(10):
            is_above = kind == dns.rdatatype.DS and name != dns.name.root
            zone = self._zone_of(name.parent() if is_above else name)
            found = self.sets.get((name, kind))
            alias = self.sets.get((name, dns.rdatatype.CNAME))
            if found:
                verdicts.append(self._add(reply.answer, found, zone))
                break
            if alias:
                verdicts.append(self._add(reply.answer, alias, zone))
                name = _name(alias[0].target)
                continue
            if zone and zone.key:
                self._add(reply.authority, self.sets[zone.apex, dns.rdatatype.SOA], zone)
                verdicts.append(self._add(reply.authority, self._denial(zone, name), zone))
            else:
                verdicts.append(False)
                if not any(owner.is_subdomain(name) for owner, _ in self.sets):
                    reply.set_rcode(dns.rcode.NXDOMAIN)
            break
        return None if None in verdicts else all(verdicts)


class Front(DnsServer):
    """Another address of a DNS server."""

    def __init__(self, behind, **options):
        self.behind = behind
        super().__init__(**options)

    def answer(self, data):
        return self.behind.answer(data)


def front_for_stock(dns):
    for number in range(1, 250):
        try:
            return Front(dns, address=f"127.54.{os.getpid() % 250}.{number}", port=53)
        except OSError:
            continue
    raise AssertionError("no loopback address with a free port 53")
