/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/header_splitter.h"

#include "mail/header.h"

void header_splitter_init(struct header_splitter *splitter, size_t field_limit)
{
    *splitter = (struct header_splitter){ 0 };
    strbuf_init(&splitter->field, field_limit);
    /* One more, so that a body line comes back with its LF. */
    strbuf_init(&splitter->line, field_limit + 1);
}

void header_splitter_done(struct header_splitter *splitter)
{
    strbuf_done(&splitter->field);
    strbuf_done(&splitter->line);
}

/* As much as fits. */
static void append_capped(struct strbuf *buf, struct str text, size_t maximum)
{
    strbuf_append(buf, str_part(text, 0, maximum - buf->len));
}

static bool is_continuation(const struct header_splitter *splitter)
{
    char first = splitter->line.len > 0 ? splitter->line.data[0] : '\0';

    return splitter->has_field && (first == ' ' || first == '\t');
}

static bool is_part_of_header(const struct header_splitter *splitter)
{
    return is_continuation(splitter) || header_name_length(strbuf_str(&splitter->line)) > 0;
}

/*
 * Gathers a line from the input. True when it is whole, or so long that it is known to be no header: then
 * the rest of it stays in the input, as body.
 */
static bool gather_line(struct header_splitter *splitter, struct str *input, bool is_last)
{
    size_t limit = splitter->field.maximum;
    size_t room = limit - splitter->line.len;
    struct str part;
    bool is_whole = str_cut(*input, '\n', &part, &(struct str){ 0 });

    append_capped(&splitter->line, part, limit);
    splitter->has_newline = is_whole;
    if (part.len > room && !is_part_of_header(splitter)) {
        splitter->has_newline = false;
        splitter->has_line = true;
        *input = str_from(*input, room);
        return true;
    }
    *input = str_from(*input, part.len + is_whole);
    splitter->has_line = is_whole || (is_last && splitter->line.len > 0);
    return splitter->has_line;
}

static void drop_line(struct header_splitter *splitter)
{
    strbuf_clear(&splitter->line);
    splitter->has_line = false;
}

static void begin_field(struct header_splitter *splitter)
{
    strbuf_clear(&splitter->field);
    append_capped(&splitter->field, strbuf_str(&splitter->line), splitter->field.maximum);
    splitter->has_field = true;
    splitter->is_field_full = false;
    drop_line(splitter);
}

/* A line that does not fit ends the field: cut where much is left of the limit, dropped whole near its end. */
static void continue_field(struct header_splitter *splitter)
{
    size_t limit = splitter->field.maximum;
    size_t room = splitter->is_field_full ? 0 : limit - splitter->field.len;
    bool does_fit = splitter->line.len < room;

    if (does_fit || room > limit / 10) {
        append_capped(&splitter->field, STR("\n"), limit);
        append_capped(&splitter->field, strbuf_str(&splitter->line), limit);
    }
    splitter->is_field_full = !does_fit;
    drop_line(splitter);
}

static enum header_splitter_event give_field(struct header_splitter *splitter, struct str *text_out)
{
    splitter->has_field = false;
    *text_out = strbuf_str(&splitter->field);
    return SPLITTER_FIELD;
}

static enum header_splitter_event end_header(struct header_splitter *splitter, struct str *text_out)
{
    splitter->is_in_body = true;
    *text_out = splitter->has_line ? STR("\n") : STR_EMPTY;
    if (splitter->line.len == 0)
        drop_line(splitter);
    return SPLITTER_HEADER_END;
}

static enum header_splitter_event next_of_body(struct header_splitter *splitter, struct str *input,
                                               struct str *text_out)
{
    if (splitter->has_line) {
        if (splitter->has_newline)
            strbuf_append_char(&splitter->line, '\n');
        splitter->has_line = false;
        *text_out = strbuf_str(&splitter->line);
        return SPLITTER_BODY;
    }
    *text_out = *input;
    *input = STR_EMPTY;
    return text_out->len > 0 ? SPLITTER_BODY : SPLITTER_MORE;
}

enum header_splitter_event header_splitter_next(struct header_splitter *splitter, struct str *input, bool is_last,
                                                struct str *text_out)
{
    while (!splitter->is_in_body) {
        if (!splitter->has_line && !gather_line(splitter, input, is_last)) {
            if (!is_last)
                return SPLITTER_MORE;
            return splitter->has_field ? give_field(splitter, text_out) : end_header(splitter, text_out);
        }
        if (is_continuation(splitter))
            continue_field(splitter);
        else if (splitter->has_field)
            return give_field(splitter, text_out);
        else if (is_part_of_header(splitter))
            begin_field(splitter);
        else
            return end_header(splitter, text_out);
    }
    return next_of_body(splitter, input, text_out);
}
