/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import.h"

#include "config/directory.h"
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/import_queue.h"
#include "merpati/upkeep.h"
#include "os/directory.h"
#include "os/environment.h"
#include "os/file.h"
#include "os/user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_PLACE "/etc/postfix"

static int usage(void)
{
    fprintf(stderr, "usage: merpati [-c config_directory] import [-f] directory\n"
                    "       merpati [-c config_directory] import --queue [-p postcat] directory\n");
    return 1;
}

void import_say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void) vprintf(format, arguments);
    va_end(arguments);
    (void) putchar('\n');
}

static bool find_directory(struct arena *arena, const char *path, struct str *directory_out, struct failure *why)
{
    char whole[PATH_MAX];

    if (realpath(path, whole) == NULL)
        return failure_system(why, errno, "%s", path);
    *directory_out = arena_str(arena, str_from_c(whole));
    return true;
}

/* What main.cf of the source says, or Postfix's own default. */
static bool source_path(const struct import_job *job, const char *name, const char *fallback, struct str *path_out,
                        struct failure *why)
{
    if (main_cf_find(job->old, str_from_c(name)) == NULL) {
        *path_out = str_from_c(fallback);
        return true;
    }
    return main_cf_value(job->old, str_from_c(name), job->arena, path_out, why);
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

static void add_move(struct import_job *job, struct str from, struct str to)
{
    job->moves[job->move_count++] = (struct import_move){ from, to };
}

static bool read_source(struct import_job *job, const char *path, struct failure *why)
{
    struct main_cf *old;
    struct str owner;

    if (!find_directory(job->arena, path, &job->source, why) || !main_cf_load(job->source, job->arena, &old, why))
        return false;
    job->old = old;
    if (!file_exists(arena_printf(job->arena, "%.*s/master.cf", STR_ARG(job->source)).data))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s has no master.cf: name a Postfix's directory",
                           STR_ARG(job->source));
    job->given = str_from_c(path);
    if (!source_path(job, "mail_owner", "postfix", &owner, why))
        return false;
    if (!find_user(job, owner, &job->old_user, &job->old_group)) {
        job->old_user = (uid_t) -1;
        job->old_group = (gid_t) -1;
    }
    return source_path(job, "queue_directory", "/var/spool/postfix", &job->old_queue, why) &&
           source_path(job, "data_directory", "/var/lib/postfix", &job->old_data, why);
}

/* The source by each of its names; the copy of another machine's is /etc/postfix, where there is none here. */
static void add_moves(struct import_job *job)
{
    struct str given = job->given;

    while (given.len > 1 && given.data[given.len - 1] == '/')
        given = str_part(given, 0, given.len - 1);
    add_move(job, job->source, job->target);
    add_move(job, job->old_queue, job->shared->queue_directory);
    add_move(job, job->old_data, job->shared->data_directory);
    if (str_starts_with(given, STR("/")) && !str_equal(given, job->source))
        add_move(job, given, job->target);
    if (!str_equal(given, STR(USUAL_PLACE)) && !file_exists(USUAL_PLACE "/main.cf"))
        add_move(job, STR(USUAL_PLACE), job->target);
}

/* What is there stays in force where it says which instance this is. */
static bool read_target(struct import_job *job, const struct instance_options *options, bool may_replace,
                        struct failure *why)
{
    struct main_cf *place;
    struct str directory;
    uid_t ignored;

    if (!config_directory_find(options->directory, job->arena, &directory, why) ||
        !find_directory(job->arena, arena_c(job->arena, directory), &job->target, why))
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
    add_moves(job);
    if (!find_user(job, job->shared->map_owner, &ignored, &job->new_group))
        job->old_group = (gid_t) -1;
    return true;
}

static bool take_over(struct import_job *job, struct failure *why)
{
    const char *stage = arena_printf(job->arena, "%.*s/.import", STR_ARG(job->target)).data;
    bool is_done;

    import_files_discard(stage); /* of one that was interrupted */
    if (!directory_create_at(AT_FDCWD, stage, 0700, why))
        return false;
    is_done = import_files_copy(job, stage, why) && import_files_move(job, stage, why);
    import_files_discard(stage);
    return is_done;
}

/* The rest of the way, with what is there now. */
static void finish(const struct import_job *job, const struct instance_options *options)
{
    char verb[] = "upgrade-configuration";
    char *words[] = { verb, NULL };
    struct instance instance;
    struct failure trouble, why;

    if (!instance_load(&instance, job->arena, options, &trouble, &why)) {
        log_warning("%s", why.text);
        return;
    }
    (void) fflush(stdout);
    if (instance.shared != NULL && upkeep_upgrade(&instance, 1, words) != 0)
        import_say("master.cf may lack services: run \"merpati upgrade-configuration\" when that is mended");
    import_say("What \"merpati check\" says of the result:");
    (void) fflush(stdout);
    (void) check_instance(&instance);
}

