/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/live_segments.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "qmgr/orphan_segments.h"
#include "qmgr/read_parts.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/segment_reading.h"
#include "qmgr/spilling.h"
#include "qmgr/told_failures.h"
#include "run/loop.h"

struct live_segment *live_segments_find(const struct keeper *keeper, unsigned number)
{
    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);

        if (segment->number == number)
            return segment;
    }
    return NULL;
}

/* Not by the clock, which may have been wrong before a power cut, or be wrong after it. */
bool live_segments_is_earlier(const struct live_segment *segment)
{
    const struct keeper *keeper = segment->keeper;
    uint64_t earlier;

    if (!keeper->knows_earlier_uses)
        return true;
    earlier = keeper->earlier_uses[segment->number];
    return earlier == UINT64_MAX || earlier == (uint64_t) segment->header.started.us;
}

static struct live_segment *add_segment(struct keeper *keeper, unsigned number)
{
    struct live_segment *segment = memory_alloc(sizeof(*segment));

    segment->keeper = keeper;
    segment->number = number;
    segment->fd = -1;
    segment->read_to = SEGMENT_STEP;
    list_init(&segment->messages);
    list_append(&keeper->segments, &segment->node);
    return segment;
}

/* Out of the list first: a notice of a new use that comes while the file is closed must find nothing old. */
static void drop_segment(struct live_segment *segment)
{
    list_remove(&segment->node);
    ledger_close(&segment->ledger);
    fd_close(&segment->fd);
    memory_free(segment->past);
    event_wake_all(&segment->keeper->changed);
    memory_free(segment);
}

/* ---- opening ---- */

struct open_job {
    struct live_segment *segment;
    bool is_open;
    struct failure why;
};

/* On a thread; nobody touches the segment before it is open. */
static void open_files(void *context)
{
    struct open_job *job = context;
    struct live_segment *segment = job->segment;

    if (segment->fd < 0 && (!segment_open(segment->number, &segment->fd, &job->why) ||
                            !segment_read_header(segment->fd, segment->number, &segment->header, &job->why)))
        return;
    if (!segment->header.is_live)
        return;
    segment_seal(&segment->header, &segment->seal);
    job->is_open = ledger_open(&segment->header, segment_ledger_see, segment, &segment->ledger, &job->why);
}

static bool open_segment(struct live_segment *segment)
{
    struct open_job *job;
    bool is_open;

    if (segment->ledger != NULL)
        return true;
    job = memory_alloc(sizeof(*job));
    job->segment = segment;
    keeper_block(segment->keeper, open_files, job);
    is_open = job->is_open && (segment->use == 0 || segment->use == (uint64_t) segment->header.started.us);
    if (is_open) {
        segment->use = (uint64_t) segment->header.started.us;
        segment_ledger_sort_past(segment);
    } else if (job->why.kind != FAILURE_NONE) {
        log_warning("cannot open segment %u of the journal: %s", segment->number, job->why.text);
    }
    memory_free(job);
    return is_open;
}

/* ---- reading ---- */

static void run_reading(void *context)
{
    segment_reading_run(context);
}

/* A file outranks the frame: what the ledger then says is remembered for the next recovery. */
static void pass_over(struct live_segment *segment, const struct found_frame *found)
{
    struct queued_message passing = { .id = found->id,
                                      .segment = segment,
                                      .frame_at = (uint32_t) (found->offset / FRAME_ALIGNMENT) };
    struct failure why;

    if (!segment_ledger_record(&passing, LEDGER_MOVED, SPOOL_INCOMING, LEDGER_WHOLE_MESSAGE, &why))
        log_warning("%s", why.text);
}

struct check_job {
    const struct spool_settings *spool;
    struct queue_id id;
    bool counts;
};

static void check_file(void *context)
{
    struct check_job *job = context;

    job->counts = segment_reading_file_counts(job->spool, job->id);
}

/*
 * The walk found a file with the id of this frame. Whether it counts is looked at while nobody else has it in hand:
 * what a killed spill left incomplete must not take the frame's place. True: the file counts.
 */
