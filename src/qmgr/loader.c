/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/loader.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/finisher.h"
#include "qmgr/live_segments.h"
#include "qmgr/log_lines.h"
#include "qmgr/newcomers.h"
#include "qmgr/portions.h"
#include "qmgr/repair.h"
#include "qmgr/returning.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/segment_reading.h"
#include "qmgr/spilling.h"
#include "qmgr/told_failures.h"
#include "run/loop.h"
#include "spool/queue_file.h"
#include "spool/queue_file_header.h"

#include <errno.h>
#include <fcntl.h>

enum { LOADERS_MAXIMUM = 16, TURN = 32, RETRY_SECONDS = 60 };

/* What a thread found out about a message's file. */
enum file_state {
    FILE_READ,
    FILE_GONE,
    FILE_ARRIVING, /* its writer still holds the lock */
    FILE_DAMAGED,
    FILE_MISNAMED, /* it holds another message */
    FILE_TROUBLE,  /* cannot be read now */
};

struct load_job {
    /* in */
    struct queue_id id;
    enum spool_queue queue;
    const struct spool_settings *spool;
    bool is_activation; /* check the content, and move it to active/ */
    bool may_be_cut;    /* by a spill, whose frame nobody knows yet: a segment could not be read so far */
    size_t most;        /* with more recipients it is only surveyed */
    struct arena *arena;
    /* out */
    enum file_state state;
    enum spool_queue found; /* with FILE_READ: where it stands now; with FILE_GONE: where another name of it stands */
    bool is_elsewhere;
    bool is_larger; /* than most: the envelope has no recipients, the survey tells of them */
    struct queue_file_survey survey;
    struct envelope *envelope;
    struct failure why;
};

void loader_file_path(const struct keeper *keeper, const struct queued_message *message, char path[SPOOL_PATH_SIZE])
{
    spool_path(&keeper->spool, (enum spool_queue) message->queue, message->id, path);
}

/* ---- reading a file, on a thread ---- */

static void judge_failure(struct load_job *job, int fd)
{
    if (job->why.kind != FAILURE_PERMANENT || (job->may_be_cut && queue_file_was_never_whole(fd)))
        job->state = FILE_TROUBLE;
    else
        job->state = queue_file_is_being_written(fd) ? FILE_ARRIVING : FILE_DAMAGED;
}

static bool read_and_check(struct load_job *job, int fd)
{
    struct queue_file_content content;

    if (!queue_file_read_small(fd, job->most, job->arena, job->envelope, &content, &job->is_larger, &job->why) ||
        (job->is_larger && !queue_file_survey(fd, job->arena, job->envelope, &job->survey, &job->why)))
        return false;
    job->envelope->content_size = content.length;
    return !job->is_activation || queue_file_verify_content(fd, &content, &job->why);
}

static void move_to_active(struct load_job *job, const char *path)
{
    job->found = job->queue;
    if (!job->is_activation || job->queue == SPOOL_ACTIVE)
        return;
    /* If the name cannot be changed, it is delivered from where it stands. */
    if (spool_move(job->spool, job->id, path, SPOOL_ACTIVE, false, &job->why))
        job->found = SPOOL_ACTIVE;
}

static bool open_file(struct load_job *job, char path[SPOOL_PATH_SIZE], int *fd_out)
{
    enum spool_queue queue;

    spool_path(job->spool, job->queue, job->id, path);
    if (file_open(path, O_RDONLY | O_NOFOLLOW, 0, fd_out, &job->why))
        return true;
    job->state = job->why.error == ENOENT ? FILE_GONE : FILE_TROUBLE;
    if (job->state != FILE_GONE || !spool_find(job->spool, job->id, &queue, path, &job->why))
        return false;
    /* Another depth of hashing; or another queue, when somebody moved it. */
    job->is_elsewhere = queue != job->queue;
    job->found = queue;
    return !job->is_elsewhere && file_open(path, O_RDONLY | O_NOFOLLOW, 0, fd_out, &job->why);
}

/* It was seen when it had just been made; it may be complete by now, and not durable. */
static bool is_arriving(const struct load_job *job, int fd)
{
    return job->is_activation && job->queue == SPOOL_INCOMING && queue_file_is_being_written(fd);
}

static void load_file(void *context)
{
    struct load_job *job = context;
    char path[SPOOL_PATH_SIZE];
    struct failure ignored;
    int fd;

    if (!open_file(job, path, &fd))
        return;
    if (is_arriving(job, fd)) {
        job->state = FILE_ARRIVING;
    } else if (!read_and_check(job, fd)) {
        judge_failure(job, fd);
    } else if (job->is_activation && !queue_id_equal(job->envelope->id, job->id)) {
        job->state = FILE_MISNAMED;
    } else {
        job->state = FILE_READ;
        move_to_active(job, path);
    }
    if (job->state == FILE_DAMAGED && job->is_activation)
        (void) !spool_set_aside(job->spool, job->id, path, &ignored);
    fd_close(&fd);
}

