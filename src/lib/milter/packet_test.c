/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/packet.h"

#include "base/strbuf.h"
#include "unit.h"

#define BYTES(literal) str_make("" literal, sizeof(literal) - 1)

static void expect_reply(struct str said, const char *expected)
{
    struct arena *arena = arena_create();
    struct str reply = STR_EMPTY;
    bool is_good = milter_reply_parse(said, arena, &reply);

    EXPECT(is_good == (expected != NULL));
    EXPECT_STR(reply, str_from_c(expected));
    arena_destroy(&arena);
}

TEST(a_reply_has_one_code_on_all_of_its_lines)
{
    expect_reply(BYTES("550 5.7.1 no\0"), "550 5.7.1 no");
    expect_reply(BYTES("554-5.7.9 one\r\n554 5.7.9 two\0"), "554-5.7.9 one\n554 5.7.9 two");
    expect_reply(BYTES("554-5.7.9 one\n554 5.7.9 two"), "554-5.7.9 one\n554 5.7.9 two");
    expect_reply(BYTES("550-a\r\n250 b\0"), "550-a\n550 250 b");
    expect_reply(BYTES("550-a\r\n450 b\0"), "550-a\n550 b");
    expect_reply(BYTES("550 5.7.1 a\r\nEVIL\x01"
                       "b\0"),
                 "550-5.7.1 a\n550 EVIL b");
    expect_reply(BYTES("421 4.3.2 bye\0"), "421 4.3.2 bye");
}

TEST(percent_signs_are_as_smfi_setreply_has_them)
{
    expect_reply(BYTES("550 5.7.1 100%% x%d %\0"), "550 5.7.1 100% xd ");
}

