/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/successor.h"

#include "base/memory.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "qmgr/live_segments.h"
#include "run/loop.h"

enum {
    RETRY_MS = 100,
    CONNECT_SECONDS = 5,
    ANSWER_SECONDS = 300, /* it may have a large queue to read first */
};

static bool is_retiring(const struct keeper *keeper)
{
    return daemon_is_draining(keeper->daemon) && !daemon_is_stopping(keeper->daemon);
}

bool successor_must_act(const struct keeper *keeper, bool is_attempt)
{
    return keeper->has_left || (is_attempt && is_retiring(keeper));
}

/* ---- making way ---- */

void successor_make_way(struct keeper *keeper)
{
    if (keeper->has_made_way)
        return;
    keeper->has_made_way = true;
    live_segments_give_up(keeper);
    daemon_yield(keeper->daemon);
}

static bool is_flush_under_way(const struct keeper *keeper)
{
    bool is_any = keeper->wants_flush;
    size_t count;
    struct queue_id *ids = queue_index_ids(keeper->index, &count);

    for (size_t i = 0; i < count && !is_any; i++) {
        const struct queued_message *message = queue_index_find(keeper->index, ids[i]);

        is_any = message->is_flushed && message->state == QUEUED_READY;
    }
    memory_free(ids);
    return is_any;
}

void successor_note_flush(struct keeper *keeper)
{
    keeper->must_pass_flush |= is_retiring(keeper) && is_flush_under_way(keeper);
}

void successor_settled(struct keeper *keeper)
{
    struct queue_control request = { .operation = QUEUE_FLUSH, .is_all = true };
    const struct queue_controlled *reply;
    struct arena *arena = arena_create();
    struct failure why;

    keeper->has_settled = true;
    event_wake_all(&keeper->changed);
    if (is_retiring(keeper))
        successor_make_way(keeper);
    if (keeper->must_pass_flush && !successor_ask(keeper, &request, arena, &reply, &why))
        log_warning("what was to be tried now waits for its time: %s", why.text);
    keeper->must_pass_flush = false;
    arena_destroy(&arena);
}

/* ---- asking ---- */

static bool ask_on(struct channel *channel, const struct queue_control *request, struct arena *arena,
                   const struct queue_controlled **reply_out, struct failure *why)
{
    struct call *call = channel_call(channel);
    void *reply;
    bool is_answered = call != NULL || failure_set(why, FAILURE_RETRY, 0, "the connection was lost");

    is_answered = is_answered && call_send(call, &queue_control_message, request, seconds(CONNECT_SECONDS), why) &&
                  call_expect(call, &queue_controlled_message, arena, seconds(ANSWER_SECONDS), &reply, why);
    if (is_answered)
        *reply_out = reply;
    call_end(&call);
    return is_answered;
}

static bool ask_once(struct keeper *keeper, const struct queue_control *request, struct arena *arena,
                     const struct queue_controlled **reply_out, struct failure *why)
{
    const char *path = arena_c(arena, arena_printf(arena, "public/%.*s", STR_ARG(keeper->shared->queue_service_name)));
    struct channel *channel;
    bool is_answered;

    if (!channel_open(keeper->loop, path, &queue_protocol, seconds(CONNECT_SECONDS), &channel, why))
        return false;
    is_answered = ask_on(channel, request, arena, reply_out, why);
    channel_close(&channel);
    return is_answered;
}

bool successor_ask(struct keeper *keeper, const struct queue_control *request, struct arena *arena,
                   const struct queue_controlled **reply_out, struct failure *why)
{
    struct instant end = instant_add(loop_now(keeper->loop), seconds(ANSWER_SECONDS));

    (void) failure_set(why, FAILURE_STOPPED, 0, "the queue manager ends");
    while (!keeper->has_settled)
        keeper_wait_change(keeper);
    /* While the system stops nobody comes. */
    while (is_retiring(keeper) && instant_is_before(loop_now(keeper->loop), end)) {
        if (ask_once(keeper, request, arena, reply_out, why))
            return true;
        fiber_sleep(keeper->loop, milliseconds(RETRY_MS));
    }
    return false;
}
