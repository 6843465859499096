/* SPDX-License-Identifier: Apache-2.0 */
#include "postdrop/login_sender.h"

#include "unit.h"

static enum table_result ask(const char *maps, const char *login, const char *sender)
{
    struct table_set_options options = { 0 };
    struct table_set *tables = table_set_create(&options);
    struct arena *arena = arena_create();
    const struct login_sender_rules rules = {
        .maps = table_list_open(tables, STR("local_login_sender_maps"), str_from_c(maps), 0),
        .empty_key = STR("<>"),
        .recipient_delimiter = STR("+"),
    };
    struct failure why;
    enum table_result result = login_sender_is_allowed(&rules, str_from_c(login), str_from_c(sender), arena, &why);

    arena_destroy(&arena);
    table_set_destroy(&tables);
    return result;
}

TEST(patterns_say_who_may_be_named)
{
    static const struct {
        const char *maps, *sender;
        enum table_result expected;
    } rows[] = {
        { "static:*", "anybody@else.example", TABLE_FOUND },
        { "static:*", "", TABLE_FOUND },
        { "inline:{me=me}", "me", TABLE_FOUND },
        { "inline:{me=me}", "ME", TABLE_FOUND },
        { "inline:{me=me}", "me+list", TABLE_FOUND },
        { "inline:{me=me}", "me@a.example", TABLE_ABSENT },
        { "inline:{me=me}", "", TABLE_ABSENT },
        { "inline:{{me = me, me@a.example}}", "me+list@A.example", TABLE_FOUND },
        { "inline:{{me = me me@a.example}}", "you@a.example", TABLE_ABSENT },
        { "inline:{me=@a.example}", "you@a.example", TABLE_FOUND },
        { "inline:{me=@a.example}", "you@b.a.example", TABLE_ABSENT },
        { "inline:{me=@a.example}", "you", TABLE_ABSENT },
        { "inline:{{me = me, <>}}", "", TABLE_FOUND },
        { "inline:{you=*}", "me", TABLE_ABSENT },
        { "fail:x", "me", TABLE_UNKNOWN },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_INT(ask(rows[i].maps, "me", rows[i].sender), rows[i].expected);
}

TEST(the_first_table_that_knows_the_user_decides)
{
    EXPECT_INT(ask("inline:{root=*} inline:{me=me}", "root", "x@y.example"), TABLE_FOUND);
    EXPECT_INT(ask("inline:{root=*} inline:{me=me}", "me", "x@y.example"), TABLE_ABSENT);
    EXPECT_INT(ask("inline:{me=me} static:*", "me", "x@y.example"), TABLE_ABSENT);
}
