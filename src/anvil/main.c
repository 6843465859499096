/* SPDX-License-Identifier: Apache-2.0 */
/* anvil - counts what clients do, for smtpd's limits. It knows what came since it started, and keeps nothing. */

#include "anvil/counters.h"
#include "anvil/log_lines.h"
#include "anvil/settings.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "run/fiber.h"
#include "run/loop.h"

struct anvil {
    struct daemon *daemon;
    struct loop *loop;
    const struct anvil_settings *settings;
    struct counters *counters;
    struct event drained;
};

/* True when time has passed, false when the service ends. */
static bool wait_for(struct anvil *anvil, struct duration time)
{
    struct instant end = instant_add(loop_now(anvil->loop), time);

    while (!daemon_is_draining(anvil->daemon)) {
        struct duration left = instant_since(end, loop_now(anvil->loop));

        if (left.us <= 0)
            return true;
        if (!event_wait(anvil->loop, &anvil->drained, left, NULL))
            continue;
    }
    return false;
}

static void tell(struct anvil *anvil)
{
    log_anvil_statistics(anvil->counters, anvil->settings->rate_time_unit);
    counters_forget_peaks(anvil->counters);
}

static void keep_telling(void *context)
{
    struct anvil *anvil = context;

    while (wait_for(anvil, anvil->settings->status_update_time))
        tell(anvil);
}

static void keep_sweeping(void *context)
{
    struct anvil *anvil = context;

    while (wait_for(anvil, anvil->settings->rate_time_unit))
        counters_sweep(anvil->counters, loop_now(anvil->loop));
}

static void *start(struct daemon *daemon)
{
    struct anvil *anvil = arena_new(daemon_arena(daemon), struct anvil);

    anvil->daemon = daemon;
    anvil->loop = daemon_loop(daemon);
    anvil->settings = daemon_settings(daemon);
    anvil->counters = counters_create(anvil->settings->rate_time_unit);
    event_init(&anvil->drained);
    fiber_start(anvil->loop, keep_telling, anvil);
    fiber_start(anvil->loop, keep_sweeping, anvil);
    return anvil;
}

/* Connections that are counted here may last; new ones are for the successor, which begins at nothing. */
static void drain(void *context)
{
    struct anvil *anvil = context;

    event_wake_all(&anvil->drained);
    tell(anvil);
    daemon_yield(anvil->daemon);
}

static void stop(void *context)
{
    struct anvil *anvil = context;

    counters_destroy(&anvil->counters);
}

/* A client's connection, as long as it goes on. Its end, or that of the process which has it, is no failure. */
static bool serve_client(struct daemon_call *call, struct failure *why)
{
    struct anvil *anvil = call->context;
    const struct anvil_event *event = call->request;
    const struct str name = event->client;
    struct counted_client *client = NULL;
    uint64_t connections = 0;
    struct arena *arena = arena_create(); /* of an event; a connection may bring many */
    struct anvil_numbers numbers;
    struct failure end;
    void *message;
    bool is_sent;

    do {
        enum anvil_kind kind = (enum anvil_kind) event->kind;

        if (event->is_question) {
            counters_get(anvil->counters, name, kind, loop_now(anvil->loop), &numbers);
        } else {
            connections += kind == ANVIL_CONNECTION;
            counters_add(anvil->counters, name, kind, loop_now(anvil->loop), clock_now(), &client, &numbers);
        }
        arena_reset(arena);
        is_sent =
            call_send(call->call, &anvil_numbers_message, &numbers, daemon_shared(anvil->daemon)->ipc_timeout, why);
        if (!is_sent || !call_expect(call->call, &anvil_event_message, arena, DURATION_FOREVER, &message, &end))
            break;
        event = message;
    } while (true);
    counters_leave(anvil->counters, client, connections);
    arena_destroy(&arena);
    return is_sent;
}

static const struct daemon_operation operations[] = {
    { &anvil_event_message, NULL, serve_client },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "anvil",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_NET_OWNER,
        .settings = &anvil_settings_table,
        .start = start,
        .drain = drain,
        .stop = stop,
        .protocol = &anvil_protocol,
        .operations = operations,
        .seccomp = "network",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
