/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "run/loop.h"
#include "run/offload.h"
#include "run/worker.h"
#include "spool/journal_private.h"

enum {
    FILE_THREADS = 4,
    ID_RESERVE_TICKS = 30 * 8192,
    USUAL_ENVELOPE = 1000, /* of what the heap has at hand */
};

static const struct duration failure_period = { 60 * 1000000 };
static const struct duration probe_interval = { 10 * 1000000 };
static const struct duration room_interval = { 1000000 };

/* ---- ids ---- */

struct raise_job {
    struct id_reserve *reserve;
    uint64_t ceiling;
    bool is_raised;
    struct failure why;
};

static void raise_ceiling(void *context)
{
    struct raise_job *job = context;

    job->is_raised = id_reserve_raise(job->reserve, job->ceiling, &job->why);
}

static uint64_t later_tick(const struct journal_writer *writer)
{
    uint64_t now = queue_id_tick_at(clock_now());

    return now > writer->ids.last_tick ? now : writer->ids.last_tick;
}

static bool raise_to(struct journal_writer *writer, uint64_t ceiling, struct failure *why)
{
    struct raise_job *job = memory_alloc(sizeof(*job));
    bool is_raised;

    job->reserve = &writer->reserve;
    job->ceiling = ceiling;
    is_raised = worker_run(writer->worker, raise_ceiling, job, NULL, DURATION_FOREVER, &job->why) && job->is_raised;
    if (is_raised)
        writer->ids.ceiling = ceiling;
    else
        *why = job->why;
    memory_free(job);
    return is_raised;
}

static void raise_ahead(void *context)
{
    struct journal_writer *writer = context;
    struct failure ignored;

    /* If it fails, whoever needs an id beyond the ceiling tries again and is told. */
    (void) !raise_to(writer, later_tick(writer) + ID_RESERVE_TICKS, &ignored);
    writer->is_raising = false;
    event_wake_all(&writer->raised);
}

static void start_raising(struct journal_writer *writer)
{
    if (writer->is_raising)
        return;
    writer->is_raising = true;
    fiber_start(writer->loop, raise_ahead, writer);
}

bool journal_writer_new_id(struct journal_writer *writer, struct queue_id *id_out, struct failure *why)
{
    struct failure ignored;

    for (unsigned attempt = 0; attempt < 3; attempt++) {
        if (queue_id_next(&writer->ids, clock_now(), id_out)) {
            if (writer->ids.last_tick + ID_RESERVE_TICKS / 2 > writer->ids.ceiling)
                start_raising(writer);
            return true;
        }
        start_raising(writer);
        while (writer->is_raising)
            (void) !event_wait(writer->loop, &writer->raised, DURATION_FOREVER, &ignored);
    }
    return failure_set(why, FAILURE_RETRY, 0, "journal/writer-%02u cannot be written: no queue id to be had",
                       writer->reserve.writer);
}

/* ---- open and close ---- */

struct open_job {
    struct id_reserve reserve;
    bool is_open;
    struct failure why;
};

static void open_reserve(void *context)
{
    struct open_job *job = context;

    job->is_open = id_reserve_open(&job->reserve, &job->why);
}

static void destroy(struct journal_writer **writer)
{
    id_reserve_close(&(*writer)->reserve);
    strbuf_done(&(*writer)->spare);
    worker_destroy(&(*writer)->worker);
    offload_destroy(&(*writer)->offload);
    memory_free(*writer);
    *writer = NULL;
}

static bool take_writer_number(struct journal_writer *writer, struct failure *why)
{
    struct open_job *job = memory_alloc(sizeof(*job));
    bool is_open = worker_run(writer->worker, open_reserve, job, NULL, DURATION_FOREVER, &job->why) && job->is_open;

    if (is_open) {
        writer->reserve = job->reserve;
        writer->ids = (struct queue_id_source){ .last_tick = job->reserve.ceiling,
                                                .ceiling = job->reserve.ceiling,
                                                .writer = job->reserve.writer,
                                                .is_long = writer->settings.use_long_ids };
    } else {
        *why = job->why;
    }
    memory_free(job);
    return is_open && raise_to(writer, later_tick(writer) + ID_RESERVE_TICKS, why);
}

