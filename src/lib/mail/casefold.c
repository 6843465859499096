/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/casefold.h"

#include "base/strbuf.h"
#include "mail/casefold_table.h"
#include "mail/domain.h"
#include "mail/utf8.h"

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
            utf8_append(out, string->folded[i]);
        return;
    }
    range = bsearch(&code, casefold_ranges, casefold_ranges_count, sizeof *range, compare_range);
    if (range != NULL && (code - range->first) % range->stride == 0)
        code = (uint32_t) ((int32_t) code + range->delta);
    utf8_append(out, code);
}

struct str casefold(struct arena *arena, struct str text)
{
    struct strbuf out;
    struct str folded;

    if (domain_is_ascii(text) || !domain_is_utf8(text))
        return arena_lower(arena, text);
    strbuf_init(&out, STRBUF_UNLIMITED);
    while (text.len > 0)
        append_folded(&out, utf8_take(&text));
    folded = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return folded;
}
