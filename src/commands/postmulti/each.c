/* SPDX-License-Identifier: Apache-2.0 */
#include "postmulti/each.h"

#include "log/log.h"
#include "postmulti/programs.h"

#include <stdio.h>

static bool is_chosen(const struct choice *choice, const struct member *member)
{
    if (choice->group.len > 0 && !str_equal(choice->group, member->settings->group))
        return false;
    if (choice->name.len == 0)
        return true;
    if (str_equal(choice->name, STR("-")))
        return member->is_primary;
    return str_equal(choice->name, member->shared->multi_instance_name) || str_equal(choice->name, member->directory);
}

typedef int each_function(const struct family *family, const struct member *member, const struct choice *choice,
                          char *const *words);

static int for_each(const struct family *family, const struct choice *choice, each_function *function,
                    char *const *words)
{
    int status = 0;
    size_t count = 0;

    for (size_t i = 0; i < family->count; i++) {
        const struct member *member = &family->members[choice->is_reversed ? family->count - 1 - i : i];

        if (!is_chosen(choice, member))
            continue;
        count++;
        if (function(family, member, choice, words) != 0)
            status = 1;
    }
    if (count > 0)
        return status;
    log_fatal("no instance has the name or the group that was asked for: \"postmulti -l\" lists them");
    return 1;
}

static struct str or_dash(struct str text)
{
    return text.len > 0 ? text : STR("-");
}

static int list_one(const struct family *family, const struct member *member, const struct choice *choice,
                    char *const *words)
{
    (void) family;
    (void) choice;
    (void) words;
    printf("%-15.*s %-15.*s %-9s %.*s\n", STR_ARG(or_dash(member->shared->multi_instance_name)),
           STR_ARG(or_dash(member->settings->group)), member->settings->is_enabled ? "y" : "n",
           STR_ARG(member->directory));
    return 0;
}

int each_list(const struct family *family, const struct choice *choice)
{
    int status = for_each(family, choice, list_one, NULL);

    return fflush(stdout) == 0 ? status : 1;
}

static int run_one(const struct family *family, const struct member *member, const struct choice *choice,
                   char *const *words)
{
    struct failure why;

    (void) family;
    if (programs_set_environment(member, choice->verbose, &why))
        return programs_run(words);
    log_error("%s", why.text);
    return 1;
}

int each_run(const struct family *family, const struct choice *choice, char *const *words)
{
    return for_each(family, choice, run_one, words);
}

/* An instance that is not enabled is told of its mistakes, and otherwise left as it is. */
static int control_one(const struct family *family, const struct member *member, const struct choice *choice,
                       char *const *words)
{
    const struct multi_instance_settings *primary = family->members[0].settings;
    struct str verb = str_from_c(words[0]);
    char **call;
    size_t count = 0, given = 0;

    if (!member->settings->is_enabled &&
        (strlist_contains(&primary->stop_commands, verb) || strlist_contains(&primary->control_commands, verb)))
        return 0;
    while (words[given] != NULL)
        given++;
    call = arena_new_array(family->arena, given + choice->verbose + 4, char *);
    call[count++] = programs_path(member, family->arena, "merpati");
    for (unsigned i = 0; i < choice->verbose; i++)
        call[count++] = arena_c(family->arena, STR("-v"));
    call[count++] = arena_c(family->arena, STR("-c"));
    call[count++] = arena_c(family->arena, member->directory);
    for (size_t i = 0; i < given; i++)
        call[count++] = words[i];
    if (!member->settings->is_enabled && strlist_contains(&primary->start_commands, verb))
        call[count - given] = arena_c(family->arena, STR("check"));
    return run_one(family, member, choice, call);
}

int each_control(const struct family *family, const struct choice *choice, char *const *words)
{
    struct choice ordered = *choice;

    ordered.is_reversed = strlist_contains(&family->members[0].settings->stop_commands, str_from_c(words[0]));
    return for_each(family, &ordered, control_one, words);
}