bool journal_limits_fit(uint64_t segment_bytes, uint64_t limit_bytes, uint64_t reserve_bytes, struct failure *why)
{
    if (segment_bytes >= SEGMENT_SIZE_MINIMUM && limit_bytes >= 2 * segment_bytes &&
        reserve_bytes <= limit_bytes - segment_bytes)
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0,
                       "spool_journal_limit must hold two segments (spool_segment_size, at least 64 kB), and more "
                       "than spool_journal_reserve and one segment");
}

bool journal_writer_open(struct loop *loop, const struct journal_settings *settings,
                         const struct journal_events *events, struct journal_writer **writer_out, struct failure *why)
{
    struct journal_writer *writer;

    if (!journal_limits_fit(settings->segment_bytes, settings->limit_bytes, settings->reserve_bytes, why))
        return false;
    writer = memory_alloc(sizeof(*writer));
    writer->loop = loop;
    writer->settings = *settings;
    writer->events = *events;
    writer->segment.fd = -1;
    writer->reserve.fd = -1;
    event_init(&writer->raised);
    event_init(&writer->committed);
    writer->worker = worker_create(loop, "journal");
    writer->offload = offload_create(loop, "queue files", FILE_THREADS);
    if (!take_writer_number(writer, why)) {
        destroy(&writer);
        return false;
    }
    *writer_out = writer;
    return true;
}

struct leave_job {
    struct journal_segment segment;
};

static void leave_segment(void *context)
{
    struct leave_job *job = context;

    journal_segment_leave(&job->segment);
}

static void close_segment(struct journal_writer *writer)
{
    struct leave_job *job;
    struct failure ignored;

    if (writer->segment.fd < 0)
        return;
    job = memory_alloc(sizeof(*job));
    job->segment = writer->segment;
    writer->segment.fd = -1;
    (void) !worker_run(writer->worker, leave_segment, job, NULL, DURATION_FOREVER, &ignored);
    memory_free(job);
}

void journal_writer_close(struct journal_writer **writer)
{
    struct failure ignored;

    if (*writer == NULL)
        return;
    CHECK((*writer)->open_files == 0);
    journal_group_settle(*writer);
    while ((*writer)->is_raising || (*writer)->is_looking_for_room)
        (void) !event_wait((*writer)->loop, &(*writer)->raised, seconds(1), &ignored);
    close_segment(*writer);
    /* What was reserved and not used is given back, so that restarts do not run ahead of the clock. */
    (void) !raise_to(*writer, (*writer)->ids.last_tick, &ignored);
    destroy(writer);
}

/* ---- may a message come ---- */

struct room_job {
    const struct journal_settings *settings;
    bool has_segment;
    bool is_known;
    enum journal_room room;
    struct failure why;
};

static void look(void *context)
{
    struct room_job *job = context;

    job->is_known = journal_segment_room(job->settings, job->has_segment, &job->room, &job->why);
}

static void look_for_room(void *context)
{
    struct journal_writer *writer = context;
    struct room_job *job = memory_alloc(sizeof(*job));

    job->settings = &writer->settings;
    job->has_segment = writer->segment.fd >= 0;
    if (worker_run(writer->worker, look, job, NULL, DURATION_FOREVER, &job->why) && job->is_known)
        writer->room = job->room;
    writer->room_seen = loop_now(writer->loop);
    memory_free(job);
    writer->is_looking_for_room = false;
    event_wake_all(&writer->raised);
}

static bool is_time_to_probe(const struct journal_writer *writer)
{
    struct instant last = writer->failures[JOURNAL_FAILURES_TO_ALARM - 1];

    return instant_since(loop_now(writer->loop), last).us >= probe_interval.us;
}

