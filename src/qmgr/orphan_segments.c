/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/orphan_segments.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "qmgr/live_segments.h"
#include "run/loop.h"

#include <errno.h>
#include <stdio.h>

struct orphan {
    unsigned number;
    int fd;
    struct segment_header header;
};

struct look_job {
    bool is_known[SEGMENT_NUMBER_MAXIMUM + 1];
    struct orphan orphans[SEGMENT_NUMBER_MAXIMUM];
    size_t count;
    size_t damaged;
    size_t unopened; /* there, but not to be opened */
    struct failure unopened_why;
    size_t busy;
    uint64_t *uses; /* by number; NULL: not asked for */
    bool is_listed;
    struct failure why;
};

/* A header that rotted: the ledger has the salt too. Without both nothing can be read; a person may. */
static bool find_header(struct look_job *job, struct orphan *orphan)
{
    char path[SEGMENT_PATH_SIZE];
    char kept[SEGMENT_PATH_SIZE + 32];
    struct failure ignored;

    if (segment_read_header(orphan->fd, orphan->number, &orphan->header, &job->why))
        return true;
    if (job->why.kind != FAILURE_PERMANENT)
        return false;
    if (ledger_find_salt(orphan->number, &orphan->header, &ignored))
        return true;
    job->damaged++;
    segment_path(orphan->number, path);
    snprintf(kept, sizeof(kept), "corrupt/segment-%03u.%lld", orphan->number, (long long) clock_now().us);
    (void) !file_rename(path, kept, &ignored);
    return false;
}

static void look_at_segment(struct look_job *job, unsigned number)
{
    struct orphan orphan = { .number = number, .fd = -1 };
    char path[SEGMENT_PATH_SIZE];

    segment_path(number, path);
    if (!segment_open(number, &orphan.fd, &job->why)) {
        if (job->why.error != ENOENT && job->unopened++ == 0)
            job->unopened_why = job->why;
        return;
    }
    if (!lock_try(orphan.fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &job->why)) {
        job->busy++;
        fd_close(&orphan.fd);
    } else if (find_header(job, &orphan) && orphan.header.is_live) {
        job->orphans[job->count++] = orphan;
    } else {
        fd_close(&orphan.fd);
    }
}

/* Of all segments, busy ones too, before anything is done to them. */
static void note_use(struct look_job *job, unsigned number)
{
    struct segment_header header;
    struct failure ignored;
    int fd;

    job->uses[number] = UINT64_MAX;
    if (!segment_open(number, &fd, &ignored))
        return;
    if (segment_read_header(fd, number, &header, &ignored))
        job->uses[number] = header.is_live ? (uint64_t) header.started.us : 0;
    fd_close(&fd);
}

static void look(void *context)
{
    struct look_job *job = context;
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    size_t count;

    if (!segment_list(numbers, &count, &job->why))
        return;
    job->is_listed = true;
    for (size_t i = 0; job->uses != NULL && i < count; i++)
        note_use(job, numbers[i]);
    for (size_t i = 0; i < count; i++) {
        if (!job->is_known[numbers[i]])
            look_at_segment(job, numbers[i]);
    }
}

/* Their mail is acknowledged: it waits, and somebody must hear of it. */
static void tell_unopened(struct keeper *keeper, const struct look_job *job)
{
    if (job->unopened != keeper->unopened_segments && job->unopened > 0)
        log_error("%zu segments of the journal cannot be opened, and mail in them waits: %s", job->unopened,
                  job->unopened_why.text);
    keeper->unopened_segments = job->unopened;
}

static void look_around(void *context)
{
    struct keeper *keeper = context;
    struct look_job *job;

    do {
        keeper->looks_again = false;
        live_segments_try_locks(keeper);
        job = memory_alloc(sizeof(*job));
        for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next)
            job->is_known[CONTAINER_OF(node, struct live_segment, node)->number] = true;
        if (!keeper->knows_earlier_uses)
            job->uses = keeper->earlier_uses;
        keeper_block(keeper, look, job);
        keeper->knows_earlier_uses = keeper->knows_earlier_uses || job->is_listed;
        if (job->damaged > 0)
            log_error("%zu segments of the journal have no readable header; they are kept in corrupt/", job->damaged);
        tell_unopened(keeper, job);
        for (size_t i = 0; i < job->count; i++)
            live_segments_adopt(keeper, job->orphans[i].number, &job->orphans[i].header, &job->orphans[i].fd);
        keeper->busy_segments = job->busy;
        memory_free(job);
    } while (keeper->looks_again);
    keeper->is_looking_for_segments = false;
    event_wake_all(&keeper->changed);
}

void orphan_segments_look(struct keeper *keeper)
{
    keeper->looks_again = keeper->is_looking_for_segments;
    if (keeper->is_looking_for_segments || keeper->has_left)
        return;
    keeper->is_looking_for_segments = true;
    fiber_start(keeper->loop, look_around, keeper);
}
