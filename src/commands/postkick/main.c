/* SPDX-License-Identifier: Apache-2.0 */
/* postkick - sends a request, a few bytes, to a service of the running mail system. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "os/signals.h"
#include "os/system_socket.h"

#include <unistd.h>

static int usage(void)
{
    return log_fail(1, "usage: postkick [-c config_dir] [-v] class service request");
}

/* class is "public" or "private"; the service may listen on a socket or a fifo. */
static bool kick(struct arena *arena, const struct shared_settings *shared, char **words, struct failure *why)
{
    const char *path =
        arena_c(arena, arena_printf(arena, "%.*s/%s/%s", STR_ARG(shared->queue_directory), words[0], words[1]));

    return system_socket_wake(path, str_from_c(words[2]), why);
}

static bool run(struct str config_directory, char **words, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const struct shared_settings *shared;
    struct main_cf *main_cf;
    struct str directory;

    if (!str_equal(str_from_c(words[0]), STR("public")) && !str_equal(str_from_c(words[0]), STR("private")))
        return failure_set(why, FAILURE_PERMANENT, 0, "class %s: write public or private", words[0]);
    if (str_contains_char(str_from_c(words[1]), '/'))
        return failure_set(why, FAILURE_PERMANENT, 0, "service %s: a name has no slash", words[1]);
    return config_directory_find(config_directory, arena, &directory, why) &&
           main_cf_load(directory, arena, &main_cf, why) && shared_settings_load(main_cf, arena, &shared, why) &&
           kick(arena, shared, words, why);
}

int main(int argc, char **argv)
{
    struct str config_directory = STR_EMPTY;
    struct failure why;
    int letter;

    signals_init();
    while ((letter = getopt(argc, argv, "+c:v")) != -1) {
        if (letter == '?')
            return usage();
        if (letter == 'c')
            config_directory = str_from_c(optarg);
    }
    if (argc - optind != 3)
        return usage();
    if (run(config_directory, argv + optind, &why))
        return 0;
    return log_fail(1, "cannot contact class %s service %s: %s", argv[optind], argv[optind + 1], why.text);
}
