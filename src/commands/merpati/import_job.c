/* SPDX-License-Identifier: Apache-2.0 */
/* What an import is from and to, and by which names. */
#include "config/directory.h"
#include "merpati/import.h"
#include "os/file.h"
#include "os/user.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define USUAL_PLACE "/etc/postfix"

bool import_find_directory(struct arena *arena, const char *path, struct str *directory_out, struct failure *why)
{
    char whole[PATH_MAX];

    if (realpath(path, whole) == NULL)
        return failure_system(why, errno, "%s", path);
    *directory_out = arena_str(arena, str_from_c(whole));
    return true;
}

bool import_source_value(const struct import_job *job, const char *name, const char *fallback, struct str *value_out,
                         struct failure *why)
{
    if (main_cf_find(job->old, str_from_c(name)) == NULL) {
        *value_out = str_from_c(fallback);
        return true;
    }
    return main_cf_value(job->old, str_from_c(name), job->arena, value_out, why);
}

static bool find_user(const struct import_job *job, struct str name, uid_t *uid_out, gid_t *gid_out)
{
    struct user_account account;
    struct failure ignored;

    if (user_by_name(job->arena, name, &account, &ignored) != USER_FOUND)
        return false;
    *uid_out = account.uid;
    *gid_out = account.gid;
    return true;
}

bool import_read_source(struct import_job *job, const char *path, struct failure *why)
{
    struct main_cf *old;
    struct str owner;

    if (!import_find_directory(job->arena, path, &job->source, why) ||
        !main_cf_load(job->source, job->arena, &old, why))
        return false;
    job->old = old;
    if (!file_exists(arena_printf(job->arena, "%.*s/master.cf", STR_ARG(job->source)).data))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s has no master.cf: name a Postfix's directory",
                           STR_ARG(job->source));
    job->given = str_from_c(path);
    if (!import_source_value(job, "mail_owner", "postfix", &owner, why))
        return false;
    if (!find_user(job, owner, &job->old_user, &job->old_group)) {
        job->old_user = (uid_t) -1;
        job->old_group = (gid_t) -1;
    }
    return import_source_value(job, "queue_directory", "/var/spool/postfix", &job->old_queue, why) &&
           import_source_value(job, "data_directory", "/var/lib/postfix", &job->old_data, why);
}

/* ---- names ---- */

static struct str without_slash(struct str path)
{
    while (path.len > 1 && path.data[path.len - 1] == '/')
        path = str_part(path, 0, path.len - 1);
    return path;
}

static void add_move(struct import_job *job, struct str from, struct str to)
{
    from = without_slash(from);
    if (!str_starts_with(from, STR("/")))
        return;
    for (size_t i = 0; i < job->move_count; i++) {
        if (str_equal(job->moves[i].from, from))
            return;
    }
    job->moves[job->move_count++] = (struct import_move){ from, to };
}

static bool lists(const struct import_job *job, const struct main_cf *usual, const char *name)
{
    struct failure ignored;
    struct str value, word;

    if (!main_cf_value(usual, str_from_c(name), job->arena, &value, &ignored))
        return false;
    while (str_next_word(&value, ", \t\r\n", &word)) {
        if (str_equal(without_slash(word), job->source) || str_equal(without_slash(word), without_slash(job->given)))
            return true;
    }
    return false;
}

/* One instance of several, of which the one at the usual place is another. */
static bool is_beside_usual(const struct import_job *job)
{
    struct main_cf *usual;
    struct failure ignored;
    struct str name;

    if (import_source_value(job, "multi_instance_name", "", &name, &ignored) && str_trim(name).len > 0)
        return true;
    return main_cf_load(STR(USUAL_PLACE), job->arena, &usual, &ignored) &&
           (lists(job, usual, "multi_instance_directories") || lists(job, usual, "alternate_config_directories"));
}

/* The source by each of its names: where it is, as it was given, and as it calls itself. */
static bool add_moves(struct import_job *job, struct failure *why)
{
    const char *usual = is_beside_usual(job) ? "" : USUAL_PLACE;
    struct str own;

    add_move(job, job->source, job->target);
    add_move(job, job->old_queue, job->shared->queue_directory);
    add_move(job, job->old_data, job->shared->data_directory);
    add_move(job, job->given, job->target);
    if (!import_source_value(job, "config_directory", usual, &own, why))
        return false;
    add_move(job, own, job->target);
    if (!str_equal(own, STR(USUAL_PLACE)) && !str_equal(job->source, STR(USUAL_PLACE)) &&
        !import_text_names(job->target, STR(USUAL_PLACE)))
        job->other = STR(USUAL_PLACE);
    return true;
}

/* ---- the target ---- */

/* What is there stays in force where it says which instance this is. */
bool import_read_target(struct import_job *job, const struct instance_options *options, bool may_replace,
                        struct failure *why)
{
    struct main_cf *place;
    struct str directory;
    uid_t ignored;

    if (!config_directory_find(options->directory, job->arena, &directory, why) ||
        !import_find_directory(job->arena, arena_c(job->arena, directory), &job->target, why))
        return false;
    if (import_text_names(job->target, job->source))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s is the directory to import into, and not to be changed: say where to with -c",
                           STR_ARG(job->target));
    job->has_main_cf = file_exists(arena_printf(job->arena, "%.*s/main.cf", STR_ARG(job->target)).data);
    if (job->has_main_cf && !may_replace)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s/main.cf is there already: \"merpati import -f\" keeps it as main.cf.before-import",
                           STR_ARG(job->target));
    if (!(job->has_main_cf ? main_cf_load(job->target, job->arena, &place, why)
                           : main_cf_parse(STR_EMPTY, STR("main.cf"), job->target, job->arena, &place, why)) ||
        !shared_settings_load(place, job->arena, &job->shared, why))
        return false;
    job->place = place;
    if (!find_user(job, job->shared->map_owner, &ignored, &job->new_group))
        job->old_group = (gid_t) -1;
    return add_moves(job, why);
}
