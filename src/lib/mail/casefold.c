/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/casefold.h"

#include "base/strbuf.h"
#include "mail/casefold_table.h"
#include "mail/domain.h"

#include <stdlib.h>

static int compare_range(const void *key, const void *item)
{
    uint32_t code = *(const uint32_t *) key;
    const struct casefold_range *range = item;

    return code < range->first ? -1 : code > range->last;
}

static int compare_string(const void *key, const void *item)
{
    uint32_t code = *(const uint32_t *) key;
    const struct casefold_string *string = item;

    return code < string->code ? -1 : code > string->code;
}

static void append_code(struct strbuf *out, uint32_t code)
{
    if (code < 0x80) {
        strbuf_append_char(out, (char) code);
        return;
    }
    if (code < 0x800) {
        strbuf_append_char(out, (char) (0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            strbuf_append_char(out, (char) (0xe0 | code >> 12));
        } else {
            strbuf_append_char(out, (char) (0xf0 | code >> 18));
            strbuf_append_char(out, (char) (0x80 | (code >> 12 & 0x3f)));
        }
        strbuf_append_char(out, (char) (0x80 | (code >> 6 & 0x3f)));
    }
    strbuf_append_char(out, (char) (0x80 | (code & 0x3f)));
}

static void append_folded(struct strbuf *out, uint32_t code)
{
    const struct casefold_string *string;
    const struct casefold_range *range;

    if (code < 0x80) {
        strbuf_append_char(out, char_to_lower((char) code));
        return;
    }
    string = bsearch(&code, casefold_strings, casefold_strings_count, sizeof *string, compare_string);
    if (string != NULL) {
        for (size_t i = 0; i < ARRAY_COUNT(string->folded) && string->folded[i] != 0; i++)
            append_code(out, string->folded[i]);
        return;
    }
    range = bsearch(&code, casefold_ranges, casefold_ranges_count, sizeof *range, compare_range);
    if (range != NULL && (code - range->first) % range->stride == 0)
        code = (uint32_t) ((int32_t) code + range->delta);
    append_code(out, code);
}

/* Of well-formed UTF-8 that is not empty. */
static uint32_t take_code(struct str *text)
{
    unsigned char first = (unsigned char) text->data[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t code = len == 1 ? first : first & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char) text->data[i] & 0x3fu);
    *text = str_from(*text, len);
    return code;
}

struct str casefold(struct arena *arena, struct str text)
{
    struct strbuf out;
    struct str folded;

    if (domain_is_ascii(text) || !domain_is_utf8(text))
        return arena_lower(arena, text);
    strbuf_init(&out, STRBUF_UNLIMITED);
    while (text.len > 0)
        append_folded(&out, take_code(&text));
    folded = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return folded;
}
