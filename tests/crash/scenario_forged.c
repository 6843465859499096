/* SPDX-License-Identifier: Apache-2.0 */
/* The author of a message puts a frame into its body, where a scan looks if the message's own frame is torn. */

#include "scenario_parts.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/bytes.h"
#include "spool/segment.h"

#include <string.h>

enum { BODY = 7000 };

static void load_segment(struct strbuf *bytes)
{
    struct failure why;

    CHECK(file_load("journal/segment-001", bytes, &why));
}

/* Where the content of the message begins in the segment. */
static uint64_t content_place(const struct house *house, unsigned message)
{
    struct strbuf bytes, content;
    const char *found;
    uint64_t place;

    strbuf_init(&bytes, STRBUF_UNLIMITED);
    strbuf_init(&content, STRBUF_UNLIMITED);
    load_segment(&bytes);
    book_write(house->book, message, &content);
    found = memmem(bytes.data, bytes.len, content.data, content.len);
    CHECK(found != NULL);
    place = (uint64_t) (found - bytes.data);
    strbuf_done(&content);
    strbuf_done(&bytes);
    return place;
}

/* The author knows all of the format; the salt only if the scenario tells. */
static void seal_as_author(const struct house *house, struct seal *seal)
{
    struct segment_header header;
    struct strbuf bytes;

    strbuf_init(&bytes, STRBUF_UNLIMITED);
    load_segment(&bytes);
    CHECK(segment_header_decode(strbuf_str(&bytes), 1, &header));
    strbuf_done(&bytes);
    if (!house->tells_salt)
        header.salt = (struct seal_salt){ { 0 } };
    segment_seal(&header, seal);
}

static void put_forged_payload(struct strbuf *payload, struct queue_id id)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .id = id, .sender = STR("0@example.com") };
    unsigned char prefix[SEGMENT_MESSAGE_PREFIX] = { 0 };
    struct strbuf encoded;
    struct failure why;

    strbuf_init(&encoded, STRBUF_UNLIMITED);
    (void) envelope_add_recipient(&envelope, arena, STR("0@example.net"), STR_EMPTY, STR_EMPTY, 0);
    CHECK(envelope_encode(&envelope, &encoded, &why));
    bytes_put_u32(prefix, (uint32_t) encoded.len);
    strbuf_append_bytes(payload, prefix, sizeof(prefix));
    strbuf_append(payload, strbuf_str(&encoded));
    strbuf_append(payload, STR("nobody sent this"));
    strbuf_done(&encoded);
    arena_destroy(&arena);
}

/* A whole group that would stand at this place of the segment. */
static void put_forged_frame(const struct house *house, uint64_t place, struct strbuf *body)
{
    unsigned char header[FRAME_HEADER_SIZE];
    struct frame frame = { .type = FRAME_MESSAGE, .id = queue_id_make(12345, 1, false), .offset = place };
    struct strbuf payload;
    struct seal seal;

    strbuf_init(&payload, STRBUF_UNLIMITED);
    seal_as_author(house, &seal);
    put_forged_payload(&payload, frame.id);
    frame.length = payload.len;
    frame.digest = seal_digest(&seal, strbuf_str(&payload));
    frame.is_last = true;
    frame_encode(&frame, &seal, header);
    strbuf_append_bytes(body, header, sizeof(header));
    strbuf_append(body, strbuf_str(&payload));
    strbuf_done(&payload);
}

void scenario_forged(struct house *house)
{
    struct strbuf *body = memory_alloc(sizeof(*body));
    uint64_t first_frame, second_frame, second_content;
    unsigned message;

    house_open(house);
    message = book_add(house->book, BODY, 1);
    (void) house_accept(house, message, 0);
    house_settle(house);
    /* The next message stands a whole number of steps behind this one, and its content as far behind its frame. */
    first_frame = SEGMENT_STEP;
    second_frame = first_frame + (BODY + 2 * SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP - SEGMENT_STEP;
    while (second_frame < first_frame + BODY)
        second_frame += SEGMENT_STEP;
    second_content = second_frame + content_place(house, message) - first_frame + sizeof("Subject: 0\n\n") - 1;
    strbuf_init(body, STRBUF_UNLIMITED);
    while (second_content + body->len < second_frame + SEGMENT_STEP)
        strbuf_append_char(body, 'x');
    put_forged_frame(house, second_frame + SEGMENT_STEP, body);
    message = book_add(house->book, BODY, 1);
    house->book->messages[message].body = strbuf_str(body);
    (void) house_accept(house, message, 0);
    house_settle(house);
}
