/* SPDX-License-Identifier: Apache-2.0 */
#include "master/own_log.h"

#include "base/arena.h"
#include "log/log.h"

bool own_log_open(const struct configuration *configuration, bool to_stderr, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const struct shared_settings *shared = configuration->shared;
    const bool has_file = shared->maillog_file.len > 0;
    const char *postlog = arena_printf(arena, "public/%.*s", STR_ARG(shared->postlog_service_name)).data;
    const struct log_options options = {
        .name = arena_c(arena, arena_printf(arena, "%.*s/master", STR_ARG(shared->syslog_name))),
        .facility = arena_c(arena, shared->syslog_facility),
        .postlog_path = has_file ? postlog : NULL,
        .fallback_path = has_file ? arena_c(arena, shared->maillog_file) : NULL,
        .fallback_mode = shared_settings_maillog_mode(shared),
        .to_stderr = to_stderr,
    };

    return log_open(&options, why);
}
