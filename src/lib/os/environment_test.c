/* SPDX-License-Identifier: Apache-2.0 */
#include "os/environment.h"

#include "unit.h"

#include <stdlib.h>

TEST(the_environment_holds_what_the_rules_say)
{
    struct arena *arena = arena_create();
    struct strlist rules = { 0 };
    char **result;

    EXPECT(setenv("UNIT_KEPT", "1", 1) == 0);
    EXPECT(setenv("UNIT_DROPPED", "2", 1) == 0);
    strlist_add(&rules, arena, STR("UNIT_KEPT"));
    strlist_add(&rules, arena, STR("UNIT_UNSET"));
    strlist_add(&rules, arena, STR("UNIT_GIVEN=a=b"));
    result = environment_export(arena, &rules);
    EXPECT_TEXT(result[0], "UNIT_KEPT=1");
    EXPECT_TEXT(result[1], "UNIT_GIVEN=a=b");
    EXPECT(result[2] == NULL);
    arena_destroy(&arena);
}

TEST(a_rule_in_braces_may_have_blanks_in_its_value)
{
    struct arena *arena = arena_create();
    struct strlist rules = { 0 };
    char **result;

    EXPECT(setenv("UNIT_KEPT", "1", 1) == 0);
    strlist_add(&rules, arena, STR("{UNIT_GIVEN=a b}"));
    strlist_add(&rules, arena, STR("{ UNIT_SPACED = a  b }"));
    strlist_add(&rules, arena, STR("{ UNIT_KEPT }"));
    result = environment_export(arena, &rules);
    EXPECT_TEXT(result[0], "UNIT_GIVEN=a b");
    EXPECT_TEXT(result[1], "UNIT_SPACED=a  b");
    EXPECT_TEXT(result[2], "UNIT_KEPT=1");
    EXPECT(result[3] == NULL);
    arena_destroy(&arena);
}

TEST(a_value_without_a_name_is_refused)
{
    struct arena *arena = arena_create();
    struct strlist rules = { 0 };
    struct failure why;

    strlist_add(&rules, arena, STR("TZ"));
    strlist_add(&rules, arena, STR("A="));
    EXPECT(environment_check(&rules, &why));
    strlist_add(&rules, arena, STR("=x"));
    EXPECT(!environment_check(&rules, &why));
    EXPECT_TEXT(why.text, "missing attribute name in: =x");
    arena_destroy(&arena);
}

TEST(importing_takes_away_what_no_rule_names)
{
    struct arena *arena = arena_create();
    struct strlist rules = { 0 };

    EXPECT(setenv("UNIT_KEPT", "1", 1) == 0);
    EXPECT(setenv("UNIT_DROPPED", "2", 1) == 0);
    strlist_add(&rules, arena, STR("UNIT_KEPT"));
    strlist_add(&rules, arena, STR("UNIT_SET=x"));
    EXPECT(environment_import(&rules, NULL));
    EXPECT_TEXT(environment_get("UNIT_KEPT"), "1");
    EXPECT_TEXT(environment_get("UNIT_SET"), "x");
    EXPECT(environment_get("UNIT_DROPPED") == NULL);
    arena_destroy(&arena);
}