static bool file_wins(struct keeper *keeper, struct queue_id id)
{
    struct queued_message *message;
    struct check_job *job;
    bool counts;

    while ((message = queue_index_find(keeper->index, id)) != NULL &&
           (message->is_moving || (message->state == QUEUED_ACTIVE && message->active == NULL)))
        keeper_wait_change(keeper);
    if (message == NULL)
        return false;
    if (message->segment != NULL || message->state == QUEUED_ACTIVE)
        return true;
    job = memory_alloc(sizeof(*job));
    job->spool = &keeper->spool;
    job->id = id;
    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    message->is_moving = true;
    keeper_block(keeper, check_file, job);
    message->is_moving = false;
    counts = job->counts;
    memory_free(job);
    if (!counts)
        queue_index_remove(keeper->index, message);
    else if (message->queue != SPOOL_HOLD)
        queue_index_ready(keeper->index, message);
    event_wake_all(&keeper->changed);
    return counts;
}

static void add_message(struct live_segment *segment, const struct found_frame *found)
{
    struct keeper *keeper = segment->keeper;
    struct queued_message *message = queue_index_find(keeper->index, found->id);

    if (message != NULL && message->segment != NULL)
        return;
    if (found->is_outranked || (message != NULL && file_wins(keeper, found->id))) {
        pass_over(segment, found);
        return;
    }
    message = queue_index_add(keeper->index, found->id, SPOOL_INCOMING);
    if (segment->message_count == 0)
        segment->oldest = loop_now(keeper->loop);
    message->segment = segment;
    message->frame_at = (uint32_t) (found->offset / FRAME_ALIGNMENT);
    message->frame_length = (uint32_t) found->length;
    list_append(&segment->messages, &message->sibling);
    segment->message_count++;
    queue_index_ready(keeper->index, message);
}

static bool must_read(const struct live_segment *segment)
{
    return segment->has_lock ? !segment->is_read_whole : segment->read_to < segment->durable;
}

static void tell_damage(const struct segment_reading *reading)
{
    if (reading->damaged > 0)
        log_error("segment %u of the journal is damaged in %zu places; what was there is kept in corrupt/",
                  reading->number, reading->damaged);
    if (reading->is_unsynced)
        log_warning("segment %u of the journal: %s", reading->number, reading->why.text);
}

/* What is read without waiting is kept at hand for those who take up and give out its messages. */
static bool read_at_once(struct keeper *keeper, struct segment_reading *reading)
{
    size_t size = segment_reading_size(reading);

    if (size <= READ_PART_MAXIMUM)
        reading->room = read_parts_room(keeper->read_parts, size);
    if (!segment_reading_run_cached(reading))
        return false;
    if (reading->room != NULL)
        read_parts_keep(keeper->read_parts, reading->number, (uint64_t) reading->header->started.us, reading->from);
    return true;
}

static bool read_part(struct live_segment *segment)
{
    struct keeper *keeper = segment->keeper;
    struct segment_reading *reading = memory_alloc(sizeof(*reading));
    bool is_last = segment->has_lock;
    bool is_done;

    reading->number = segment->number;
    reading->fd = segment->fd;
    reading->header = &segment->header;
    reading->seal = &segment->seal;
    reading->from = segment->read_to;
    reading->to = is_last ? UINT64_MAX : segment->durable;
    reading->is_careful = live_segments_is_earlier(segment);
    reading->spool = keeper->spool;
    reading->past = segment->past;
    reading->past_count = segment->past_count;
    if (!read_at_once(keeper, reading))
        keeper_block(keeper, run_reading, reading);
    is_done = reading->is_done;
    if (!is_done)
        log_warning("cannot read segment %u of the journal: %s", segment->number, reading->why.text);
    tell_damage(reading);
    for (size_t i = 0; is_done && i < reading->count; i++)
        add_message(segment, &reading->frames[i]);
    if (is_done) {
        segment->read_to = is_last ? reading->end : reading->to;
        segment->is_read_whole = is_last;
    }
    if (reading->count > 0)
        event_wake_all(&keeper->work);
    memory_free(reading->frames);
    memory_free(reading);
    return is_done;
}

/* ---- becoming free again ---- */

struct free_job {
    int fd;
    struct segment_header header;
};

static void mark_free(void *context)
{
    struct free_job *job = context;
    struct failure ignored;

    /* Not synced: if the mark is lost, the ledger still says that all is done. */
    job->header.is_live = false;
    (void) !segment_write_header(job->fd, &job->header, false, &ignored);
    fd_close(&job->fd);
}

