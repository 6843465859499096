/* SPDX-License-Identifier: Apache-2.0 */
#include "os/environment.h"

#include "os/privilege.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* True: the value is there. */
static bool parse_rule(struct str rule, struct str *name_out, struct str *value_out)
{
    bool has_value;

    if (str_starts_with(rule, STR("{")) && str_ends_with(rule, STR("}")))
        rule = str_part(rule, 1, rule.len - 2);
    has_value = str_cut(rule, '=', name_out, value_out);
    *name_out = str_trim(*name_out);
    *value_out = str_trim(*value_out);
    return has_value;
}

bool environment_check(const struct strlist *rules, struct failure *why)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct str name, value;

        (void) parse_rule(rules->items[i], &name, &value);
        if (str_is_empty(name))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "missing attribute name in: %.*s",
                               STR_ARG(rules->items[i]));
    }
    return true;
}

char **environment_export(struct arena *arena, const struct strlist *rules)
{
    char **result = arena_new_array(arena, rules->count + 1, char *);
    size_t count = 0;

    for (size_t i = 0; i < rules->count; i++) {
        struct str name, value;

        if (!parse_rule(rules->items[i], &name, &value)) {
            const char *ours = getenv(arena_c(arena, name));

            if (ours == NULL)
                continue;
            value = str_from_c(ours);
        }
        if (!str_is_empty(name))
            result[count++] = arena_c(arena, arena_printf(arena, "%.*s=%.*s", STR_ARG(name), STR_ARG(value)));
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
