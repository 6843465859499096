/* SPDX-License-Identifier: Apache-2.0 */
#include "postmulti/family.h"

static bool is_same(struct str a, struct str b)
{
    return a.len > 0 && str_equal(a, b);
}

bool family_load_member(struct arena *arena, struct str directory, struct member *member_out, struct failure *why)
{
    struct member member = { .directory = arena_str(arena, directory) };
    struct main_cf *main_cf;
    void *settings;

    if (!main_cf_load(directory, arena, &main_cf, why))
        return false;
    main_cf_set_program(main_cf, STR("postmulti"), STR("postmulti"));
    if (!shared_settings_load(main_cf, arena, &member.shared, why) ||
        !settings_load(&multi_instance_settings_table, main_cf, STR("postmulti"), arena, &settings, why))
        return failure_prefix(why, "%.*s", STR_ARG(directory));
    member.main_cf = main_cf;
    member.settings = settings;
    *member_out = member;
    return true;
}

bool family_has_room(const struct family *family, const struct member *newcomer, struct failure *why)
{
    for (size_t i = 0; i < family->count; i++) {
        const struct member *member = &family->members[i];
        const struct {
            const char *what;
            struct str ours, theirs;
        } pairs[] = {
            { "config_directory", newcomer->directory, member->directory },
            { "multi_instance_name", newcomer->shared->multi_instance_name, member->shared->multi_instance_name },
            { "queue_directory", newcomer->shared->queue_directory, member->shared->queue_directory },
            { "data_directory", newcomer->shared->data_directory, member->shared->data_directory },
        };

        for (size_t k = 0; k < ARRAY_COUNT(pairs); k++) {
            if (is_same(pairs[k].ours, pairs[k].theirs))
                return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: %s = %.*s is that of %.*s already",
                                   STR_ARG(newcomer->directory), pairs[k].what, STR_ARG(pairs[k].ours),
                                   STR_ARG(member->directory));
        }
    }
    return true;
}

bool family_load(struct family *family, struct arena *arena, struct str directory, struct failure *why)
{
    struct member primary;
    const struct strlist *others;

    if (!family_load_member(arena, directory, &primary, why))
        return false;
    primary.is_primary = true;
    others = &primary.settings->directories;
    *family = (struct family){ .arena = arena, .members = arena_new_array(arena, others->count + 1, struct member) };
    family->members[family->count++] = primary;
    for (size_t i = 0; i < others->count; i++) {
        struct member *member = &family->members[family->count];

        if (!family_load_member(arena, others->items[i], member, why) || !family_has_room(family, member, why))
            return false;
        family->count++;
    }
    return true;
}

const struct member *family_find(const struct family *family, struct str name)
{
    if (str_equal(name, STR("-")))
        return &family->members[0];
    for (size_t i = 0; i < family->count; i++) {
        if (is_same(family->members[i].directory, name) ||
            is_same(family->members[i].shared->multi_instance_name, name))
            return &family->members[i];
    }
    return NULL;
}
