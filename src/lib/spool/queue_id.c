/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_id.h"

#include "base/check.h"
#include "base/cursor.h"

#include <stdio.h>

/*
 * value: bit 63 is the spelling, bits 44 to 47 the writer, bits 0 to 43 the tick: seconds since 2025 and, in its
 * low 13 bits, the fraction. A value of all zeros is no id: the tick 0 is never given.
 */
enum { FRACTION_BITS = 13, SECOND_BITS = 31, WRITER_BITS = 4, TICK_BITS = FRACTION_BITS + SECOND_BITS };
enum { SHORT_DIGITS = 12, LONG_SECOND_DIGITS = 6, LONG_MICRO_DIGITS = 4, LONG_LEN = 12, LONG_BASE = 52 };

static const int64_t epoch_seconds = 1735689600; /* 2025-01-01 */
static const uint64_t long_bit = UINT64_C(1) << 63;
static const uint64_t tick_mask = (UINT64_C(1) << TICK_BITS) - 1;
static const uint64_t fraction_mask = (UINT64_C(1) << FRACTION_BITS) - 1;
static const char long_digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
static const char hex_digits[] = "0123456789ABCDEF";

struct queue_id queue_id_make(uint64_t tick, unsigned writer, bool is_long)
{
    CHECK(writer < QUEUE_ID_WRITERS && tick != 0 && tick <= tick_mask);
    return (struct queue_id){ tick | (uint64_t) writer << TICK_BITS | (is_long ? long_bit : 0) };
}

uint64_t queue_id_tick_at(struct instant t)
{
    uint64_t us;
    uint64_t tick;

    if (t.us <= epoch_seconds * 1000000)
        return 0;
    us = (uint64_t) (t.us - epoch_seconds * 1000000);
    tick = us / 1000000 << FRACTION_BITS | (us % 1000000 * (fraction_mask + 1) + 999999) / 1000000;
    return tick < tick_mask ? tick : tick_mask;
}

uint64_t queue_id_tick(struct queue_id id)
{
    return id.value & tick_mask;
}

unsigned queue_id_writer(struct queue_id id)
{
    return (unsigned) (id.value >> TICK_BITS) & (QUEUE_ID_WRITERS - 1);
}

static int64_t tick_seconds(struct queue_id id)
{
    return epoch_seconds + (int64_t) (queue_id_tick(id) >> FRACTION_BITS);
}

/* Rounded down, so that the tick is found again by rounding up. */
static uint64_t tick_microseconds(struct queue_id id)
{
    return (queue_id_tick(id) & fraction_mask) * 1000000 / (fraction_mask + 1);
}

struct instant queue_id_arrival(struct queue_id id)
{
    return (struct instant){ tick_seconds(id) * 1000000 + (int64_t) tick_microseconds(id) };
}

static void put_digits(char *at, size_t count, uint64_t value, const char *digits, unsigned base)
{
    for (size_t i = count; i > 0; i--) {
        at[i - 1] = digits[value % base];
        value /= base;
    }
}

static bool take_digits(struct str text, const char *digits, unsigned base, uint64_t *value_out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *place = memchr(digits, text.data[i], base);

        if (place == NULL)
            return false;
        value = value * base + (uint64_t) (place - digits);
    }
    *value_out = value;
    return true;
}

static uint64_t short_number(struct queue_id id)
{
    uint64_t tick = queue_id_tick(id);

    return (tick & fraction_mask) << (WRITER_BITS + SECOND_BITS) | (uint64_t) queue_id_writer(id) << SECOND_BITS |
           tick >> FRACTION_BITS;
}

static bool is_long(struct queue_id id)
{
    return (id.value & long_bit) != 0;
}

struct str queue_id_format(struct queue_id id, char text[QUEUE_ID_TEXT_SIZE])
{
    size_t len = is_long(id) ? LONG_LEN : SHORT_DIGITS;

    if (!is_long(id)) {
        put_digits(text, SHORT_DIGITS, short_number(id), hex_digits, 16);
    } else {
        put_digits(text, LONG_SECOND_DIGITS, (uint64_t) tick_seconds(id), long_digits, LONG_BASE);
        put_digits(text + LONG_SECOND_DIGITS, LONG_MICRO_DIGITS, tick_microseconds(id), long_digits, LONG_BASE);
        text[LONG_SECOND_DIGITS + LONG_MICRO_DIGITS] = 'z';
        put_digits(text + LONG_LEN - 1, 1, queue_id_writer(id), long_digits, LONG_BASE - 1);
    }
    text[len] = '\0';
    return str_make(text, len);
}

static bool parse_short(struct str text, struct queue_id *id_out)
{
    uint64_t number;
    uint64_t tick;

    if (!take_digits(text, hex_digits, 16, &number))
        return false;
    tick = (number & ((UINT64_C(1) << SECOND_BITS) - 1)) << FRACTION_BITS | number >> (WRITER_BITS + SECOND_BITS);
    if (tick == 0)
        return false;
    *id_out = queue_id_make(tick, (unsigned) (number >> SECOND_BITS) & (QUEUE_ID_WRITERS - 1), false);
    return true;
}

static bool parse_long(struct str text, struct queue_id *id_out)
{
    uint64_t second;
    uint64_t micro;
    uint64_t writer;
    struct queue_id id;
    char again[QUEUE_ID_TEXT_SIZE];
    uint64_t tick;

    if (text.data[LONG_SECOND_DIGITS + LONG_MICRO_DIGITS] != 'z' ||
        !take_digits(str_part(text, 0, LONG_SECOND_DIGITS), long_digits, LONG_BASE, &second) ||
        !take_digits(str_part(text, LONG_SECOND_DIGITS, LONG_MICRO_DIGITS), long_digits, LONG_BASE, &micro) ||
        !take_digits(str_from(text, LONG_LEN - 1), long_digits, LONG_BASE - 1, &writer) || micro >= 1000000 ||
        writer >= QUEUE_ID_WRITERS)
        return false;
    tick = queue_id_tick_at((struct instant){ (int64_t) (second * 1000000 + micro) });
    if (tick == 0)
        return false;
    id = queue_id_make(tick, (unsigned) writer, true);
    if (!str_equal(queue_id_format(id, again), text))
        return false;
    *id_out = id;
    return true;
}

bool queue_id_parse(struct str text, struct queue_id *id_out)
{
    if (text.len != SHORT_DIGITS)
        return false;
    return parse_short(text, id_out) || parse_long(text, id_out);
}

void queue_id_hash_digits(struct queue_id id, char digits[QUEUE_ID_HASH_DIGITS + 1])
{
    char text[QUEUE_ID_TEXT_SIZE];

    if (is_long(id))
        put_digits(text, 5, tick_microseconds(id), hex_digits, 16);
    else
        queue_id_format(id, text);
    memcpy(digits, text, QUEUE_ID_HASH_DIGITS);
    digits[QUEUE_ID_HASH_DIGITS] = '\0';
}

bool queue_id_next(struct queue_id_source *source, struct instant now, struct queue_id *id_out)
{
    uint64_t tick = queue_id_tick_at(now);

    if (tick <= source->last_tick)
        tick = source->last_tick + 1;
    if (tick > source->ceiling || tick > tick_mask)
        return false;
    source->last_tick = tick;
    *id_out = queue_id_make(tick, source->writer, source->is_long);
    return true;
}
