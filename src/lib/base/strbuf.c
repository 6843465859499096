/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdio.h>

enum { SMALLEST_CAPACITY = 64 };

void strbuf_init(struct strbuf *buf, size_t maximum)
{
    *buf = (struct strbuf){ .maximum = maximum < STRBUF_UNLIMITED ? maximum : STRBUF_UNLIMITED };
}

void strbuf_done(struct strbuf *buf)
{
    memory_free(buf->data);
    strbuf_init(buf, buf->maximum);
}

void strbuf_clear(struct strbuf *buf)
{
    strbuf_truncate(buf, 0);
    buf->is_overflowed = false;
}

void strbuf_truncate(struct strbuf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        buf->data[len] = '\0';
    }
}

void strbuf_consume(struct strbuf *buf, size_t count)
{
    CHECK(count <= buf->len);
    if (count == 0)
        return;
    buf->len -= count;
    memmove(buf->data, buf->data + count, buf->len);
    buf->data[buf->len] = '\0';
}

static char *grow(struct strbuf *buf, size_t count)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : SMALLEST_CAPACITY;

    while (capacity < buf->len + count + 1)
        capacity *= 2;
    buf->data = memory_resize(buf->data, capacity);
    buf->capacity = capacity;
    return buf->data + buf->len;
}

char *strbuf_reserve(struct strbuf *buf, size_t count)
{
    if (count > buf->maximum - buf->len) {
        buf->is_overflowed = true;
        return NULL;
    }
    return buf->capacity > buf->len + count ? buf->data + buf->len : grow(buf, count);
}

void strbuf_extend(struct strbuf *buf, size_t count)
{
    if (count == 0 && buf->data == NULL)
        return;
    CHECK(buf->len + count < buf->capacity);
    buf->len += count;
    buf->data[buf->len] = '\0';
}

/* Where len more bytes go; NULL when it is full. The usual case, room in hand, stays within the caller. */
static inline char *room_for(struct strbuf *buf, size_t len)
{
    if (len < buf->capacity - buf->len && len <= buf->maximum - buf->len)
        return buf->data + buf->len;
    return strbuf_reserve(buf, len);
}

bool strbuf_append_bytes(struct strbuf *buf, const void *data, size_t len)
{
    char *space = room_for(buf, len);

    if (space == NULL)
        return false;
    if (len > 0)
        memcpy(space, data, len);
    space[len] = '\0';
    buf->len += len;
    return true;
}

bool strbuf_append(struct strbuf *buf, struct str text)
{
    return strbuf_append_bytes(buf, text.data, text.len);
}

bool strbuf_append_c(struct strbuf *buf, const char *text)
{
    return strbuf_append(buf, str_from_c(text));
}

bool strbuf_append_number(struct strbuf *buf, uint64_t number)
{
    char digits[20];
    size_t begin = sizeof digits;

    do {
        digits[--begin] = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return strbuf_append(buf, str_make(digits + begin, sizeof digits - begin));
}

bool strbuf_append_char(struct strbuf *buf, char c)
{
    char *space = room_for(buf, 1);

    if (space == NULL)
        return false;
    space[0] = c;
    space[1] = '\0';
    buf->len++;
    return true;
}

bool strbuf_vprintf(struct strbuf *buf, const char *format, va_list args)
{
    size_t room = buf->capacity - buf->len;
    va_list again;
    char *space;
    int len;

    /* Into the room at hand; where that is not enough, it told how much would be. */
    va_copy(again, args);
    len = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, again);
    va_end(again);
    CHECK(len >= 0);
    if ((size_t) len < room && (size_t) len <= buf->maximum - buf->len) {
        buf->len += (size_t) len;
        return true;
    }
    if (room > 0)
        buf->data[buf->len] = '\0';
    space = strbuf_reserve(buf, (size_t) len);
    if (space == NULL)
        return false;
    vsnprintf(space, (size_t) len + 1, format, args);
    strbuf_extend(buf, (size_t) len);
    return true;
}

bool strbuf_printf(struct strbuf *buf, const char *format, ...)
{
    va_list args;
    bool fits;

    va_start(args, format);
    fits = strbuf_vprintf(buf, format, args);
    va_end(args);
    return fits;
}
