/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/packet.h"

#include "unit.h"

#include <stdio.h>

/* A reply with one question for "a.test" and one answer of the given owner and data. */
struct reply {
    char bytes[700];
    size_t len;
};

static void put(struct reply *reply, const char *bytes, size_t len)
{
    memcpy(reply->bytes + reply->len, bytes, len);
    reply->len += len;
}

static void put_uint16(struct reply *reply, size_t number)
{
    const char bytes[2] = { (char) (number >> 8), (char) number };

    put(reply, bytes, 2);
}

static void start(struct reply *reply, unsigned answers)
{
    static const char header[] = "\x12\x34\x81\x80\0\x01";

    reply->len = 0;
    put(reply, header, 6);
    put_uint16(reply, answers);
    put_uint16(reply, 0);
    put_uint16(reply, 0);
    put(reply,
        "\x01"
        "a\x04test\0\0\x0f\0\x01",
        12);
}

static void put_record(struct reply *reply, struct str owner, unsigned class, uint32_t ttl, struct str data)
{
    put(reply, owner.data, owner.len);
    put_uint16(reply, 15);
    put_uint16(reply, class);
    put_uint16(reply, ttl >> 16);
    put_uint16(reply, ttl & 0xffff);
    put_uint16(reply, data.len);
    put(reply, data.data, data.len);
}

#define BYTES(text) str_make(text, sizeof(text) - 1)
#define TO_QUESTION BYTES("\xc0\x0c")

/* Reads the first record; the packet's memory is exactly as long as the reply, for the sanitizer to watch. */
static bool read_record(const struct reply *reply, size_t len, struct arena *arena, struct dns_packet *packet,
                        struct dns_packet_record *record)
{
    char *exact = arena_alloc(arena, len + 1);

    memcpy(exact, reply->bytes, len);
    return dns_packet_open(packet, str_make(exact, len)) && dns_packet_skip_questions(packet) &&
           dns_packet_next_record(packet, arena, record);
}

TEST(a_record_is_read_through_its_pointers)
{
    struct arena *arena = arena_create();
    struct reply reply;
    struct dns_packet packet;
    struct dns_packet_record record;
    uint16_t preference;
    struct str name;

    start(&reply, 1);
    put_record(&reply, TO_QUESTION, 1, 300, BYTES("\0\x0a\x02MX\xc0\x0c"));
    EXPECT(read_record(&reply, reply.len, arena, &packet, &record));
    EXPECT_STR(record.owner, STR("a.test"));
    EXPECT_UINT(record.type, 15);
    EXPECT_UINT(record.ttl_seconds, 300);
    EXPECT(dns_packet_take_uint16(&packet, &record, &preference));
    EXPECT_UINT(preference, 10);
    EXPECT(dns_packet_take_name(&packet, &record, arena, &name));
    EXPECT_STR(name, STR("mx.a.test"));
    EXPECT_UINT(record.left, 0);
    EXPECT_FALSE(dns_packet_take_name(&packet, &record, arena, &name));
    arena_destroy(&arena);
}

TEST(every_cut_of_a_reply_is_noticed)
{
    struct arena *arena = arena_create();
    struct reply reply;
    struct dns_packet packet;
    struct dns_packet_record record;

    start(&reply, 1);
    put_record(&reply, TO_QUESTION, 1, 300, BYTES("\0\x0a\x02mx\xc0\x0c"));
    for (size_t len = 0; len < reply.len; len++)
        EXPECT_FALSE(read_record(&reply, len, arena, &packet, &record));
    arena_destroy(&arena);
}

TEST(an_owner_that_is_no_name_is_refused)
{
    static const struct {
        const char *what;
        const char *bytes;
        size_t len;
    } rows[] = {
        { "a pointer to itself", "\xc0\x18", 2 },
        { "a pointer forward", "\xc0\x40", 2 },
        { "a pointer behind the end", "\xff\xff", 2 },
        { "a label that points back to its own start", "\x01x\xc0\x18", 4 },
        { "a label of an unknown kind", "\x41x\0", 3 },
        { "a label with a dot in it", "\x03x.y\0", 5 },
        { "a label with a NUL in it", "\x03x\0y\0", 5 },
        { "a label with a line end in it", "\x03x\ny\0", 5 },
        { "a label that leads out of the packet", "\x3fx", 2 },
    };
    struct arena *arena = arena_create();
    struct dns_packet packet;
    struct dns_packet_record record;
    struct reply reply;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        start(&reply, 1);
        put_record(&reply, str_make(rows[i].bytes, rows[i].len), 1, 1, BYTES("\0\x01\x01x\0"));
        if (read_record(&reply, reply.len, arena, &packet, &record))
            fprintf(stderr, "taken: %s\n", rows[i].what);
        EXPECT_FALSE(read_record(&reply, reply.len, arena, &packet, &record));
    }
    arena_destroy(&arena);
}

