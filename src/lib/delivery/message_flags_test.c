/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/message_flags.h"

#include "delivery/command_attributes.h"
#include "protocol/deliver.h"
#include "unit.h"

static bool parse(const char *first, const char *second, unsigned *flags, struct failure *why)
{
    struct arena *arena = arena_create();
    struct strlist words = { 0 };
    bool is_good;

    if (first != NULL)
        strlist_add(&words, arena, str_from_c(first));
    if (second != NULL)
        strlist_add(&words, arena, str_from_c(second));
    is_good = message_flags_parse(&words, flags, why);
    arena_destroy(&arena);
    return is_good;
}

TEST(words_after_the_options_are_flags)
{
    struct failure why;
    unsigned flags = 99;

    EXPECT(parse(NULL, NULL, &flags, &why));
    EXPECT_UINT(flags, 0);
    EXPECT(parse("flags=D,O R", "flags=X", &flags, &why));
    EXPECT_UINT(flags, COMMAND_DELIVERED_TO | COMMAND_ORIGINAL_TO | COMMAND_RETURN_PATH | COMMAND_IS_FINAL);
    EXPECT_FALSE(parse("flags=DZ", NULL, &flags, &why));
    EXPECT_STR(str_from_c(why.text), STR("unknown flag: Z"));
    EXPECT_FALSE(parse("user=me", NULL, &flags, &why));
    EXPECT_STR(str_from_c(why.text), STR("unknown attribute name: user=me"));
}

TEST(headers_stand_on_lines_of_their_own)
{
    const struct deliver_recipient one = { .address = STR("a b@x.test"), .original = STR("o\n@z.test") };
    const struct deliver_recipient other = { .address = STR("a@x.test") };
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    message_flags_append_headers(&out, COMMAND_DELIVERED_TO | COMMAND_ORIGINAL_TO | COMMAND_RETURN_PATH, STR(""), &one,
                                 STR("\r\n"));
    EXPECT_STR(strbuf_str(&out),
               STR("Return-Path: <>\r\nX-Original-To: \"o\\?\"@z.test\r\nDelivered-To: \"a b\"@x.test\r\n"));
    strbuf_clear(&out);
    message_flags_append_headers(&out, COMMAND_ORIGINAL_TO, STR("s@x.test"), &other, STR("\n"));
    EXPECT_STR(strbuf_str(&out), STR("X-Original-To: a@x.test\n"));
    strbuf_done(&out);
}
