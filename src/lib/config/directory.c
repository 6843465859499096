/* SPDX-License-Identifier: Apache-2.0 */
#include "config/directory.h"

#include "config/main_cf.h"
#include "os/privilege.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

bool config_directory_is_set_gid(void)
{
    return privilege_is_set_id();
}

static bool is_listed(const struct main_cf *cf, struct str parameter, struct str directory, struct arena *arena)
{
    struct failure ignored;
    struct str value;
    struct strlist words;

    if (!main_cf_value(cf, parameter, arena, &value, &ignored))
        return false;
    words = main_cf_words(value, arena);
    return strlist_contains(&words, directory);
}

static bool may_use(struct str directory, struct arena *arena, struct failure *why)
{
    struct main_cf *cf;
    struct failure reason;

    if (main_cf_load(STR(MERPATI_CONFIG_DIRECTORY), arena, &cf, &reason) &&
        (is_listed(cf, STR("alternate_config_directories"), directory, arena) ||
         is_listed(cf, STR("multi_instance_directories"), directory, arena)))
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0,
                       "unauthorized configuration directory name: %.*s: list it in alternate_config_directories or "
                       "multi_instance_directories of %s/main.cf",
                       STR_ARG(directory), MERPATI_CONFIG_DIRECTORY);
}

/* Daemons change their working directory, and get this one's name in their environment. */
static bool make_absolute(struct str directory, struct arena *arena, struct str *directory_out, struct failure *why)
{
    char here[PATH_MAX];

    if (str_starts_with(directory, STR("/"))) {
        *directory_out = arena_str(arena, directory);
        return true;
    }
    if (getcwd(here, sizeof here) == NULL)
        return failure_system(why, errno, "working directory");
    *directory_out = arena_printf(arena, "%s/%.*s", here, STR_ARG(directory));
    return true;
}

bool config_directory_find(struct str option, struct arena *arena, struct str *directory_out, struct failure *why)
{
    struct str directory = option;

    if (directory.len == 0)
        directory = str_from_c(getenv("MAIL_CONFIG")); /* also set-gid: may_use judges it as it does an option */
    if (directory.len == 0)
        directory = STR(MERPATI_CONFIG_DIRECTORY);
    if (config_directory_is_set_gid() && !str_equal(directory, STR(MERPATI_CONFIG_DIRECTORY)) &&
        !may_use(directory, arena, why))
        return false;
    return make_absolute(directory, arena, directory_out, why);
}
