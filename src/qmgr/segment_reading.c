/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/segment_reading.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/queue_file.h"
#include "spool/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { CACHED_MAXIMUM = 4 * 1024 * 1024, PATH_SIZE = 80 };

const struct ledger_record *ledger_records_of(const struct ledger_record *past, size_t past_count, uint64_t offset,
                                              size_t *count_out)
{
    size_t low = 0;
    size_t high = past_count;
    size_t count = 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (past[middle].frame_offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + count < past_count && past[low + count].frame_offset == offset)
        count++;
    *count_out = count;
    return count > 0 ? &past[low] : NULL;
}

/* ---- is it finished ---- */

static size_t count_finished(const struct ledger_record *records, size_t count, struct envelope *envelope)
{
    size_t finished = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t recipient = records[i].recipient;

        if (recipient < envelope->recipient_count &&
            (records[i].type == LEDGER_DELIVERED || records[i].type == LEDGER_RETURNED))
            envelope->recipients[recipient].status = RECIPIENT_DELIVERED;
    }
    for (size_t i = 0; i < envelope->recipient_count; i++)
        finished += envelope->recipients[i].status == RECIPIENT_DELIVERED;
    return finished;
}

static bool all_recipients_finished(const struct ledger_record *records, size_t count, struct str payload)
{
    struct arena *arena = arena_create();
    struct envelope envelope;
    struct failure ignored;
    struct str encoded;
    struct str content;
    bool is_finished = segment_message(payload, &encoded, &content) &&
                       envelope_decode(encoded, arena, &envelope, &ignored) &&
                       count_finished(records, count, &envelope) == envelope.recipient_count;

    arena_destroy(&arena);
    return is_finished;
}

static bool is_finished(const struct segment_reading *reading, const struct frame *frame, struct str payload)
{
    size_t count;
    const struct ledger_record *records = ledger_records_of(reading->past, reading->past_count, frame->offset, &count);

    for (size_t i = 0; i < count; i++) {
        if (records[i].type == LEDGER_MOVED || records[i].type == LEDGER_DELETED)
            return true;
    }
    return count > 0 && all_recipients_finished(records, count, payload);
}

/* ---- is it outranked ---- */

static bool is_whole(const char *path, int *fd_out, struct failure *why)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    bool is_read = queue_file_open(path, arena, &envelope, &content, fd_out, why) &&
                   queue_file_verify_content(*fd_out, &content, why);

    arena_destroy(&arena);
    return is_read;
}

/* Whoever wrote it may have been killed before it was durable, and the frame will be given up for it. */
static bool make_durable(const char *path, int fd, struct failure *why)
{
    char folder[SPOOL_PATH_SIZE];

    snprintf(folder, sizeof(folder), "%.*s", (int) str_find_last_char(str_from_c(path), '/'), path);
    return file_sync(fd, path, why) && file_sync_directory(folder, why);
}

/*
 * A file that is not whole, content and all, was never the message's: it is taken out of the way, the frame counts. One
 * that cannot be made durable now does not count either.
 */
bool segment_reading_file_counts(const struct spool_settings *spool, struct queue_id id)
{
    char path[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure why;
    bool counts;
    int fd = -1;

    if (!spool_find(spool, id, &queue, path, &why))
        return false;
    counts = is_whole(path, &fd, &why);
    if (counts)
        counts = make_durable(path, fd, &why);
    else if (why.kind == FAILURE_PERMANENT)
        (void) !spool_remove(path, &why);
    fd_close(&fd);
    return counts;
}

/* ---- the scan ---- */

static bool take_frame(void *context, const struct frame *frame, struct str payload)
{
    struct segment_reading *reading = context;

    if (is_finished(reading, frame, payload))
        return true;
    if (reading->count == reading->capacity) {
        reading->capacity = reading->capacity == 0 ? 64 : reading->capacity * 2;
        reading->frames = memory_resize(reading->frames, reading->capacity * sizeof(*reading->frames));
    }
    reading->frames[reading->count++] =
        (struct found_frame){ .id = frame->id,
                              .offset = frame->offset,
                              .length = FRAME_HEADER_SIZE + frame->length,
                              .is_outranked =
                                  reading->is_careful && segment_reading_file_counts(&reading->spool, frame->id) };
    return true;
}

struct scan_context {
    struct segment_reading *reading;
    struct str bytes;
};

static bool scan_frame(void *context, const struct frame *frame, struct str payload)
{
    struct scan_context *scan = context;

    return take_frame(scan->reading, frame, payload);
}

bool segment_reading_save(const struct segment_header *header, uint64_t from, struct str bytes, struct failure *why)
{
    char path[PATH_SIZE];
    bool is_saved;
    int fd;

    snprintf(path, sizeof(path), "corrupt/segment-%03u.%llx.%llx", header->number,
             (unsigned long long) header->started.us, (unsigned long long) from);
    if (!file_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, &fd, why))
        return false;
    is_saved = file_write(fd, path, bytes, why) && file_sync(fd, path, why) && file_sync_directory("corrupt", why);
    fd_close(&fd);
    return is_saved;
}