/* So many recipients another message may have in memory at once. */
static size_t find_room(const struct keeper *keeper)
{
    size_t limit = (size_t) keeper->settings->message_recipient_limit;
    size_t minimum = (size_t) keeper->settings->message_recipient_minimum;
    /* Of what others are reading at this moment nobody knows yet. */
    size_t taken = keeper->active_recipients + keeper->reading * PORTION_FIRST;
    size_t room = limit > taken ? limit - taken : 0;

    return room > minimum ? room : minimum;
}

static size_t first_portion(const struct keeper *keeper)
{
    size_t room = find_room(keeper);

    return room < PORTION_FIRST ? room : PORTION_FIRST;
}

static struct load_job *run_load(struct keeper *keeper, struct queue_id id, enum spool_queue queue, bool is_activation,
                                 struct arena *arena)
{
    struct load_job *job = arena_new(arena, struct load_job);

    job->id = id;
    job->queue = queue;
    job->spool = &keeper->spool;
    job->is_activation = is_activation;
    job->may_be_cut = keeper->busy_segments > 0;
    job->most = is_activation ? first_portion(keeper) : SIZE_MAX;
    job->arena = arena;
    job->envelope = arena_new(arena, struct envelope);
    keeper->reading += is_activation;
    keeper_block(keeper, load_file, job);
    keeper->reading -= is_activation;
    return job;
}

/* ---- reading a frame ---- */

static bool decode_frame(const struct keeper *keeper, const struct queued_message *message, struct str payload,
                         struct arena *arena, struct envelope *envelope, struct failure *why)
{
    struct str encoded;
    struct str content;

    if (!segment_message(payload, &encoded, &content))
        return failure_set(why, FAILURE_PERMANENT, 0, "the frame holds no message");
    if (!envelope_decode(encoded, arena, envelope, why))
        return false;
    envelope->content_size = content.len;
    segment_ledger_apply_past(message, envelope);
    told_failures_apply(keeper->told_failures, message->id, arena, envelope);
    return true;
}

static bool load_frame(const struct queued_message *message, struct arena *arena, struct envelope *envelope,
                       struct failure *why)
{
    struct str payload;

    return live_segments_load(message, &payload, why) &&
           decode_frame(message->segment->keeper, message, payload, arena, envelope, why);
}

/* Who reads it may wait, and the message may be finished meanwhile, with all that it has in memory. */
static bool copy_envelope(const struct envelope *envelope, struct arena *arena, struct envelope *copy_out,
                          struct failure *why)
{
    struct strbuf bytes;
    bool is_done;

    strbuf_init(&bytes, ENVELOPE_MAXIMUM);
    is_done = envelope_encode(envelope, &bytes, why) && envelope_decode(strbuf_str(&bytes), arena, copy_out, why);
    strbuf_done(&bytes);
    return is_done;
}

bool loader_read_envelope(struct keeper *keeper, struct queue_id id, struct arena *arena, struct envelope *envelope_out,
                          struct failure *why)
{
    struct queued_message *message = queue_index_find(keeper->index, id);
    struct load_job *job;

    if (message == NULL)
        return failure_set(why, FAILURE_NONE, 0, "gone");
    if (message->active != NULL && message->active->portions == NULL)
        return copy_envelope(message->active->envelope, arena, envelope_out, why);
    if (message->segment != NULL)
        return load_frame(message, arena, envelope_out, why);
    job = run_load(keeper, id, (enum spool_queue) message->queue, false, arena);
    if (job->state == FILE_READ) {
        *envelope_out = *job->envelope;
        return true;
    }
    if (job->state == FILE_GONE)
        return failure_set(why, FAILURE_NONE, 0, "gone");
    *why = job->why;
    return false;
}

/* ---- activation ---- */

static size_t count_pending(const struct envelope *envelope)
{
    size_t count = 0;

    for (size_t i = 0; i < envelope->recipient_count; i++)
        count += envelope->recipients[i].status == RECIPIENT_PENDING;
    return count;
}

static void make_active(struct keeper *keeper, struct queued_message *message, struct arena *arena,
                        struct envelope *envelope)
{
    struct active_message *active = arena_new(arena, struct active_message);
    char text[QUEUE_ID_TEXT_SIZE];

