/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/message_copy.h"

#include "base/strbuf.h"
#include "delivery/content.h"
#include "mail/quote.h"
#include "os/file.h"
#include "protocol/deliver.h"

#include <time.h>

enum { HEAD_MAX = 64 * 1024, BLOCK_MAX = 3 * CONTENT_PIECE_MAX, DATE_SIZE = 40 };

/* A line of its own: what a sender put into an address must not end it. */
static void append_address(struct strbuf *out, struct str address)
{
    size_t start = out->len;

    (void) quote_address(out, address);
    for (size_t i = start; i < out->len; i++) {
        if (out->data[i] == '\n' || out->data[i] == '\r' || out->data[i] == '\0')
            out->data[i] = '?';
    }
}

static void append_from_line(struct strbuf *out, struct str sender)
{
    time_t now = (time_t) instant_seconds(clock_now());
    char date[DATE_SIZE];
    struct tm parts;

    strbuf_append_c(out, "From ");
    if (str_is_empty(sender))
        strbuf_append_c(out, "MAILER-DAEMON");
    else
        append_address(out, sender);
    (void) strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", localtime_r(&now, &parts));
    strbuf_printf(out, "  %s\n", date);
}

static void append_header(struct strbuf *out, const char *name, struct str address)
{
    strbuf_append_c(out, name);
    append_address(out, address);
    strbuf_append_char(out, '\n');
}

struct str message_head(const struct message_envelope *envelope, unsigned form)
{
    struct strbuf head;
    struct str text;

    strbuf_init(&head, HEAD_MAX);
    if ((form & MESSAGE_FROM_LINE) != 0)
        append_from_line(&head, envelope->sender);
    strbuf_append_c(&head, "Return-Path: <");
    append_address(&head, envelope->sender);
    strbuf_append_c(&head, ">\n");
    if (!str_is_empty(envelope->original))
        append_header(&head, "X-Original-To: ", envelope->original);
    if ((form & MESSAGE_DELIVERED_TO) != 0)
        append_header(&head, "Delivered-To: ", envelope->delivered_to);
    text = arena_str(envelope->arena, strbuf_str(&head));
    strbuf_done(&head);
    return text;
}

uint64_t message_copy_size(const struct message_envelope *envelope, struct str head, unsigned form)
{
    return head.len + envelope->request->size + ((form & MESSAGE_BLANK_AT_END) != 0 ? 1 : 0);
}

struct copy {
    struct message_file *file;
    struct strbuf block;
    size_t
        matched; /* bytes of "From " at the start of the line that the last piece ended in; SIZE_MAX: inside a line */
    bool ends_with_newline;
};

static bool flush(struct copy *copy, struct failure *why)
{
    struct message_file *file = copy->file;
    bool is_written;

    if (copy->block.len == 0)
        return true;
    if (!rights_take(file->rights, why))
        return false;
    is_written =
        (file->fd >= 0 || file->open(file, why)) && file_write(file->fd, file->name, strbuf_str(&copy->block), why);
    rights_return(file->rights);
    strbuf_clear(&copy->block);
    return is_written;
}

/*
 * A line may be cut between any two bytes of "From ", so what may yet become it is held back and the quote is put
 * before it when it does.
 */
static void append_quoted(struct copy *copy, struct str piece)
{
    static const char mark[] = "From ";

    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.data[i];

        if (copy->matched != SIZE_MAX) {
            if (c == mark[copy->matched]) {
                if (++copy->matched == sizeof(mark) - 1) {
                    strbuf_append_c(&copy->block, ">From ");
                    copy->matched = SIZE_MAX;
                }
                continue;
            }
            strbuf_append_bytes(&copy->block, mark, copy->matched);
            copy->matched = SIZE_MAX;
        }
        strbuf_append_char(&copy->block, c);
        if (c == '\n')
            copy->matched = 0;
    }
}

static void append_held(struct copy *copy)
{
    static const char mark[] = "From ";

    if (copy->matched != SIZE_MAX && copy->matched > 0) {
        strbuf_append_bytes(&copy->block, mark, copy->matched);
        copy->ends_with_newline = false;
    }
}

static bool copy_content(struct copy *copy, struct content *content, unsigned form, struct failure *why)
{
    struct str piece;

    for (;;) {
        if (!content_next(content, &piece, why))
            return false;
        if (str_is_empty(piece))
            return true;
        if ((form & MESSAGE_QUOTED_FROM) != 0)
            append_quoted(copy, piece);
        else
            strbuf_append(&copy->block, piece);
        copy->ends_with_newline = piece.data[piece.len - 1] == '\n';
        if (copy->block.len >= CONTENT_PIECE_MAX && !flush(copy, why))
            return false;
    }
}

bool message_copy(const struct message_envelope *envelope, struct message_file *file, struct str head, unsigned form,
                  struct failure *why)
{
    struct copy copy = { .file = file, .ends_with_newline = true };
    struct content content;
    bool is_done;

    strbuf_init(&copy.block, BLOCK_MAX);
    content_open(&content, envelope->loop, envelope->request);
    strbuf_append(&copy.block, head);
    is_done = copy_content(&copy, &content, form, why);
    if (is_done) {
        append_held(&copy);
        if (!copy.ends_with_newline)
            strbuf_append_char(&copy.block, '\n');
        if ((form & MESSAGE_BLANK_AT_END) != 0)
            strbuf_append_char(&copy.block, '\n');
        is_done = flush(&copy, why);
    }
    content_close(&content);
    strbuf_done(&copy.block);
    return is_done;
}
