/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/newcomers.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/live_segments.h"
#include "qmgr/orphan_segments.h"
#include "qmgr/walker.h"
#include "run/loop.h"
#include "spool/queue_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

enum { WAIT_SECONDS = 10, AGAIN_MS = 200, TURN = 1000 };

/* ---- frames ---- */

/* Of one use of a segment: from..to is in frames that were not read here. */
struct stretch {
    uint64_t use;
    uint64_t from;
    uint64_t to; /* 0: nothing is waited for */
};

struct look_job {
    struct stretch segments[SEGMENT_NUMBER_MAXIMUM + 1];
};

static uint64_t step_up(uint64_t position)
{
    return (position + SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP;
}

static bool read_frame_at(int fd, uint64_t offset, const struct seal *seal, struct frame *frame_out)
{
    char header[FRAME_HEADER_SIZE];
    struct failure ignored;
    size_t count;

    return file_read_at(fd, "segment", header, sizeof(header), offset, &count, &ignored) &&
           frame_decode(str_make(header, count), offset, seal, frame_out) && frame_out->type == FRAME_MESSAGE;
}

/* Where the groups end that begin at from. Headers are enough: what they belong to is read, and checked, later. */
static uint64_t find_end(int fd, const struct segment_header *header, uint64_t from)
{
    uint64_t end = from;
    struct frame frame;
    struct seal seal;

    segment_seal(header, &seal);
    for (uint64_t at = from; at < header->size && read_frame_at(fd, at, &seal, &frame);) {
        end = step_up(frame_end(&frame));
        at = frame.is_last ? end : frame_end(&frame);
    }
    return end;
}

static void look_at_segment(unsigned number, struct stretch *stretch)
{
    CLEANUP(fd_close) int fd = -1;
    struct segment_header header;
    struct failure ignored;
    uint64_t from = SEGMENT_STEP;
    uint64_t end;

    if (!segment_open(number, &fd, &ignored) || !segment_read_header(fd, number, &header, &ignored) ||
        !header.is_live) {
        stretch->to = 0;
        return;
    }
    if (stretch->use == (uint64_t) header.started.us)
        from = stretch->from;
    end = find_end(fd, &header, from);
    *stretch = (struct stretch){ (uint64_t) header.started.us, from, end > from ? end : 0 };
}

static void look(void *context)
{
    struct look_job *job = context;
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    struct failure ignored;
    size_t count = 0;

    if (!segment_list(numbers, &count, &ignored))
        return;
    for (size_t i = 0; i < count; i++)
        look_at_segment(numbers[i], &job->segments[numbers[i]]);
}

static struct look_job *run_look(struct keeper *keeper)
{
    struct look_job *job = memory_alloc(sizeof(*job));

    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        const struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);

        job->segments[segment->number] = (struct stretch){ .use = segment->use, .from = segment->read_to };
    }
    keeper_block(keeper, look, job);
    return job;
}

static bool is_read(const struct keeper *keeper, unsigned number, const struct stretch *stretch)
{
    const struct live_segment *segment = live_segments_find(keeper, number);

    return stretch->to == 0 || (segment != NULL && segment->use == stretch->use && segment->read_to >= stretch->to);
}

static bool are_read(const struct keeper *keeper, struct look_job *wanted)
{
    bool are_all = true;

    for (unsigned number = 1; number <= SEGMENT_NUMBER_MAXIMUM; number++) {
        if (is_read(keeper, number, &wanted->segments[number]))
            wanted->segments[number].to = 0;
        else
            are_all = false;
    }
    return are_all;
}

/* Their use may be over, or a write failed and its frames were taken back. */
static void strike_what_is_gone(struct keeper *keeper, struct look_job *wanted)
{
    struct look_job *now = run_look(keeper);

    for (unsigned number = 1; number <= SEGMENT_NUMBER_MAXIMUM; number++) {
        if (now->segments[number].to == 0 || now->segments[number].use != wanted->segments[number].use)
            wanted->segments[number].to = 0;
    }
    memory_free(now);
}

static void wait_a_while(struct keeper *keeper, struct look_job *wanted)
{
    struct instant end = instant_add(loop_now(keeper->loop), milliseconds(AGAIN_MS));
    struct failure ignored;

    while (!are_read(keeper, wanted) && instant_is_before(loop_now(keeper->loop), end))
        (void) !event_wait(keeper->loop, &keeper->changed, milliseconds(AGAIN_MS), &ignored);
}

