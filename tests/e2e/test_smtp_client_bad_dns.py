# SPDX-License-Identifier: Apache-2.0
"""What a name server can say to do harm: the mail is deferred or returned as with stock Postfix, and other mail goes."""

import random
import socket
import struct

from dnslib import QTYPE, RR, DNSHeader, DNSRecord
from support.smtp_client import SmtpClient

MANY = 200
# As many as go into an answer, whose size is two bytes (RFC 1035 section 4.2.2): more than the resolver passes on.
MOST = 2800


def records(data, count, announced=None):
    """A reply with so many MX records, each for a host of its own; the header may say something else."""
    asked = DNSRecord.parse(data)
    head = struct.pack("!HHHHHH", asked.header.id, 0x8580, 1, announced or count, 0, 0)
    question = data[12 : data.index(b"\0", 12) + 5]
    out = [head, question]
    for number in range(count):
        host = f"m{number}".encode()
        # a name of its own below the question's, which is at offset 12
        value = struct.pack("!H", number % 65536) + bytes([len(host)]) + host + b"\xc0\x0c"
        out.append(struct.pack("!HHHIH", 0xC00C, 15, 1, 300, len(value)) + value)
    return b"".join(out)


def play(world):
    """world.names.answer, with a function for a name (and what is below it) in world.bad."""
    usual, bad = world.names.answer, world.bad

    def answer(data):
        asked = DNSRecord.parse(data)
        name = str(asked.q.qname).rstrip(".").lower()
        for ending, reply in bad.items():
            if name == ending or name.endswith("." + ending):
                return reply(data, name, QTYPE[asked.q.qtype])
        return usual(data)

    world.names.answer = answer


def many(data, name, kind, count=MANY):
    if kind == "MX":
        return records(data, count)
    asked = DNSRecord.parse(data)
    reply = DNSRecord(DNSHeader(id=asked.header.id, qr=1, aa=1, ra=1), q=asked.q)
    if kind == "A" and name[0] in "mv":
        reply.add_answer(*RR.fromZone(f"{name}. 300 IN A 127.0.0.2"))
    return reply.pack()


def vast(data, name, kind):
    """With an address of its own, which is nobody's mail host as long as there may be exchangers."""
    return many(data, name, kind, MOST)


def boastful(data, name, kind):
    return records(data, 3, announced=10000)


def junk(data, name, kind):
    return data[:2] + random.Random(name).randbytes(300)


def endless(data, name, kind):
    """Each name is an alias of the next."""
    asked = DNSRecord.parse(data)
    first, _, rest = name.partition(".")
    number = int(first[1:]) if first[0] == "n" and first[1:].isdigit() else -1
    reply = DNSRecord(DNSHeader(id=asked.header.id, qr=1, aa=1, ra=1), q=asked.q)
    reply.add_answer(*RR.fromZone(f"{name}. 300 IN CNAME n{number + 1}.{rest if number >= 0 else name}."))
    return reply.pack()


def to_itself(data, name, kind):
    """An alias of itself, over and over."""
    asked = DNSRecord.parse(data)
    reply = DNSRecord(DNSHeader(id=asked.header.id, qr=1, aa=1, ra=1), q=asked.q)
    reply.add_answer(*[RR.fromZone(f"{name}. 300 IN CNAME {name}.")[0] for _ in range(50)])
    return reply.pack()


BAD = {"many.test": many, "vast.test": vast, "boast.test": boastful, "junk.test": junk, "endless.test": endless, "loop.test": to_itself}
ERROR = r"relay=none, .*dsn=4\.4\.3, status=deferred \(Host or domain name not found\. Name service error for name={} type=MX: .*\)"


def test_answers_that_do_harm_cost_their_own_mail_only(own_world):
    world = own_world
    world.bad = BAD
    play(world)
    server = world.server("127.0.0.2")
    world.host("good.test", "127.0.0.2")
    # An exchanger that is the domain itself, without address; and two that point at each other.
    world.names.add("self.test", "MX", "10 self.test.")
    world.names.add("ping.test", "MX", "10 pong.test.")
    world.names.add("pong.test", "MX", "10 ping.test.")
    world.names.add("pong.test", "CNAME", "ping.test.")
    world.start()
    world.send(*[f"u@{name}" for name in BAD], "u@self.test", "u@ping.test", "u@good.test")
    world.outcome("u@good.test", "relay=good.*status=sent")
    world.outcome("u@many.test", r"relay=m\d+\.many\.test\[127\.0\.0\.2\].*status=sent")
    for name in ("vast", "boast", "junk", "endless", "loop"):
        world.outcome(rf"u@{name}\.test", ERROR.format(rf"{name}\.test"))
    world.outcome("u@self.test", r"relay=none, .*dsn=5\.4\.4, status=bounced \(.*name=self\.test type=A: ")
    world.outcome("u@ping.test", r"relay=none, .*status=(bounced|deferred) ")
    server.wait_for(2)
    # Of thousands of exchangers no more addresses were asked for than are looked at.
    assert len({name for name, kind in world.names.queries if kind == "A"}) < 100


def test_with_no_name_server_on_this_host_nobody_waits_for_one(make_merpati):
    """The resolver's own patience with a port that refuses is 17 seconds, for a greeting and for each question after it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.9", 0))
        port = held.getsockname()[1]
    mail = make_merpati()
    path = mail.write("resolv.conf", f"nameserver 127.0.0.9@{port}\n")
    mail.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={path}")
    mail.start()
    with SmtpClient(mail.port, source="127.0.0.77", timeout=10) as client:
        assert client.hello().code == 250
    mail.wait_log(r"connect from unknown\[127\.0\.0\.77\]")
    mail.sendmail("-f", "a@example.com", "b@elsewhere.example", input="Subject: x\n\nx\n")
    mail.wait_log(r"to=<b@elsewhere\.example>, .*status=deferred \(Host or domain name not found\..*try again\)", timeout=10)
