/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/str.h"

/*
 * cursor - reads a str from left to right. Every take or skip either succeeds and moves on, or returns
 * false (or nothing) and stays where it is.
 */
struct cursor {
    struct str rest;
};

static inline struct cursor cursor_over(struct str text)
{
    return (struct cursor){ text };
}

static inline bool cursor_at_end(const struct cursor *cursor)
{
    return cursor->rest.len == 0;
}

/* The next byte without moving, 0 at the end. */
static inline char cursor_peek(const struct cursor *cursor)
{
    return cursor->rest.len > 0 ? cursor->rest.data[0] : '\0';
}

bool cursor_skip_char(struct cursor *cursor, char c);
bool cursor_skip_str(struct cursor *cursor, struct str text);
bool cursor_skip_str_nocase(struct cursor *cursor, struct str text);
/* Any number of bytes that are in set; returns how many. */
size_t cursor_skip_any(struct cursor *cursor, const char *set);
bool cursor_take_char(struct cursor *cursor, char *c_out);
/* Exactly len bytes. */
bool cursor_take(struct cursor *cursor, size_t len, struct str *text_out);
/* The bytes up to, without, the first that is in set, or to the end; may be empty. */
struct str cursor_take_until(struct cursor *cursor, const char *set);
/* The longest run that satisfies the test; may be empty. */
struct str cursor_take_while(struct cursor *cursor, bool (*test)(char));
/* A line without its LF or CR LF; false at the end. A last line without LF counts. */
bool cursor_take_line(struct cursor *cursor, struct str *line_out);
/* A run of digits. */
bool cursor_take_uint64(struct cursor *cursor, uint64_t *value_out);

#endif
