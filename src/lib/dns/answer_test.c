/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/answer.h"

#include "base/strbuf.h"
#include "dns/packet.h"

#include "unit.h"

/* Header with response bit, rcode, one question and some answers; the question is example.test. */
#define HEADER(rcode, answers) "\x12\x34\x81" rcode "\0\x01\0" answers "\0\0\0\0"
#define QUESTION                                                                                                       \
    "\x07"                                                                                                             \
    "example\x04"                                                                                                      \
    "test\0\0\x0f\0\x01"
/* Owner: pointer to the question's name at 12. */
#define RECORD(type, ttl, len) "\xc0\x0c\0" type "\0\x01" ttl "\0" len

static struct dns_answer parse(struct arena *arena, const char *bytes, size_t len, enum dns_type type)
{
    struct dns_answer answer;
    char *copy = arena_alloc(arena, len);

    memcpy(copy, bytes, len);
    dns_answer_parse(&answer, arena, copy, len, STR("Example.TEST"), type);
    return answer;
}

#define PARSE(arena, bytes, type) parse(arena, bytes, sizeof(bytes) - 1, type)

TEST(mail_exchangers_are_read_with_preference_and_ttl)
{
    struct arena *arena = arena_create();
    struct dns_answer answer =
        PARSE(arena,
              HEADER("\x80", "\x02") QUESTION RECORD(
                  "\x0f", "\0\0\x0e\x10", "\x08") "\0\x0a\x03"
                                                  "mx1\xc0\x0c" RECORD("\x0f", "\0\0\0\x3c", "\x08") "\0\x14\x03"
                                                                                                     "MX2\xc0\x0c",
              DNS_TYPE_MX);

    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_UINT(answer.count, 2);
    EXPECT_UINT(answer.records[0].preference, 10);
    EXPECT_UINT(answer.records[0].ttl_seconds, 3600);
    EXPECT_STR(answer.records[0].name, STR("mx1.example.test"));
    EXPECT_STR(answer.records[1].name, STR("mx2.example.test"));
    arena_destroy(&arena);
}

TEST(name_servers_are_hosts)
{
    struct arena *arena = arena_create();
    struct dns_answer answer = PARSE(arena,
                                     HEADER("\x80", "\x01") QUESTION RECORD("\x02", "\0\0\0\x3c", "\x06") "\x03"
                                                                                                          "ns1\xc0\x0c",
                                     DNS_TYPE_NS);

    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_STR(answer.records[0].name, STR("ns1.example.test"));
    EXPECT_STR(str_from_c(dns_type_name(DNS_TYPE_NS)), STR("NS"));
    arena_destroy(&arena);
}

TEST(a_truncated_answer_is_no_answer)
{
    struct arena *arena = arena_create();
    struct dns_answer answer = PARSE(arena, "\x12\x34\x83\x80\0\x01\0\0\0\0\0\0" QUESTION, DNS_TYPE_MX);

    EXPECT_INT(answer.outcome, DNS_UNKNOWN);
    EXPECT_TEXT(answer.reason, "Truncated name server reply");
    arena_destroy(&arena);
}

TEST(a_null_mx_has_the_empty_name)
{
    struct arena *arena = arena_create();
    struct dns_answer answer =
        PARSE(arena, HEADER("\x80", "\x01") QUESTION RECORD("\x0f", "\0\0\0\x3c", "\x03") "\0\0\0", DNS_TYPE_MX);

    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_UINT(answer.records[0].name.len, 0);
    arena_destroy(&arena);
}

TEST(no_such_name_and_no_such_record_are_told_apart)
{
    struct arena *arena = arena_create();

    EXPECT_INT(PARSE(arena, HEADER("\x83", "\0") QUESTION, DNS_TYPE_MX).outcome, DNS_ABSENT_NAME);
    EXPECT_INT(PARSE(arena, HEADER("\x80", "\0") QUESTION, DNS_TYPE_MX).outcome, DNS_ABSENT_RECORD);
    EXPECT_INT(PARSE(arena, HEADER("\x82", "\0") QUESTION, DNS_TYPE_MX).outcome, DNS_UNKNOWN);
    EXPECT_INT(PARSE(arena, HEADER("\x85", "\0") QUESTION, DNS_TYPE_MX).outcome, DNS_UNKNOWN);
    arena_destroy(&arena);
}

TEST(an_alias_is_followed_inside_the_answer)
{
    struct arena *arena = arena_create();
    struct dns_answer answer =
        PARSE(arena,
              HEADER("\x80", "\x02")
                  QUESTION RECORD("\x05", "\0\0\0\x3c", "\x07") "\x04"
                                                                "real\xc0\x14"
                                                                "\x04"
                                                                "real\x04"
                                                                "test\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01",
              DNS_TYPE_A);
    char text[IP_ADDRESS_TEXT_MAX];

    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_STR(answer.canonical_name, STR("real.test"));
    EXPECT_TEXT(ip_address_format(&answer.records[0].address, text), "192.0.2.1");
    arena_destroy(&arena);
}

