/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * str - a borrowed view of bytes: pointer and length, no terminator promised.
 *
 * It owns nothing; what it points into must outlive it. Passed and returned by value.
 * The empty string may have a NULL pointer. Case-insensitive calls know ASCII only.
 */
struct str {
    const char *data;
    size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_EMPTY ((struct str){ "", 0 })

/* For printf: printf("%.*s", STR_ARG(text)). Asks for text more than once: no call that makes or changes something. */
#define STR_ARG(text) (int) (text).len, (text).data == NULL ? "" : (text).data

static inline struct str str_make(const char *data, size_t len)
{
    return (struct str){ data, len };
}

/* NULL gives the empty string. */
static inline struct str str_from_c(const char *text)
{
    return text == NULL ? STR_EMPTY : str_make(text, strlen(text));
}

bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b);
/* As memcmp on the common part, then the shorter first. */
int str_compare(struct str a, struct str b);
int str_compare_nocase(struct str a, struct str b);
bool str_starts_with(struct str text, struct str prefix);
bool str_starts_with_nocase(struct str text, struct str prefix);
bool str_ends_with(struct str text, struct str suffix);
bool str_ends_with_nocase(struct str text, struct str suffix);

/* The part from start on; beyond the end it is empty, and points at the end. */
static inline struct str str_from(struct str text, size_t start)
{
    if (text.data == NULL)
        return STR_EMPTY;
    if (start > text.len)
        start = text.len;
    return str_make(text.data + start, text.len - start);
}

/* At most len bytes from start on. */
static inline struct str str_part(struct str text, size_t start, size_t len)
{
    struct str part = str_from(text, start);

    if (part.len > len)
        part.len = len;
    return part;
}

#define STR_NOT_FOUND SIZE_MAX
/* Position of the first or last such byte, or STR_NOT_FOUND. */
size_t str_find_char(struct str text, char c);
size_t str_find_last_char(struct str text, char c);
size_t str_count_char(struct str text, char c);
size_t str_find(struct str text, struct str part);
size_t str_find_nocase(struct str text, struct str part);
/* Position of the first byte that is one of set, or STR_NOT_FOUND. */
size_t str_find_any(struct str text, const char *set);
bool str_contains_char(struct str text, char c);

/* Without space, tab, CR and LF at both ends, or at one. */
struct str str_trim(struct str text);
struct str str_trim_left(struct str text);
struct str str_trim_right(struct str text);

/*
 * Cuts text at the first c: head is what stands before it, tail what follows. Without a c, false,
 * head is all and tail is empty. Outputs may alias text.
 */
bool str_cut(struct str text, char c, struct str *head_out, struct str *tail_out);

/*
 * Takes the next word separated by any of the bytes of set off *rest; false when none is left.
 * Runs of separators count as one.
 */
bool str_next_word(struct str *rest, const char *set, struct str *word_out);

/* The whole text as a decimal number without sign (or with one); false if it is not, or too large. */
MUST_USE bool str_to_uint64(struct str text, uint64_t *value_out);
MUST_USE bool str_to_int64(struct str text, int64_t *value_out);
MUST_USE bool str_to_uint64_base(struct str text, unsigned base, uint64_t *value_out);

static inline bool str_is_empty(struct str text)
{
    return text.len == 0;
}

/* ASCII, whatever the locale. */
static inline char char_to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

static inline char char_to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char) (c - ('a' - 'A')) : c;
}

static inline bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool char_is_alpha(char c)
{
    return char_to_lower(c) >= 'a' && char_to_lower(c) <= 'z';
}

static inline bool char_is_alnum(char c)
{
    return char_is_digit(c) || char_is_alpha(c);
}

/* Space, tab, CR, LF, VT, FF. */
static inline bool char_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool char_is_print(char c)
{
    return c >= 32 && c < 127;
}

#endif