    active->keeper = &keeper->hooks;
    active->origin = message;
    active->arena = arena;
    active->envelope = envelope;
    active->whole = active;
    active->counted = envelope->recipient_count;
    active->id_text = arena_str(arena, queue_id_format(message->id, text));
    active->queue_name = "active";
    active->attempt = ++keeper->attempt;
    active->activated = clock_now();
    active->was_deferred = message->was_deferred;
    active->is_traced =
        (envelope->flags & (ENVELOPE_TRACE_RECORD | ENVELOPE_TRACE_VERIFY)) != 0 && !returning_has_told_first(active);
    active->confirms_delivery =
        keeper->settings->confirm_delay_cleared && (active->envelope->flags & ENVELOPE_DELAY_WARNED) != 0;
    active->is_flushed = message->is_flushed;
    message->is_flushed = false;
    active->results = arena_new_array(arena, envelope->recipient_count, struct active_result);
    list_init(&active->entries);
    message->active = active;
    if ((envelope->flags & ENVELOPE_FORCE_EXPIRED) != 0)
        message->must_expire = true;
    message->is_inherited = false;
    keeper->active_count++;
    keeper->active_deferred += message->was_deferred;
    keeper->active_recipients += active->counted;
}

void loader_release(struct keeper *keeper, struct queued_message *message)
{
    struct active_message *active = message->active;
    struct arena *arena = active->arena;

    keeper->active_count--;
    keeper->active_deferred -= message->was_deferred;
    keeper->active_recipients -= active->counted;
    message->active = NULL;
    arena_destroy(&arena);
    loader_wake(keeper);
}

static void activate(struct keeper *keeper, struct queued_message *message, struct arena *arena,
                     struct envelope *envelope)
{
    make_active(keeper, message, arena, envelope);
    log_queue_active(message->active->id_text, envelope->sender, envelope_wire_size(envelope),
                     envelope->recipient_count);
    if (count_pending(envelope) == 0 || message->must_expire || message->must_delete)
        finisher_finish(keeper, message);
    else
        deliveries_start(keeper->deliveries, message->active);
}

/* Its recipients come in portions. */
static void activate_large(struct keeper *keeper, struct queued_message *message, struct arena *arena,
                           const struct load_job *job)
{
    make_active(keeper, message, arena, job->envelope);
    log_queue_active(message->active->id_text, job->envelope->sender, envelope_wire_size(job->envelope),
                     job->survey.start.total);
    portions_begin(keeper, message, &job->survey);
}

static void take_file_state(struct keeper *keeper, struct queued_message *message, struct load_job *job)
{
    char text[QUEUE_ID_TEXT_SIZE];
    const char *id = queue_id_format(message->id, text).data;

    switch (job->state) {
    case FILE_READ:
        return;
    case FILE_GONE:
        if (job->is_elsewhere) {
            message->queue = (unsigned char) job->found;
            if (job->found == SPOOL_HOLD)
                queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
            else
                queue_index_wait(keeper->index, message, keeper_now() + 1);
            return;
        }
        queue_index_remove(keeper->index, message);
        return;
    case FILE_ARRIVING:
        queue_index_remove(keeper->index, message);
        /* Its writer may have told of it meanwhile, when it was known already. */
        newcomers_take_up(keeper, job->id);
        return;
    case FILE_DAMAGED:
        log_error("%s: saved in corrupt/: %s", id, job->why.text);
        queue_index_remove(keeper->index, message);
        return;
    case FILE_MISNAMED:
        repair_name(keeper, message->id, (enum spool_queue) message->queue, job->envelope->id);
        queue_index_remove(keeper->index, message);
        return;
    case FILE_TROUBLE:
        log_warning("%s: %s", id, job->why.text);
        queue_index_wait(keeper->index, message, keeper_now() + RETRY_SECONDS);
        return;
    }
}

static void load_from_file(struct keeper *keeper, struct queued_message *message)
{
    struct arena *arena = arena_create();
    struct load_job *job = run_load(keeper, message->id, (enum spool_queue) message->queue, true, arena);

    if (job->state == FILE_READ) {
        message->queue = (unsigned char) job->found;
        if (job->is_larger)
            activate_large(keeper, message, arena, job);
        else
            activate(keeper, message, arena, job->envelope);
        return;
    }
    take_file_state(keeper, message, job);
    arena_destroy(&arena);
}

struct save_job {
    struct segment_header header;
    uint64_t offset;
    struct strbuf bytes;
};

static void save_bytes(void *context)
{
    struct save_job *job = context;
    struct failure ignored;

    (void) !segment_reading_save(&job->header, job->offset, strbuf_str(&job->bytes), &ignored);
}

