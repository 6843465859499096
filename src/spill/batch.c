/* SPDX-License-Identifier: Apache-2.0 */
#include "spill/batch.h"

#include "base/memory.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/ledger.h"
#include "spool/queue_file_writer.h"
#include "spool/segment.h"

#include <errno.h>
#include <fcntl.h>

/* An item on its way. */
struct job {
    const struct spill_item *item;
    struct spill_result *result;
    struct queue_id id;
    enum spool_queue queue;
    struct queue_file_writer *writer; /* NULL: not, or no more, on its way */
    char path[SPOOL_PATH_SIZE];
    char folder[SPOOL_PATH_SIZE];
};

static void refuse(struct batch *batch, struct job *job, const struct failure *why)
{
    struct failure ignored;

    if (job->writer != NULL) {
        (void) !spool_remove(job->path, &ignored);
        queue_file_close(&job->writer);
    }
    *job->result = (struct spill_result){ .is_damaged = why->kind == FAILURE_PERMANENT,
                                          .reason = arena_str(batch->arena, str_from_c(why->text)) };
}

/* ---- reading the frame ---- */

static bool load_frame(const struct spill_item *item, struct strbuf *bytes, struct failure *why)
{
    char path[SEGMENT_PATH_SIZE];
    size_t count = 0;
    char *room;
    int fd;

    segment_path((unsigned) item->segment, path);
    if (!file_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd, why))
        return false;
    room = strbuf_reserve(bytes, (size_t) item->length);
    if (room == NULL || !file_read_at(fd, path, room, (size_t) item->length, item->offset, &count, why)) {
        fd_close(&fd);
        return room != NULL ? false : failure_set(why, FAILURE_PERMANENT, 0, "%s: frame is too large", path);
    }
    strbuf_extend(bytes, count);
    fd_close(&fd);
    return true;
}

static bool read_header(unsigned number, struct seal *seal_out, struct failure *why)
{
    struct segment_header header;
    bool is_read;
    int fd;

    if (!segment_open(number, &fd, why))
        return false;
    is_read = segment_read_header(fd, number, &header, why) || ledger_find_salt(number, &header, why);
    fd_close(&fd);
    if (is_read)
        segment_seal(&header, seal_out);
    return is_read;
}

static bool read_frame(const struct spill_item *item, struct queue_id id, struct strbuf *bytes, struct str *payload_out,
                       struct failure *why)
{
    struct frame frame;
    struct seal seal;

    if (item->segment == 0 || item->segment > SEGMENT_NUMBER_MAXIMUM)
        return failure_set(why, FAILURE_PERMANENT, 0, "no such segment");
    if (!read_header((unsigned) item->segment, &seal, why) || !load_frame(item, bytes, why))
        return false;
    if (!frame_decode(strbuf_str(bytes), item->offset, &seal, &frame) || !queue_id_equal(frame.id, id) ||
        frame.length > bytes->len - FRAME_HEADER_SIZE)
        return failure_set(why, FAILURE_PERMANENT, 0, "no such frame");
    *payload_out = str_part(strbuf_str(bytes), FRAME_HEADER_SIZE, (size_t) frame.length);
    if (seal_digest(&seal, *payload_out) != frame.digest)
        return failure_set(why, FAILURE_PERMANENT, 0, "the frame is damaged");
    return true;
}

/* ---- writing the file ---- */

static void apply_outcomes(const struct spill_item *item, struct envelope *envelope)
{
    const struct spill_outcome *outcomes = item->outcomes.items;

    for (size_t i = 0; i < item->outcomes.count; i++) {
        struct envelope_recipient *recipient;

        if (outcomes[i].index >= envelope->recipient_count || outcomes[i].status > RECIPIENT_RETURNED)
            continue;
        recipient = &envelope->recipients[outcomes[i].index];
        recipient->status = (enum recipient_status) outcomes[i].status;
        recipient->reason = outcomes[i].reason;
        if (!dsn_status_parse(outcomes[i].dsn, &recipient->dsn))
            recipient->dsn = (struct dsn_status){ 0 };
    }
    envelope->flags |= (unsigned) item->add_flags;
}