/* 255 bytes at most, however they are put together. */
TEST(a_name_does_not_grow_by_pointing)
{
    struct arena *arena = arena_create();
    struct dns_packet packet;
    struct dns_packet_record record;
    struct reply reply;
    char label[64];
    size_t place;

    memset(label, 'x', sizeof label);
    label[0] = 63;
    start(&reply, 1);
    place = reply.len;
    for (int i = 0; i < 3; i++)
        put(&reply, label, 64);
    put(&reply, "", 1);
    /* A record that begins with a name of 3 labels is well; one more label in front of them, too; two are not. */
    for (int more = 0; more < 3; more++) {
        struct reply longer = reply;
        char pointer[2] = { (char) (0xc0 | place >> 8), (char) place };

        for (int i = 0; i < more; i++)
            put(&longer, label, 64);
        put(&longer, pointer, 2);
        put_record(&longer, STR_EMPTY, 1, 1, BYTES("x"));
        EXPECT(dns_packet_open(&packet, str_make(longer.bytes, longer.len)));
        EXPECT(dns_packet_skip_questions(&packet));
        packet.place = reply.len;
        EXPECT_INT(dns_packet_next_record(&packet, arena, &record), more < 2);
    }
    arena_destroy(&arena);
}

TEST(the_data_of_a_record_ends_where_it_says)
{
    struct arena *arena = arena_create();
    struct dns_packet packet;
    struct dns_packet_record record;
    struct reply reply;
    struct str taken;
    uint16_t number;
    uint8_t byte;

    start(&reply, 2);
    put_record(&reply, TO_QUESTION, 1, 1, BYTES("\x01\x02\x03"));
    put_record(&reply, TO_QUESTION, 1, 1, BYTES("more"));
    EXPECT(read_record(&reply, reply.len, arena, &packet, &record));
    EXPECT_UINT(dns_packet_record_data(&packet, &record).len, 3);
    EXPECT_FALSE(dns_packet_take_bytes(&packet, &record, 4, &taken));
    EXPECT(dns_packet_take_uint16(&packet, &record, &number));
    EXPECT_FALSE(dns_packet_take_uint16(&packet, &record, &number));
    EXPECT(dns_packet_take_uint8(&packet, &record, &byte));
    EXPECT_UINT(byte, 3);
    EXPECT_FALSE(dns_packet_take_uint8(&packet, &record, &byte));
    EXPECT(dns_packet_next_record(&packet, arena, &record));
    EXPECT_STR(dns_packet_record_data(&packet, &record), STR("more"));
    EXPECT_FALSE(dns_packet_next_record(&packet, arena, &record));
    /* A name whose last byte is the next record's. */
    start(&reply, 2);
    put_record(&reply, TO_QUESTION, 1, 1, BYTES("\x02yz"));
    put_record(&reply, BYTES("\0"), 1, 1, BYTES("x"));
    EXPECT(read_record(&reply, reply.len, arena, &packet, &record));
    EXPECT_FALSE(dns_packet_take_name(&packet, &record, arena, &taken));
    arena_destroy(&arena);
}

TEST(strange_classes_and_ttls_do_no_harm)
{
    struct arena *arena = arena_create();
    struct dns_packet packet;
    struct dns_packet_record record;
    struct reply reply;

    start(&reply, 1);
    put_record(&reply, TO_QUESTION, 3, 0x80000000U, BYTES("x"));
    EXPECT(read_record(&reply, reply.len, arena, &packet, &record));
    EXPECT_UINT(record.type, 0);
    EXPECT_UINT(record.ttl_seconds, 0);
    /* A question is no reply. */
    reply.bytes[2] = 0x01;
    EXPECT_FALSE(dns_packet_open(&packet, str_make(reply.bytes, reply.len)));
    /* More questions than there are bytes. */
    start(&reply, 1);
    reply.bytes[4] = reply.bytes[5] = (char) 0xff;
    EXPECT(dns_packet_open(&packet, str_make(reply.bytes, reply.len)));
    EXPECT_FALSE(dns_packet_skip_questions(&packet));
    arena_destroy(&arena);
}

TEST(a_host_has_a_host_s_name)
{
    static const char *const good[] = { "a", "mx.a.test", "_dmarc.a.test", "1.2.3.4", "xn--bcher-kva.test", "a-b" };
    static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "a b", "a/b", "a\tb", "a@b", "[1.2.3.4]", "a:b" };
    char text[300];

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        EXPECT(dns_name_is_host(str_from_c(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(dns_name_is_host(str_from_c(bad[i])));
    memset(text, 'x', sizeof text);
    EXPECT(dns_name_is_host(str_make(text, 63)));
    EXPECT_FALSE(dns_name_is_host(str_make(text, 64)));
    for (size_t i = 60; i < sizeof text; i += 61)
        text[i] = '.';
    EXPECT(dns_name_is_host(str_make(text, 255)));
    EXPECT_FALSE(dns_name_is_host(str_make(text, 256)));
}
