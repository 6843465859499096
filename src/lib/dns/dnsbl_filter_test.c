/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dnsbl_filter.h"

#include "unit.h"

static bool has(const char *text, const char *address)
{
    struct dnsbl_filter filter;
    struct ip_address parsed;
    struct failure why;

    EXPECT(dnsbl_filter_parse(str_from_c(text), &filter, &why));
    EXPECT(ip_address_parse(str_from_c(address), &parsed));
    return dnsbl_filter_has(&filter, &parsed);
}

TEST(an_octet_is_a_number_or_a_set_of_numbers_and_ranges)
{
    EXPECT(has("127.0.0.3", "127.0.0.3"));
    EXPECT_FALSE(has("127.0.0.3", "127.0.0.2"));
    EXPECT_FALSE(has("127.0.0.3", "127.0.1.3"));
    EXPECT(has("[0..255].0.[1].[2;4..6;9]", "9.0.1.5"));
    EXPECT(has("[0..255].0.[1].[2;4..6;9]", "255.0.1.9"));
    EXPECT_FALSE(has("[0..255].0.[1].[2;4..6;9]", "255.0.1.3"));
    EXPECT_FALSE(has("127.0.0.3", "::1"));
}

TEST(what_is_no_filter_is_refused)
{
    static const char *const bad[] = {
        "",           "127.0.0",        "127.0.0.",     "127.0.0.1.1",   "127.0.0.256",   "127.0.0.[1",    "127.0.0.[]",
        "127.0.0.1]", "127.0.0.[3..2]", "127.0.0.[1;]", "127.0.0.[1,2]", "127.0.0.[..2]", "127.0.0.[1..]", " 127.0.0.1",
    };
    struct dnsbl_filter filter;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(dnsbl_filter_parse(str_from_c(bad[i]), &filter, &why));
    EXPECT_TEXT(why.text, "bad filter \" 127.0.0.1\": need four numbers as in 127.0.0.[2;4..8], each from 0 to 255");
}
