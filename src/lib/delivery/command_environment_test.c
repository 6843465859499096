/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_environment.h"

#include "os/environment.h"
#include "unit.h"

TEST(it_is_what_the_rules_say_and_a_path)
{
    struct arena *arena = arena_create();
    struct strlist rules = strlist_split(arena, STR("COLOUR LIGHT=on NONE"), " ");
    struct command_environment environment;
    const char *const *list;

    EXPECT(environment_set("COLOUR", "grey", NULL));
    command_environment_init(&environment, arena, &rules);
    list = command_environment_list(&environment);
    EXPECT_TEXT(list[0], "COLOUR=grey");
    EXPECT_TEXT(list[1], "LIGHT=on");
    EXPECT(str_starts_with(str_from_c(list[2]), STR("PATH=/")));
    EXPECT(list[3] == NULL);
    arena_destroy(&arena);
}

TEST(a_variable_is_there_once_and_no_rule_says_the_path)
{
    struct arena *arena = arena_create();
    struct strlist rules = strlist_split(arena, STR("PATH=/tmp HOME=/a HOMELAND=b HOME=/c"), " ");
    struct command_environment environment;
    const char *const *list;

    command_environment_init(&environment, arena, &rules);
    command_environment_set(&environment, "HOME", STR("/d"));
    command_environment_set(&environment, "USER", STR("e"));
    list = command_environment_list(&environment);
    EXPECT_TEXT(list[0], "PATH=/usr/bin:/bin");
    EXPECT_TEXT(list[1], "HOME=/d");
    EXPECT_TEXT(list[2], "HOMELAND=b");
    EXPECT_TEXT(list[3], "USER=e");
    EXPECT(list[4] == NULL);
    arena_destroy(&arena);
}