bool journal_writer_may_accept(struct journal_writer *writer, bool is_inside, struct failure *why)
{
    if (writer->is_failing && !is_time_to_probe(writer))
        return failure_set(why, FAILURE_RETRY, 0, "the journal cannot be written");
    if (writer->room == JOURNAL_ROOM_ALL || (writer->room == JOURNAL_ROOM_INSIDE && is_inside))
        return true;
    if (!writer->is_looking_for_room &&
        instant_since(loop_now(writer->loop), writer->room_seen).us >= room_interval.us) {
        writer->is_looking_for_room = true;
        fiber_start(writer->loop, look_for_room, writer);
    }
    return failure_set(why, FAILURE_NO_SPACE, 0,
                       "the journal has no room: spool_journal_limit is reached, or the disk is full");
}

void journal_note_failure(struct journal_writer *writer, const struct failure *failure)
{
    struct instant now = loop_now(writer->loop);
    struct instant oldest;

    for (unsigned i = 0; i + 1 < JOURNAL_FAILURES_TO_ALARM; i++)
        writer->failures[i] = writer->failures[i + 1];
    writer->failures[JOURNAL_FAILURES_TO_ALARM - 1] = now;
    oldest = writer->failures[0];
    if (writer->is_failing || oldest.us == 0 || instant_since(now, oldest).us > failure_period.us)
        return;
    writer->is_failing = true;
    if (writer->events.alarm != NULL)
        writer->events.alarm(writer->events.context, true, failure->text);
}

void journal_note_success(struct journal_writer *writer)
{
    if (!writer->is_failing)
        return;
    writer->is_failing = false;
    memset(writer->failures, 0, sizeof(writer->failures));
    if (writer->events.alarm != NULL)
        writer->events.alarm(writer->events.context, false, "the journal can be written again");
}

/* ---- accepting ---- */

bool journal_writer_fits_inline(const struct journal_writer *writer, uint64_t envelope_bytes, uint64_t content_bytes)
{
    uint64_t most = writer->settings.inline_limit;
    uint64_t room = writer->settings.segment_bytes - (uint64_t) 2 * SEGMENT_STEP;
    uint64_t overhead = FRAME_HEADER_SIZE + SEGMENT_MESSAGE_PREFIX;

    if (most > room)
        most = room;
    return envelope_bytes <= most && content_bytes <= most && envelope_bytes + content_bytes + overhead <= most;
}

static bool accept_as_file(struct journal_writer *writer, struct envelope *envelope, struct str content,
                           struct failure *why)
{
    struct journal_file *file;

    if (!journal_file_begin(writer, envelope->id, &file, why))
        return false;
    if (!journal_file_write(file, content, why)) {
        journal_file_abandon(&file);
        return false;
    }
    return journal_file_finish(&file, envelope, why);
}

static bool accept_inline(struct journal_writer *writer, struct envelope *envelope, struct str content, bool *fits_out,
                          struct failure *why)
{
    struct strbuf encoded;
    bool is_durable;

    strbuf_init(&encoded, ENVELOPE_MAXIMUM);
    strbuf_reserve(&encoded, USUAL_ENVELOPE);
    is_durable = envelope_encode(envelope, &encoded, why);
    *fits_out = is_durable && journal_writer_fits_inline(writer, encoded.len, content.len);
    if (*fits_out)
        is_durable = journal_group_commit(writer, envelope, strbuf_str(&encoded), content, why);
    strbuf_done(&encoded);
    return is_durable;
}

bool journal_writer_accept(struct journal_writer *writer, struct envelope *envelope, struct str content,
                           struct failure *why)
{
    bool fits;

    if (!journal_writer_may_accept(writer, (envelope->flags & ENVELOPE_INSIDE) != 0, why))
        return false;
    envelope->content_size = content.len;
    if ((envelope->flags & ENVELOPE_HOLD) == 0) {
        if (!accept_inline(writer, envelope, content, &fits, why))
            return false;
        if (fits)
            return true;
    }
    return accept_as_file(writer, envelope, content, why);
}

size_t journal_writer_notices(const struct journal_writer *writer, struct journal_notice *notices_out, size_t maximum)
{
    if (maximum == 0 || writer->segment.fd < 0)
        return 0;
    notices_out[0] = (struct journal_notice){ .segment = writer->segment.header.number,
                                              .use = (uint64_t) writer->segment.header.started.us,
                                              .offset = writer->segment.position };
    return 1;
}
