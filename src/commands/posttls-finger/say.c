/* SPDX-License-Identifier: Apache-2.0 */
#include "posttls-finger/say.h"

#include "base/strbuf.h"

#include <stdio.h>

enum { LINE_MAXIMUM = 64 * 1024 };

PRINTF_LIKE(2, 0) static void put(const char *prefix, const char *format, va_list args)
{
    struct strbuf text;

    strbuf_init(&text, LINE_MAXIMUM);
    strbuf_vprintf(&text, format, args);
    for (size_t i = 0; i < text.len; i++) {
        if (!char_is_print(text.data[i]))
            text.data[i] = '?';
    }
    printf("posttls-finger: %s%s\n", prefix, strbuf_c(&text));
    fflush(stdout);
    strbuf_done(&text);
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("", format, args);
    va_end(args);
}

void say_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("warning: ", format, args);
    va_end(args);
}

int say_fatal(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("fatal: ", format, args);
    va_end(args);
    return 1;
}

void say_plain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}
