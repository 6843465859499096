/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/journal_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "run/loop.h"
#include "run/worker.h"
#include "spool/bytes.h"

#include <fcntl.h>

/*
 * Group commit: the members that gather while one group is written and synced are the next group. A fiber of its own,
 * the committer, lives as long as there is a group to commit; members only wait.
 */
enum { GROUP_BYTES_MAXIMUM = 2 * 1024 * 1024, SPARE_BYTES_MAXIMUM = 512 * 1024 };

struct member {
    size_t at; /* of its frame in the group */
    size_t length;
    struct queue_id id;
    bool is_inside;
    bool is_dropped; /* refused before anything was written */
};

struct journal_group {
    struct strbuf bytes;
    struct member *members;
    size_t count;
    size_t capacity;
    size_t waiting; /* fibers that have not seen the result yet */
    struct event done;
    bool is_done;
    bool is_durable;
    struct failure why;      /* of the group */
    struct failure drop_why; /* of members that were dropped */
};

static struct journal_group *group_create(struct journal_writer *writer)
{
    struct journal_group *group = memory_alloc(sizeof(*group));

    strbuf_init(&group->bytes, (size_t) 2 * GROUP_BYTES_MAXIMUM);
    if (writer->spare.data != NULL) {
        group->bytes = writer->spare;
        strbuf_clear(&group->bytes);
        writer->spare = (struct strbuf){ 0 };
    }
    event_init(&group->done);
    return group;
}

static void group_release(struct journal_writer *writer, struct journal_group *group)
{
    if (--group->waiting > 0)
        return;
    if (writer->spare.data == NULL && group->bytes.capacity <= SPARE_BYTES_MAXIMUM)
        writer->spare = group->bytes;
    else
        strbuf_done(&group->bytes);
    memory_free(group->members);
    memory_free(group);
}

static void group_pad(struct journal_group *group, size_t step)
{
    static const char zeros[SEGMENT_STEP];
    size_t missing = (step - group->bytes.len % step) % step;

    strbuf_append_bytes(&group->bytes, zeros, missing);
}

/* The frame's header is written when its offset is known. */
static size_t group_add(struct journal_group *group, const struct envelope *envelope, struct str encoded,
                        struct str content)
{
    unsigned char blank[FRAME_HEADER_SIZE + SEGMENT_MESSAGE_PREFIX] = { 0 };
    struct member *member;

    if (group->count == group->capacity) {
        group->capacity = group->capacity > 0 ? group->capacity * 2 : 16;
        group->members = memory_resize(group->members, group->capacity * sizeof(*group->members));
    }
    member = &group->members[group->count];
    *member = (struct member){ .at = group->bytes.len,
                               .length = SEGMENT_MESSAGE_PREFIX + encoded.len + content.len,
                               .id = envelope->id,
                               .is_inside = (envelope->flags & ENVELOPE_INSIDE) != 0 };
    bytes_put_u32(blank + FRAME_HEADER_SIZE, (uint32_t) encoded.len);
    strbuf_append_bytes(&group->bytes, blank, sizeof(blank));
    strbuf_append(&group->bytes, encoded);
    strbuf_append(&group->bytes, content);
    group_pad(group, FRAME_ALIGNMENT);
    CHECK(!group->bytes.is_overflowed);
    return group->count++;
}

/* Client mail leaves the group before it is written, because only the reserve is left. */
static void drop_clients(struct journal_group *group)
{
    struct strbuf kept;

    strbuf_init(&kept, group->bytes.maximum);
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];
        size_t end = i + 1 < group->count ? group->members[i + 1].at : group->bytes.len;
        struct str frame = str_part(strbuf_str(&group->bytes), member->at, end - member->at);

        member->is_dropped = !member->is_inside;
        if (member->is_dropped)
            continue;
        member->at = kept.len;
        strbuf_append(&kept, frame);
    }
    strbuf_done(&group->bytes);
    group->bytes = kept;
    (void) failure_set(&group->drop_why, FAILURE_NO_SPACE, 0, "the journal has reached spool_journal_limit");
}