static void wait_for_frames(struct keeper *keeper)
{
    struct look_job *wanted = run_look(keeper);
    struct instant end = instant_add(loop_now(keeper->loop), seconds(WAIT_SECONDS));

    while (!are_read(keeper, wanted) && !keeper->is_draining) {
        /* A writer that died tells nothing any more: its lock is free then. */
        orphan_segments_look(keeper);
        wait_a_while(keeper, wanted);
        if (are_read(keeper, wanted))
            break;
        strike_what_is_gone(keeper, wanted);
        if (!instant_is_before(loop_now(keeper->loop), end)) {
            log_warning("mail stands in the journal that cleanup has not told of for %d seconds", WAIT_SECONDS);
            break;
        }
    }
    memory_free(wanted);
}

/* ---- files ---- */

struct names_job {
    enum spool_queue queue;
    struct queue_id *ids;
    size_t count;
    size_t capacity;
};

static void add_id(struct names_job *job, struct queue_id id)
{
    if (job->count == job->capacity) {
        job->capacity = job->capacity == 0 ? 1024 : job->capacity * 2;
        job->ids = memory_resize(job->ids, job->capacity * sizeof(*job->ids));
    }
    job->ids[job->count++] = id;
}

static void list_folder(struct names_job *job, const char *folder, unsigned depth)
{
    struct directory *directory;
    struct failure ignored;
    const char *name;
    unsigned char type;
    struct queue_id id;

    if (!directory_open(AT_FDCWD, folder, &directory, &ignored))
        return;
    while (directory_next(directory, &name, &type)) {
        if (type == DT_DIR && spool_is_hash_folder(name) && depth < QUEUE_ID_HASH_DIGITS) {
            char inner[SPOOL_PATH_SIZE];

            snprintf(inner, sizeof(inner), "%.80s/%c", folder, name[0]);
            list_folder(job, inner, depth + 1);
        } else if ((type == DT_REG || type == DT_UNKNOWN) && queue_id_parse(str_from_c(name), &id)) {
            add_id(job, id);
        }
    }
    directory_discard(&directory);
}

static void list_names(void *context)
{
    struct names_job *job = context;

    list_folder(job, spool_queue_name(job->queue), 0);
}

/* One that is still arriving, or not durable yet, is nothing, and its writer tells of it when it is. */
struct whole_job {
    const struct spool_settings *spool;
    struct queue_id id;
    bool is_whole;
};

static void check_whole(void *context)
{
    struct whole_job *job = context;
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(fd_close) int fd = -1;
    struct queue_file_content content;
    struct envelope envelope;
    char path[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure ignored;

    job->is_whole = spool_find(job->spool, job->id, &queue, path, &ignored) &&
                    file_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd, &ignored) && !queue_file_is_being_written(fd) &&
                    queue_file_read(fd, arena, &envelope, &content, &ignored);
}

void newcomers_take_up(struct keeper *keeper, struct queue_id id)
{
    struct whole_job *job = memory_alloc(sizeof(*job));

    job->spool = &keeper->spool;
    job->id = id;
    keeper_block(keeper, check_whole, job);
    if (job->is_whole && walker_take_up(keeper, id) != NULL)
        event_wake_all(&keeper->work);
    memory_free(job);
}

static void take_up_files(struct keeper *keeper, enum spool_queue queue)
{
    struct names_job *job = memory_alloc(sizeof(*job));

    job->queue = queue;
    keeper_block(keeper, list_names, job);
    for (size_t i = 0; i < job->count && !keeper->is_draining; i++) {
        if (queue_index_find(keeper->index, job->ids[i]) == NULL)
            newcomers_take_up(keeper, job->ids[i]);
        if (i % TURN == TURN - 1)
            fiber_yield(keeper->loop);
    }
    memory_free(job->ids);
    memory_free(job);
}

void newcomers_wait(struct keeper *keeper)
{
    wait_for_frames(keeper);
    /* Files that were there at the start are the first walk's. */
    if (keeper->is_indexed) {
        take_up_files(keeper, SPOOL_INCOMING);
        take_up_files(keeper, SPOOL_HOLD);
    }
}
