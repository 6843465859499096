/* SPDX-License-Identifier: Apache-2.0 */
#include "os/environment.h"

#include "os/privilege.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

char **environment_export(struct arena *arena, const struct strlist *rules)
{
    char **result = arena_new_array(arena, rules->count + 1, char *);
    size_t count = 0;

    for (size_t i = 0; i < rules->count; i++) {
        struct str rule = rules->items[i];
        const char *value;

        if (str_contains_char(rule, '=')) {
            result[count++] = arena_c(arena, rule);
            continue;
        }
        value = getenv(arena_c(arena, rule));
        if (value != NULL)
            result[count++] = arena_c(arena, arena_printf(arena, "%.*s=%s", STR_ARG(rule), value));
    }
    return result;
}

bool environment_import(const struct strlist *rules, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    char **kept = environment_export(arena, rules);

    if (clearenv() != 0)
        return failure_set(why, FAILURE_RETRY, 0, "clear the environment");
    for (; *kept != NULL; kept++) {
        struct str name, value;

        (void) str_cut(str_from_c(*kept), '=', &name, &value);
        if (!environment_set(arena_c(arena, name), arena_c(arena, value), why))
            return false;
    }
    return true;
}

const char *environment_get(const char *name)
{
    return privilege_is_set_id() ? NULL : getenv(name);
}

bool environment_set(const char *name, const char *value, struct failure *why)
{
    if (setenv(name, value, 1) < 0)
        return failure_system(why, errno, "set %s in the environment", name);
    return true;
}
