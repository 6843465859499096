/* SPDX-License-Identifier: Apache-2.0 */
#include "table/network_pattern.h"

#include <stdarg.h>
#include <stdio.h>

/* An IPv4 network may be written mapped into IPv6, "[::ffff:127.0.0.0]/104", as stock main.cf files have it. */
enum { TEXT_MAX = 100, MAPPED_PREFIX_BITS = 96 };
#define SHOWN(text) (int) ((text).len > TEXT_MAX ? TEXT_MAX : (text).len), (text).data

PRINTF_LIKE(2, 3) static bool fail(char problem[NETWORK_PATTERN_PROBLEM_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void) vsnprintf(problem, NETWORK_PATTERN_PROBLEM_MAX, format, args);
    va_end(args);
    return false;
}

/* Clears what lies beyond the mask; true if nothing was there. */
static bool clear_host_bits(struct ip_address *network, unsigned bits)
{
    bool is_clean = true;

    for (size_t i = 0; i < ip_address_size(network); i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * (unsigned) i : 0;
        uint8_t mask = (uint8_t) (kept >= 8 ? 0xffU : 0xffU & (0xff00U >> kept));

        is_clean = is_clean && (network->bytes[i] & ~mask) == 0;
        network->bytes[i] &= mask;
    }
    return is_clean;
}

/* Takes [] off: "[a]", "[a/n]", "[a]/n". The mask goes to *mask_out, with data NULL if there is none. */
static bool strip_brackets(struct str text, struct str *address_out, struct str *mask_out,
                           char problem[NETWORK_PATTERN_PROBLEM_MAX])
{
    struct str inner = text;
    struct str after = STR_EMPTY;

    if (str_starts_with(text, STR("["))) {
        if (!str_cut(str_from(text, 1), ']', &inner, &after))
            return fail(problem, "missing ']' character after \"%.*s\"", SHOWN(text));
        if (after.len > 0 && after.data[0] != '/')
            return fail(problem, "garbage after \"%.*s]\"", (int) inner.len + 1, text.data);
    }
    if (!str_cut(inner, '/', address_out, mask_out))
        *mask_out = str_make(NULL, 0);
    if (after.len > 0)
        *mask_out = str_from(after, 1);
    return true;
}

bool network_pattern_parse(struct str text, struct network_pattern *pattern_out,
                           char problem[NETWORK_PATTERN_PROBLEM_MAX])
{
    struct network_pattern pattern = { 0 };
    struct str address;
    struct str mask;
    uint64_t bits = 0;

    if (!strip_brackets(text, &address, &mask, problem))
        return false;
    if (mask.data != NULL && !str_to_uint64(mask, &bits))
        return fail(problem, "bad mask value in \"%.*s\"", SHOWN(text));
    if (!ip_address_parse(address, &pattern.network)) {
        if (mask.data != NULL)
            return fail(problem, "bad network value in \"%.*s\"", SHOWN(text));
        return fail(problem, "bad address pattern: \"%.*s\"", SHOWN(text));
    }
    pattern.bits = 8 * (unsigned) ip_address_size(&pattern.network);
    if (mask.data == NULL) {
        *pattern_out = pattern;
        return true;
    }
    if (pattern.network.family == IP_V4 && str_contains_char(address, ':') && bits >= MAPPED_PREFIX_BITS)
        bits -= MAPPED_PREFIX_BITS;
    if (bits > pattern.bits)
        return fail(problem, "bad mask length in \"%.*s\"", SHOWN(text));
    pattern.bits = (unsigned) bits;
    if (!clear_host_bits(&pattern.network, pattern.bits)) {
        char network[IP_ADDRESS_TEXT_MAX];

        return fail(problem, "non-null host address bits in \"%.*s\", perhaps you should use \"%s/%u\" instead",
                    SHOWN(text), ip_address_format(&pattern.network, network), pattern.bits);
    }
    *pattern_out = pattern;
    return true;
}

bool network_pattern_matches(const struct network_pattern *pattern, const struct ip_address *address)
{
    return ip_address_in_network(address, &pattern->network, pattern->bits);
}