static void tell_instances(const struct import_job *job)
{
    struct failure ignored;
    struct str value;

    if (main_cf_value(job->old, STR("multi_instance_directories"), job->arena, &value, &ignored) &&
        str_trim(value).len > 0)
        import_say("There are other instances, which are not taken over: %.*s. For each: postmulti -e create, then "
                   "merpati -c DIRECTORY import -f",
                   STR_ARG(value));
}

/* The postcat of the other installation, never ours, which knows nothing of its files. */
static bool find_postcat(const struct import_job *job, const struct instance *instance, const char *given,
                         const char **postcat_out, struct failure *why)
{
    struct str directory, postcat, ours;

    if (!source_path(job, "command_directory", "/usr/sbin", &directory, why))
        return false;
    if (given == NULL)
        given = arena_printf(job->arena, "%.*s/postcat", STR_ARG(directory)).data;
    if (!find_directory(job->arena, given, &postcat, why))
        return failure_prefix(why, "Postfix's own postcat, which -p names");
    *postcat_out = arena_c(job->arena, postcat);
    return !find_directory(job->arena, instance_command(instance, "postcat"), &ours, why) ||
           !str_equal(postcat, ours) ||
           failure_set(why, FAILURE_CONFIGURATION, 0,
                       "%s is Merpati's own: name Postfix's with -p (\"dpkg-deb -x postfix_*.deb DIR\" has one)",
                       given);
}

/* postcat has the zone of import_environment, whatever it is told; so have we. */
static bool share_zone(const struct import_job *job, const char **zone_out, struct failure *why)
{
    struct strlist rules = { 0 };
    struct str value;

    if (main_cf_find(job->old, STR("import_environment")) != NULL) {
        if (!main_cf_value(job->old, STR("import_environment"), job->arena, &value, why))
            return false;
        rules = strlist_split(job->arena, value, ", \t\r\n{}");
    }
    *zone_out = "UTC";
    for (size_t i = 0; i < rules.count; i++) {
        if (str_starts_with(rules.items[i], STR("TZ=")))
            *zone_out = arena_c(job->arena, str_from(rules.items[i], strlen("TZ=")));
    }
    return environment_set("TZ", *zone_out, why);
}

static bool take_queue(struct import_job *job, const struct instance_options *options, const char *path,
                       const char *postcat, struct failure *why)
{
    struct import_source source;
    struct instance instance;

    if (!read_source(job, path, why) || !instance_load(&instance, job->arena, options, why, why) ||
        instance.shared == NULL || !find_postcat(job, &instance, postcat, &source.postcat, why) ||
        !share_zone(job, &source.time_zone, why))
        return false;
    source.directory = job->source;
    source.queue = job->old_queue;
    source.mail_uid = job->old_user;
    if (str_equal(source.queue, instance.shared->queue_directory))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s is the queue to import into", STR_ARG(source.queue));
    return import_queue(&instance, &source, why);
}

static int run_queue(const struct instance_options *options, int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const bool has_postcat = argc == 5 && strcmp(argv[2], "-p") == 0;
    struct import_job job = { .arena = arena };
    struct failure why;

    if ((argc != 3 && !has_postcat) || argv[argc - 1][0] == '-')
        return usage();
    if (take_queue(&job, options, argv[argc - 1], has_postcat ? argv[3] : NULL, &why))
        return fflush(stdout) == 0 ? 0 : 1;
    (void) fflush(stdout);
    log_fatal("%s", why.text);
    return 1;
}

int import_run(const struct instance_options *options, int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_job job = { .arena = arena };
    const bool may_replace = argc > 1 && strcmp(argv[1], "-f") == 0;
    struct failure why;

    if (argc > 1 && strcmp(argv[1], "--queue") == 0)
        return run_queue(options, argc, argv);
    if (argc != (may_replace ? 3 : 2) || argv[argc - 1][0] == '-')
        return usage();
    if (!read_source(&job, argv[argc - 1], &why) || !read_target(&job, options, may_replace, &why) ||
        !take_over(&job, &why)) {
        (void) fflush(stdout);
        log_fatal("%s", why.text);
        return 1;
    }
    import_say("%zu files of %.*s are in %.*s now; nothing there was changed", job.copied, STR_ARG(job.source),
               STR_ARG(job.target));
    import_sockets_tell(&job);
    tell_instances(&job);
    import_say("Programs that write or edit Postfix's queue files (MailScanner's hold queue, scripts on "
               "/var/spool/postfix) cannot work here; milters, filters and policy servers can");
    finish(&job, options);
    return fflush(stdout) == 0 ? 0 : 1;
}
