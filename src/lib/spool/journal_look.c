/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/journal_look.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/ledger.h"
#include "spool/segment.h"

#include <fcntl.h>
#include <stdlib.h>

enum { LEDGER_BYTES_MAXIMUM = 256 << 20 };

struct record_row {
    struct ledger_record record;
    size_t place; /* in the ledger: a later record says more */
};

struct look {
    journal_seen *seen;
    void *context;
    struct failure *why;
    struct arena *arena; /* of one message */
    unsigned segment;
    struct record_row *rows;
    size_t count;
    size_t capacity;
    bool is_ended;
};

static void collect(void *context, const struct ledger_record *record)
{
    struct look *look = context;

    if (look->count == look->capacity) {
        look->capacity = look->capacity == 0 ? 1024 : look->capacity * 2;
        look->rows = memory_resize(look->rows, look->capacity * sizeof *look->rows);
    }
    look->rows[look->count] = (struct record_row){ *record, look->count };
    look->count++;
}

static int compare_rows(const void *left, const void *right)
{
    const struct record_row *a = left;
    const struct record_row *b = right;

    if (a->record.frame_offset != b->record.frame_offset)
        return a->record.frame_offset < b->record.frame_offset ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static bool load_ledger(struct look *look, const struct segment_header *header)
{
    char path[SEGMENT_PATH_SIZE];
    struct strbuf bytes;
    struct seal seal;
    bool is_good = true;

    look->count = 0;
    segment_ledger_path(header->number, path);
    if (!file_exists(path))
        return true;
    strbuf_init(&bytes, LEDGER_BYTES_MAXIMUM);
    is_good = file_load(path, &bytes, look->why);
    seal_init(&seal, &header->salt, SEAL_CONTEXT_LEDGER + header->number);
    if (is_good)
        ledger_scan(strbuf_str(&bytes), &seal, collect, look);
    strbuf_done(&bytes);
    if (look->count > 0)
        qsort(look->rows, look->count, sizeof *look->rows, compare_rows);
    return is_good;
}

/* The first row of this frame. */
static size_t find_rows(const struct look *look, uint64_t frame_offset)
{
    size_t low = 0;
    size_t high = look->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (look->rows[middle].record.frame_offset < frame_offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void set_status(struct envelope *envelope, uint32_t number, enum recipient_status status)
{
    size_t i;

    if (number != LEDGER_WHOLE_MESSAGE && number >= envelope->recipient_count)
        return;
    for (i = 0; i < envelope->recipient_count; i++)
        if (number == LEDGER_WHOLE_MESSAGE || number == i)
            envelope->recipients[i].status = status;
}

/* False when nothing of the message is left to do here. */
static bool apply(struct envelope *envelope, const struct ledger_record *record)
{
    switch (record->type) {
    case LEDGER_MOVED:
    case LEDGER_DELETED:
        return false;
    case LEDGER_DELIVERED:
        set_status(envelope, record->recipient, RECIPIENT_DELIVERED);
        return true;
    case LEDGER_FAILED:
        set_status(envelope, record->recipient, RECIPIENT_FAILED);
        return true;
    case LEDGER_RETURNED:
        set_status(envelope, record->recipient, RECIPIENT_RETURNED);
        return true;
    case LEDGER_DEFERRED:
        return true;
    }
    return true;
}

static bool has_unfinished(const struct envelope *envelope)
{
    size_t i;

    for (i = 0; i < envelope->recipient_count; i++)
        if (envelope->recipients[i].status == RECIPIENT_PENDING || envelope->recipients[i].status == RECIPIENT_FAILED)
            return true;
    return false;
}

static bool see_frame(void *context, const struct frame *frame, struct str payload)
{
    struct look *look = context;
    struct journal_message message = { .segment = look->segment, .frame_offset = frame->offset };
    struct envelope envelope = { 0 };
    struct failure ignored;
    struct str encoded;
    size_t row;

    arena_reset(look->arena);
    if (!segment_message(payload, &encoded, &message.content) ||
        !envelope_decode(encoded, look->arena, &envelope, &ignored))
        return true;
    for (row = find_rows(look, frame->offset);
         row < look->count && look->rows[row].record.frame_offset == frame->offset; row++)
        if (!apply(&envelope, &look->rows[row].record))
            return true;
    if (!has_unfinished(&envelope))
        return true;
    message.envelope = &envelope;
    look->is_ended = !look->seen(look->context, &message);
    return !look->is_ended;
}

static bool look_into(struct look *look, int fd, const struct segment_header *header)
{
    struct segment_scan scan = { .frame = see_frame, .context = look };
    char path[SEGMENT_PATH_SIZE];
    struct seal seal;
    struct str bytes;

    if (header->size <= SEGMENT_STEP)
        return true;
    if (!load_ledger(look, header))
        return false;
    segment_path(header->number, path);
    if (!file_map(fd, path, header->size, &bytes, look->why))
        return false;
    look->segment = header->number;
    segment_seal(header, &seal);
    scan.seal = &seal;
    segment_scan(&scan, str_from(bytes, SEGMENT_STEP), SEGMENT_STEP);
    file_unmap(bytes);
    return true;
}

static bool look_at_segment(struct look *look, unsigned number)
{
    CLEANUP(fd_close) int fd = -1;
    struct segment_header header;
    struct stat status;
    char path[SEGMENT_PATH_SIZE];

    segment_path(number, path);
    if (!file_open(path, O_RDONLY, 0, &fd, look->why) || !file_stat_fd(fd, path, &status, look->why))
        return false;
    /* What is no segment is the queue manager's to judge; there is nothing to see in it. */
    if (!segment_read_header(fd, number, &header, look->why) || !header.is_live ||
        (uint64_t) status.st_size < header.size)
        return true;
    return look_into(look, fd, &header);
}

bool journal_look(journal_seen *seen, void *context, struct failure *why)
{
    struct look look = { .seen = seen, .context = context, .why = why, .arena = arena_create() };
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    size_t count = 0;
    bool is_good = segment_list(numbers, &count, why);
    size_t i;

    for (i = 0; is_good && !look.is_ended && i < count; i++)
        is_good = look_at_segment(&look, numbers[i]);
    memory_free(look.rows);
    arena_destroy(&look.arena);
    return is_good;
}

static bool settle_segment(unsigned number, struct failure *why)
{
    CLEANUP(fd_close) int segment_fd = -1;
    CLEANUP(fd_close) int fd = -1;
    struct segment_header header;
    char path[SEGMENT_PATH_SIZE];

    segment_ledger_path(number, path);
    if (!segment_open(number, &segment_fd, why))
        return false;
    if ((segment_read_header(segment_fd, number, &header, why) && !header.is_live) || !file_exists(path))
        return true;
    return file_open(path, O_RDWR, 0, &fd, why) && file_sync_data(fd, path, why);
}

bool journal_settle(struct failure *why)
{
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    size_t count = 0;

    if (!segment_list(numbers, &count, why))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!settle_segment(numbers[i], why))
            return false;
    }
    return true;
}

static void ignore_record(void *context, const struct ledger_record *record)
{
    (void) context;
    (void) record;
}

bool journal_strike_out(const struct journal_message *message, bool is_deleted, enum spool_queue queue,
                        struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct ledger_record record = {
        .frame_offset = message->frame_offset,
        .recipient = LEDGER_WHOLE_MESSAGE,
        .type = is_deleted ? LEDGER_DELETED : LEDGER_MOVED,
        .detail = (unsigned) queue,
        .seconds = instant_seconds(clock_now()),
        .id = message->envelope->id,
    };
    struct segment_header header;
    struct ledger *ledger = NULL;
    bool is_good;

    if (!segment_open(message->segment, &fd, why) || !segment_read_header(fd, message->segment, &header, why) ||
        !ledger_open(&header, ignore_record, NULL, &ledger, why))
        return false;
    is_good = ledger_append(ledger, &record, 1, why) && ledger_sync(ledger, why);
    ledger_close(&ledger);
    return is_good;
}
