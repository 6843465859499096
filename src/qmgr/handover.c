/* SPDX-License-Identifier: Apache-2.0 */
/* The one that comes; courier.c has the one that goes. */
#include "qmgr/handover.h"

#include "base/memory.h"
#include "daemon/daemon.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "protocol/queue.h"
#include "qmgr/census.h"
#include "qmgr/inheritance.h"
#include "run/loop.h"

#include <errno.h>
#include <fcntl.h>

enum { RECORD_SECONDS = 300, HEARING_MS = 200 };

struct look_job {
    bool is_anybody_there;
};

static void look_for_couriers(void *context)
{
    struct look_job *job = context;
    struct failure why;
    int fd;

    if (!file_open(QMGR_UNCLEAN_MARK, O_RDWR | O_NOFOLLOW, 0, &fd, &why))
        return;
    job->is_anybody_there = !lock_try(fd, QMGR_UNCLEAN_MARK, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &why) &&
                            (why.error == EAGAIN || why.error == EACCES);
    fd_close(&fd);
}

bool handover_is_under_way(struct keeper *keeper)
{
    struct look_job *job = memory_alloc(sizeof(*job));
    bool is_there;

    keeper_block(keeper, look_for_couriers, job);
    is_there = job->is_anybody_there;
    memory_free(job);
    return is_there;
}

void handover_wait(struct keeper *keeper, struct duration timeout)
{
    struct instant end = instant_add(loop_now(keeper->loop), timeout);

    keeper->hears_couriers = true;
    event_wake_all(&keeper->changed);
    if (!handover_is_under_way(keeper))
        return;
    while (keeper->couriers_heard == 0 && instant_is_before(loop_now(keeper->loop), end))
        keeper_wait_change(keeper);
    /* After several reloads there may be more of them, each as quick to find us as the first. */
    fiber_sleep(keeper->loop, milliseconds(HEARING_MS));
}

static bool take_report(struct keeper *keeper, struct call *call, struct inheritance *inheritance,
                        const struct deliver_census_reply *report, struct failure *why)
{
    const struct deliver_in_hand *in_hand = report->in_hand.items;
    struct deliver_recorded recorded = { .number = report->unrecorded.count };

    inheritance_set(inheritance, NULL, &report->in_hand);
    for (size_t i = 0; i < report->in_hand.count; i++)
        census_in_hand(keeper, &in_hand[i]);
    if (recorded.number == 0)
        return true;
    return census_unrecorded(keeper, report->unrecorded.items, report->unrecorded.count, why) &&
           call_send(call, &deliver_recorded_message, &recorded, seconds(RECORD_SECONDS), why);
}

/* It looks for the next one when this one retires. On a stop it is heard to its end. */
static bool must_leave(const struct daemon *daemon)
{
    return daemon_is_draining(daemon) && !daemon_is_stopping(daemon);
}

bool handover_take(struct daemon_call *call, struct failure *why)
{
    struct keeper *keeper = call->context;
    struct inheritance *inheritance = inheritance_create(keeper->deliveries);
    struct arena *arena = arena_create();
    struct failure ended = { .kind = FAILURE_NONE };
    void *message = NULL;
    bool is_taken;

    keeper->couriers++;
    while (!keeper->hears_couriers && !must_leave(call->daemon))
        keeper_wait_change(keeper);
    is_taken = must_leave(call->daemon) || take_report(keeper, call->call, inheritance, call->request, why);
    keeper->couriers_heard++;
    event_wake_all(&keeper->changed);
    while (is_taken && !must_leave(call->daemon) && (ended.kind == FAILURE_NONE || ended.kind == FAILURE_TIMEOUT)) {
        ended.kind = FAILURE_NONE;
        arena_reset(arena);
        if (call_expect(call->call, &deliver_census_reply_message, arena, seconds(1), &message, &ended))
            is_taken = take_report(keeper, call->call, inheritance, message, why);
    }
    inheritance_destroy(&inheritance);
    keeper->couriers--;
    event_wake_all(&keeper->changed);
    arena_destroy(&arena);
    return is_taken;
}
