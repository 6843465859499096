/* SPDX-License-Identifier: Apache-2.0 */
/* value - what stands in a parameter's value: words, assignments, yes and no, times, levels. */

#include "base/cursor.h"
#include "config/main_cf.h"

static const char separators[] = ", \t\r\n";

/* The length of the word at the start of text: up to a separator outside of braces. */
static size_t word_length(struct str text)
{
    size_t depth = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '{')
            depth++;
        else if (c == '}' && depth > 0)
            depth--;
        else if (depth == 0 && strchr(separators, c) != NULL && c != '\0')
            break;
    }
    return i;
}

struct strlist main_cf_words(struct str text, struct arena *arena)
{
    struct strlist words = { 0 };
    struct cursor cursor = cursor_over(text);

    for (;;) {
        struct str word;

        cursor_skip_any(&cursor, separators);
        if (cursor_at_end(&cursor))
            return words;
        if (!cursor_take(&cursor, word_length(cursor.rest), &word))
            return words;
        strlist_add(&words, arena, word);
    }
}

static struct str without_braces(struct str word)
{
    if (word.len >= 2 && word.data[0] == '{' && word.data[word.len - 1] == '}')
        return str_trim(str_part(word, 1, word.len - 2));
    return word;
}

struct strlist main_cf_fields(struct str text, struct arena *arena)
{
    struct strlist words = main_cf_words(text, arena);
    size_t i;

    for (i = 0; i < words.count; i++)
        words.items[i] = without_braces(words.items[i]);
    return words;
}

static bool is_name(struct str text)
{
    size_t i;

    for (i = 0; i < text.len; i++)
        if (char_is_space(text.data[i]))
            return false;
    return text.len > 0;
}

bool main_cf_split_assignment(struct str text, struct str *name_out, struct str *value_out)
{
    struct str name;
    struct str value;

    if (!str_cut(without_braces(str_trim(text)), '=', &name, &value) || !is_name(str_trim(name)))
        return false;
    *name_out = str_trim(name);
    *value_out = str_trim(value);
    return true;
}

bool main_cf_parse_boolean(struct str text, bool *value_out)
{
    if (str_equal_nocase(text, STR("yes")))
        *value_out = true;
    else if (str_equal_nocase(text, STR("no")))
        *value_out = false;
    else
        return false;
    return true;
}

static bool unit_seconds(char unit, int64_t *seconds_out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(units); i++) {
        if (units[i].unit == char_to_lower(unit)) {
            *seconds_out = units[i].seconds;
            return true;
        }
    }
    return false;
}

bool main_cf_parse_time(struct str text, char unit, int64_t *seconds_out)
{
    struct cursor cursor = cursor_over(text);
    uint64_t number;
    int64_t factor;
    int64_t product;

    if (!cursor_take_uint64(&cursor, &number) || number > INT64_MAX)
        return false;
    if (!cursor_at_end(&cursor) && !cursor_take_char(&cursor, &unit))
        return false;
    /* "5mh": postscreen_dnsbl_max_ttl puts its unit behind what postscreen_dnsbl_ttl has; the first one counts. */
    (void) cursor_take_while(&cursor, char_is_alpha);
    if (!cursor_at_end(&cursor) || !unit_seconds(unit, &factor))
        return false;
    /* An hour's worth below what a struct duration holds, so that sums with it stay in range. */
    if (__builtin_mul_overflow((int64_t) number, factor, &product) || product > INT64_MAX / 1000000 - 3600)
        return false;
    *seconds_out = product;
    return true;
}

/* A level is one to three numbers with dots, as in 0, 3.6, 3.6.1. */
static bool parse_level(struct str text, uint64_t parts[3])
{
    struct cursor cursor = cursor_over(str_trim(text));
    size_t i;

    parts[0] = parts[1] = parts[2] = 0;
    for (i = 0; i < 3; i++) {
        if (i > 0 && !cursor_skip_char(&cursor, '.'))
            return cursor_at_end(&cursor);
        if (!cursor_take_uint64(&cursor, &parts[i]))
            return false;
    }
    return cursor_at_end(&cursor);
}

bool main_cf_compare_levels(struct str a, struct str b, int *order_out)
{
    uint64_t a_parts[3];
    uint64_t b_parts[3];
    size_t i;

    if (!parse_level(a, a_parts) || !parse_level(b, b_parts))
        return false;
    *order_out = 0;
    for (i = 0; i < 3 && *order_out == 0; i++)
        *order_out = (a_parts[i] > b_parts[i]) - (a_parts[i] < b_parts[i]);
    return true;
}
