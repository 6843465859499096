/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/active_content.h"

#include "os/fd.h"
#include "os/file.h"
#include "qmgr/live_segments.h"
#include "qmgr/loader.h"
#include "qmgr/portions.h"
#include "spool/queue_file.h"

#include <fcntl.h>

/* A small file's content stays in memory while so many recipients do: it goes to many next hops, so it seems. */
enum { KEPT_FOR_RECIPIENTS = 50 };

static bool copy_frame_content(const struct queued_message *message, struct arena *arena, struct str *content_out,
                               struct failure *why)
{
    struct str payload;
    struct str encoded;
    struct str content;

    if (!live_segments_load(message, &payload, why))
        return false;
    if (segment_message(payload, &encoded, &content))
        *content_out = arena_str(arena, content);
    return true;
}

struct content_job {
    char path[SPOOL_PATH_SIZE];
    uint64_t inline_limit;
    struct arena *arena;
    int fd;
    uint64_t offset;
    struct str content;
    bool is_open;
    struct failure why;
};

static bool read_small(struct content_job *job, const struct queue_file_content *content)
{
    char *room = arena_alloc(job->arena, (size_t) content->length + 1);
    size_t count;

    if (!file_read_at(job->fd, job->path, room, (size_t) content->length, content->offset, &count, &job->why))
        return false;
    job->content = str_make(room, count);
    return count == content->length || failure_set(&job->why, FAILURE_RETRY, 0, "%s was cut short", job->path);
}

static void open_content(void *context)
{
    struct content_job *job = context;
    struct queue_file_content content;

    job->is_open = file_open(job->path, O_RDONLY | O_NOFOLLOW, 0, &job->fd, &job->why) &&
                   queue_file_find_content(job->fd, &content, &job->why);
    if (job->is_open && content.length <= job->inline_limit) {
        job->is_open = read_small(job, &content);
        fd_close(&job->fd);
    }
    if (job->is_open)
        job->offset = content.offset;
    else
        fd_close(&job->fd);
}

static bool is_worth_keeping(const struct active_message *whole)
{
    size_t count = whole->portions != NULL ? whole->portions->in_memory : whole->envelope->recipient_count;

    return count >= KEPT_FOR_RECIPIENTS;
}

/* True when it is in memory. The first to ask reads, the others wait for it. */
static bool is_kept(struct keeper *keeper, const struct active_message *whole)
{
    while (whole->is_reading_content)
        keeper_wait_change(keeper);
    return whole->kept_content.len > 0;
}

static void read_content(struct keeper *keeper, struct active_message *whole, struct content_job *job)
{
    bool must_keep = is_worth_keeping(whole);

    whole->is_reading_content = must_keep;
    keeper_block(keeper, open_content, job);
    if (!must_keep)
        return;
    whole->kept_content = arena_str(whole->arena, job->content);
    whole->is_reading_content = false;
    event_wake_all(&keeper->changed);
}

bool active_content_get(void *context, struct active_message *active, struct arena *arena, struct str *content_out,
                        int *fd_out, uint64_t *offset_out, struct failure *why)
{
    struct keeper *keeper = context;
    struct queued_message *message = active->origin;
    struct content_job *job;

    *content_out = STR_EMPTY;
    *fd_out = -1;
    *offset_out = 0;
    if (message->segment != NULL)
        return copy_frame_content(message, arena, content_out, why);
    if (is_kept(keeper, active->whole)) {
        *content_out = active->whole->kept_content;
        return true;
    }
    job = arena_new(arena, struct content_job);
    loader_file_path(keeper, message, job->path);
    job->inline_limit = (uint64_t) keeper->settings->spool_inline_limit;
    job->arena = arena;
    job->fd = -1;
    read_content(keeper, active->whole, job);
    if (!job->is_open) {
        *why = job->why;
        return false;
    }
    *content_out = job->content;
    *fd_out = job->fd;
    *offset_out = job->offset;
    return true;
}