/* Gives every frame its place and seal. */
static void seal_frames(struct journal_group *group, const struct journal_segment *segment)
{
    struct member *last = NULL;

    for (size_t i = 0; i < group->count; i++) {
        if (!group->members[i].is_dropped)
            last = &group->members[i];
    }
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];
        unsigned char *at = (unsigned char *) group->bytes.data + member->at;
        struct str payload = str_make((const char *) at + FRAME_HEADER_SIZE, member->length);
        struct frame frame = { .type = FRAME_MESSAGE,
                               .id = member->id,
                               .offset = segment->position + member->at,
                               .length = member->length,
                               .digest = seal_digest(&segment->seal, payload),
                               .is_last = member == last };

        if (!member->is_dropped)
            frame_encode(&frame, &segment->seal, at);
    }
    group_pad(group, SEGMENT_STEP);
}

/* ---- on the worker's thread ---- */

struct commit_job {
    struct journal_writer *writer;
    struct journal_group *group;
    bool needs_segment;
    bool must_write;
    bool has_failed;
    struct journal_segment segment; /* in: the one in use; out: the one to use */
    enum journal_room room;
    struct failure why;
};

static void take_segment(void *context)
{
    struct commit_job *job = context;
    struct journal_segment taken;

    journal_segment_leave(&job->segment);
    if (journal_segment_take(&job->writer->settings, job->writer->reserve.writer, &taken, &job->room, &job->why))
        job->segment = taken;
    else
        job->has_failed = true;
}

/*
 * After a failed write or sync the frames must not be found again, or 451 was a lie: their headers are overwritten
 * and that is synced through a descriptor that has not failed yet, as far as the disk lets us.
 */
static void void_frames(struct commit_job *job)
{
    static const char zeros[FRAME_HEADER_SIZE];
    char path[SEGMENT_PATH_SIZE];
    struct failure ignored;
    int fd;

    segment_path(job->segment.header.number, path);
    if (!file_open(path, O_RDWR | O_NOFOLLOW, 0, &fd, &ignored))
        return;
    for (size_t i = 0; i < job->group->count; i++) {
        const struct member *member = &job->group->members[i];

        if (!member->is_dropped)
            (void) !file_write_at(fd, path, str_make(zeros, sizeof(zeros)), job->segment.position + member->at,
                                  &ignored);
    }
    (void) !file_sync_data(fd, path, &ignored);
    fd_close(&fd);
}

static void write_group(void *context)
{
    struct commit_job *job = context;
    char path[SEGMENT_PATH_SIZE];

    segment_path(job->segment.header.number, path);
    if (file_write_at(job->segment.fd, path, strbuf_str(&job->group->bytes), job->segment.position, &job->why) &&
        file_sync_data(job->segment.fd, path, &job->why))
        return;
    job->has_failed = true;
    void_frames(job);
}

/* ---- the committer ---- */

static void tell_notice(struct journal_writer *writer, bool is_closed)
{
    struct journal_notice notice = { .segment = writer->segment.header.number,
                                     .use = (uint64_t) writer->segment.header.started.us,
                                     .offset = writer->segment.position,
                                     .is_closed = is_closed };

    if (writer->events.notice != NULL)
        writer->events.notice(writer->events.context, &notice);
}

/* A disk that hangs is waited for: the members' own deadlines are their peers' business. */
static bool run_job(struct journal_writer *writer, void (*function)(void *), struct commit_job *job)
{
    return worker_run(writer->worker, function, job, NULL, DURATION_FOREVER, &job->why) && !job->has_failed;
}

static bool segment_is_usable(const struct journal_writer *writer, size_t size)
{
    const struct journal_segment *segment = &writer->segment;

    if (segment->fd < 0 || segment->position + size > segment->header.size)
        return false;
    return segment->position == SEGMENT_STEP ||
           instant_since(loop_now(writer->loop), segment->first_frame).us < writer->settings.segment_age.us;
}

/* Leaves the segment for another one where need be. Notices go out: the old one is closed. */
static bool provide_segment(struct journal_writer *writer, struct journal_group *group, struct failure *why)
{
    struct commit_job *job;
    size_t size = (group->bytes.len + SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP;
    bool is_taken;

    if (segment_is_usable(writer, size) && writer->room != JOURNAL_ROOM_NONE)
        return true;
    job = memory_alloc(sizeof(*job));
    job->writer = writer;
    job->segment = writer->segment;
    if (writer->segment.fd >= 0 && writer->segment.position > SEGMENT_STEP)
        tell_notice(writer, true);
    writer->segment.fd = -1;
    is_taken = run_job(writer, take_segment, job);
    writer->room_seen = loop_now(writer->loop);
    if (is_taken) {
        writer->segment = job->segment;
        writer->room = job->room;
    } else {
        if (job->why.kind == FAILURE_NO_SPACE)
            writer->room = JOURNAL_ROOM_NONE;
        *why = job->why;
    }
    memory_free(job);
    return is_taken;
}

static bool group_is_empty(const struct journal_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!group->members[i].is_dropped)
            return false;
    }
    return true;
}

