/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dnsbl_filter.h"

#include "base/cursor.h"

enum { OCTETS = 4, OCTET_MAXIMUM = 255 };

static bool take_number(struct cursor *cursor, unsigned *number_out)
{
    uint64_t number;

    if (!cursor_take_uint64(cursor, &number) || number > OCTET_MAXIMUM)
        return false;
    *number_out = (unsigned) number;
    return true;
}

static void allow(uint8_t allowed[32], unsigned first, unsigned last)
{
    for (unsigned value = first; value <= last; value++)
        allowed[value / 8] = (uint8_t) (allowed[value / 8] | 1U << value % 8);
}

/* "3" or "8..10" */
static bool take_range(struct cursor *cursor, uint8_t allowed[32])
{
    unsigned first, last;

    if (!take_number(cursor, &first))
        return false;
    last = first;
    if (cursor_skip_str(cursor, STR("..")) && (!take_number(cursor, &last) || last < first))
        return false;
    allow(allowed, first, last);
    return true;
}

static bool take_octet(struct cursor *cursor, uint8_t allowed[32])
{
    unsigned number;

    if (!cursor_skip_char(cursor, '[')) {
        if (!take_number(cursor, &number))
            return false;
        allow(allowed, number, number);
        return true;
    }
    do {
        if (!take_range(cursor, allowed))
            return false;
    } while (cursor_skip_char(cursor, ';'));
    return cursor_skip_char(cursor, ']');
}

bool dnsbl_filter_parse(struct str text, struct dnsbl_filter *filter_out, struct failure *why)
{
    struct cursor cursor = cursor_over(text);
    unsigned taken = 0;

    *filter_out = (struct dnsbl_filter){ 0 };
    while (taken < OCTETS && (taken == 0 || cursor_skip_char(&cursor, '.')) &&
           take_octet(&cursor, filter_out->allowed[taken]))
        taken++;
    if (taken == OCTETS && cursor_at_end(&cursor))
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0,
                       "bad filter \"%.*s\": need four numbers as in 127.0.0.[2;4..8], each from 0 to 255",
                       STR_ARG(text));
}

bool dnsbl_filter_has(const struct dnsbl_filter *filter, const struct ip_address *address)
{
    bool has = address->family == IP_V4;

    for (unsigned i = 0; has && i < OCTETS; i++)
        has = (filter->allowed[i][address->bytes[i] / 8] >> address->bytes[i] % 8 & 1) != 0;
    return has;
}
