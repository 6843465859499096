/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_environment.h"

#include "os/environment.h"

#include <paths.h>

/* The place of the variable that is set by text, or the number of them. */
static size_t find(const struct strlist *variables, struct str text)
{
    struct str name = str_part(text, 0, str_find_char(text, '=') + 1);
    size_t i = 0;

    while (i < variables->count && !str_starts_with(variables->items[i], name))
        i++;
    return i;
}

static void add(struct command_environment *environment, struct str text)
{
    struct strlist *variables = &environment->variables;
    size_t place = find(variables, text);

    if (place < variables->count)
        variables->items[place] = text;
    else
        strlist_add_view(variables, environment->arena, text);
}

void command_environment_init(struct command_environment *environment, struct arena *arena, const struct strlist *rules)
{
    *environment = (struct command_environment){ .arena = arena };
    for (char **inherited = environment_export(arena, rules); *inherited != NULL; inherited++)
        add(environment, str_from_c(*inherited));
    add(environment, STR("PATH=" _PATH_DEFPATH));
}

void command_environment_set(struct command_environment *environment, const char *name, struct str value)
{
    add(environment, arena_printf(environment->arena, "%s=%.*s", name, STR_ARG(value)));
}

const char *const *command_environment_list(const struct command_environment *environment)
{
    const struct strlist *variables = &environment->variables;
    const char **all = arena_new_array(environment->arena, variables->count + 1, const char *);

    for (size_t i = 0; i < variables->count; i++)
        all[i] = arena_c(environment->arena, variables->items[i]);
    return all;
}
