/* SPDX-License-Identifier: Apache-2.0 */
/* posttls-finger - asks a mail server for its TLS, as the SMTP client would, and prints what it shows. */

#include "base/arena.h"
#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/signals.h"
#include "posttls-finger/probe.h"
#include "posttls-finger/say.h"
#include "tls/library.h"

struct start {
    struct arena *arena;
    struct finger_options options;
    const struct shared_settings *shared;
    struct tls_settings *tls;
};

static bool read_configuration(struct start *start, struct failure *why)
{
    struct main_cf *main_cf;
    struct str directory;
    void *tls;

    if (!config_directory_find(STR_EMPTY, start->arena, &directory, why) ||
        !main_cf_load(directory, start->arena, &main_cf, why))
        return false;
    main_cf_set_program(main_cf, STR("posttls-finger"), STR("posttls-finger"));
    for (size_t i = 0; i < start->options.overrides.count; i++) {
        if (!main_cf_override(main_cf, start->options.overrides.items[i], why))
            return false;
    }
    if (!shared_settings_load(main_cf, start->arena, &start->shared, why) ||
        !settings_load(&tls_settings_table, main_cf, STR("posttls-finger"), start->arena, &tls, why) ||
        (start->options.digest.len == 0 &&
         !main_cf_value(main_cf, STR("smtp_tls_fingerprint_digest"), start->arena, &start->options.digest, why)))
        return false;
    start->tls = tls;
    return tls_library_open(start->tls, why);
}

int main(int argc, char **argv)
{
    struct start start = { .arena = arena_create() };
    struct failure why;
    int status = 1;

    signals_init();
    if (fd_guard_standard(&why) && finger_options_parse(argc, argv, start.arena, &start.options)) {
        log_set_verbose(start.options.verbosity);
        if (read_configuration(&start, &why) && probe(&start.options, start.shared, start.tls, start.arena, &why))
            status = 0;
        else
            (void) say_fatal("%s", why.text);
    }
    arena_destroy(&start.arena);
    return status;
}