static void scan_damage(void *context, uint64_t from, uint64_t to)
{
    struct scan_context *scan = context;
    struct segment_reading *reading = scan->reading;
    struct failure ignored;

    reading->damaged++;
    (void) !segment_reading_save(
        reading->header, from, str_part(scan->bytes, (size_t) (from - reading->from), (size_t) (to - from)), &ignored);
}

static void scan(struct segment_reading *reading, struct str bytes)
{
    struct scan_context context = { reading, bytes };
    const struct segment_scan segment_scan_of = {
        .seal = reading->seal, .frame = scan_frame, .damage = scan_damage, .context = &context
    };

    reading->end = segment_scan(&segment_scan_of, bytes, reading->from);
    reading->is_done = true;
}

size_t segment_reading_size(const struct segment_reading *reading)
{
    uint64_t to = reading->to < reading->header->size ? reading->to : reading->header->size;

    return to > reading->from ? (size_t) (to - reading->from) : 0;
}

/* Zeros for what the disk cannot read: they are taken for damage, and the rest is read. */
static bool read_around(const struct segment_reading *reading, const char *path, char *bytes, size_t size,
                        size_t *count_out, struct failure *why)
{
    if (file_read_at(reading->fd, path, bytes, size, reading->from, count_out, why))
        return true;
    if (why->error != EIO)
        return false;
    for (size_t at = 0; at < size; at += SEGMENT_STEP) {
        size_t part = size - at < SEGMENT_STEP ? size - at : SEGMENT_STEP;
        size_t count = 0;

        memset(bytes + at, 0, part);
        if (!file_read_at(reading->fd, path, bytes + at, part, reading->from + at, &count, why) && why->error != EIO)
            return false;
    }
    *count_out = size;
    return true;
}

void segment_reading_run(struct segment_reading *reading)
{
    size_t size = segment_reading_size(reading);
    char path[SEGMENT_PATH_SIZE];
    char *bytes;
    size_t count;

    segment_path(reading->number, path);
    /*
     * What a dead writer left in the page cache counts as durable only now. If the disk refuses, the mail still goes
     * out: at worst a power cut brings some of it back.
     */
    reading->is_unsynced = reading->to == UINT64_MAX && !file_sync_data(reading->fd, path, &reading->why);
    bytes = memory_resize(NULL, size + 1);
    if (read_around(reading, path, bytes, size, &count, &reading->why))
        scan(reading, str_make(bytes, count));
    memory_free(bytes);
}

bool segment_reading_run_cached(struct segment_reading *reading)
{
    size_t size = segment_reading_size(reading);
    char *bytes;
    bool is_cached;

    if (size > CACHED_MAXIMUM || reading->is_careful || reading->to == UINT64_MAX)
        return false;
    bytes = reading->room != NULL ? reading->room : memory_resize(NULL, size + 1);
    is_cached = file_read_cached_at(reading->fd, bytes, size, reading->from);
    if (is_cached)
        scan(reading, str_make(bytes, size));
    if (reading->room == NULL)
        memory_free(bytes);
    return is_cached;
}
