/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_part.h"

#include "base/memory.h"
#include "spool/queue_file_reader.h"

/* ---- outcomes ---- */

/* What is known of the recipients of the whole message: a byte each. */
struct known {
    unsigned char *statuses;
    size_t total;
};

static bool note_status(void *context, const struct queue_file_outcome *outcome)
{
    const struct known *known = context;

    if (outcome->number >= known->total)
        return false;
    known->statuses[outcome->number] = (unsigned char) outcome->status;
    return true;
}

/* Whatever does not check ends the row: it is a torn append. */
static bool visit_statuses(struct queue_file_reader *reader, const struct queue_file_place *place,
                           queue_file_status_visitor *visit, void *context, unsigned *flags, uint64_t *end_out,
                           struct failure *why)
{
    uint64_t at = place->statuses;

    while (at + FRAME_HEADER_SIZE <= reader->size && at < place->statuses_end) {
        struct frame frame;
        unsigned added;

        if (!queue_file_reader_frame(reader, at, &frame, why) ||
            (frame.type == FRAME_STATUS && !queue_file_reader_payload(reader, &frame, why))) {
            if (why->kind != FAILURE_PERMANENT)
                return false;
            break;
        }
        if (frame.type != FRAME_STATUS)
            break;
        if (!queue_file_status_visit(strbuf_str(&reader->payload), visit, context, &added))
            return queue_file_damaged(why, "bad status");
        *flags |= added;
        at = frame_end(&frame);
    }
    *end_out = at;
    return true;
}

static bool find_known(struct queue_file_reader *reader, const struct queue_file_place *place, struct known *known,
                       unsigned *flags, uint64_t *end_out, struct failure *why)
{
    *known = (struct known){ memory_alloc(place->total + 1), place->total };
    return visit_statuses(reader, place, note_status, known, flags, end_out, why);
}

/* ---- looking through it ---- */

static bool read_head(struct queue_file_reader *reader, struct arena *arena, struct envelope *envelope,
                      struct frame *frame_out, struct failure *why)
{
    if (!queue_file_reader_frame(reader, frame_end(&reader->content), frame_out, why))
        return false;
    if (frame_out->type != FRAME_ENVELOPE)
        return queue_file_damaged(why, "no envelope");
    return queue_file_reader_payload(reader, frame_out, why) &&
           envelope_decode(strbuf_str(&reader->payload), arena, envelope, why) &&
           (envelope->id.value == reader->header.id.value || queue_file_damaged(why, "envelope of another message"));
}

/* One frame's recipients at a time are in memory. */
static bool count_recipients(struct queue_file_reader *reader, struct frame frame, struct queue_file_place *start,
                             struct failure *why)
{
    struct arena *arena = arena_create();
    bool is_good;

    start->frame = frame_end(&frame);
    for (;;) {
        struct envelope some = { 0 };

        is_good = queue_file_reader_frame(reader, frame_end(&frame), &frame, why);
        if (!is_good || frame.type == FRAME_END)
            break;
        arena_reset(arena);
        is_good = (frame.type == FRAME_RECIPIENTS || queue_file_damaged(why, "frames out of order")) &&
                  queue_file_reader_payload(reader, &frame, why) &&
                  envelope_decode_recipients(strbuf_str(&reader->payload), arena, &some, why);
        if (!is_good)
            break;
        start->total += some.recipient_count;
    }
    start->statuses = frame_end(&frame);
    arena_destroy(&arena);
    return is_good;
}

static void count_statuses(const struct known *known, struct queue_file_survey *survey)
{
    for (size_t i = 0; i < known->total; i++) {
        survey->pending += known->statuses[i] == RECIPIENT_PENDING;
        survey->failed += known->statuses[i] == RECIPIENT_FAILED;
    }
}

static bool look_through(struct queue_file_reader *reader, struct arena *arena, struct envelope *envelope,
                         struct queue_file_survey *survey, struct failure *why)
{
    struct queue_file_place *start = &survey->start;
    struct known known = { 0 };
    struct frame frame;
    bool is_good;

    if (!read_head(reader, arena, envelope, &frame, why) || !count_recipients(reader, frame, start, why))
        return false;
    start->statuses_end = UINT64_MAX;
    is_good = find_known(reader, start, &known, &envelope->flags, &start->statuses_end, why);
    if (is_good)
        count_statuses(&known, survey);
    memory_free(known.statuses);
    survey->content = (struct queue_file_content){ QUEUE_FILE_CONTENT_AT, reader->content.length };
    return is_good;
}

