/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_BYTES_H
#define SPOOL_BYTES_H

#include "base/cursor.h"
#include "base/strbuf.h"

/* bytes - the integers of the disk formats: little-endian of fixed width, and LEB128 (7 bits a byte, low first). */
static inline void bytes_put_u32(unsigned char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (unsigned char) (value >> (8 * i));
}

static inline void bytes_put_u64(unsigned char *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (unsigned char) (value >> (8 * i));
}

static inline uint32_t bytes_get_u32(const unsigned char *at)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t) at[i] << (8 * i);
    return value;
}

static inline uint64_t bytes_get_u64(const unsigned char *at)
{
    return bytes_get_u32(at) | (uint64_t) bytes_get_u32(at + 4) << 32;
}

enum { BYTES_LEB128_SIZE = 10 };

/* Writes at most BYTES_LEB128_SIZE bytes and returns how many. */
size_t bytes_put_leb128(unsigned char *at, uint64_t value);
bool bytes_append_leb128(struct strbuf *out, uint64_t value);
/* False, and the cursor stays, when the number does not end or does not fit. */
MUST_USE bool bytes_take_leb128(struct cursor *cursor, uint64_t *value_out);

/*
 * Fields of the envelope and of status frames: tag (1 byte), length (LEB128), value. A number is a
 * field whose value is LEB128.
 */
bool bytes_append_field(struct strbuf *out, unsigned tag, struct str value);
bool bytes_append_number(struct strbuf *out, unsigned tag, uint64_t value);
MUST_USE bool bytes_take_field(struct cursor *cursor, unsigned *tag_out, struct str *value_out);
/* The whole value as one number. */
MUST_USE bool bytes_number(struct str value, uint64_t *number_out);

#endif
