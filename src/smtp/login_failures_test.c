/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/login_failures.h"

#include "unit.h"

TEST(a_refused_login_is_told_again_while_it_is_fresh)
{
    struct arena *arena = arena_create();
    struct instant when = instant_from_seconds(1000000);
    struct str text = login_failure_format(arena, when, STR("secret;x"), STR("535 5.7.8 no; never")), reply;

    EXPECT(login_failure_fits(text, instant_add(when, seconds(60)), seconds(60), STR("secret;x"), &reply));
    EXPECT_STR(reply, STR("535 5.7.8 no; never"));
    EXPECT(!login_failure_fits(text, instant_add(when, seconds(61)), seconds(60), STR("secret;x"), &reply));
    EXPECT(!login_failure_fits(text, when, seconds(60), STR("secret"), &reply));
    EXPECT(str_find(text, STR("secret")) == STR_NOT_FOUND);
    arena_destroy(&arena);
}

TEST(what_is_no_entry_does_not_fit)
{
    static const char *const texts[] = { "", ";", "x;y;z", "1000000", "1000000;00", "1000000;00;535", "-1;;" };
    struct str reply;

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        EXPECT(!login_failure_fits(str_from_c(texts[i]), instant_from_seconds(1000000), seconds(60), STR("x"), &reply));
}
