/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/command_log.h"

#include "config/shared_settings.h"
#include "log/log.h"

bool command_log_open(const struct shared_settings *shared, const char *program, unsigned flags, struct arena *arena,
                      struct failure *why)
{
    struct log_options options = {
        .name = arena_printf(arena, "%.*s/%s", STR_ARG(shared->syslog_name), program).data,
        .facility = arena_c(arena, shared->syslog_facility),
        .to_stderr = true,
        .has_whole_name = shared->multi_instance_name.len > 0,
    };

    if (shared->maillog_file.len > 0 && (flags & COMMAND_LOG_IN_QUEUE) != 0)
        options.postlog_path = arena_printf(arena, "public/%.*s", STR_ARG(shared->postlog_service_name)).data;
    else if (shared->maillog_file.len > 0)
        options.postlog_path = arena_printf(arena, "%.*s/public/%.*s", STR_ARG(shared->queue_directory),
                                            STR_ARG(shared->postlog_service_name))
                                   .data;
    if (options.postlog_path != NULL && (flags & COMMAND_LOG_WITHOUT_POSTLOGD) != 0)
        options.fallback_path = arena_c(arena, shared->maillog_file);
    options.fallback_mode = shared_settings_maillog_mode(shared);
    log_set_plain_addresses(shared->info_log_address_format == INFO_LOG_ADDRESS_INTERNAL);
    log_set_ascii(!shared->smtputf8_enable);
    return log_open(&options, why);
}
