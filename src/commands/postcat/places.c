/* SPDX-License-Identifier: Apache-2.0 */
#include "postcat/places.h"

#include "os/file.h"
#include "spool/bytes.h"
#include "spool/envelope.h"
#include "spool/queue_file_reader.h"

struct walk {
    place_told *told;
    void *context;
    bool is_over;
};

static bool tell(struct walk *walk, const struct frame *frame, unsigned tag, uint64_t offset, struct str value)
{
    const struct place_record record = { frame->type, tag, offset, value };

    walk->is_over = walk->is_over || !walk->told(walk->context, &record);
    return !walk->is_over;
}

/* base: where bytes begin in the file. Recipients frames have no version byte. */
static void walk_fields(struct walk *walk, const struct frame *frame, struct str bytes, uint64_t base)
{
    size_t version = frame->type == FRAME_RECIPIENTS ? 0 : 1;
    struct cursor cursor = cursor_over(str_from(bytes, version));

    while (!walk->is_over && cursor.rest.len > 0) {
        uint64_t offset = base + (bytes.len - cursor.rest.len);
        struct str value;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value) || !tell(walk, frame, tag, offset, value))
            return;
    }
}

static bool walk_frames(struct queue_file_reader *reader, struct walk *walk, struct failure *why)
{
    struct frame frame = reader->content;

    if (!tell(walk, &frame, 0, frame.offset, STR_EMPTY))
        return true;
    while (!walk->is_over && frame_end(&frame) + FRAME_HEADER_SIZE <= reader->size) {
        uint64_t at = frame_end(&frame);

        /* A torn frame behind the end mark is no part of the message. */
        if (!queue_file_reader_frame(reader, at, &frame, why))
            return true;
        if (!tell(walk, &frame, 0, frame.offset, STR_EMPTY))
            return true;
        if (!queue_file_reader_payload(reader, &frame, why))
            return false;
        walk_fields(walk, &frame, strbuf_str(&reader->payload), at + FRAME_HEADER_SIZE);
    }
    return true;
}

bool places_walk_file(int fd, place_told *told, void *context, struct failure *why)
{
    struct walk walk = { told, context, false };
    struct queue_file_reader reader;
    bool is_good = queue_file_reader_open(&reader, fd, why) && walk_frames(&reader, &walk, why);

    strbuf_done(&reader.payload);
    return is_good;
}

/* ---- what is asked for by name ---- */

static void add_recipient(struct places *places, uint64_t offset)
{
    if (places->recipient_count == places->recipient_capacity) {
        size_t capacity = places->recipient_capacity == 0 ? 64 : 2 * places->recipient_capacity;
        uint64_t *larger = arena_new_array(places->arena, capacity, uint64_t);

        if (places->recipient_count > 0)
            memcpy(larger, places->recipients, places->recipient_count * sizeof(*larger));
        places->recipients = larger;
        places->recipient_capacity = capacity;
    }
    places->recipients[places->recipient_count++] = offset;
}

static void note_frame(struct places *places, const struct place_record *record)
{
    if (record->frame == FRAME_CONTENT) {
        places->content_frame = record->offset;
        places->content = record->offset + FRAME_HEADER_SIZE;
    } else if (record->frame == FRAME_ENVELOPE) {
        places->envelope_frame = record->offset;
    } else if (record->frame == FRAME_END) {
        places->end_frame = record->offset;
    }
}

static bool note(void *context, const struct place_record *record)
{
    struct places *places = context;

    if (record->tag == 0)
        note_frame(places, record);
    else if (record->tag == PLACES_RECIPIENT && record->frame != FRAME_STATUS)
        add_recipient(places, record->offset);
    else if (record->frame != FRAME_STATUS && record->tag < PLACES_TAGS && places->of_tag[record->tag] == 0)
        places->of_tag[record->tag] = record->offset;
    return true;
}

bool places_of_file(int fd, struct arena *arena, struct places *places_out, struct failure *why)
{
    *places_out = (struct places){ .arena = arena };
    return places_walk_file(fd, note, places_out, why);
}

/* The payload: length of the envelope, 0, envelope, content. */
bool places_of_frame(int fd, uint64_t offset, struct arena *arena, struct places *places_out, struct failure *why)
{
    uint64_t at = offset + FRAME_HEADER_SIZE;
    const struct frame frame = { .type = FRAME_MESSAGE, .offset = offset };
    struct walk walk = { note, places_out, false };
    unsigned char head[8];
    uint32_t length;
    size_t count;
    char *bytes;

    *places_out = (struct places){ .arena = arena };
    if (!file_read_at(fd, "segment", head, sizeof head, at, &count, why))
        return false;
    length = count == sizeof head ? bytes_get_u32(head) : 0;
    if (length > ENVELOPE_MAXIMUM)
        return queue_file_damaged(why, "bad frame");
    bytes = arena_alloc(arena, (size_t) length + 1);
    if (!file_read_at(fd, "segment", bytes, length, at + sizeof head, &count, why))
        return false;
    walk_fields(&walk, &frame, str_make(bytes, count), at + sizeof head);
    places_out->content_frame = places_out->envelope_frame = places_out->end_frame = offset;
    places_out->content = at + sizeof head + length;
    return true;
}
