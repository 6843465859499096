/* SPDX-License-Identifier: Apache-2.0 */
#include "postcat/show.h"

#include "mail/quote.h"

#include <time.h>

static void heading(const struct show *show, const char *text)
{
    if ((show->parts & SHOW_ENVELOPE) != 0)
        fprintf(show->out, "*** %s %s ***\n", text, show->name);
}

static void record(const struct show *show, const char *name, struct str value)
{
    fprintf(show->out, "%s: ", name);
    fwrite(value.data, 1, value.len, show->out);
    fputc('\n', show->out);
}

static void address_record(const struct show *show, const char *name, struct str address)
{
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    quote_address(&text, address);
    record(show, name, strbuf_str(&text));
    strbuf_done(&text);
}

static void attribute(const struct show *show, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    fprintf(show->out, "named_attribute: %s=", name);
    fwrite(value.data, 1, value.len, show->out);
    fputc('\n', show->out);
}

static void time_record(const struct show *show, const char *name, struct instant when)
{
    time_t seconds_since = (time_t) instant_seconds(when);
    struct tm local;
    char text[64] = "";

    if (localtime_r(&seconds_since, &local) != NULL)
        strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local);
    record(show, name, str_from_c(text));
}

static void show_recipient(const struct show *show, const struct envelope_recipient *recipient)
{
    bool is_done = recipient->status == RECIPIENT_DELIVERED || recipient->status == RECIPIENT_RETURNED;

    attribute(show, "dsn_orig_rcpt", recipient->dsn_original);
    if (recipient->dsn_notify != 0)
        fprintf(show->out, "named_attribute: notify_flags=%u\n", recipient->dsn_notify);
    if (recipient->original.len > 0)
        address_record(show, "original_recipient", recipient->original);
    address_record(show, is_done ? "done_recipient" : "recipient", recipient->address);
    if (recipient->reason.len > 0)
        attribute(show, "reason", recipient->reason);
}

static void show_origin(const struct show *show, const struct envelope *envelope)
{
    const struct {
        const char *name;
        struct str value;
    } rows[] = {
        { "log_ident", envelope->log_ident },
        { "log_client_name", envelope->log_client_name },
        { "log_client_address", envelope->log_client_address },
        { "log_client_port", envelope->log_client_port },
        { "log_helo_name", envelope->log_helo },
        { "log_protocol_name", envelope->log_protocol },
        { "client_name", envelope->client_name },
        { "reverse_client_name", envelope->client_reverse_name },
        { "client_address", envelope->client_address },
        { "client_port", envelope->client_port },
        { "helo_name", envelope->helo },
        { "protocol_name", envelope->protocol },
        { "sasl_method", envelope->sasl_method },
        { "sasl_username", envelope->sasl_username },
        { "sasl_sender", envelope->sasl_sender },
        { "encoding", envelope->encoding },
        { "envelope_id", envelope->dsn_envid },
    };
    size_t i;

    attribute(show, "rewrite_context", envelope->rewrite == ENVELOPE_REWRITE_LOCAL ? STR("local") : STR("remote"));
    for (i = 0; i < ARRAY_COUNT(rows); i++)
        attribute(show, rows[i].name, rows[i].value);
    for (i = 0; i < envelope->attribute_count; i++) {
        fprintf(show->out, "named_attribute: ");
        fwrite(envelope->attributes[i].name.data, 1, envelope->attributes[i].name.len, show->out);
        fputc('=', show->out);
        fwrite(envelope->attributes[i].value.data, 1, envelope->attributes[i].value.len, show->out);
        fputc('\n', show->out);
    }
    if (envelope->content_filter.len > 0)
        record(show, "content_filter", envelope->content_filter);
}

void show_envelope(struct show *show, const struct envelope *envelope)
{
    size_t i;

    if ((show->parts & SHOW_ENVELOPE) == 0)
        return;
    heading(show, "ENVELOPE RECORDS");
    fprintf(show->out, "message_size: %15llu %15d %15zu %15u %15llu %15d\n",
            (unsigned long long) envelope_wire_size(envelope), 0, envelope->recipient_count, envelope->flags,
            (unsigned long long) envelope_wire_size(envelope), 0);
    time_record(show, "message_arrival_time", envelope->arrival);
    time_record(show, "create_time", queue_id_arrival(envelope->id));
    show_origin(show, envelope);
    address_record(show, "sender", envelope->sender);
    for (i = 0; i < envelope->recipient_count; i++)
        show_recipient(show, &envelope->recipients[i]);
}

void show_maildrop(struct show *show, const struct maildrop_message *message)
{
    size_t i;

    if ((show->parts & SHOW_ENVELOPE) == 0)
        return;
    heading(show, "ENVELOPE RECORDS");
    time_record(show, "message_arrival_time", message->arrival);
    attribute(show, "rewrite_context", message->rewrite_context);
    attribute(show, "encoding", message->encoding);
    attribute(show, "envelope_id", message->dsn_envid);
    attribute(show, "notify", message->dsn_notify);
    if (message->full_name.len > 0)
        record(show, "sender_fullname", message->full_name);
    address_record(show, "sender", message->sender);
    for (i = 0; i < message->recipients.count; i++)
        address_record(show, "recipient", message->recipients.items[i]);
}

void show_content_begin(struct show *show)
{
    heading(show, "MESSAGE CONTENTS");
    show->is_line_begin = true;
}

/* The header goes up to the empty line; that line belongs to the body. */
static size_t header_length(struct show *show, struct str piece)
{
    size_t i;

    for (i = 0; i < piece.len; i++) {
        if (piece.data[i] == '\n' && show->is_line_begin) {
            show->is_in_body = true;
            return i;
        }
        show->is_line_begin = piece.data[i] == '\n';
    }
    return piece.len;
}

void show_content(struct show *show, struct str piece)
{
    if (!show->is_in_body) {
        size_t len = header_length(show, piece);

        if ((show->parts & SHOW_HEADER) != 0)
            fwrite(piece.data, 1, len, show->out);
        piece = str_from(piece, len);
    }
    if (show->is_in_body && (show->parts & SHOW_BODY) != 0)
        fwrite(piece.data, 1, piece.len, show->out);
}

void show_end(struct show *show)
{
    heading(show, "HEADER EXTRACTED");
    heading(show, "MESSAGE FILE END");
}
