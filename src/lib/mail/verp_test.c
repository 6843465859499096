/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/verp.h"

#include "unit.h"

TEST(the_recipient_stands_in_the_sender)
{
    static const struct {
        const char *sender, *delimiters, *recipient, *expected;
    } rows[] = {
        { "owner-list@origin.example", "+=", "user@domain.example", "owner-list+user=domain.example@origin.example" },
        { "o@x", "-+", "a@b@c", "o-a@b+c@x" },
        { "o@x", "+=", "user", "o+user@x" },
        { "owner", "+=", "user@d", "owner+user=d" },
        { "a b@x", "==", "@d", "a b==d@x" },
    };
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        strbuf_clear(&out);
        EXPECT(verp_append_sender(&out, str_from_c(rows[i].sender), str_from_c(rows[i].delimiters),
                                  str_from_c(rows[i].recipient)));
        EXPECT_TEXT(strbuf_c(&out), rows[i].expected);
    }
    strbuf_done(&out);
}

TEST(delimiters_are_two_of_the_filter)
{
    EXPECT(verp_delimiters_are_good(STR("+="), STR("-=+")));
    EXPECT(verp_delimiters_are_good(STR("--"), STR("-=+")));
    EXPECT_FALSE(verp_delimiters_are_good(STR("+"), STR("-=+")));
    EXPECT_FALSE(verp_delimiters_are_good(STR("+=="), STR("-=+")));
    EXPECT_FALSE(verp_delimiters_are_good(STR("+x"), STR("-=+")));
    EXPECT_FALSE(verp_delimiters_are_good(STR_EMPTY, STR("-=+")));
}