/* live_segments_load has just left what stands there in keeper->frame. */
static void save_damaged_frame(struct keeper *keeper, struct queued_message *message, const struct failure *why)
{
    struct save_job *job = memory_alloc(sizeof(*job));
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure ignored;

    log_error("%s: lost from segment %u of the journal, saved in corrupt/: %s", queue_id_format(message->id, text).data,
              message->segment->number, why->text);
    job->header = message->segment->header;
    job->offset = live_segments_frame_offset(message);
    strbuf_init(&job->bytes, STRBUF_UNLIMITED);
    strbuf_append(&job->bytes, strbuf_str(&keeper->frame));
    keeper_block(keeper, save_bytes, job);
    strbuf_done(&job->bytes);
    memory_free(job);
    (void) !segment_ledger_record(message, LEDGER_MOVED, SPOOL_CORRUPT, LEDGER_WHOLE_MESSAGE, &ignored);
    live_segments_leave(keeper, message);
    queue_index_remove(keeper->index, message);
}

/* A frame is in memory as a whole or not at all; a file can be read in portions. */
static bool become_file(struct keeper *keeper, struct queued_message *message, const struct envelope *envelope,
                        struct arena *arena)
{
    struct queue_file_outcome *outcomes = arena_new_array(arena, envelope->recipient_count, struct queue_file_outcome);
    size_t count = 0;
    struct failure why;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];

        if (recipient->status != RECIPIENT_PENDING)
            outcomes[count++] = (struct queue_file_outcome){
                .number = i, .status = recipient->status, .dsn = recipient->dsn, .reason = recipient->reason
            };
    }
    return spilling_move(keeper, message, SPOOL_ACTIVE, keeper_now(), 0, outcomes, count, &why);
}

static void load_from_frame(struct keeper *keeper, struct queued_message *message)
{
    struct arena *arena = arena_create();
    struct envelope *envelope = arena_new(arena, struct envelope);
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure why;

    if (load_frame(message, arena, envelope, &why)) {
        if (envelope->recipient_count <= find_room(keeper) || !become_file(keeper, message, envelope, arena)) {
            activate(keeper, message, arena, envelope);
        } else {
            arena_destroy(&arena);
            load_from_file(keeper, message);
        }
        return;
    }
    arena_destroy(&arena);
    if (why.kind == FAILURE_PERMANENT) {
        save_damaged_frame(keeper, message, &why);
    } else {
        log_message_problem(queue_id_format(message->id, text), NULL, &why);
        queue_index_wait(keeper->index, message, keeper_now() + RETRY_SECONDS);
    }
}

/* ---- whose turn it is ---- */

static bool has_room(const struct keeper *keeper)
{
    return keeper->active_count < (size_t) keeper->settings->message_active_limit;
}

static struct queued_message *next_message(struct keeper *keeper)
{
    size_t deferred_most = (size_t) keeper->settings->message_active_limit / 5 * 4 + 1;
    struct queued_message *fresh = queue_index_first_ready(keeper->index, false);
    struct queued_message *deferred =
        keeper->active_deferred < deferred_most ? queue_index_first_ready(keeper->index, true) : NULL;

    if (!keeper->is_recovered || keeper->is_draining || !has_room(keeper))
        return NULL;
    if (fresh == NULL || deferred == NULL)
        return fresh != NULL ? fresh : deferred;
    return keeper->is_deferreds_turn ? deferred : fresh;
}

static void loader(void *context)
{
    struct keeper *keeper = context;
    struct queued_message *message;
    unsigned taken = 0;

    while ((message = next_message(keeper)) != NULL) {
        keeper->is_deferreds_turn = !message->was_deferred;
        queue_index_set_idle(keeper->index, message, QUEUED_ACTIVE);
        if (message->segment != NULL)
            load_from_frame(keeper, message);
        else
            load_from_file(keeper, message);
        event_wake_all(&keeper->changed);
        if (++taken % TURN == 0)
            fiber_yield(keeper->loop);
    }
    keeper->loaders--;
    event_wake_all(&keeper->changed);
}

void loader_wake(struct keeper *keeper)
{
    struct queued_message *first = next_message(keeper);

    /* Files are waited for, so several at a time; frames never are. */
    if (first == NULL || keeper->loaders >= LOADERS_MAXIMUM)
        return;
    keeper->loaders++;
    fiber_start(keeper->loop, loader, keeper);
    if (first->segment == NULL && keeper->loaders < LOADERS_MAXIMUM) {
        keeper->loaders++;
        fiber_start(keeper->loop, loader, keeper);
    }
}
