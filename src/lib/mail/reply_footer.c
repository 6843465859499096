/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/reply_footer.h"

#include "base/cursor.h"

#include <time.h>

/* Bytes of a footer, beside the reply. */
enum { FOOTER_MAXIMUM = 4096 };

void reply_footer_append_time(struct strbuf *out, struct instant now)
{
    char text[32];
    time_t time = (time_t) instant_seconds(now);
    struct tm parts;

    if (localtime_r(&time, &parts) != NULL && strftime(text, sizeof(text), "%b %d %H:%M:%S", &parts) > 0)
        strbuf_append_c(out, text);
}

void reply_footer_append_tame(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        strbuf_append_char(out, char_is_print(text.data[i]) ? text.data[i] : '_');
}

static bool is_name_byte(char c)
{
    return char_is_alnum(c) || c == '_';
}

/* Expands $name and ${name}; $$ is a dollar. */
static void expand(struct strbuf *out, struct str text, reply_footer_name *append_named, void *context)
{
    struct cursor cursor = cursor_over(text);
    struct str name;

    while (!cursor_at_end(&cursor)) {
        strbuf_append(out, cursor_take_until(&cursor, "$"));
        if (!cursor_skip_char(&cursor, '$'))
            break;
        if (cursor_skip_char(&cursor, '$')) {
            strbuf_append_char(out, '$');
        } else if (cursor_skip_char(&cursor, '{')) {
            name = cursor_take_until(&cursor, "}");
            cursor_skip_char(&cursor, '}');
            append_named(context, name, out);
        } else if (cursor_skip_char(&cursor, '(')) {
            name = cursor_take_until(&cursor, ")");
            cursor_skip_char(&cursor, ')');
            append_named(context, name, out);
        } else {
            append_named(context, cursor_take_while(&cursor, is_name_byte), out);
        }
    }
}

/* "550" and "5.1.1", to stand before each line; the separator is the caller's. */
static struct str status_of(struct str text)
{
    size_t blank = str_find_char(str_from(text, 4), ' ');
    struct str word = str_part(text, 4, blank == STR_NOT_FOUND ? 0 : blank);

    return word.len >= 5 && char_is_digit(word.data[0]) && word.data[1] == '.' ? word : STR_EMPTY;
}

static void append_line(struct strbuf *out, struct str text, bool is_last, struct str line)
{
    struct str status = status_of(text);

    strbuf_append(out, STR("\n"));
    strbuf_append(out, str_part(text, 0, 3));
    strbuf_append_char(out, is_last ? ' ' : '-');
    strbuf_append(out, status);
    if (status.len > 0)
        strbuf_append_char(out, ' ');
    strbuf_append(out, line);
}

/* The footer's lines are split at the two bytes "\n". */
static bool cut_line(struct str *rest, struct str *line)
{
    size_t at = str_find(*rest, STR("\\n"));

    if (at == STR_NOT_FOUND) {
        *line = *rest;
        return false;
    }
    *line = str_part(*rest, 0, at);
    *rest = str_from(*rest, at + 2);
    return true;
}

struct str reply_footer_add(struct str text, struct str template, reply_footer_name *append_named, void *context,
                            struct arena *arena)
{
    struct strbuf out, expanded;
    struct str rest, line, result;
    bool has_more = true, is_continued;

    if (template.len == 0)
        return text;
    strbuf_init(&out, text.len + FOOTER_MAXIMUM);
    strbuf_init(&expanded, FOOTER_MAXIMUM);
    strbuf_append(&out, text);
    is_continued = str_starts_with(template, STR("\\c"));
    expand(&expanded, is_continued ? str_from(template, 2) : template, append_named, context);
    rest = strbuf_str(&expanded);
    if (is_continued) {
        has_more = cut_line(&rest, &line);
        strbuf_append(&out, line);
    }
    if (has_more)
        out.data[3] = '-';
    while (has_more) {
        has_more = cut_line(&rest, &line);
        append_line(&out, text, !has_more, line);
    }
    result = out.is_overflowed ? text : arena_str(arena, strbuf_str(&out));
    strbuf_done(&expanded);
    strbuf_done(&out);
    return result;
}
