/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool str_equal_nocase(struct str a, struct str b)
{
    return a.len == b.len && str_compare_nocase(a, b) == 0;
}

static int compare_lengths(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

int str_compare(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    return order != 0 ? order : compare_lengths(a.len, b.len);
}

int str_compare_nocase(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < common; i++) {
        int order = (unsigned char) char_to_lower(a.data[i]) - (unsigned char) char_to_lower(b.data[i]);

        if (order != 0)
            return order;
    }
    return compare_lengths(a.len, b.len);
}

bool str_starts_with(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_equal(str_part(text, 0, prefix.len), prefix);
}

bool str_starts_with_nocase(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_equal_nocase(str_part(text, 0, prefix.len), prefix);
}

bool str_ends_with(struct str text, struct str suffix)
{
    return text.len >= suffix.len && str_equal(str_from(text, text.len - suffix.len), suffix);
}

bool str_ends_with_nocase(struct str text, struct str suffix)
{
    return text.len >= suffix.len && str_equal_nocase(str_from(text, text.len - suffix.len), suffix);
}

size_t str_find_char(struct str text, char c)
{
    const char *at = text.len == 0 ? NULL : memchr(text.data, c, text.len);

    return at == NULL ? STR_NOT_FOUND : (size_t) (at - text.data);
}

size_t str_find_last_char(struct str text, char c)
{
    const char *at = text.len == 0 ? NULL : memrchr(text.data, c, text.len);

    return at == NULL ? STR_NOT_FOUND : (size_t) (at - text.data);
}

size_t str_count_char(struct str text, char c)
{
    size_t count = 0;
    size_t at;

    for (; (at = str_find_char(text, c)) != STR_NOT_FOUND; text = str_from(text, at + 1))
        count++;
    return count;
}

size_t str_find(struct str text, struct str part)
{
    const char *at;

    if (part.len == 0)
        return 0;
    at = text.len == 0 ? NULL : memmem(text.data, text.len, part.data, part.len);
    return at == NULL ? STR_NOT_FOUND : (size_t) (at - text.data);
}

size_t str_find_nocase(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (str_equal_nocase(str_part(text, i, part.len), part))
            return i;
    return STR_NOT_FOUND;
}

size_t str_find_any(struct str text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '\0' && strchr(set, text.data[i]) != NULL)
            return i;
    return STR_NOT_FOUND;
}

bool str_contains_char(struct str text, char c)
{
    return str_find_char(text, c) != STR_NOT_FOUND;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim_left(struct str text)
{
    size_t start = 0;

    while (start < text.len && is_blank(text.data[start]))
        start++;
    return str_from(text, start);
}

struct str str_trim_right(struct str text)
{
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

struct str str_trim(struct str text)
{
    return str_trim_left(str_trim_right(text));
}

bool str_cut(struct str text, char c, struct str *head_out, struct str *tail_out)
{
    size_t at = str_find_char(text, c);

    if (at == STR_NOT_FOUND) {
        *head_out = text;
        *tail_out = STR_EMPTY;
        return false;
    }
    *head_out = str_part(text, 0, at);
    *tail_out = str_from(text, at + 1);
    return true;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

bool str_next_word(struct str *rest, const char *set, struct str *word_out)
{
    size_t start = 0;
    size_t end;

    while (start < rest->len && is_one_of(rest->data[start], set))
        start++;
    end = start;
    while (end < rest->len && !is_one_of(rest->data[end], set))
        end++;
    if (start == end) {
        *rest = STR_EMPTY;
        return false;
    }
    *word_out = str_part(*rest, start, end - start);
    *rest = str_from(*rest, end);
    return true;
}

static unsigned digit_value(char c)
{
    if (char_is_digit(c))
        return (unsigned) (c - '0');
    if (char_is_alpha(c))
        return (unsigned) (char_to_lower(c) - 'a') + 10;
    return 255;
}

bool str_to_uint64_base(struct str text, unsigned base, uint64_t *value_out)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = digit_value(text.data[i]);

        if (digit >= base || __builtin_mul_overflow(value, (uint64_t) base, &value) ||
            __builtin_add_overflow(value, (uint64_t) digit, &value))
            return false;
    }
    *value_out = value;
    return true;
}

bool str_to_uint64(struct str text, uint64_t *value_out)
{
    return str_to_uint64_base(text, 10, value_out);
}

bool str_to_int64(struct str text, int64_t *value_out)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t value;

    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        text = str_from(text, 1);
    if (!str_to_uint64(text, &value) || value > (uint64_t) INT64_MAX)
        return false;
    *value_out = is_negative ? -(int64_t) value : (int64_t) value;
    return true;
}