/* One left by a crash of ours was never told to anybody: it has no end frame, or the frame still stands. */
static bool create_file(struct job *job, struct failure *why)
{
    struct failure reason;

    if (queue_file_create(job->path, job->id, &job->writer, &reason))
        return true;
    if (reason.error == EEXIST && spool_remove(job->path, why))
        return queue_file_create(job->path, job->id, &job->writer, why);
    *why = reason;
    return false;
}

static bool write_file(struct batch *batch, struct job *job, struct str payload, struct failure *why)
{
    struct envelope envelope;
    struct str encoded;
    struct str content;

    if (!segment_message(payload, &encoded, &content))
        return failure_set(why, FAILURE_PERMANENT, 0, "the frame holds no message");
    if (!envelope_decode(encoded, batch->arena, &envelope, why))
        return false;
    apply_outcomes(job->item, &envelope);
    return spool_make_folder(&batch->spool, job->queue, job->id, why) && create_file(job, why) &&
           queue_file_write(job->writer, content, why) &&
           queue_file_finish(job->writer, &envelope, job->item->next_attempt, why);
}

static void write_item(struct batch *batch, struct job *job)
{
    struct strbuf bytes;
    struct str payload;
    struct failure why;

    strbuf_init(&bytes, (size_t) 64 * 1024 * 1024 + 1);
    if (!queue_id_parse(job->item->queue_id, &job->id) || !spool_queue_parse(job->item->queue_name, &job->queue)) {
        (void) failure_set(&why, FAILURE_PERMANENT, 0, "malformed request");
        refuse(batch, job, &why);
    } else {
        spool_path(&batch->spool, job->queue, job->id, job->path);
        spool_folder(&batch->spool, job->queue, job->id, job->folder);
        if (!read_frame(job->item, job->id, &bytes, &payload, &why) || !write_file(batch, job, payload, &why))
            refuse(batch, job, &why);
    }
    strbuf_done(&bytes);
}

/* ---- making it durable ---- */

static bool sync_all(struct batch *batch)
{
    struct instant start = clock_monotonic();
    struct failure ignored;

    if (batch->syncfs_fd < 0)
        return false;
    if (!file_sync_filesystem(batch->syncfs_fd, ".", &ignored)) {
        batch->syncfs_failed = true;
        return false;
    }
    batch->syncfs_took = instant_since(clock_monotonic(), start);
    return true;
}

static bool is_first_of_folder(const struct job *jobs, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (jobs[i].writer != NULL && strcmp(jobs[i].folder, jobs[place].folder) == 0)
            return false;
    }
    return true;
}

static void refuse_folder(struct batch *batch, struct job *jobs, size_t count, const char *folder,
                          const struct failure *why)
{
    char name[SPOOL_PATH_SIZE];

    memcpy(name, folder, sizeof(name));
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].writer != NULL && strcmp(jobs[i].folder, name) == 0)
            refuse(batch, &jobs[i], why);
    }
}

static void sync_each(struct batch *batch, struct job *jobs, size_t count)
{
    struct failure why;

    for (size_t i = 0; i < count; i++) {
        if (jobs[i].writer != NULL && !queue_file_sync(jobs[i].writer, &why))
            refuse(batch, &jobs[i], &why);
    }
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].writer != NULL && is_first_of_folder(jobs, i) && !file_sync_directory(jobs[i].folder, &why))
            refuse_folder(batch, jobs, count, jobs[i].folder, &why);
    }
}

void batch_write(struct batch *batch)
{
    const struct spill_item *items = batch->request->items.items;
    size_t count = batch->request->items.count;
    struct job *jobs = memory_alloc_array(count, sizeof(*jobs));

    for (size_t i = 0; i < count; i++) {
        jobs[i].item = &items[i];
        jobs[i].result = &batch->results[i];
        write_item(batch, &jobs[i]);
    }
    if (count > 0 && !sync_all(batch))
        sync_each(batch, jobs, count);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].writer == NULL)
            continue;
        jobs[i].result->is_done = true;
        queue_file_close(&jobs[i].writer);
    }
    memory_free(jobs);
}