TEST(what_is_no_refusal_is_no_reply)
{
    static const struct str bad[] = {
        { "250 fine", 8 },
        { "999 abc", 7 },
        { "550", 3 },
        { "550 ", 4 },
        { "", 0 },
        { "55", 2 },
        { "450 5.7.1 mixed", 15 },
        { "550 4.7.1 mixed", 15 },
        { "x50 no", 6 },
        { "550x no", 7 },
        { "\0550 no", 7 },
        { "550-", 4 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        expect_reply(bad[i], NULL);
}

TEST(lengths_are_judged_before_anything_is_read)
{
    struct failure why;
    uint32_t length = 7;

    EXPECT(milter_packet_length("\0\0\0\1", &length, &why));
    EXPECT_UINT(length, 1);
    EXPECT_FALSE(milter_packet_length("\0\0\0\0", &length, &why));
    EXPECT_TEXT(why.text, "bad packet length: 0");
    EXPECT_FALSE(milter_packet_length("\xff\xff\xff\xff", &length, &why));
    EXPECT_TEXT(why.text, "unreasonable packet length: 4294967295 > 1114112");
    EXPECT_FALSE(milter_packet_length("\0\x11\0\1", &length, &why));
    EXPECT(milter_packet_length("\0\x11\0\0", &length, &why));
}

/* ---- the negotiation ---- */

static bool agree(struct str data, struct milter_agreement *agreement, struct failure *why)
{
    static struct arena *arena;

    arena_destroy(&arena);
    arena = arena_create();
    return milter_agreement_parse(data, 6, milter_steps_of(6, false), arena, agreement, why);
}

TEST(a_milter_may_agree_to_less)
{
    struct milter_agreement agreement;
    struct failure why;

    EXPECT(agree(BYTES("\0\0\0\2\0\0\0\1\0\0\0\x7f"), &agreement, &why));
    EXPECT_UINT(agreement.version, 2);
    EXPECT_UINT(agreement.steps, 0x7f);
    EXPECT(agree(BYTES("\0\0\0\6\0\0\1\xff\x0f\xff\xff\xff"), &agreement, &why));
    EXPECT_UINT(agreement.steps, 0x1fffff);
}

TEST(a_milter_may_not_agree_to_more)
{
    static const struct {
        struct str data;
        const char *text;
    } rows[] = {
        { { "\0\0\0\7\0\0\0\0\0\0\0\0", 12 }, "protocol version 7 conflict with MTA protocol version 6" },
        { { "\0\0\0\1\0\0\0\0\0\0\0\0", 12 }, "unexpected protocol version 1" },
        { { "\0\0\0\6\0\0\x0f\xff\0\0\0\0", 12 }, "request mask 0xfff conflict with MTA request mask 0x1ff" },
        { { "\0\0\0\6\0\0\0\0\0\0\0", 11 }, "short reply in initial handshake" },
        { { "", 0 }, "short reply in initial handshake" },
        { { "\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\1j", 17 }, "malformed macro list in initial handshake" },
        { { "\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\x07j\0", 18 }, "unknown macro stage 7 in initial handshake" },
    };
    struct milter_agreement agreement;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT_FALSE(agree(rows[i].data, &agreement, &why));
        EXPECT_TEXT(why.text, rows[i].text);
    }
}

TEST(a_milter_chooses_its_macros_by_stage)
{
    struct milter_agreement agreement;
    struct failure why;

    EXPECT(agree(BYTES("\0\0\0\6\0\0\1\xff\0\0\0\0\0\0\0\0j {v}\0\0\0\0\5\0"), &agreement, &why));
    EXPECT_STR(agreement.macros[MILTER_STAGE_CONNECT], STR("j {v}"));
    EXPECT(agreement.has_macros[MILTER_STAGE_END_OF_MESSAGE]);
    EXPECT_STR(agreement.macros[MILTER_STAGE_END_OF_MESSAGE], STR_EMPTY);
    EXPECT_FALSE(agreement.has_macros[MILTER_STAGE_HELO]);
}

TEST(each_version_knows_its_steps)
{
    EXPECT_UINT(milter_steps_of(2, false), 0x7f);
    EXPECT_UINT(milter_steps_of(3, false), 0x17f);
    EXPECT_UINT(milter_steps_of(4, false), 0x37f);
    EXPECT_UINT(milter_steps_of(4, true), 0x3ff);
    EXPECT_UINT(milter_steps_of(6, false), 0x1fffff);
}

/* ---- changes ---- */

static bool change(char letter, struct str data, uint32_t steps, struct milter_change *out, struct failure *why)
{
    static struct arena *arena;
    const struct milter_agreement agreement = { .version = 6, .steps = steps };

    arena_destroy(&arena);
    arena = arena_create();
    return milter_change_parse(letter, data, &agreement, arena, out, why);
}

TEST(a_header_gets_a_blank_where_the_milter_leaves_it_to_us)
{
    struct milter_change out;
    struct failure why;

    EXPECT(change('h', BYTES("X-New\0value\0"), 0, &out, &why));
    EXPECT_INT(out.kind, MILTER_CHANGE_ADD_HEADER);
    EXPECT_STR(out.name, STR("X-New"));
    EXPECT_STR(out.value, STR(" value"));
    EXPECT(change('h', BYTES("X-New\0value\0"), MILTER_STEP_LEADING_SPACE, &out, &why));
    EXPECT_STR(out.value, STR("value"));
    EXPECT(change('i', BYTES("\0\0\0\3X\0\0"), 0, &out, &why));
    EXPECT_INT(out.kind, MILTER_CHANGE_INSERT_HEADER);
    EXPECT_UINT(out.index, 3);
    EXPECT_STR(out.value, STR_EMPTY);
    EXPECT(change('m', BYTES("\0\0\0\1Subject\0new\0"), 0, &out, &why));
    EXPECT_INT(out.kind, MILTER_CHANGE_CHANGE_HEADER);
}

TEST(a_value_cannot_leave_its_field)
{
    struct milter_change out;
    struct failure why;

    EXPECT(change('h', BYTES("X\0a\nSubject: evil\r\n\tb\n\0"), 0, &out, &why));
    EXPECT_STR(out.value, STR(" a\n\tSubject: evil\n\tb"));
    EXPECT(change('h', BYTES("X\0a\n\nbody\0"), 0, &out, &why));
    EXPECT_STR(out.value, STR(" a\n\t\n\tbody"));
}

TEST(names_of_fields_are_judged)
{
    static const struct str bad[] = {
        { "\0a\0", 3 }, { "X:\0a\0", 5 }, { "X Y\0a\0", 6 }, { "X\n\0a\0", 5 },
        { "X\0a", 3 },  { "X", 1 },       { "", 0 },         { "X\0a\0b", 5 },
    };
    struct milter_change out;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        EXPECT_FALSE(change('h', bad[i], 0, &out, &why));
        EXPECT_TEXT(why.text, "malformed SMFIR_ADDHEADER");
    }
    EXPECT_FALSE(change('m', BYTES("\0\0\1"), 0, &out, &why));
}

TEST(addresses_come_with_their_parameters)
{
    struct milter_change out;
    struct failure why;

    EXPECT(change('+', BYTES("<a@b>\0"), 0, &out, &why));
    EXPECT_INT(out.kind, MILTER_CHANGE_ADD_RECIPIENT);
    EXPECT_STR(out.address, STR("<a@b>"));
    EXPECT(change('2', BYTES("<a@b>\0NOTIFY=NEVER\0"), 0, &out, &why));
    EXPECT_STR(out.arguments, STR("NOTIFY=NEVER"));
    EXPECT(change('e', BYTES("<>\0"), 0, &out, &why));
    EXPECT_INT(out.kind, MILTER_CHANGE_SENDER);
    EXPECT(change('-', BYTES("a@b\0"), 0, &out, &why));
    EXPECT_INT(out.kind, MILTER_CHANGE_DELETE_RECIPIENT);
    EXPECT_FALSE(change('-', BYTES("a@b\0x\0"), 0, &out, &why));
    EXPECT_FALSE(change('+', BYTES("a@b\r\nRCPT\0"), 0, &out, &why));
    EXPECT_FALSE(change('+', BYTES("a@b"), 0, &out, &why));
    EXPECT(change('q', BYTES("bad\0"), 0, &out, &why));
    EXPECT_STR(out.reason, STR("bad"));
    EXPECT(change('b', BYTES("a\r\n\0b"), 0, &out, &why));
    EXPECT_UINT(out.bytes.len, 5);
}
