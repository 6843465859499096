/* SPDX-License-Identifier: Apache-2.0 */
/* spill - writes what stands in the journal to queue files, asked by the queue manager in batches. */

#include "base/memory.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "os/directory.h"
#include "os/space.h"
#include "run/loop.h"
#include "run/offload.h"
#include "spill/batch.h"
#include "spill/settings.h"

#include <fcntl.h>

enum { BATCHES_AT_ONCE = 4 };

static const struct duration slow_syncfs = { 200 * 1000 };
static const struct duration pause_after_slow = { 60 * 1000000 };

struct spill {
    struct loop *loop;
    const struct spill_settings *settings;
    struct spool_settings spool;
    struct offload *offload;
    int syncfs_fd; /* -1: each file by itself */
    struct instant slow_until;
};

/* Opened before the first write, so that an error of writing back is told on it. */
static void open_filesystem(struct spill *spill)
{
    struct failure why;
    bool is_reliable = false;
    int fd;

    spill->syncfs_fd = -1;
    if (!spill->settings->use_syncfs)
        return;
    if (!directory_open_fd(AT_FDCWD, ".", &fd, &why) || !space_has_reliable_syncfs(fd, &is_reliable, &why)) {
        log_warning("%s", why.text);
        return;
    }
    if (is_reliable)
        spill->syncfs_fd = fd;
    else
        log_debug("this filesystem's syncfs is not relied upon: each queue file is synced by itself");
}

static void *start(struct daemon *daemon)
{
    const struct shared_settings *shared = daemon_shared(daemon);
    struct spill *spill = arena_new(daemon_arena(daemon), struct spill);

    spill->loop = daemon_loop(daemon);
    spill->settings = daemon_settings(daemon);
    spill->spool = spool_settings_make(shared->hash_queue_names, shared->hash_queue_depth);
    spill->offload = offload_create(spill->loop, "spill", BATCHES_AT_ONCE);
    open_filesystem(spill);
    return spill;
}

static void stop(void *context)
{
    struct spill *spill = context;

    offload_destroy(&spill->offload);
}

static void run_batch(void *context)
{
    batch_write(context);
}

/* A batch that hit a stranger's dirty data is slow for everybody: files one by one for a while. */
static void learn(struct spill *spill, const struct batch *batch)
{
    if (batch->syncfs_failed) {
        log_warning("syncfs failed: from now on each queue file is synced by itself");
        spill->syncfs_fd = -1;
    } else if (batch->syncfs_took.us > slow_syncfs.us) {
        spill->slow_until = instant_add(loop_now(spill->loop), pause_after_slow);
    }
}

static bool write_batch(struct daemon_call *call, struct failure *why)
{
    struct spill *spill = call->context;
    const struct spill_request *request = call->request;
    struct spill_reply reply = { { arena_new_array(call->arena, request->items.count, struct spill_result),
                                   request->items.count } };
    struct batch *batch = memory_alloc(sizeof(*batch));
    bool is_done;

    batch->request = request;
    batch->results = reply.results.items;
    batch->spool = spill->spool;
    batch->arena = arena_create();
    batch->syncfs_fd = instant_is_before(loop_now(spill->loop), spill->slow_until) ? -1 : spill->syncfs_fd;
    /* A hanging disk is waited for: the queue manager's own time limit makes it keep the frames. */
    is_done = offload_run(spill->offload, run_batch, batch, NULL, DURATION_FOREVER, why);
    if (is_done) {
        learn(spill, batch);
        is_done = daemon_reply(call, &reply, why);
    }
    arena_destroy(&batch->arena);
    memory_free(batch);
    return is_done;
}

static const struct daemon_operation operations[] = {
    { &spill_request_message, &spill_reply_message, write_batch },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "spill",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &spill_settings_table,
        .start = start,
        .stop = stop,
        .protocol = &spill_protocol,
        .operations = operations,
        .seccomp = "queue",
    };

    return daemon_run(&program, argc, argv);
}