static bool write_and_sync(struct journal_writer *writer, struct journal_group *group, struct failure *why)
{
    struct commit_job *job = memory_alloc(sizeof(*job));
    bool is_durable;

    seal_frames(group, &writer->segment);
    job->writer = writer;
    job->group = group;
    job->segment = writer->segment;
    if (writer->segment.position == SEGMENT_STEP)
        writer->segment.first_frame = loop_now(writer->loop);
    is_durable = run_job(writer, write_group, job);
    if (is_durable) {
        writer->segment.position += group->bytes.len;
        tell_notice(writer, false);
        journal_note_success(writer);
    } else {
        *why = job->why;
        journal_note_failure(writer, why);
        /* Never again a sync on this descriptor: the segment is left where the durable part ends. */
        if (writer->segment.position > SEGMENT_STEP)
            tell_notice(writer, true);
        fd_close(&writer->segment.fd);
    }
    memory_free(job);
    return is_durable;
}

static void commit_group(struct journal_writer *writer, struct journal_group *group)
{
    if (!provide_segment(writer, group, &group->why)) {
        group->is_durable = false;
        return;
    }
    if (writer->room == JOURNAL_ROOM_INSIDE)
        drop_clients(group);
    group->is_durable = group_is_empty(group) || write_and_sync(writer, group, &group->why);
}

static void committer(void *context)
{
    struct journal_writer *writer = context;

    while (writer->gathering != NULL) {
        struct journal_group *group = writer->gathering;

        writer->gathering = NULL;
        commit_group(writer, group);
        group->is_done = true;
        event_wake_all(&group->done);
        event_wake_all(&writer->committed);
        /* The committer's own hold on it. */
        group_release(writer, group);
    }
    writer->is_committing = false;
    event_wake_all(&writer->committed);
}

/* ---- members ---- */

static void wait_until_done(struct journal_writer *writer, struct journal_group *group)
{
    struct failure ignored;

    while (!group->is_done)
        (void) !event_wait(writer->loop, &group->done, DURATION_FOREVER, &ignored);
}

static struct journal_group *join(struct journal_writer *writer, size_t size)
{
    size_t most = GROUP_BYTES_MAXIMUM;
    struct failure ignored;

    if (most > writer->settings.segment_bytes - SEGMENT_STEP)
        most = (size_t) writer->settings.segment_bytes - SEGMENT_STEP;
    while (writer->gathering != NULL && writer->gathering->bytes.len + size > most)
        (void) !event_wait(writer->loop, &writer->committed, DURATION_FOREVER, &ignored);
    if (writer->gathering == NULL) {
        writer->gathering = group_create(writer);
        writer->gathering->waiting = 1;
    }
    return writer->gathering;
}

bool journal_group_commit(struct journal_writer *writer, const struct envelope *envelope, struct str encoded,
                          struct str content, struct failure *why)
{
    struct journal_group *group =
        join(writer, FRAME_HEADER_SIZE + SEGMENT_MESSAGE_PREFIX + encoded.len + content.len + FRAME_ALIGNMENT);
    size_t index = group_add(group, envelope, encoded, content);
    bool is_durable;

    group->waiting++;
    if (!writer->is_committing) {
        writer->is_committing = true;
        fiber_start(writer->loop, committer, writer);
    }
    wait_until_done(writer, group);
    is_durable = group->is_durable && !group->members[index].is_dropped;
    if (!is_durable)
        *why = group->members[index].is_dropped ? group->drop_why : group->why;
    group_release(writer, group);
    return is_durable;
}

void journal_group_settle(struct journal_writer *writer)
{
    struct failure ignored;

    while (writer->is_committing)
        (void) !event_wait(writer->loop, &writer->committed, DURATION_FOREVER, &ignored);
}
