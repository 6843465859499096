/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include "base/compiler.h"
#include "base/str.h"

#include <stdarg.h>

/*
 * strbuf - text that grows, owned, counted and capped.
 *
 * The maximum is given at init and never passed: an append that does not fit adds nothing, returns
 * false and sets is_overflowed, which stays until strbuf_clear; so a row of appends needs one look
 * at the end. The content is always followed by a NUL that is not counted.
 */
struct strbuf {
    char *data;
    size_t len;
    size_t capacity;
    size_t maximum;
    bool is_overflowed;
};

#define STRBUF_UNLIMITED (SIZE_MAX / 4)

void strbuf_init(struct strbuf *buf, size_t maximum);
/* Frees the memory; the buffer may be used again at once with the same maximum. */
void strbuf_done(struct strbuf *buf);
/* Empties it and keeps the memory. */
void strbuf_clear(struct strbuf *buf);
/* Shortens to len; longer is left alone. */
void strbuf_truncate(struct strbuf *buf, size_t len);
/* Drops the first count bytes. */
void strbuf_consume(struct strbuf *buf, size_t count);

bool strbuf_append(struct strbuf *buf, struct str text);
bool strbuf_append_c(struct strbuf *buf, const char *text);
bool strbuf_append_char(struct strbuf *buf, char c);
/* Decimal digits. */
bool strbuf_append_number(struct strbuf *buf, uint64_t number);
bool strbuf_append_bytes(struct strbuf *buf, const void *data, size_t len);
PRINTF_LIKE(2, 3) bool strbuf_printf(struct strbuf *buf, const char *format, ...);
PRINTF_LIKE(2, 0) bool strbuf_vprintf(struct strbuf *buf, const char *format, va_list args);

/*
 * Makes room for count more bytes and returns where they go, NULL if that passes the maximum;
 * strbuf_extend then says how many were written there.
 */
char *strbuf_reserve(struct strbuf *buf, size_t count);
void strbuf_extend(struct strbuf *buf, size_t count);

static inline struct str strbuf_str(const struct strbuf *buf)
{
    return str_make(buf->data == NULL ? "" : buf->data, buf->len);
}

/* NUL-terminated; valid until the next change. */
static inline const char *strbuf_c(const struct strbuf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

#endif
