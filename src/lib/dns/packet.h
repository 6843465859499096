/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_PACKET_H
#define DNS_PACKET_H

#include "base/arena.h"

/*
 * dns packet - walks the bytes of a reply (RFC 1035 section 4). Nothing in it is believed: every call checks
 * the bounds, compression pointers only lead backwards and a name has at most 255 bytes.
 */
struct dns_packet {
    struct str bytes;
    size_t place;      /* of the next thing to read */
    bool is_truncated; /* records are missing (RFC 1035 section 4.1.1) */
    unsigned rcode;
    unsigned question_count, answer_count;
};

/* A record; the take calls below read its data from front to back. */
struct dns_packet_record {
    struct str owner; /* lower case, without the final dot */
    unsigned type;
    uint32_t ttl_seconds;
    size_t place; /* of the data's next byte */
    size_t left;  /* bytes of data not yet read */
};

/* False when it is too short or no reply. */
MUST_USE bool dns_packet_open(struct dns_packet *packet, struct str bytes);
MUST_USE bool dns_packet_skip_questions(struct dns_packet *packet);
/* The next record of class IN or another (whose type is then 0). */
MUST_USE bool dns_packet_next_record(struct dns_packet *packet, struct arena *arena, struct dns_packet_record *out);

struct str dns_packet_record_data(const struct dns_packet *packet, const struct dns_packet_record *record);
MUST_USE bool dns_packet_take_uint8(const struct dns_packet *packet, struct dns_packet_record *record, uint8_t *out);
MUST_USE bool dns_packet_take_uint16(const struct dns_packet *packet, struct dns_packet_record *record, uint16_t *out);
/* A view into the packet. */
MUST_USE bool dns_packet_take_bytes(const struct dns_packet *packet, struct dns_packet_record *record, size_t len,
                                    struct str *out);
/* Lower case, in the arena; a label with a dot, a NUL or a control byte in it is refused. */
MUST_USE bool dns_packet_take_name(const struct dns_packet *packet, struct dns_packet_record *record,
                                   struct arena *arena, struct str *out);

/* Whether it may name a host: letters, digits, '-', '_', bytes above 127; labels of 1 to 63; at most 255. */
bool dns_name_is_host(struct str name);

#endif
