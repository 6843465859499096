/* SPDX-License-Identifier: Apache-2.0 */
#include "postmulti/life.h"

#include "log/log.h"
#include "os/directory.h"
#include "os/file.h"
#include "postmulti/programs.h"
#include "postmulti/removal.h"

#include <errno.h>

typedef bool life_action(const struct life_request *request, struct failure *why);

enum { FILE_MAXIMUM = 4 << 20 };

static bool edit(const struct life_request *request, const struct member *member, const struct strlist *assignments,
                 struct failure *why)
{
    return assignments->count == 0 || programs_edit(member, request->family->arena, assignments, why);
}

static bool set_one(const struct life_request *request, const struct member *member, const char *assignment,
                    struct failure *why)
{
    struct strlist list = { 0 };

    strlist_add(&list, request->family->arena, str_from_c(assignment));
    return edit(request, member, &list, why);
}

static bool need_member(const struct life_request *request, bool may_be_primary, struct failure *why)
{
    if (request->member == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "which instance? Write -i name");
    return may_be_primary || !request->member->is_primary ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "no action on the primary instance");
}

/* Two of a name would write the same lines into the log, and its beginning tells whose they are. */
static bool check_name(const struct life_request *request, struct failure *why)
{
    const struct member *other;

    if (request->name.len == 0 || str_equal(request->name, STR("-")))
        return true;
    if (!str_starts_with(request->name, STR("merpati-")) && !str_starts_with(request->name, STR("postfix-")))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "instance name %.*s: names begin with merpati- or postfix-: write -I merpati-%.*s",
                           STR_ARG(request->name), STR_ARG(request->name));
    for (size_t i = 0; i < request->name.len; i++) {
        if (strchr("/ \t,={}$", request->name.data[i]) != NULL)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "instance name %.*s: write letters, digits, - and _",
                               STR_ARG(request->name));
    }
    other = family_find(request->family, request->name);
    return other == NULL || other == request->member ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "instance name %.*s is that of %.*s already",
                       STR_ARG(request->name), STR_ARG(other->directory));
}

static void add_names(const struct life_request *request, struct strlist *assignments)
{
    struct arena *arena = request->family->arena;
    const bool no_name = str_equal(request->name, STR("-")), no_group = str_equal(request->group, STR("-"));

    if (request->name.len > 0)
        strlist_add(assignments, arena,
                    arena_printf(arena, "multi_instance_name = %.*s", STR_ARG(no_name ? STR_EMPTY : request->name)));
    if (request->group.len > 0)
        strlist_add(assignments, arena,
                    arena_printf(arena, "multi_instance_group = %.*s", STR_ARG(no_group ? STR_EMPTY : request->group)));
}

/* ---- the primary's list ---- */

static bool write_list(const struct life_request *request, const struct strlist *directories, struct failure *why)
{
    struct arena *arena = request->family->arena;
    struct str text = STR("multi_instance_directories =");

    for (size_t i = 0; i < directories->count; i++)
        text = arena_printf(arena, "%.*s %.*s", STR_ARG(text), STR_ARG(directories->items[i]));
    return set_one(request, &request->family->members[0], arena_c(arena, text), why);
}

static bool stands_before(const struct life_request *request, const struct member *member)
{
    if (request->is_first)
        return true;
    if (request->before_group.len > 0 && !str_equal(request->before_group, member->settings->group))
        return false;
    if (request->before_name.len > 0)
        return family_find(request->family, request->before_name) == member;
    return request->before_group.len > 0;
}

static bool enlist(const struct life_request *request, struct str directory, struct failure *why)
{
    struct strlist list = { 0 };
    bool is_in = false;

    for (size_t i = 1; i < request->family->count; i++) {
        const struct member *member = &request->family->members[i];

        if (!is_in && stands_before(request, member)) {
            strlist_add_view(&list, request->family->arena, directory);
            is_in = true;
        }
        strlist_add_view(&list, request->family->arena, member->directory);
    }
    if (!is_in)
        strlist_add_view(&list, request->family->arena, directory);
    return write_list(request, &list, why);
}

static bool deport(const struct life_request *request, struct failure *why)
{
    struct strlist list = { 0 };

    if (!need_member(request, false, why))
        return false;
    for (size_t i = 1; i < request->family->count; i++) {
        if (&request->family->members[i] != request->member)
            strlist_add_view(&list, request->family->arena, request->family->members[i].directory);
    }
    return write_list(request, &list, why);
}

