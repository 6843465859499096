/* SPDX-License-Identifier: Apache-2.0 */
/* Segments, ledgers and envelopes: no bytes of a disk may crash recovery, or make it read beyond them. */

#include "spool/segment.h"
#include "spool/envelope.h"
#include "spool/ledger.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_frame(void *context, const struct frame *frame, struct str payload)
{
    struct arena *arena = arena_create();
    struct envelope decoded;
    struct failure why;
    struct str envelope;
    struct str content;

    (void) context;
    (void) frame;
    if (segment_message(payload, &envelope, &content))
        (void) !envelope_decode(envelope, arena, &decoded, &why);
    arena_destroy(&arena);
    return true;
}

static void take_damage(void *context, uint64_t from, uint64_t to)
{
    (void) context;
    if (from >= to)
        abort();
}

static void take_record(void *context, const struct ledger_record *record)
{
    (void) context;
    (void) record;
}

/* The fuzzer cannot guess checksums: it writes frames through the seal, and the rest as it likes. */
static void scan_sealed(struct str body, const struct seal *seal)
{
    struct strbuf bytes;
    unsigned char header[FRAME_HEADER_SIZE];
    struct frame frame = { .type = FRAME_MESSAGE, .id = { 77 }, .offset = SEGMENT_STEP, .length = body.len };
    struct segment_scan scan = { .seal = seal, .frame = take_frame, .damage = take_damage };

    strbuf_init(&bytes, STRBUF_UNLIMITED);
    frame.digest = seal_digest(seal, body);
    frame_encode(&frame, seal, header);
    strbuf_append_bytes(&bytes, header, sizeof(header));
    strbuf_append(&bytes, body);
    (void) segment_scan(&scan, strbuf_str(&bytes), SEGMENT_STEP);
    strbuf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *) data, size);
    static const struct seal_salt salt = { { 1, 2, 3 } };
    struct segment_scan scan = { .frame = take_frame, .damage = take_damage };
    struct arena *arena = arena_create();
    struct segment_header header;
    struct envelope envelope;
    struct failure why;
    struct seal seal;

    seal_init(&seal, &salt, 1);
    scan.seal = &seal;
    (void) segment_scan(&scan, bytes, SEGMENT_STEP);
    (void) ledger_scan(bytes, &seal, take_record, NULL);
    (void) !segment_header_decode(bytes, 1, &header);
    (void) !envelope_decode(bytes, arena, &envelope, &why);
    scan_sealed(bytes, &seal);
    arena_destroy(&arena);
    return 0;
}