static bool may_be_freed(const struct live_segment *segment)
{
    return segment->has_lock && segment->is_read_whole && segment->message_count == 0;
}

static void free_segment(struct live_segment *segment)
{
    struct keeper *keeper = segment->keeper;
    struct free_job *job;
    struct failure why;

    if (!segment_ledger_sync(keeper, segment->number, &why)) {
        log_warning("%s", why.text);
        return;
    }
    if (!may_be_freed(segment) || segment->is_syncing)
        return;
    job = memory_alloc(sizeof(*job));
    job->fd = fd_take(&segment->fd);
    job->header = segment->header;
    drop_segment(segment);
    keeper_block(keeper, mark_free, job);
    memory_free(job);
}

/* The segment's own fiber: is_reading is set while it runs, so that there is one at a time. */
static void serve_segment(void *context)
{
    struct live_segment *segment = context;
    struct keeper *keeper = segment->keeper;

    if (!open_segment(segment)) {
        drop_segment(segment);
        keeper->finishing--;
        return;
    }
    while (must_read(segment)) {
        if (!read_part(segment))
            break;
    }
    if (may_be_freed(segment)) {
        /* is_reading stays set: nobody else may serve it while it is freed. */
        uint64_t use = segment->use;
        unsigned number = segment->number;

        free_segment(segment);
        segment = live_segments_find(keeper, number);
        if (segment != NULL && segment->use != use)
            segment = NULL;
    }
    if (segment != NULL)
        segment->is_reading = false;
    keeper->finishing--;
    event_wake_all(&keeper->changed);
}

static void start_serving(struct live_segment *segment)
{
    if (segment->is_reading)
        return;
    segment->is_reading = true;
    segment->keeper->finishing++;
    fiber_start(segment->keeper->loop, serve_segment, segment);
}

void live_segments_notice(struct keeper *keeper, unsigned number, uint64_t use, uint64_t offset)
{
    struct live_segment *segment = live_segments_find(keeper, number);

    if (keeper->has_left || number == 0 || number > SEGMENT_NUMBER_MAXIMUM || offset % SEGMENT_STEP != 0)
        return;
    if (segment == NULL) {
        segment = add_segment(keeper, number);
        segment->use = use;
    }
    /* A late notice of a use that is over, or of one that begins while the last is not closed here: the lock tells. */
    if (segment->use != use)
        return;
    if (offset > segment->durable)
        segment->durable = offset;
    if (!segment->is_reading && (segment->ledger == NULL || must_read(segment)))
        start_serving(segment);
}

void live_segments_adopt(struct keeper *keeper, unsigned number, const struct segment_header *header, int *fd)
{
    struct live_segment *segment = live_segments_find(keeper, number);

    /* A notice came meanwhile: that one will find the lock free by itself. */
    if (segment != NULL) {
        fd_close(fd);
        return;
    }
    segment = add_segment(keeper, number);
    segment->fd = fd_take(fd);
    segment->header = *header;
    segment->has_lock = true;
    start_serving(segment);
}

void live_segments_try_locks(struct keeper *keeper)
{
    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);
        char path[SEGMENT_PATH_SIZE];
        struct failure ignored;

        segment_path(segment->number, path);
        if (segment->has_lock || segment->ledger == NULL || segment->is_reading)
            continue;
        if (!lock_try(segment->fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &ignored))
            continue;
        segment->has_lock = true;
        start_serving(segment);
    }
}

static bool anything_is_read(const struct keeper *keeper)
{
    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        if (CONTAINER_OF(node, struct live_segment, node)->is_reading)
            return true;
    }
    return false;
}

void live_segments_recover(struct keeper *keeper)
{
    struct failure why;

    orphan_segments_look(keeper);
    while (keeper->is_looking_for_segments || anything_is_read(keeper))
        keeper_wait_change(keeper);
    if (!segment_ledger_sync_all(keeper, &why))
        log_warning("%s", why.text);
}

