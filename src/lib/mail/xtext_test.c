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
