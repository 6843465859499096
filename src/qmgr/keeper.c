/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/keeper.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/offload.h"

struct block {
    void (*function)(void *context);
    void *context;
};

static void run_block(void *context)
{
    struct block *block = context;

    block->function(block->context);
}

void keeper_block(struct keeper *keeper, void (*function)(void *context), void *context)
{
    struct block *block = memory_alloc(sizeof(*block));
    struct failure why;
    bool is_done;

    block->function = function;
    block->context = context;
    /* A disk that hangs is waited for: the mail in question can go nowhere without it. */
    is_done = offload_run(keeper->files, run_block, block, NULL, DURATION_FOREVER, &why);
    CHECK(is_done);
    memory_free(block);
}

void keeper_wait_change(struct keeper *keeper)
{
    struct failure ignored;

    (void) !event_wait(keeper->loop, &keeper->changed, seconds(1), &ignored);
}

void keeper_wait_moved(struct keeper *keeper, const struct queued_message *message)
{
    while (message->is_moving)
        keeper_wait_change(keeper);
}

int64_t keeper_now(void)
{
    return instant_seconds(clock_now());
}

int64_t keeper_backoff(const struct keeper *keeper, struct instant arrival)
{
    int64_t age = duration_seconds(instant_since(clock_now(), arrival));
    int64_t least = duration_seconds(keeper->settings->minimal_backoff_time);
    int64_t most = duration_seconds(keeper->settings->maximal_backoff_time);

    if (age < least)
        return least;
    return age < most ? age : most;
}
