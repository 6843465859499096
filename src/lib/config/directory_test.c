/* SPDX-License-Identifier: Apache-2.0 */
#include "config/directory.h"

#include "unit.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

TEST(the_option_outranks_the_environment_and_that_the_default)
{
    static const struct {
        const char *option, *environment, *directory;
    } rows[] = {
        { "/etc/one", "/etc/two", "/etc/one" },
        { "", "/etc/two", "/etc/two" },
        { "", NULL, MERPATI_CONFIG_DIRECTORY },
        { "", "", MERPATI_CONFIG_DIRECTORY },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str directory;
        struct failure why;

        if (rows[i].environment == NULL)
            unsetenv("MAIL_CONFIG");
        else
            setenv("MAIL_CONFIG", rows[i].environment, 1);
        EXPECT(config_directory_find(str_from_c(rows[i].option), arena, &directory, &why));
        EXPECT_STR(directory, str_from_c(rows[i].directory));
    }
    unsetenv("MAIL_CONFIG");
    arena_destroy(&arena);
}

TEST(a_relative_directory_is_made_absolute)
{
    struct arena *arena = arena_create();
    char here[PATH_MAX];
    struct str directory;
    struct failure why;

    EXPECT(getcwd(here, sizeof(here)) != NULL);
    EXPECT(config_directory_find(STR("conf"), arena, &directory, &why));
    EXPECT_STR(directory, arena_printf(arena, "%s/conf", here));
    arena_destroy(&arena);
}

TEST(a_test_has_no_more_rights_than_who_runs_it)
{
    EXPECT_FALSE(config_directory_is_set_gid());
}