bool queue_file_survey(int fd, struct arena *arena, struct envelope *envelope_out, struct queue_file_survey *survey_out,
                       struct failure *why)
{
    struct queue_file_survey survey = { 0 };
    struct queue_file_reader reader;
    struct envelope envelope;
    bool is_good = queue_file_reader_open(&reader, fd, why) && look_through(&reader, arena, &envelope, &survey, why);

    if (is_good) {
        *envelope_out = envelope;
        *survey_out = survey;
    }
    strbuf_done(&reader.payload);
    return is_good;
}

/* ---- a part ---- */

struct part {
    struct queue_file_reader reader;
    struct queue_file_place place;
    struct known known;
    unsigned statuses;
    size_t most;
    struct arena *arena;
    struct envelope *envelope;
    size_t *numbers;
};

static void take_recipient(struct part *part, const struct envelope_recipient *from)
{
    struct envelope_recipient *recipient = envelope_add_recipient(part->envelope, part->arena, from->address,
                                                                  from->original, from->dsn_original, from->dsn_notify);

    recipient->status = (enum recipient_status) part->known.statuses[part->place.number];
    recipient->unknown = arena_str(part->arena, from->unknown);
    part->numbers[part->envelope->recipient_count - 1] = part->place.number;
}

/* True when the frame is done with. */
static bool take_from(struct part *part, const struct envelope *some)
{
    for (size_t i = part->place.skip; i < some->recipient_count; i++) {
        if (part->envelope->recipient_count >= part->most)
            return false;
        if ((part->statuses & 1U << part->known.statuses[part->place.number]) != 0)
            take_recipient(part, &some->recipients[i]);
        part->place.skip++;
        part->place.number++;
    }
    return true;
}

static bool take_frames(struct part *part, struct failure *why)
{
    struct arena *arena = arena_create();
    bool is_good = true;

    while (is_good && part->envelope->recipient_count < part->most && part->place.number < part->place.total) {
        struct envelope some = { 0 };
        struct frame frame;

        arena_reset(arena);
        is_good = queue_file_reader_frame(&part->reader, part->place.frame, &frame, why) &&
                  (frame.type == FRAME_RECIPIENTS || queue_file_damaged(why, "frames out of order")) &&
                  queue_file_reader_payload(&part->reader, &frame, why) &&
                  envelope_decode_recipients(strbuf_str(&part->reader.payload), arena, &some, why) &&
                  (some.recipient_count <= part->place.total - part->place.number + part->place.skip ||
                   queue_file_damaged(why, "has grown"));
        if (is_good && take_from(part, &some)) {
            part->place.frame = frame_end(&frame);
            part->place.skip = 0;
        }
    }
    arena_destroy(&arena);
    return is_good;
}

/* The numbers are in order. */
static bool note_outcome(void *context, const struct queue_file_outcome *outcome)
{
    const struct part *part = context;
    struct envelope_recipient *recipient;
    size_t low = 0;
    size_t high = part->envelope->recipient_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (part->numbers[middle] < outcome->number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == part->envelope->recipient_count || part->numbers[low] != outcome->number)
        return true;
    recipient = &part->envelope->recipients[low];
    recipient->dsn = outcome->dsn;
    recipient->reason = arena_str(part->arena, outcome->reason);
    return true;
}

static bool read_part(struct part *part, struct failure *why)
{
    unsigned flags = 0;
    uint64_t end;

    return find_known(&part->reader, &part->place, &part->known, &flags, &end, why) && take_frames(part, why) &&
           visit_statuses(&part->reader, &part->place, note_outcome, part, &flags, &end, why);
}

bool queue_file_read_part(int fd, struct queue_file_place *place, unsigned statuses, size_t most, struct arena *arena,
                          struct envelope *envelope, size_t **numbers_out, struct failure *why)
{
    size_t left = place->total - place->number;
    struct part part = { .place = *place, .statuses = statuses, .arena = arena, .envelope = envelope };
    bool is_read;

    part.most = most < left ? most : left;
    part.numbers = arena_new_array(arena, part.most + 1, size_t);
    is_read = queue_file_reader_open(&part.reader, fd, why) && read_part(&part, why);
    if (is_read) {
        *place = part.place;
        *numbers_out = part.numbers;
    }
    memory_free(part.known.statuses);
    strbuf_done(&part.reader.payload);
    return is_read;
}
