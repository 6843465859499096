/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/file_values.h"

#include "base/strbuf.h"
#include "os/file.h"

enum { CONTENT_MAXIMUM = 1024 * 1024 * 1024 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool file_values_load(struct str names, struct arena *arena, struct str *content_out, struct failure *why)
{
    struct strbuf text;
    struct str word;
    bool is_done = true;

    strbuf_init(&text, CONTENT_MAXIMUM);
    while (is_done && str_next_word(&names, ", \t\r\n", &word)) {
        if (text.len > 0)
            strbuf_append_char(&text, '\n');
        is_done = file_load(arena_c(arena, word), &text, why);
    }
    if (is_done)
        *content_out = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return is_done;
}

struct str file_values_encode(struct str content, struct arena *arena)
{
    char *out = arena_alloc(arena, (content.len + 2) / 3 * 4 + 1);
    size_t len = 0;

    for (size_t i = 0; i < content.len; i += 3) {
        size_t count = content.len - i < 3 ? content.len - i : 3;
        uint32_t group = 0;

        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (j < count ? (uint8_t) content.data[i + j] : 0U);
        for (size_t j = 0; j < 4; j++)
            out[len++] = j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
    return str_make(out, len);
}

static bool digit_value(char c, uint32_t *value_out)
{
    size_t place = str_find_char(str_from_c(digits), c);

    *value_out = (uint32_t) place;
    return place != STR_NOT_FOUND;
}

/* Four characters, of which the last one or two of the last group may be "=". */
static bool decode_group(struct str group, bool is_last, char *out, size_t *len)
{
    size_t count = group.data[3] != '=' ? 4 : group.data[2] != '=' ? 3 : 2;
    uint32_t bits = 0;

    if (count < 4 && !is_last)
        return false;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = 0;

        if (i < count && !digit_value(group.data[i], &value))
            return false;
        bits = bits << 6 | value;
    }
    for (size_t i = 0; i + 1 < count; i++)
        out[(*len)++] = (char) (bits >> (16 - 8 * i) & 255);
    return true;
}

bool file_values_decode(struct str text, struct arena *arena, struct str *content_out)
{
    char *out = arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t len = 0;

    if (text.len % 4 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        if (!decode_group(str_part(text, i, 4), i + 4 == text.len, out, &len))
            return false;
    }
    *content_out = str_make(out, len);
    return true;
}
