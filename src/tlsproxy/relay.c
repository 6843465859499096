/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsproxy/relay.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"

enum { PIECE = 16 * 1024 };

struct relay {
    struct stream *outside;
    struct stream *inside;
    struct duration idle;
    struct instant moved; /* when anything did */
};

/* The other direction may be at work while this one is still. */
static bool is_idle(const struct relay *relay)
{
    struct instant now = loop_now(stream_loop(relay->inside));

    return !instant_is_before(now, instant_add(relay->moved, relay->idle));
}

/* False: one of them has ended. */
static bool copy_piece(struct relay *relay, struct stream *from, struct stream *to)
{
    struct failure why;
    struct str piece;

    if (!stream_read_some(from, PIECE, &piece, &why))
        return why.kind == FAILURE_TIMEOUT && !is_idle(relay);
    relay->moved = loop_now(stream_loop(from));
    if (!stream_write(to, piece, &why) || !stream_flush(to, &why))
        return false;
    relay->moved = loop_now(stream_loop(from));
    return true;
}

static void bring_in(void *context)
{
    struct relay *relay = context;

    while (copy_piece(relay, relay->outside, relay->inside))
        continue;
    (void) !stream_end_writing(relay->inside, NULL);
}

void relay_run(struct stream *outside, struct stream *inside, struct duration idle)
{
    struct relay relay = { outside, inside, idle, loop_now(stream_loop(inside)) };
    struct fiber_group group;

    stream_set_timeout(outside, idle);
    stream_set_timeout(inside, idle);
    stream_set_flush_before_wait(outside, false);
    stream_set_flush_before_wait(inside, false);
    fiber_group_init(&group, stream_loop(inside));
    fiber_group_start(&group, bring_in, &relay);
    while (copy_piece(&relay, inside, outside))
        continue;
    stream_abort(outside);
    stream_abort(inside);
    (void) !fiber_group_wait(&group, DURATION_FOREVER, NULL);
}
