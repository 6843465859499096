# SPDX-License-Identifier: Apache-2.0
"""
A DNS server on loopback, UDP and TCP on one port. Records are added in zone-file words:

    dns = DnsServer()
    dns.add("example.test", "MX", "10 mx.example.test.")
    dns.fail("broken.test", "SERVFAIL")   # or NXDOMAIN, or TIMEOUT (never answers)
    dns.queries                            # [(name, type), ...]

A name that has other records answers NOERROR without data, any other name NXDOMAIN.
"""

import socket
import socketserver
import threading

from dnslib import QTYPE, RCODE, RR, DNSHeader, DNSRecord


UDP_MAX = 1232


def _cut(answer, question):
    """Over UDP a large answer is only the hint to ask over TCP (RFC 1035 section 4.1.1)."""
    if len(answer) <= UDP_MAX:
        return answer
    asked = DNSRecord.parse(question)
    return DNSRecord(DNSHeader(id=asked.header.id, qr=1, aa=1, ra=1, tc=1), q=asked.q).pack()


class DnsServer:
    def __init__(self, address="127.0.0.1", port=0):
        self.records = {}
        self.failures = {}
        self.queries = []
        for _ in range(50):
            self.udp = socketserver.ThreadingUDPServer((address, port), self._udp_handler())
            self.port = self.udp.server_address[1]
            try:
                socketserver.ThreadingTCPServer.allow_reuse_address = True
                self.tcp = socketserver.ThreadingTCPServer((address, self.port), self._tcp_handler())
                break
            except OSError:
                self.udp.server_close()
                if port:
                    raise
        self.address = address
        self.udp.daemon_threads = self.tcp.daemon_threads = True
        for server in (self.udp, self.tcp):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        for server in (self.udp, self.tcp):
            server.shutdown()
            server.server_close()

    def add(self, name, kind, value, ttl=300):
        name = name.rstrip(".").lower()
        record = RR.fromZone(f"{name}. {ttl} IN {kind} {value}")
        self.records.setdefault(name, []).extend(record)

    def remove(self, name):
        self.records.pop(name.rstrip(".").lower(), None)

    def fail(self, name, how):
        """How queries below and at name end; None makes them work again."""
        self.failures[name.rstrip(".").lower()] = how

    def answer(self, data):
        request = DNSRecord.parse(data)
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.queries.append((name, kind))
        reply = DNSRecord(DNSHeader(id=request.header.id, qr=1, aa=1, ra=1, rd=request.header.rd), q=request.q)
        how = self.failures.get(name)
        if how == "TIMEOUT":
            return None
        if how:
            reply.header.rcode = getattr(RCODE, how)
            return reply.pack()
        seen = set()
        while name not in seen:
            seen.add(name)
            found = self.records.get(name)
            if found is None:
                if len(seen) == 1 and not any(n.endswith("." + name) for n in self.records):
                    reply.header.rcode = RCODE.NXDOMAIN
                break
            matching = [r for r in found if QTYPE[r.rtype] == kind]
            reply.add_answer(*matching)
            alias = [r for r in found if QTYPE[r.rtype] == "CNAME"]
            if matching or not alias:
                break
            reply.add_answer(alias[0])
            name = str(alias[0].rdata.label).rstrip(".").lower()
        return reply.pack()

    def _udp_handler(self):
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                answer = server.answer(data)
                if answer is not None:
                    sock.sendto(_cut(answer, data), self.client_address)

        return Handler

    def _tcp_handler(self):
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while True:
                    size = self.request.recv(2, socket.MSG_WAITALL)
                    if len(size) < 2:
                        return
                    data = self.request.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
                    answer = server.answer(data)
                    if answer is not None:
                        self.request.sendall(len(answer).to_bytes(2, "big") + answer)

        return Handler
