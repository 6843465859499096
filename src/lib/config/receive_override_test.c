/* SPDX-License-Identifier: Apache-2.0 */
#include "config/receive_override.h"

#include "base/arena.h"
#include "unit.h"

static bool parse(const char *text, unsigned *overrides, struct failure *why)
{
    struct arena *arena = arena_create();
    struct strlist words = { 0 };
    struct str rest = str_from_c(text), word;
    bool is_good;

    while (str_next_word(&rest, ", ", &word))
        strlist_add(&words, arena, word);
    is_good = receive_override_parse(&words, overrides, why);
    arena_destroy(&arena);
    return is_good;
}

TEST(each_word_is_one_flag)
{
    unsigned overrides = 99;
    struct failure why;

    EXPECT(parse("", &overrides, &why));
    EXPECT_UINT(overrides, 0);
    EXPECT(parse("no_unknown_recipient_checks no_milters", &overrides, &why));
    EXPECT_UINT(overrides, RECEIVE_NO_UNKNOWN_RECIPIENT_CHECKS | RECEIVE_NO_MILTERS);
    EXPECT(parse("NO_ADDRESS_MAPPINGS,no_header_body_checks,no_address_mappings", &overrides, &why));
    EXPECT_UINT(overrides, RECEIVE_NO_ADDRESS_MAPPINGS | RECEIVE_NO_HEADER_BODY_CHECKS);
}

TEST(an_unknown_word_is_named)
{
    unsigned overrides = 99;
    struct failure why;

    EXPECT_FALSE(parse("no_milters no_mappings", &overrides, &why));
    EXPECT_UINT(overrides, 99);
    EXPECT_UINT(why.kind, FAILURE_CONFIGURATION);
    EXPECT(strstr(why.text, "no_mappings") != NULL);
}
