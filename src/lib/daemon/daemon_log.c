/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a service's process. */
#include "daemon/daemon_private.h"
#include "log/dialogue.h"
#include "log/log.h"
#include "run/loop.h"

enum {
    LOG_PAUSE_MS = 50, /* when the log does not take it */
    LOG_INTERVAL_MS = 5,
    LOG_BURST = 20,
    LOG_MUCH_BYTES = 64 * 1024,     /* is sent at the end of its turn, whatever went before */
    LOG_BEHIND_BYTES = 1024 * 1024, /* far below what is lost */
    LOG_BEHIND_MS = 10,
    LOG_PATIENCE_SECONDS = 10,
    MESSAGE_TEXT_MAX = 2000,
};

bool daemon_open_log(struct daemon *daemon, struct failure *why)
{
    const struct shared_settings *shared = daemon->shared;
    struct str name = arena_printf(daemon->arena, "%.*s/%s", STR_ARG(shared->syslog_name), daemon->program->name);
    struct log_options options = {
        .name = arena_c(daemon->arena, name),
        .facility = arena_c(daemon->arena, shared->syslog_facility),
    };

    log_set_verbose(daemon->arguments.verbose);
    log_set_plain_addresses(shared->info_log_address_format == INFO_LOG_ADDRESS_INTERNAL);
    log_set_ascii(!shared->smtputf8_enable);
    if (daemon->program->logs_itself)
        return true;
    if (!str_is_empty(shared->maillog_file)) {
        options.postlog_path = daemon_service_path(daemon, "public", shared->postlog_service_name);
        options.fallback_path = arena_c(daemon->arena, shared->maillog_file);
        options.fallback_mode = shared_settings_maillog_mode(shared);
    }
    daemon->has_log = log_open(&options, why);
    return daemon->has_log;
}

/* ---- once a turn ---- */

static void flush_log_later(void *context)
{
    struct daemon *daemon = context;
    int pause_ms = LOG_INTERVAL_MS;

    while (log_has_pending() && !daemon->is_over) {
        fiber_sleep(daemon->loop, milliseconds(pause_ms));
        (void) log_flush();
        daemon->log_paid_until = instant_add(daemon->log_paid_until, milliseconds(LOG_INTERVAL_MS));
        pause_ms = LOG_PAUSE_MS;
    }
    daemon->is_flush_waiting = false;
}

/*
 * Every datagram wakes the process that writes the log. So one may go each LOG_INTERVAL_MS, with LOG_BURST of them in
 * store: a line leaves in its own turn but in a busy process, where it waits that long for others.
 */
static bool may_flush_now(struct daemon *daemon)
{
    struct instant now = loop_now(daemon->loop);
    struct instant earliest = instant_add(now, milliseconds(-LOG_BURST * LOG_INTERVAL_MS));

    if (instant_is_before(daemon->log_paid_until, earliest))
        daemon->log_paid_until = earliest;
    if (!instant_is_before(daemon->log_paid_until, now))
        return false;
    daemon->log_paid_until = instant_add(daemon->log_paid_until, milliseconds(LOG_INTERVAL_MS));
    return true;
}

void daemon_flush_log(void *context)
{
    struct daemon *daemon = context;

    if (log_pending_bytes() >= LOG_MUCH_BYTES)
        (void) log_flush();
    if (!log_has_pending() || daemon->is_flush_waiting || daemon->is_over || (may_flush_now(daemon) && log_flush()))
        return;
    daemon->is_flush_waiting = true;
    fiber_group_start(&daemon->keepers, flush_log_later, daemon);
}

/* Until it takes lines again. */
static bool is_log_given_up(const struct daemon *daemon)
{
    return daemon->has_given_up_log && log_sent_bytes() == daemon->log_given_up_at;
}

void daemon_wait_for_log(struct daemon *daemon)
{
    struct instant since = loop_now(daemon->loop);
    uint64_t sent = log_sent_bytes();

    while (log_pending_bytes() >= LOG_BEHIND_BYTES && !is_log_given_up(daemon)) {
        fiber_sleep(daemon->loop, milliseconds(LOG_BEHIND_MS));
        (void) log_flush();
        if (log_sent_bytes() != sent) {
            sent = log_sent_bytes();
            since = loop_now(daemon->loop);
        } else if (instant_since(loop_now(daemon->loop), since).us >= seconds(LOG_PATIENCE_SECONDS).us) {
            daemon->has_given_up_log = true;
            daemon->log_given_up_at = sent;
        }
    }
}

/* ---- with "-v" ---- */

void daemon_log_message(void *context, const struct protocol *protocol, bool is_sent, const struct message_type *type,
                        const void *message)
{
    struct strbuf text;

    (void) context;
    strbuf_init(&text, MESSAGE_TEXT_MAX);
    message_print(type, message, &text);
    if (is_sent)
        log_dialogue_out(str_from_c(protocol->name), strbuf_str(&text));
    else
        log_dialogue_in(str_from_c(protocol->name), strbuf_str(&text));
    strbuf_done(&text);
}
