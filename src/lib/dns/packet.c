/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/packet.h"

enum {
    HEADER_SIZE = 12,
    NAME_MAX_BYTES = 255,
    LABEL_MAX_BYTES = 63,
    POINTER_BITS = 0xc0,
    CLASS_IN = 1,
    RECORD_FIXED_SIZE = 10,
};

static uint8_t byte_at(struct str bytes, size_t place)
{
    return (uint8_t) bytes.data[place];
}

static unsigned uint16_at(struct str bytes, size_t place)
{
    return (unsigned) byte_at(bytes, place) << 8 | byte_at(bytes, place + 1);
}

static uint32_t uint32_at(struct str bytes, size_t place)
{
    return (uint32_t) uint16_at(bytes, place) << 16 | uint16_at(bytes, place + 2);
}

bool dns_packet_open(struct dns_packet *packet, struct str bytes)
{
    if (bytes.len < HEADER_SIZE || (byte_at(bytes, 2) & 0x80) == 0)
        return false;
    *packet = (struct dns_packet){
        .bytes = bytes,
        .place = HEADER_SIZE,
        .is_truncated = (byte_at(bytes, 2) & 0x02) != 0,
        .rcode = byte_at(bytes, 3) & 0x0f,
        .question_count = uint16_at(bytes, 4),
        .answer_count = uint16_at(bytes, 6),
    };
    return true;
}

/* A name while it is being read: the text so far, and where its next label is. */
struct name_reader {
    char text[NAME_MAX_BYTES + 1];
    size_t len;
    size_t place;
    size_t end; /* where the bytes after the name begin, known at its end or first pointer */
    bool has_jumped;
};

/* RFC 1035 section 4.1.4: a pointer leads to an earlier place, so the walk ends. */
static bool follow_pointer(struct str bytes, struct name_reader *reader)
{
    size_t target;

    if (reader->place + 2 > bytes.len)
        return false;
    target = uint16_at(bytes, reader->place) & 0x3fff;
    if (target >= reader->place)
        return false;
    if (!reader->has_jumped)
        reader->end = reader->place + 2;
    reader->has_jumped = true;
    reader->place = target;
    return true;
}

static bool append_label(struct str bytes, struct name_reader *reader, size_t len)
{
    if (len > LABEL_MAX_BYTES || reader->place + 1 + len > bytes.len || reader->len + 1 + len > NAME_MAX_BYTES)
        return false;
    if (reader->len > 0)
        reader->text[reader->len++] = '.';
    for (size_t i = 0; i < len; i++) {
        char c = bytes.data[reader->place + 1 + i];

        if (c == '.' || c == '\0' || ((unsigned char) c < 32) || c == 127)
            return false;
        reader->text[reader->len++] = char_to_lower(c);
    }
    reader->place += 1 + len;
    return true;
}

/* Each jump goes back and each label adds to a bounded name, so this ends. */
static bool read_name(struct str bytes, size_t place, struct arena *arena, struct str *name_out, size_t *end_out)
{
    struct name_reader reader = { .place = place };
    size_t len;

    for (;;) {
        if (reader.place >= bytes.len)
            return false;
        len = byte_at(bytes, reader.place);
        if (len == 0)
            break;
        if ((len & POINTER_BITS) == POINTER_BITS) {
            if (!follow_pointer(bytes, &reader))
                return false;
        } else if (!append_label(bytes, &reader, len)) {
            return false;
        }
    }
    *end_out = reader.has_jumped ? reader.end : reader.place + 1;
    *name_out = arena_str(arena, str_make(reader.text, reader.len));
    return true;
}

/* As read_name, without looking at what the labels hold. */
static bool skip_name(struct dns_packet *packet)
{
    while (packet->place < packet->bytes.len) {
        size_t len = byte_at(packet->bytes, packet->place);

        if ((len & POINTER_BITS) == POINTER_BITS) {
            packet->place += 2;
            return true;
        }
        packet->place += 1 + len;
        if (len == 0)
            return true;
    }
    return false;
}

bool dns_packet_skip_questions(struct dns_packet *packet)
{
    for (unsigned i = 0; i < packet->question_count; i++) {
        if (!skip_name(packet))
            return false;
        packet->place += 4;
    }
    return packet->place <= packet->bytes.len;
}

bool dns_packet_next_record(struct dns_packet *packet, struct arena *arena, struct dns_packet_record *out)
{
    struct str bytes = packet->bytes;
    struct dns_packet_record record = { .type = 0 };
    size_t place, len;

    if (!read_name(bytes, packet->place, arena, &record.owner, &place))
        return false;
    if (place + RECORD_FIXED_SIZE > bytes.len)
        return false;
    if (uint16_at(bytes, place + 2) == CLASS_IN)
        record.type = uint16_at(bytes, place);
    record.ttl_seconds = uint32_at(bytes, place + 4);
    /* RFC 2181 section 8: a ttl with the top bit set is zero. */
    if (record.ttl_seconds > INT32_MAX)
        record.ttl_seconds = 0;
    len = uint16_at(bytes, place + 8);
    place += RECORD_FIXED_SIZE;
    if (len > bytes.len - place)
        return false;
    record.place = place;
    record.left = len;
    packet->place = place + len;
    *out = record;
    return true;
}

struct str dns_packet_record_data(const struct dns_packet *packet, const struct dns_packet_record *record)
{
    return str_part(packet->bytes, record->place, record->left);
}

bool dns_packet_take_bytes(const struct dns_packet *packet, struct dns_packet_record *record, size_t len,
                           struct str *out)
{
    if (record->left < len)
        return false;
    *out = str_part(packet->bytes, record->place, len);
    record->place += len;
    record->left -= len;
    return true;
}

bool dns_packet_take_uint8(const struct dns_packet *packet, struct dns_packet_record *record, uint8_t *out)
{
    struct str bytes;

    if (!dns_packet_take_bytes(packet, record, 1, &bytes))
        return false;
    *out = byte_at(bytes, 0);
    return true;
}

bool dns_packet_take_uint16(const struct dns_packet *packet, struct dns_packet_record *record, uint16_t *out)
{
    struct str bytes;

    if (!dns_packet_take_bytes(packet, record, 2, &bytes))
        return false;
    *out = (uint16_t) uint16_at(bytes, 0);
    return true;
}

bool dns_packet_take_name(const struct dns_packet *packet, struct dns_packet_record *record, struct arena *arena,
                          struct str *out)
{
    struct str name;
    size_t end;

    if (record->left == 0 || !read_name(packet->bytes, record->place, arena, &name, &end))
        return false;
    if (end > record->place + record->left)
        return false;
    record->left -= end - record->place;
    record->place = end;
    *out = name;
    return true;
}

bool dns_name_is_host(struct str name)
{
    size_t label = 0;

    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!char_is_alnum(c) && c != '-' && c != '_' && (unsigned char) c < 128)
            return false;
        if (++label > LABEL_MAX_BYTES)
            return false;
    }
    return label > 0;
}
