/* SPDX-License-Identifier: Apache-2.0 */
/* merpati - starts, stops and looks after a mail system: what "postfix" is to Postfix. */

#include "daemon/command_log.h"
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/control.h"
#include "merpati/import.h"
#include "merpati/log_rotation.h"
#include "merpati/tls.h"
#include "merpati/upkeep.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/signals.h"

#include <stdio.h>
#include <unistd.h>

static const struct verb {
    const char *name;
    int (*run)(const struct instance *instance);
    int (*run_with_words)(const struct instance *instance, int argc, char **argv); /* argv[0]: the verb */
    /* Without an instance: there may be none yet. */
    int (*run_alone)(const struct instance_options *options, int argc, char **argv);
    const char *purpose;
} verbs[] = {
    { "start", control_start, NULL, NULL, "start the mail system; returns when it takes connections" },
    { "start-fg", control_start_foreground, NULL, NULL, "the same without going to the background, as process 1 too" },
    { "stop", control_stop, NULL, NULL, "finish what is in hand, then end" },
    { "drain", control_stop, NULL, NULL, "the same" },
    { "quick-stop", control_quick_stop, NULL, NULL, "the same without waiting for the end" },
    { "abort", control_abort, NULL, NULL, "end at once; nothing acknowledged is lost" },
    { "reload", control_reload, NULL, NULL, "read the configuration again, without dropping a session" },
    { "status", control_status, NULL, NULL, "tell whether it runs" },
    { "check", check_instance, NULL, NULL, "look for mistakes in configuration, owners and modes" },
    { "flush", control_flush, NULL, NULL, "try all deferred mail now" },
    { "logrotate", log_rotate, NULL, NULL, "put maillog_file aside, compress it and begin a new one" },
    { "set-permissions", NULL, upkeep_set_permissions, NULL,
      "put owners and modes right, after [name=value ...] in main.cf" },
    { "upgrade-configuration", NULL, upkeep_upgrade, NULL, "add missing services to master.cf, and [name=value ...]" },
    { .name = "import",
      .run_alone = import_run,
      .purpose = "take a Postfix over: [-f] directory, or --queue directory" },
    { "tls", NULL, tls_run, NULL, "make keys and certificates, and switch TLS on: \"merpati tls\" tells how" },
};

static int usage(void)
{
    fprintf(stderr, "usage: merpati [-c config_directory] [-Dv] command\n");
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        fprintf(stderr, "  %-21s %s\n", verbs[i].name, verbs[i].purpose);
    return 1;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (str_equal(str_from_c(verbs[i].name), str_from_c(name)))
            return &verbs[i];
    }
    return NULL;
}

/*
 * With other instances beside this one, their manager does it for each, by calling us with "-c". Returns only if it
 * could not be started.
 */
static int hand_to_manager(const struct instance *instance, struct str command, char **argv)
{
    struct strlist words = main_cf_words(command, instance->arena);
    char **arguments = arena_new_array(instance->arena, words.count + 4, char *);
    struct failure why;
    size_t count = 0;

    if (!instance_set_environment(instance, &why)) {
        log_fatal("%s", why.text);
        return 1;
    }
    for (size_t i = 0; i < words.count; i++)
        arguments[count++] = arena_c(instance->arena, words.items[i]);
    while (*argv != NULL && count < words.count + 3)
        arguments[count++] = *argv++;
    (void) execv(arguments[0], arguments);
    log_fatal("multi_instance_wrapper = %.*s: %s could not be started", STR_ARG(command), arguments[0]);
    return 1;
}

/* What an ordinary user would be told of such an instance would be told of one that he runs. */
static bool is_roots(const struct instance *instance)
{
    struct stat status;
    struct failure ignored;

    return !privilege_is_root() &&
           file_stat(arena_c(instance->arena, instance->shared->queue_directory), &status, &ignored) &&
           status.st_uid == 0;
}

static int run(const struct verb *verb, int argc, char **argv, const struct instance_options *options)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct instance instance;
    struct failure trouble, why;
    struct str manager;
    int status = 1;

    if (!instance_load(&instance, arena, options, &trouble, &why) ||
        (instance.shared != NULL &&
         !command_log_open(instance.shared, "merpati", COMMAND_LOG_WITHOUT_POSTLOGD, arena, &why)))
        log_fatal("%s", why.text);
    else if (instance.shared != NULL && is_roots(&instance))
        log_fatal("the queue of %.*s is root's: only root may use this command", STR_ARG(instance.directory));
    else if (instance.shared == NULL && verb->run != check_instance)
        log_fatal("%s", trouble.text);
    else if (instance.shared != NULL && !instance_find_manager(&instance, &manager, &why))
        log_fatal("%s", why.text);
    else if (instance.shared != NULL && manager.len > 0)
        status = hand_to_manager(&instance, manager, argv);
    else
        status = verb->run != NULL ? verb->run(&instance) : verb->run_with_words(&instance, argc, argv);
    log_close();
    return status;
}

int main(int argc, char **argv)
{
    struct instance_options options = { .directory = STR_EMPTY };
    const struct verb *verb;
    struct failure why;
    int letter;

    signals_init();
    if (!fd_guard_standard(&why))
        return 1;
    while ((letter = getopt(argc, argv, "+c:vD")) != -1) {
        if (letter == 'c')
            options.directory = str_from_c(optarg);
        else if (letter == 'v')
            options.verbose++;
        else if (letter == 'D')
            options.is_debugged = true;
        else
            return usage();
    }
    argc -= optind;
    argv += optind;
    verb = argc > 0 ? find_verb(argv[0]) : NULL;
    if (argc > 0 && verb == NULL)
        fprintf(stderr, "merpati: error: unknown command: '%s'\n", argv[0]);
    if (verb == NULL || (argc > 1 && verb->run != NULL))
        return usage();
    return verb->run_alone != NULL ? verb->run_alone(&options, argc, argv) : run(verb, argc, argv, &options);
}
