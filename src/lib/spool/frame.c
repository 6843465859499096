/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/frame.h"

#include "spool/bytes.h"

static const char magic[4] = { 'M', 'P', 'F', '1' };
static const uint64_t longest = UINT64_C(1) << 48;

enum { AT_TYPE = 4, AT_LAST = 5, AT_ID = 8, AT_OFFSET = 16, AT_LENGTH = 24, AT_DIGEST = 32, AT_SEAL = 40 };

void frame_encode(const struct frame *frame, const struct seal *seal, unsigned char header[FRAME_HEADER_SIZE])
{
    memset(header, 0, FRAME_HEADER_SIZE);
    memcpy(header, magic, sizeof(magic));
    header[AT_TYPE] = (unsigned char) frame->type;
    header[AT_LAST] = frame->is_last;
    bytes_put_u64(header + AT_ID, frame->id.value);
    bytes_put_u64(header + AT_OFFSET, frame->offset);
    bytes_put_u64(header + AT_LENGTH, frame->length);
    bytes_put_u64(header + AT_DIGEST, frame->digest);
    bytes_put_u64(header + AT_SEAL, seal_digest(seal, str_make((const char *) header, AT_SEAL)));
}

bool frame_decode(struct str bytes, uint64_t offset, const struct seal *seal, struct frame *frame_out)
{
    const unsigned char *at = (const unsigned char *) bytes.data;

    if (bytes.len < FRAME_HEADER_SIZE || memcmp(at, magic, sizeof(magic)) != 0)
        return false;
    if (bytes_get_u64(at + AT_OFFSET) != offset || bytes_get_u64(at + AT_LENGTH) >= longest ||
        bytes_get_u64(at + AT_SEAL) != seal_digest(seal, str_part(bytes, 0, AT_SEAL)))
        return false;
    if (at[AT_TYPE] < FRAME_MESSAGE || at[AT_TYPE] > FRAME_STATUS)
        return false;
    *frame_out = (struct frame){ .type = (enum frame_type) at[AT_TYPE],
                                 .id = { bytes_get_u64(at + AT_ID) },
                                 .offset = offset,
                                 .length = bytes_get_u64(at + AT_LENGTH),
                                 .digest = bytes_get_u64(at + AT_DIGEST),
                                 .is_last = at[AT_LAST] != 0 };
    return true;
}

uint64_t frame_find(struct str bytes, uint64_t from)
{
    uint64_t at = frame_align(from);

    while (at + FRAME_HEADER_SIZE <= bytes.len && memcmp(bytes.data + at, magic, sizeof(magic)) != 0)
        at += FRAME_ALIGNMENT;
    return at < bytes.len ? at : bytes.len;
}
