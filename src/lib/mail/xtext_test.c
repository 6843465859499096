/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/xtext.h"

#include "unit.h"

TEST(xtext_goes_out_and_comes_back)
{
    struct strbuf out, back;

    strbuf_init(&out, 1000);
    strbuf_init(&back, 1000);
    EXPECT(xtext_encode(&out, STR("a+b=c d\x7f\xc3;"), ";"));
    EXPECT_STR(strbuf_str(&out), STR("a+2Bb+3Dc+20d+7F+C3+3B"));
    EXPECT(xtext_decode(&back, strbuf_str(&out)));
    EXPECT_STR(strbuf_str(&back), STR("a+b=c d\x7f\xc3;"));
    strbuf_done(&out);
    strbuf_done(&back);
}

TEST(bad_xtext_is_refused)
{
    static const char *const bad[] = { "+", "+4", "+4G", "+G4", "a b", "a=b", "a\nb" };
    struct strbuf out;

    strbuf_init(&out, 3);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(xtext_decode(&out, str_from_c(bad[i])));
    EXPECT_FALSE(xtext_decode(&out, STR("toolong")));
    EXPECT_FALSE(xtext_encode(&out, STR("toolong"), ""));
    strbuf_done(&out);
}

TEST(utf8_addresses_have_an_escape_of_their_own)
{
    static const struct {
        const char *text;
        const char *address;
        const char *again; /* NULL: as text */
    } cases[] = {
        { "m\\x{FC}ller@x.example", "m\xc3\xbcller@x.example", NULL },
        { "\\x{1F600}\\x{20AC}", "\xf0\x9f\x98\x80\xe2\x82\xac", NULL },
        { "m\xc3\xbcller", "m\xc3\xbcller", "m\\x{FC}ller" },
        { "a\\x{fc}\\x{000041}",
          "a\xc3\xbc"
          "A",
          "a\\x{FC}A" },
        { "a+2Bb=\\c", "a+2Bb=\\c", "a\\x{2B}2Bb\\x{3D}\\x{5C}c" },
        { "a\\x{20}\\x{7F}", "a \x7f", NULL },
    };
    struct strbuf out, back;

    strbuf_init(&out, 1000);
    strbuf_init(&back, 1000);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        strbuf_clear(&out);
        strbuf_clear(&back);
        EXPECT(xtext_decode_utf8(&out, str_from_c(cases[i].text)));
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].address));
        EXPECT(xtext_encode_utf8(&back, strbuf_str(&out)));
        EXPECT_STR(strbuf_str(&back), str_from_c(cases[i].again != NULL ? cases[i].again : cases[i].text));
    }
    strbuf_clear(&back);
    EXPECT(xtext_encode_utf8(&back, STR("a\xc3(")));
    EXPECT_STR(strbuf_str(&back), STR("a\\x{FFFD}("));
    strbuf_done(&out);
    strbuf_done(&back);
}

TEST(an_escape_that_names_no_character_is_refused)
{
    static const char *const bad[] = { "\\x{}",   "\\x{FC", "\\x{110000}", "\\x{D800}", "\\x{G}",
                                       "\\x{FC ", "\\x{",   "a b",         "\xc3",      "\\x{FFFFFFFFF41}" };
    struct strbuf out;

    strbuf_init(&out, 100);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(xtext_decode_utf8(&out, str_from_c(bad[i])));
    strbuf_done(&out);
}
