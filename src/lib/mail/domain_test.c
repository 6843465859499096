/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/domain.h"

#include "unit.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(host_names_are_labels_that_are_not_all_numbers)
{
    static const char *const good[] = { "a",       "mail.example.com", "x_y.example",
                                        "1.2.3.a", "3com.example",     LABEL_63 ".example" };
    static const char *const bad[] = { "",
                                       ".",
                                       "a.",
                                       ".a",
                                       "a..b",
                                       "-a.b",
                                       "a-.b",
                                       "1.2.3.4",
                                       "123",
                                       "a b",
                                       "a!b",
                                       "\xc3\xa9.example",
                                       LABEL_63 "a.example",
                                       LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".example" };

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        EXPECT(domain_is_valid_hostname(str_from_c(good[i]), false));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(domain_is_valid_hostname(str_from_c(bad[i]), false));
    EXPECT(domain_is_valid_hostname(STR("\xc3\xa9.example"), true));
    EXPECT_FALSE(domain_is_valid_hostname(STR("\xc3.example"), true));
}

TEST(addresses_and_literals_are_recognised)
{
    struct str inside;

    EXPECT(domain_is_ipv4(STR("192.0.2.1")));
    EXPECT_FALSE(domain_is_ipv4(STR("192.0.2")));
    EXPECT_FALSE(domain_is_ipv4(STR("192.0.2.256")));
    EXPECT_FALSE(domain_is_ipv4(STR("::1")));
    EXPECT(domain_is_ipv6(STR("2001:db8::1")));
    EXPECT_FALSE(domain_is_ipv6(STR("fe80::1%eth0")));
    EXPECT_FALSE(domain_is_ipv6(STR("192.0.2.1")));
    EXPECT(domain_is_address(STR("::1")));
    EXPECT(domain_is_literal(STR("[192.0.2.1]"), &inside));
    EXPECT_STR(inside, STR("192.0.2.1"));
    EXPECT(domain_is_literal(STR("[ipv6:::1]"), &inside));
    EXPECT_STR(inside, STR("::1"));
    EXPECT_FALSE(domain_is_literal(STR("[::1]"), NULL));
    EXPECT_FALSE(domain_is_literal(STR("[IPv6:192.0.2.1]"), NULL));
    EXPECT_FALSE(domain_is_literal(STR("["), NULL));
    EXPECT_FALSE(domain_is_literal(STR("192.0.2.1]"), NULL));
}

TEST(utf8_is_checked_to_the_letter)
{
    static const char *const good[] = { "abc",          "\xc3\xa9",         "\xe0\xa0\x80",
                                        "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                                        "\xe2\x82\xac" };
    static const char *const bad[] = { "\x80",
                                       "\xc0\x80",
                                       "\xc3",
                                       "\xc3z",
                                       "\xe0\x9f\x80",
                                       "\xed\xa0\x80",
                                       "\xf0\x8f\x80\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xe2\x82" };

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        EXPECT(domain_is_utf8(str_from_c(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(domain_is_utf8(str_from_c(bad[i])));
    EXPECT(domain_is_ascii(STR("abc")));
    EXPECT_FALSE(domain_is_ascii(STR("\xc3\xa9")));
    EXPECT(domain_is_ascii(STR("0123456789abcdef0")));
    EXPECT_FALSE(domain_is_ascii(STR("0123456\x80")));
    EXPECT_FALSE(domain_is_ascii(STR("01234567\x80")));
    for (size_t i = 0; i < 70; i++) {
        char text[71] = "0123456789012345678901234567890123456789012345678901234567890123456789";

        text[i] = '\x80';
        EXPECT_FALSE(domain_is_ascii(str_from_c(text)));
    }
}

TEST(international_names_have_two_spellings)
{
    struct arena *arena = arena_create();
    struct str out;
    struct failure why;

    EXPECT(domain_to_ascii(arena,
                           STR("b\xc3\xbc"
                               "cher.example"),
                           false, &out, &why));
    EXPECT_STR(out, STR("xn--bcher-kva.example"));
    EXPECT(domain_to_ascii(arena,
                           STR("STRA\xc3\x9f"
                               "E.example"),
                           false, &out, &why));
    EXPECT_STR(out, STR("xn--strae-oqa.example"));
    EXPECT(domain_to_ascii(arena,
                           STR("STRA\xc3\x9f"
                               "E.example"),
                           true, &out, &why));
    EXPECT_STR(out, STR("strasse.example"));
    EXPECT(domain_to_ascii(arena, STR("Mail.EXAMPLE"), false, &out, &why));
    EXPECT_STR(out, STR("mail.example"));
    EXPECT(domain_to_utf8(arena, STR("xn--bcher-kva.example"), &out, &why));
    EXPECT_STR(out, STR("b\xc3\xbc"
                        "cher.example"));
    EXPECT(domain_to_utf8(arena, STR("plain.example"), &out, &why));
    EXPECT_STR(out, STR("plain.example"));
    EXPECT_FALSE(domain_to_ascii(arena, STR("\xff.example"), false, &out, &why));
    EXPECT_INT(why.kind, FAILURE_PERMANENT);
    EXPECT_FALSE(domain_to_ascii(arena, STR("\xe2\x98\x83.-a\xc3\xa9-.example"), false, &out, &why));
    EXPECT_FALSE(domain_to_utf8(arena, STR("xn--\xc3\xa9"), &out, &why));
    EXPECT_FALSE(domain_to_utf8(arena, STR("xn--999999999999.example"), &out, &why));
    arena_destroy(&arena);
}
