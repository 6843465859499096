/* SPDX-License-Identifier: Apache-2.0 */
/* merpati - starts, stops and looks after a mail system: what "postfix" is to Postfix. */

#include "daemon/command_log.h"
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/control.h"
#include "merpati/tls.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/privilege.h"
#include "os/signals.h"

#include <stdio.h>
#include <unistd.h>

static const struct verb {
    const char *name;
    int (*run)(const struct instance *instance); /* NULL: tls, which takes words of its own */
    const char *purpose;
} verbs[] = {
    { "start", control_start, "start the mail system; returns when it takes connections" },
    { "start-fg", control_start_foreground, "the same without going to the background" },
    { "stop", control_stop, "finish what is in hand, then end" },
    { "abort", control_abort, "end at once; nothing acknowledged is lost" },
    { "reload", control_reload, "read the configuration again, without dropping a session" },
    { "status", control_status, "tell whether it runs" },
    { "check", check_instance, "look for mistakes in configuration, owners and modes" },
    { "flush", control_flush, "try all deferred mail now" },
    { "tls", NULL, "make keys and certificates, and switch TLS on: \"merpati tls\" tells how" },
};

static int usage(void)
{
    fprintf(stderr, "usage: merpati [-c config_directory] [-v] command\n");
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        fprintf(stderr, "  %-9s %s\n", verbs[i].name, verbs[i].purpose);
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

static int run(const struct verb *verb, int argc, char **argv, struct str config_directory)
{
    struct arena *arena = arena_create();
    struct instance instance;
    struct failure trouble, why;
    int status = 1;

    if (!instance_load(&instance, arena, config_directory, &trouble, &why) ||
        (instance.shared != NULL &&
         !command_log_open(instance.shared, "merpati", COMMAND_LOG_WITHOUT_POSTLOGD, arena, &why)))
        log_fatal("%s", why.text);
    else if (instance.shared == NULL && verb->run != check_instance)
        log_fatal("%s", trouble.text);
    else
        status = verb->run != NULL ? verb->run(&instance) : tls_run(&instance, argc, argv);
    log_close();
    arena_destroy(&arena);
    return status;
}

int main(int argc, char **argv)
{
    struct str config_directory = STR_EMPTY;
    const struct verb *verb;
    struct failure why;
    int letter;

    signals_init();
    if (!fd_guard_standard(&why))
        return 1;
    while ((letter = getopt(argc, argv, "+c:vD")) != -1) {
        if (letter == 'c')
            config_directory = str_from_c(optarg);
        else if (letter == '?')
            return usage();
    }
    argc -= optind;
    argv += optind;
    verb = argc > 0 ? find_verb(argv[0]) : NULL;
    return verb == NULL || (argc > 1 && verb->run != NULL) ? usage() : run(verb, argc, argv, config_directory);
}