void live_segments_give_up(struct keeper *keeper)
{
    struct failure why;

    if (!segment_ledger_sync_all(keeper, &why))
        log_warning("%s", why.text);
    while (!list_is_empty(&keeper->segments)) {
        struct live_segment *segment = CONTAINER_OF(keeper->segments.next, struct live_segment, node);

        while (!list_is_empty(&segment->messages)) {
            struct queued_message *message = CONTAINER_OF(segment->messages.next, struct queued_message, sibling);

            list_remove(&message->sibling);
            message->segment = NULL;
        }
        drop_segment(segment);
    }
}

bool live_segments_are_gone(const struct keeper *keeper)
{
    return list_is_empty(&keeper->segments) && !keeper->is_looking_for_segments;
}

/* ---- messages ---- */

void live_segments_leave(struct keeper *keeper, struct queued_message *message)
{
    struct live_segment *segment = message->segment;

    if (segment == NULL)
        return;
    told_failures_forget(keeper->told_failures, message->id);
    list_remove(&message->sibling);
    message->segment = NULL;
    message->frame_at = 0;
    segment->message_count--;
    if (may_be_freed(segment))
        start_serving(segment);
}

static bool read_frame_from_disk(const struct live_segment *segment, char *room, size_t *count, uint64_t offset,
                                 struct failure *why)
{
    char path[SEGMENT_PATH_SIZE];

    segment_path(segment->number, path);
    return file_read_at(segment->fd, path, room, *count, offset, count, why);
}

static bool read_frame(const struct queued_message *message, struct str *bytes_out, struct failure *why)
{
    const struct live_segment *segment = message->segment;
    struct strbuf *bytes = &segment->keeper->frame;
    size_t count = message->frame_length;
    char *room;

    strbuf_clear(bytes);
    room = strbuf_reserve(bytes, message->frame_length);
    if (room == NULL)
        return failure_set(why, FAILURE_PERMANENT, 0, "segment %u of the journal: a frame is too large",
                           segment->number);
    if (!file_read_cached_at(segment->fd, room, message->frame_length, live_segments_frame_offset(message)) &&
        !read_frame_from_disk(segment, room, &count, live_segments_frame_offset(message), why))
        return false;
    strbuf_extend(bytes, count);
    *bytes_out = strbuf_str(bytes);
    return true;
}

static bool is_its_frame(const struct queued_message *message, struct str bytes, struct frame *frame_out)
{
    return frame_decode(bytes, live_segments_frame_offset(message), &message->segment->seal, frame_out) &&
           queue_id_equal(frame_out->id, message->id) && frame_out->length <= bytes.len - FRAME_HEADER_SIZE;
}

bool live_segments_load(const struct queued_message *message, struct str *payload_out, struct failure *why)
{
    const struct live_segment *segment = message->segment;
    uint64_t use = (uint64_t) segment->header.started.us;
    struct frame frame;
    struct str bytes;

    /* What is at hand was checked when it was read. */
    if (read_parts_find(segment->keeper->read_parts, segment->number, use, live_segments_frame_offset(message),
                        message->frame_length, &bytes) &&
        is_its_frame(message, bytes, &frame)) {
        *payload_out = str_part(bytes, FRAME_HEADER_SIZE, (size_t) frame.length);
        return true;
    }
    if (!read_frame(message, &bytes, why))
        return false;
    if (!is_its_frame(message, bytes, &frame))
        return failure_set(why, FAILURE_PERMANENT, 0, "segment %u of the journal: the frame cannot be read any more",
                           segment->number);
    *payload_out = str_part(bytes, FRAME_HEADER_SIZE, (size_t) frame.length);
    if (seal_digest(&segment->seal, *payload_out) != frame.digest)
        return failure_set(why, FAILURE_PERMANENT, 0, "segment %u of the journal: the frame is damaged",
                           segment->number);
    return true;
}

/* ---- time ---- */

static void spill_old(struct keeper *keeper)
{
    struct instant now = loop_now(keeper->loop);

    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);

        if (segment->message_count > 0 &&
            (keeper->is_stopping || instant_since(now, segment->oldest).us >= keeper->settings->spool_segment_age.us))
            spilling_start_segment(keeper, segment);
    }
}

void live_segments_tick(struct keeper *keeper)
{
    orphan_segments_look(keeper);
    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);

        if (segment->ledger != NULL && (must_read(segment) || may_be_freed(segment)))
            start_serving(segment);
    }
    segment_ledger_sync_soon(keeper);
    spill_old(keeper);
}
