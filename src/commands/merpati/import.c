/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import.h"

#include "log/log.h"
#include "merpati/check.h"
#include "merpati/import_queue.h"
#include "merpati/upkeep.h"
#include "os/directory.h"
#include "os/environment.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Services that only we have, whatever main.cf says else. */
static bool upgrade(const struct import_job *job, struct failure *why)
{
    const struct instance_options options = { .directory = str_from_c(job->stage) };
    struct instance stage;
    struct failure trouble;

    return instance_load(&stage, job->arena, &options, &trouble, why) && upkeep_add_services(&stage, job->target, why);
}

static bool take_over(struct import_job *job, struct failure *why)
{
    bool is_done = import_stage_begin(job, why) && import_files_copy(job, why) && upgrade(job, why) &&
                   import_files_settle(job, why) && import_stage_finish(job, why);

    import_stage_discard(job);
    return is_done;
}

static void check_result(const struct import_job *job, const struct instance_options *options)
{
    struct instance instance;
    struct failure trouble, why;
    pid_t master = 0;

    import_say("What \"merpati check\" says of the result:");
    (void) fflush(stdout);
    if (!instance_load(&instance, job->arena, options, &trouble, &why)) {
        log_warning("%s", why.text);
        return;
    }
    (void) check_instance(&instance);
    if (instance.shared != NULL && instance_find_master(&instance, &master, &why) && master != 0)
        import_say("The mail system runs: \"merpati reload\", when that is mended");
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

    if (!import_source_value(job, "command_directory", "/usr/sbin", &directory, why))
        return false;
    if (given == NULL)
        given = arena_printf(job->arena, "%.*s/postcat", STR_ARG(directory)).data;
    if (!import_find_directory(job->arena, given, &postcat, why))
        return failure_prefix(why, "Postfix's own postcat, which -p names");
    *postcat_out = arena_c(job->arena, postcat);
    return !import_find_directory(job->arena, instance_command(instance, "postcat"), &ours, why) ||
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

    if (!import_read_source(job, path, why) || !instance_load(&instance, job->arena, options, why, why) ||
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
    if (!import_read_source(&job, argv[argc - 1], &why) || !import_read_target(&job, options, may_replace, &why) ||
        !take_over(&job, &why)) {
        (void) fflush(stdout);
        log_fatal("%s", why.text);
        return 1;
    }
    import_say("%zu files of %.*s are in %.*s now; %.*s is as it was", job.files.count, STR_ARG(job.source),
               STR_ARG(job.target), STR_ARG(job.source));
    import_sockets_tell(&job);
    tell_instances(&job);
    import_say("Programs that write or edit Postfix's queue files (MailScanner's hold queue, scripts on "
               "/var/spool/postfix) cannot work here; milters, filters and policy servers can");
    check_result(&job, options);
    return fflush(stdout) == 0 ? 0 : 1;
}
