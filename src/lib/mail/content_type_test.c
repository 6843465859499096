/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/content_type.h"

#include "unit.h"

/* All boundaries, with a blank after each. */
static void expect_boundaries(const char *value, const char *expected)
{
    struct str rest = str_from_c(value);
    struct strbuf boundary, all;

    strbuf_init(&boundary, 100);
    strbuf_init(&all, 1000);
    while (content_take_boundary(&rest, &boundary)) {
        strbuf_append(&all, strbuf_str(&boundary));
        strbuf_append_char(&all, '|');
    }
    EXPECT_STR(strbuf_str(&all), str_from_c(expected));
    strbuf_done(&boundary);
    strbuf_done(&all);
}

TEST(a_boundary_is_taken_from_its_parameter)
{
    expect_boundaries("multipart/mixed; boundary=A", "A|");
    expect_boundaries("multipart/mixed;\n\tBOUNDARY = A", "A|");
    expect_boundaries("multipart/mixed; boundary=\"A A\"", "A A|");
    expect_boundaries("multipart/mixed; boundary=\"A  \"", "A  |");
    expect_boundaries("multipart/mixed; boundary=\"A\\A\\\"\"; x=y", "AA\"|");
    expect_boundaries("multipart/mixed; boundary=\"A\n B\"", "A B|");
    expect_boundaries("multipart/mixed; boundary=\"A", "A|");
    expect_boundaries("multipart/mixed; boundary=\"A\"B", "A|");
    expect_boundaries("multipart/mixed; x=\"boundary=B;\"; boundary=A", "A|");
    expect_boundaries("multipart/mixed; boundary=B; boundary=A", "B|A|");
    expect_boundaries("multipart/mixed;;; x; boundary=A;", "A|");
    expect_boundaries("(c) multipart (d) / (e) mixed (f); (g) boundary (h) = (i(j)\\)) A", "A|");
}

TEST(a_boundary_ends_at_what_must_be_quoted)
{
    expect_boundaries("m/m; boundary=A A", "A|");
    expect_boundaries("m/m; boundary=A=b", "A|");
    expect_boundaries("m/m; boundary=A/b", "A|");
    expect_boundaries("m/m; boundary=A?b", "A|");
    expect_boundaries("m/m; boundary=A(c)b", "A|");
    expect_boundaries("m/m; boundary=[A]", "[|");
    expect_boundaries("m/m; boundary==A", "=|");
    expect_boundaries("m/m; boundary=A.b'c", "A.b'c|");
}

TEST(what_is_no_boundary_is_passed_over)
{
    expect_boundaries("multipart/mixed", "");
    expect_boundaries("multipart/mixed; boundary=", "");
    expect_boundaries("multipart/mixed; boundary=\"\"", "");
    expect_boundaries("multipart/mixed; boundary=;A", "");
    expect_boundaries("multipart/mixed boundary=A", "");
    expect_boundaries("multipart/mixed, boundary=A", "");
    expect_boundaries("multipart/mixed; x=y boundary=A", "");
    expect_boundaries("multipart/mixed; \"boundary\"=A", "");
    expect_boundaries("multipart/mixed; boundary\"=A", "");
    expect_boundaries("multipart/mixed; boundary*=us-ascii''A", "");
    expect_boundaries("multipart/mixed; boundary*0=A; boundary*1=B", "");
    expect_boundaries("multipart/mixed; (boundary=A", "");
    expect_boundaries("", "");
}

TEST(a_boundary_is_cut_at_the_limit)
{
    struct str rest = STR("m/m; boundary=ABCDEF; boundary=\"A\\BCDEF\"");
    struct strbuf boundary;

    strbuf_init(&boundary, 3);
    EXPECT(content_take_boundary(&rest, &boundary));
    EXPECT_STR(strbuf_str(&boundary), STR("ABC"));
    EXPECT(content_take_boundary(&rest, &boundary));
    EXPECT_STR(strbuf_str(&boundary), STR("ABC"));
    strbuf_done(&boundary);
}

TEST(a_type_tells_how_the_part_is_read)
{
    static const struct {
        const char *value;
        enum content_kind kind;
    } rows[] = {
        { " text/plain", CONTENT_TEXT },
        { "multipart/mixed", CONTENT_MULTIPART },
        { "MULTIPART", CONTENT_MULTIPART },
        { "multipart;boundary=A", CONTENT_MULTIPART },
        { "multipart / Digest/x", CONTENT_DIGEST },
        { "(c)message/rfc822/x", CONTENT_MESSAGE },
        { "message/RFC822; x", CONTENT_MESSAGE },
        { "message/rfc822x", CONTENT_TEXT },
        { "message rfc822", CONTENT_TEXT },
        { "message", CONTENT_TEXT },
        { "message/global", CONTENT_GLOBAL },
        { "message/partial", CONTENT_PIECE },
        { "message/external-body", CONTENT_PIECE },
        { "message/delivery-status", CONTENT_TEXT },
        { "", CONTENT_TEXT },
        { "; boundary=A", CONTENT_TEXT },
        { "(c)", CONTENT_TEXT },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_INT(content_kind_from_field(str_from_c(rows[i].value), CONTENT_PIECE), rows[i].kind);
}

TEST(an_unknown_type_tells_nothing)
{
    EXPECT_INT(content_kind_from_field(STR("application/x"), CONTENT_MESSAGE), CONTENT_MESSAGE);
    EXPECT_INT(content_kind_from_field(STR("\"text\"/plain"), CONTENT_MESSAGE), CONTENT_MESSAGE);
    EXPECT_INT(content_kind_from_field(STR("=multipart"), CONTENT_MESSAGE), CONTENT_MESSAGE);
}

TEST(an_encoding_is_the_first_word)
{
    static const struct {
        const char *value;
        enum content_encoding encoding;
    } rows[] = {
        { " 7bit", CONTENT_7BIT },      { "8BIT", CONTENT_8BIT },      { "binary foo", CONTENT_BINARY },
        { "(c) 8bit", CONTENT_8BIT },   { "8bit;x", CONTENT_8BIT },    { "8bit@x", CONTENT_8BIT },
        { "8bit.x", CONTENT_8BIT },     { "8bit\"x\"", CONTENT_8BIT }, { "Quoted-Printable", CONTENT_QUOTED_PRINTABLE },
        { "base64\n", CONTENT_BASE64 },
    };
    static const char *const unknown[] = { "", "x-foo", "\"8bit\"", "8bit/x", "8bit?x", "8bit=x", "8bitx", "; 8bit" };
    enum content_encoding encoding;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(content_encoding_from_field(str_from_c(rows[i].value), &encoding));
        EXPECT_INT(encoding, rows[i].encoding);
    }
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++)
        EXPECT_FALSE(content_encoding_from_field(str_from_c(unknown[i]), &encoding));
    EXPECT_STR(content_encoding_name(CONTENT_QUOTED_PRINTABLE), STR("quoted-printable"));
}
