/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/message.h"

#include "base/strbuf.h"
#include "base/time.h"
#include "delivery/command_attributes.h"
#include "delivery/content.h"
#include "delivery/message_flags.h"
#include "run/stream.h"

#include <time.h>

enum { HEAD_MAX = 64 * 1024, DATE_SIZE = 40 };

static const char from_mark[] = "From ";
enum { FROM_MARK_LENGTH = sizeof from_mark - 1 };

/* ---- before the message ---- */

static void append_from_line(struct strbuf *out, const struct message_form *form)
{
    time_t now = (time_t) instant_seconds(clock_now());
    char date[DATE_SIZE];
    struct tm parts;

    strbuf_append_c(out, from_mark);
    if (str_is_empty(form->sender))
        strbuf_append_c(out, "MAILER-DAEMON");
    else
        message_flags_append_address(out, form->sender);
    (void) strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", localtime_r(&now, &parts));
    strbuf_printf(out, "  %s", date);
    strbuf_append(out, form->eol);
}

static void append_head(struct strbuf *out, const struct message_form *form)
{
    if ((form->flags & COMMAND_FROM_LINE) != 0)
        append_from_line(out, form);
    message_flags_append_headers(out, form->flags, form->sender, form->recipient, form->eol);
}

/* ---- the message ---- */

struct writer {
    struct stream *out;
    const struct message_form *form;
    /* Of "From ", at the start of the line: seen and held back, since what comes decides whether it is marked. */
    size_t held;
    bool is_inside_line;
    bool is_open; /* the reader still reads */
};

static void put(struct writer *writer, struct str text)
{
    writer->is_open = writer->is_open && stream_write(writer->out, text, NULL);
}

/* Without flags that look at lines, pieces go out as they are. */
static bool is_plain(const struct message_form *form)
{
    return (form->flags & (COMMAND_DOUBLE_DOTS | COMMAND_QUOTE_FROM)) == 0 && str_equal(form->eol, STR("\n"));
}

/* Takes off *piece what may be the start of a "From " line; false if more is needed to know. */
static bool take_from_mark(struct writer *writer, struct str *piece)
{
    while (!str_is_empty(*piece) && writer->held < FROM_MARK_LENGTH && piece->data[0] == from_mark[writer->held]) {
        writer->held++;
        *piece = str_from(*piece, 1);
    }
    if (writer->held == FROM_MARK_LENGTH)
        put(writer, STR(">"));
    else if (str_is_empty(*piece))
        return false;
    put(writer, str_make(from_mark, writer->held));
    writer->held = 0;
    return true;
}

static void begin_line(struct writer *writer, struct str *piece)
{
    unsigned flags = writer->form->flags;

    if ((flags & COMMAND_QUOTE_FROM) != 0 && !take_from_mark(writer, piece))
        return;
    writer->is_inside_line = true;
    if ((flags & COMMAND_DOUBLE_DOTS) != 0 && str_starts_with(*piece, STR(".")))
        put(writer, STR("."));
}

static void put_lines(struct writer *writer, struct str piece)
{
    while (!str_is_empty(piece)) {
        struct str line;

        if (!writer->is_inside_line)
            begin_line(writer, &piece);
        if (!writer->is_inside_line)
            return;
        if (str_cut(piece, '\n', &line, &piece)) {
            put(writer, line);
            put(writer, writer->form->eol);
            writer->is_inside_line = false;
        } else {
            put(writer, line);
        }
    }
}

static void put_piece(struct writer *writer, struct str piece)
{
    if (!is_plain(writer->form)) {
        put_lines(writer, piece);
        return;
    }
    put(writer, piece);
    writer->is_inside_line = piece.data[piece.len - 1] != '\n';
}

static void put_end(struct writer *writer)
{
    put(writer, str_make(from_mark, writer->held));
    if (writer->is_inside_line || writer->held > 0)
        put(writer, writer->form->eol);
    if ((writer->form->flags & COMMAND_BLANK_AT_END) != 0)
        put(writer, writer->form->eol);
}

static bool put_content(struct writer *writer, struct content *content, struct failure *why)
{
    struct str piece;

    while (writer->is_open) {
        if (!content_next(content, &piece, why))
            return false;
        if (str_is_empty(piece)) {
            put_end(writer);
            return true;
        }
        put_piece(writer, piece);
    }
    return true;
}

bool message_write(struct stream *out, struct loop *loop, const struct deliver_request *request,
                   const struct message_form *form, struct failure *why)
{
    struct writer writer = { .out = out, .form = form, .is_open = true };
    struct content content;
    struct strbuf head;
    bool is_read;

    strbuf_init(&head, HEAD_MAX);
    append_head(&head, form);
    put(&writer, strbuf_str(&head));
    strbuf_done(&head);
    content_open(&content, loop, request);
    is_read = put_content(&writer, &content, why);
    content_close(&content);
    return is_read;
}