TEST(an_alias_to_itself_ends)
{
    struct arena *arena = arena_create();
    struct dns_answer answer =
        PARSE(arena, HEADER("\x80", "\x01") QUESTION RECORD("\x05", "\0\0\0\x3c", "\x02") "\xc0\x0c", DNS_TYPE_A);

    EXPECT_INT(answer.outcome, DNS_ABSENT_RECORD);
    arena_destroy(&arena);
}

TEST(a_record_that_names_no_host_is_dropped)
{
    struct arena *arena = arena_create();
    struct dns_answer answer =
        PARSE(arena,
              HEADER("\x80", "\x01") QUESTION RECORD("\x0f", "\0\0\0\x3c", "\x0b") "\0\x0a\x06"
                                                                                   "a b$;`\xc0\x0c",
              DNS_TYPE_MX);

    EXPECT_UINT(answer.count, 0);
    EXPECT_UINT(answer.malformed_count, 1);
    EXPECT_INT(answer.outcome, DNS_UNKNOWN);
    arena_destroy(&arena);
}

TEST(text_strings_are_joined)
{
    struct arena *arena = arena_create();
    struct dns_answer answer = PARSE(arena,
                                     HEADER("\x80", "\x01") QUESTION RECORD("\x10", "\0\0\0\x3c", "\x06") "\x02"
                                                                                                          "ab\x02"
                                                                                                          "cd",
                                     DNS_TYPE_TXT);

    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_STR(answer.records[0].data, STR("abcd"));
    arena_destroy(&arena);
}

TEST(srv_and_tlsa_have_their_places)
{
    struct arena *arena = arena_create();
    struct dns_answer srv = PARSE(
        arena, HEADER("\x80", "\x01") QUESTION RECORD("\x21", "\0\0\0\x3c", "\x08") "\0\x01\0\x02\x01\xbb\xc0\x0c",
        DNS_TYPE_SRV);
    struct dns_answer tlsa =
        PARSE(arena, HEADER("\x80", "\x01") QUESTION RECORD("\x34", "\0\0\0\x3c", "\x05") "\x03\x01\x01\xaa\xbb",
              DNS_TYPE_TLSA);

    EXPECT_UINT(srv.records[0].preference, 1);
    EXPECT_UINT(srv.records[0].weight, 2);
    EXPECT_UINT(srv.records[0].port, 443);
    EXPECT_STR(srv.records[0].name, STR("example.test"));
    EXPECT_UINT(tlsa.records[0].tlsa_usage, 3);
    EXPECT_STR(tlsa.records[0].data, STR("\xaa\xbb"));
    arena_destroy(&arena);
}

TEST(any_cut_of_an_answer_is_survived)
{
    static const char whole[] = HEADER("\x80", "\x02") QUESTION RECORD(
        "\x0f", "\0\0\x0e\x10", "\x08") "\0\x0a\x03"
                                        "mx1\xc0\x0c" RECORD("\x0f", "\0\0\0\x3c", "\x08") "\0\x14\x03"
                                                                                           "MX2\xc0\x0c";
    struct arena *arena = arena_create();

    for (size_t len = 0; len < sizeof(whole) - 1; len++)
        EXPECT_INT(parse(arena, whole, len, DNS_TYPE_MX).outcome, DNS_UNKNOWN);
    arena_destroy(&arena);
}

TEST(any_changed_byte_of_an_answer_is_survived)
{
    static const char whole[] = HEADER("\x80", "\x01") QUESTION RECORD("\x0f", "\0\0\x0e\x10", "\x08") "\0\x0a\x03"
                                                                                                       "mx1\xc0\x0c";
    struct arena *arena = arena_create();

    for (size_t place = 0; place < sizeof(whole) - 1; place++) {
        for (unsigned value = 0; value < 256; value++) {
            char bytes[sizeof(whole)];

            memcpy(bytes, whole, sizeof(whole));
            bytes[place] = (char) value;
            parse(arena, bytes, sizeof(whole) - 1, DNS_TYPE_MX);
        }
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

TEST(a_pointer_to_itself_is_refused)
{
    struct arena *arena = arena_create();

    EXPECT_INT(PARSE(arena, HEADER("\x80", "\x01") QUESTION "\xc0\x1e\0\x0f\0\x01\0\0\0\0\0\0", DNS_TYPE_MX).outcome,
               DNS_UNKNOWN);
    arena_destroy(&arena);
}

TEST(host_names_are_told_from_others)
{
    static const struct {
        const char *name;
        bool is_host;
    } rows[] = {
        { "a.example", true }, { "a_b.example", true }, { "b\xc3\xbc.example", true },
        { "", false },         { ".", false },          { "a..b", false },
        { "a.", false },       { "a b", false },        { "a/b", false },
        { "<script>", false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_INT(dns_name_is_host(str_from_c(rows[i].name)), rows[i].is_host);
}
