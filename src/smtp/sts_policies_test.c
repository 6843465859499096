/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/sts_policies.h"

#include "unit.h"

TEST(what_is_kept_comes_back)
{
    struct arena *arena = arena_create();
    struct str text = STR("version: STSv1\nmode: none\nmax_age: 1\n"), id, back;
    struct instant fetched;
    struct str entry = sts_entry_format(arena, instant_from_seconds(1600000000), STR("a1"), text);

    EXPECT_STR(entry, STR("1 1600000000 a1\nversion: STSv1\nmode: none\nmax_age: 1\n"));
    EXPECT(sts_entry_parse(entry, &fetched, &id, &back));
    EXPECT_INT(instant_seconds(fetched), 1600000000);
    EXPECT_STR(id, STR("a1"));
    EXPECT_STR(back, text);
    arena_destroy(&arena);
}

TEST(what_others_keep_is_none_of_ours)
{
    static const char *const entries[] = {
        "",
        "2 1600000000 a1\nx",
        "1 a1\nx",
        "1 1600000000\nx",
        "1 1600000000 \nx",
        "1 1600000000 a1",
        "1 99999999999999 a1\nx",
        "1 1600000000 123456789012345678901234567890123\nx",
    };
    struct instant fetched;
    struct str id, text;

    for (size_t i = 0; i < ARRAY_COUNT(entries); i++)
        EXPECT(!sts_entry_parse(str_from_c(entries[i]), &fetched, &id, &text));
}