/* ---- new ones ---- */

/* From the words; else the primary's with the instance's name in the place of the last component. */
static bool place_of(const struct life_request *request, const char *parameter, struct str primarys, struct str *out,
                     struct failure *why)
{
    size_t slash = str_find_last_char(primarys, '/');
    struct str name, value;

    for (size_t i = 0; i < request->assignments.count; i++) {
        if (main_cf_split_assignment(request->assignments.items[i], &name, &value) &&
            str_equal(name, str_from_c(parameter))) {
            *out = value;
            return str_starts_with(value, STR("/")) ||
                   failure_set(why, FAILURE_CONFIGURATION, 0, "%s=%.*s: write a path that begins with /", parameter,
                               STR_ARG(value));
        }
    }
    if (request->name.len == 0 || str_equal(request->name, STR("-")) || slash == STR_NOT_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "where? Write -I name or %s=/path", parameter);
    *out = arena_printf(request->family->arena, "%.*s/%.*s", STR_ARG(str_part(primarys, 0, slash)),
                        STR_ARG(request->name));
    return true;
}

static const char *file_in(const struct life_request *request, struct str directory, const char *name)
{
    return arena_c(request->family->arena, arena_printf(request->family->arena, "%.*s/%s", STR_ARG(directory), name));
}

static bool import(const struct life_request *request, struct failure *why)
{
    struct strlist assignments = { 0 };
    struct member member;
    struct str directory;

    if (!check_name(request, why) ||
        !place_of(request, "config_directory", request->family->members[0].directory, &directory, why) ||
        !family_load_member(request->family->arena, directory, &member, why) ||
        !family_has_room(request->family, &member, why))
        return false;
    add_names(request, &assignments);
    return edit(request, &member, &assignments, why) && enlist(request, member.directory, why);
}

static bool copy_prototype(const struct life_request *request, struct str directory, const char *name,
                           struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;
    struct str meta;

    strbuf_init(&text, FILE_MAXIMUM);
    return main_cf_value(request->family->members[0].main_cf, STR("meta_directory"), request->family->arena, &meta,
                         why) &&
           file_load(file_in(request, meta, arena_printf(request->family->arena, "%s.proto", name).data), &text, why) &&
           file_replace(file_in(request, directory, name), strbuf_str(&text), 0644, why);
}

/* What is the same for the whole machine; a system without clients until its administrator says otherwise. */
static void add_shared_settings(const struct life_request *request, struct strlist *assignments)
{
    static const char *const shared[] = { "command_directory", "daemon_directory", "meta_directory",
                                          "mail_owner",        "net_owner",        "map_owner",
                                          "sasl_owner",        "setgid_group",     "compatibility_level" };
    const struct main_cf *primary = request->family->members[0].main_cf;
    struct arena *arena = request->family->arena;

    for (size_t i = 0; i < ARRAY_COUNT(shared); i++) {
        const struct main_cf_entry *entry = main_cf_find(primary, str_from_c(shared[i]));

        if (entry != NULL)
            strlist_add(assignments, arena, arena_printf(arena, "%s = %.*s", shared[i], STR_ARG(entry->value)));
    }
    strlist_add(assignments, arena, STR("master_service_disable = inet"));
    strlist_add(assignments, arena, STR("authorized_submit_users ="));
}

static bool settle(const struct life_request *request, const struct member *places, struct failure *why)
{
    struct arena *arena = request->family->arena;
    char *const words[] = { programs_path(&request->family->members[0], arena, "merpati"), arena_c(arena, STR("-c")),
                            arena_c(arena, places->directory), arena_c(arena, STR("set-permissions")), NULL };

    return programs_run(words) == 0 ||
           failure_set(why, FAILURE_PERMANENT, 0, "the directories of %.*s could not be made",
                       STR_ARG(places->directory));
}

static bool make(const struct life_request *request, struct str directory, struct str queue, struct str data,
                 struct failure *why)
{
    struct arena *arena = request->family->arena;
    struct member member = request->family->members[0];
    struct strlist assignments = { 0 };

