# SPDX-License-Identifier: Apache-2.0
"""Files of the queue, read by a second reader that knows nothing but docs/queue.md, "Formats"."""

import ctypes
import struct

import pytest
from support.waiting import free_port, wait_until

CONTENT = "From: s@example.test\nTo: a@remote.example\nSubject: formats\nMessage-Id: <1@client.example>\nDate: Sun, 22 Nov 2026 08:00:00 +0000\n\nhello\n"
HEADER_CONTEXT = int.from_bytes(b"\0\0header", "little")
TYPES = {1: "message", 2: "content", 3: "envelope", 4: "recipients", 5: "end", 6: "status"}
xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits_withSecret.restype = ctypes.c_uint64


def checksum(salt, context, data):
    secret, seed = ctypes.create_string_buffer(192), salt + struct.pack("<Q", context)
    assert xxhash.XXH3_generateSecret(secret, ctypes.c_size_t(192), seed, ctypes.c_size_t(len(seed))) == 0
    return xxhash.XXH3_64bits_withSecret(data, ctypes.c_size_t(len(data)), secret, ctypes.c_size_t(192))


def check_header(data):
    assert struct.unpack_from("<Q", data, 56)[0] == checksum(bytes(16), HEADER_CONTEXT, data[:56])


def leb128(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def number(data):
    value, end = leb128(data, 0)
    assert end == len(data)
    return value


def fields(data):
    """[(tag, value), ...]"""
    at, found = 0, []
    while at < len(data):
        length, begin = leb128(data, at + 1)
        assert begin + length <= len(data)
        found.append((data[at], data[begin : begin + length]))
        at = begin + length
    return found


def frame(data, at, salt, context):
    """(type, id, is the last of its group, payload, where the next one is)"""
    magic, kind, last, zero, queue_id, offset, length, digest, seal = struct.unpack_from("<4sBBHQQQQQ", data, at)
    assert (magic, zero, offset) == (b"MPF1", 0, at)
    assert seal == checksum(salt, context, data[at : at + 40])
    payload = data[at + 48 : at + 48 + length]
    assert digest == checksum(salt, context, payload)
    end = (at + 48 + length + 7) // 8 * 8
    assert not any(data[at + 48 + length : end])
    return TYPES[kind], queue_id, last, payload, end


def spelled(queue_id):
    """The short spelling."""
    assert queue_id >> 63 == 0
    fraction, seconds, writer = queue_id & 0x1FFF, queue_id >> 13 & 0x7FFFFFFF, queue_id >> 44 & 0xF
    return f"{fraction << 35 | writer << 31 | seconds:012X}"


def check_envelope(found, name):
    known = dict(found)
    assert spelled(number(known[1])) == name
    assert number(known[2]) // 1_000_000 == pytest.approx(number(known[1]) % (1 << 44) // 8192 + 1735689600, abs=100)
    assert (known[3], known[4], number(known[5])) == (b"s@example.test", b"e1", 2)
    assert (known[11], known[14], known[15]) == (b"127.0.0.1", b"client.example", b"ESMTP")
    assert number(known[9]) > len(CONTENT)
    assert 29 not in known or len(found) > len(known)


def check_recipients(values):
    first, second = (dict(fields(value)) for value in values)
    assert (first[1], first[3], number(first[4])) == (b"a@remote.example", b"rfc822;a@x.test", 4 + 8)
    assert second[1] == b"b@remote.example" and second[3] == b"rfc822;b@remote.example" and 4 not in second
    return first, second


def check_queue_file(data, name):
    """What the file says of each recipient, statuses applied: [(status, dsn, reason), ...]"""
    magic, version, queue_id, salt, created, zeros, _ = struct.unpack_from("<4sIQ16sQ16sQ", data, 0)
    assert (magic, version, spelled(queue_id), zeros) == (b"MPQF", 1, name, bytes(16))
    check_header(data)
    assert created > 1735689600 * 1_000_000
    at, frames = 64, []
    while at < len(data):
        kind, frame_id, _, payload, at = frame(data, at, salt, 0)
        assert frame_id == queue_id
        frames.append((kind, payload))
    assert [kind for kind, _ in frames[:4]] == ["content", "envelope", "recipients", "end"]
    assert frames[0][1].decode().endswith(CONTENT) and frames[3][1] == b""
    assert frames[1][1][0] == 1
    check_envelope(fields(frames[1][1][1:]), name)
    found = fields(frames[2][1])
    assert [tag for tag, _ in found] == [29, 29]
    told = [(number(row.get(5, b"\0")), number(row.get(6, b"\0")), row.get(7, b"")) for row in check_recipients([v for _, v in found])]
    for kind, payload in frames[4:]:
        assert kind == "status" and payload[0] == 1
        for tag, value in fields(payload[1:]):
            if tag == 1:
                row = dict(fields(value))
                told[number(row[1])] = (number(row[2]), number(row[3]), row[4])
    return told


def check_segment(data, name):
    """Where the frame of that message stands, the salt, the size."""
    magic, version, segment, state, salt, size, began, writer, zero, _ = struct.unpack_from("<4sIII16sQQIIQ", data, 0)
    assert (magic, version, segment, state, zero, size) == (b"MPJS", 1, 1, 1, 0, len(data))
    check_header(data)
    assert not any(data[64:4096]) and began > 1735689600 * 1_000_000 and writer < 16
    kind, queue_id, last, payload, end = frame(data, 4096, salt, segment)
    assert (kind, last, spelled(queue_id)) == ("message", 1, name)
    assert not any(data[end : (end + 4095) // 4096 * 4096])
    length, zero = struct.unpack_from("<II", payload, 0)
    assert zero == 0 and payload[8] == 1 and payload[8 + length :].decode().endswith(CONTENT)
    found = fields(payload[9 : 8 + length])
    check_envelope(found, name)
    check_recipients([value for tag, value in found if tag == 29])
    return salt, size, began, queue_id


def records(data):
    """[(place, its fields, its bytes), ...]"""
    places = range(64, len(data) - 31, 32)
    return [(at, struct.unpack_from("<IIBBHIQQ", data, at), data[at : at + 32]) for at in places if any(data[at : at + 32])]


def check_ledger(data, salt, size, began, queue_id):
    magic, version, segment, zero, own_salt, own_began, own_size, zeros, _ = struct.unpack_from("<4sIII16sQQQQ", data, 0)
    assert (magic, version, segment, zero, own_salt, zeros) == (b"MPJL", 1, 1, 0, salt, 0)
    assert (own_began, own_size) == (began, size)
    check_header(data)
    for at, (place, recipient, kind, _, zero, seconds, record_id, digest), whole in records(data):
        assert (place * 8, zero, record_id) == (4096, 0, queue_id) and 1 <= kind <= 6
        assert recipient in (0, 1, 0xFFFFFFFF) and seconds > 1735689600
        assert digest == checksum(salt, segment + (1 << 32), whole[:24] + struct.pack("<Q", at))
    assert records(data)[-1][1][1:4] == (0xFFFFFFFF, 5, 2), "the message, moved, to deferred/"


def check_writer(data, queue_id):
    assert len(data) == 1024
    ceilings = {}
    for at in (0, 512):
        slot = data[at : at + 512]
        if any(slot):
            magic, version, sequence, ceiling, zeros, _ = struct.unpack_from("<4sIQQ32sQ", slot, 0)
            assert (magic, version, zeros) == (b"MPJW", 1, bytes(32)) and not any(slot[64:])
            check_header(slot)
            ceilings[sequence] = ceiling
    assert ceilings[max(ceilings)] >= queue_id % (1 << 44)


def test_every_file_is_what_the_page_says(make_merpati):
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{free_port()}", "spool_segment_age": "1000s"})
    mail.start()
    with mail.smtp() as client:
        client.command("EHLO client.example")
        client.command("MAIL FROM:<s@example.test> RET=HDRS ENVID=e1")
        client.command("RCPT TO:<a@remote.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@x.test")
        client.command("RCPT TO:<b@remote.example>")
        client.command("DATA")
        name = client.command(CONTENT.replace("\n", "\r\n") + ".").text.rsplit(" ", 1)[1]
    path = mail.queue / "deferred" / name[0] / name
    ledger = mail.queue / "journal/ledger-001"
    wait_until(lambda: any(row[2] == 5 for _, row, _ in records(ledger.read_bytes())), lambda: f"it is moved; {mail.tail(5)}")

    def told():
        return check_queue_file(path.read_bytes(), name)

    def reasons():
        """Nothing while a frame is being written."""
        try:
            return [reason for _, _, reason in told()]
        except (AssertionError, OSError, struct.error):
            return None

    dsn = 4 << 32 | 4 << 16 | 1
    assert [(status, code) for status, code, _ in told()] == [(0, dsn)] * 2
    assert all(b"Connection refused" in reason for _, _, reason in told())
    salt, size, began, queue_id = check_segment((mail.queue / "journal/segment-001").read_bytes(), name)
    check_ledger(ledger.read_bytes(), salt, size, began, queue_id)
    check_writer((mail.queue / "journal/writer-00").read_bytes(), queue_id)

    # Another reason is another status frame behind the end.
    before = path.read_bytes()
    port = free_port()
    mail.set(relayhost=f"[127.0.0.1]:{port}")
    mail.reload()
    mail.command("postqueue", "-i", name)
    wait_until(lambda: sum(f":{port}: ".encode() in reason for reason in reasons() or []) == 2,
               lambda: f"a status, not {reasons()}; {mail.tail(5)}")
    assert path.read_bytes().startswith(before)