    member.directory = directory;
    member.is_primary = false;
    add_shared_settings(request, &assignments);
    strlist_add(&assignments, arena, arena_printf(arena, "queue_directory = %.*s", STR_ARG(queue)));
    strlist_add(&assignments, arena, arena_printf(arena, "data_directory = %.*s", STR_ARG(data)));
    add_names(request, &assignments);
    return directory_create_path(arena_c(arena, directory), 0755, why) &&
           copy_prototype(request, directory, "main.cf", why) && edit(request, &member, &assignments, why) &&
           copy_prototype(request, directory, "master.cf", why) && settle(request, &member, why) &&
           enlist(request, directory, why);
}

static bool create(const struct life_request *request, struct failure *why)
{
    const struct member *primary = &request->family->members[0];
    struct str directory, queue, data;
    struct shared_settings shared = *primary->shared;
    struct member newcomer = { .shared = &shared };

    if (!check_name(request, why) || !place_of(request, "config_directory", primary->directory, &directory, why))
        return false;
    if (file_exists(file_in(request, directory, "main.cf")) && file_exists(file_in(request, directory, "master.cf")))
        return import(request, why);
    if (!place_of(request, "queue_directory", primary->shared->queue_directory, &queue, why) ||
        !place_of(request, "data_directory", primary->shared->data_directory, &data, why))
        return false;
    newcomer.directory = directory;
    shared.queue_directory = queue;
    shared.data_directory = data;
    shared.multi_instance_name = STR_EMPTY;
    return family_has_room(request->family, &newcomer, why) && make(request, directory, queue, data, why);
}

/* ---- changes ---- */

static bool init(const struct life_request *request, struct failure *why)
{
    struct strlist assignments = { 0 };

    strlist_add(&assignments, request->family->arena,
                STR("multi_instance_wrapper = ${command_directory}/postmulti -p --"));
    strlist_add(&assignments, request->family->arena, STR("multi_instance_enable = yes"));
    return edit(request, &request->family->members[0], &assignments, why);
}

static bool enable(const struct life_request *request, struct failure *why)
{
    return need_member(request, true, why) && set_one(request, request->member, "multi_instance_enable = yes", why);
}

static bool disable(const struct life_request *request, struct failure *why)
{
    return need_member(request, true, why) && set_one(request, request->member, "multi_instance_enable = no", why);
}

static bool assign(const struct life_request *request, struct failure *why)
{
    struct strlist assignments = { 0 };

    if (!need_member(request, true, why) || !check_name(request, why))
        return false;
    if (request->name.len == 0 && request->group.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "what is to be assigned? Write -I name or -G group");
    add_names(request, &assignments);
    return edit(request, request->member, &assignments, why);
}

static bool destroy(const struct life_request *request, struct failure *why)
{
    if (!need_member(request, false, why))
        return false;
    if (request->member->settings->is_enabled)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s is enabled: postmulti -e disable -i %.*s, first",
                           STR_ARG(request->member->directory), STR_ARG(request->member->directory));
    return removal_is_allowed(request->family, request->member, why) && deport(request, why) &&
           removal_run(request->member, request->family->arena, why);
}

struct life_kind {
    const char *word;
    life_action *action;
    const char *parameters[4]; /* that may be given as name=value */
};

static const struct life_kind kinds[] = {
    { "init", init, { NULL } },
    { "create", create, { "config_directory", "queue_directory", "data_directory", NULL } },
    { "import", import, { "config_directory", NULL } },
    { "destroy", destroy, { NULL } },
    { "deport", deport, { NULL } },
    { "enable", enable, { NULL } },
    { "disable", disable, { NULL } },
    { "assign", assign, { NULL } },
};

static bool takes(const struct life_kind *kind, struct str assignment)
{
    struct str name, value;

    if (!main_cf_split_assignment(assignment, &name, &value))
        return false;
    for (size_t i = 0; kind->parameters[i] != NULL; i++) {
        if (str_equal(name, str_from_c(kind->parameters[i])))
            return true;
    }
    return false;
}

const struct life_kind *life_find(const char *word)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal(str_from_c(kinds[i].word), str_from_c(word)))
            return &kinds[i];
    }
    return NULL;
}

bool life_run(const struct life_kind *kind, const struct life_request *request, struct failure *why)
{
    for (size_t i = 0; i < request->assignments.count; i++) {
        if (!takes(kind, request->assignments.items[i]))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: \"postmulti -e %s\" does not take that",
                               STR_ARG(request->assignments.items[i]), kind->word);
    }
    return kind->action(request, why);
}
