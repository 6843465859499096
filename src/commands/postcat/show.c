/* SPDX-License-Identifier: Apache-2.0 */
#include "postcat/show.h"

#include "mail/quote.h"
#include "spool/bytes.h"
#include "spool/frame.h"

#include <time.h>

/* Those of docs/queue.md that stand in more than one place here. */
enum {
    TAG_ID = 1,
    TAG_ARRIVAL = 2,
    TAG_SENDER = 3,
    TAG_REWRITE = 7,
    TAG_SIZE = 9,
    TAG_FILTER = 25,
    TAG_ATTRIBUTE = 28,
};

static void prefix(const struct show *show, uint64_t offset, unsigned type)
{
    if (show->places == NULL)
        return;
    if (show->prints_offsets)
        fprintf(show->out, "%9llu ", (unsigned long long) offset);
    if (show->prints_types)
        fprintf(show->out, "%3u ", type);
}

static void prefix_tag(const struct show *show, unsigned tag)
{
    if (show->places != NULL)
        prefix(show, show->places->of_tag[tag], tag);
}

static void heading(const struct show *show, const char *text)
{
    if ((show->parts & SHOW_ENVELOPE) != 0)
        fprintf(show->out, "*** %s %s ***\n", text, show->name);
}

static void frame_heading(const struct show *show, const char *text, uint64_t offset, enum frame_type type)
{
    if ((show->parts & SHOW_ENVELOPE) != 0)
        prefix(show, offset, type);
    heading(show, text);
}

static void record(const struct show *show, unsigned tag, const char *name, struct str value)
{
    prefix_tag(show, tag);
    fprintf(show->out, "%s: ", name);
    fwrite(value.data, 1, value.len, show->out);
    fputc('\n', show->out);
}

static void address_record(const struct show *show, unsigned tag, const char *name, struct str address)
{
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    quote_address(&text, address);
    record(show, tag, name, strbuf_str(&text));
    strbuf_done(&text);
}

static void attribute(const struct show *show, unsigned tag, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    prefix_tag(show, tag);
    fprintf(show->out, "named_attribute: %s=", name);
    fwrite(value.data, 1, value.len, show->out);
    fputc('\n', show->out);
}

static void time_record(const struct show *show, unsigned tag, const char *name, struct instant when)
{
    time_t seconds_since = (time_t) instant_seconds(when);
    struct tm local;
    char text[64] = "";

    if (localtime_r(&seconds_since, &local) != NULL)
        strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local);
    record(show, tag, name, str_from_c(text));
}

/* All that is said of a recipient stands in one field. */
static void show_recipient(const struct show *show, const struct envelope_recipient *recipient)
{
    bool is_done = recipient->status == RECIPIENT_DELIVERED || recipient->status == RECIPIENT_RETURNED;

    attribute(show, PLACES_RECIPIENT, "dsn_orig_rcpt", recipient->dsn_original);
    if (recipient->dsn_notify != 0) {
        prefix_tag(show, PLACES_RECIPIENT);
        fprintf(show->out, "named_attribute: notify_flags=%u\n", recipient->dsn_notify);
    }
    if (recipient->original.len > 0)
        address_record(show, PLACES_RECIPIENT, "original_recipient", recipient->original);
    address_record(show, PLACES_RECIPIENT, is_done ? "done_recipient" : "recipient", recipient->address);
    if (recipient->reason.len > 0)
        attribute(show, PLACES_RECIPIENT, "reason", recipient->reason);
}

static void show_origin(const struct show *show, const struct envelope *envelope)
{
    const struct {
        unsigned tag; /* in docs/queue.md */
        const char *name;
        struct str value;
    } rows[] = {
        { 16, "log_ident", envelope->log_ident },
        { 17, "log_client_name", envelope->log_client_name },
        { 18, "log_client_address", envelope->log_client_address },
        { 19, "log_client_port", envelope->log_client_port },
        { 20, "log_helo_name", envelope->log_helo },
        { 21, "log_protocol_name", envelope->log_protocol },
        { 10, "client_name", envelope->client_name },
        { 13, "reverse_client_name", envelope->client_reverse_name },
        { 11, "client_address", envelope->client_address },
        { 12, "client_port", envelope->client_port },
        { 14, "helo_name", envelope->helo },
        { 15, "protocol_name", envelope->protocol },
        { 22, "sasl_method", envelope->sasl_method },
        { 23, "sasl_username", envelope->sasl_username },
        { 24, "sasl_sender", envelope->sasl_sender },
        { 27, "encoding", envelope->encoding },
        { 4, "envelope_id", envelope->dsn_envid },
    };
    size_t i;

    attribute(show, TAG_REWRITE, "rewrite_context",
              envelope->rewrite == ENVELOPE_REWRITE_LOCAL ? STR("local") : STR("remote"));
    for (i = 0; i < ARRAY_COUNT(rows); i++)
        attribute(show, rows[i].tag, rows[i].name, rows[i].value);
    for (i = 0; i < envelope->attribute_count; i++) {
        prefix_tag(show, TAG_ATTRIBUTE);
        fprintf(show->out, "named_attribute: ");
        fwrite(envelope->attributes[i].name.data, 1, envelope->attributes[i].name.len, show->out);
        fputc('=', show->out);
        fwrite(envelope->attributes[i].value.data, 1, envelope->attributes[i].value.len, show->out);
        fputc('\n', show->out);
    }
    if (envelope->content_filter.len > 0)
        record(show, TAG_FILTER, "content_filter", envelope->content_filter);
}

void show_envelope(struct show *show, const struct envelope *envelope)
{
    struct places one_recipient;
    size_t i;

    if ((show->parts & SHOW_ENVELOPE) == 0)
        return;
    heading(show, "ENVELOPE RECORDS");
    prefix_tag(show, TAG_SIZE);
    fprintf(show->out, "message_size: %15llu %15d %15zu %15u %15llu %15d\n",
            (unsigned long long) envelope_wire_size(envelope), 0, envelope->recipient_count, envelope->flags,
            (unsigned long long) envelope_wire_size(envelope), 0);
    time_record(show, TAG_ARRIVAL, "message_arrival_time", envelope->arrival);
    time_record(show, TAG_ID, "create_time", queue_id_arrival(envelope->id));
    show_origin(show, envelope);
    address_record(show, TAG_SENDER, "sender", envelope->sender);
    for (i = 0; i < envelope->recipient_count; i++) {
        struct show of_one = *show;

        if (show->places != NULL) {
            one_recipient = *show->places;
            one_recipient.of_tag[PLACES_RECIPIENT] =
                i < show->places->recipient_count ? show->places->recipients[i] : 0;
            of_one.places = &one_recipient;
        }
        show_recipient(&of_one, &envelope->recipients[i]);
    }
}

void show_maildrop(struct show *show, const struct maildrop_message *message)
{
    size_t i;

    if ((show->parts & SHOW_ENVELOPE) == 0)
        return;
    heading(show, "ENVELOPE RECORDS");
    time_record(show, TAG_ARRIVAL, "message_arrival_time", message->arrival);
    attribute(show, TAG_REWRITE, "rewrite_context", message->rewrite_context);
    attribute(show, 27, "encoding", message->encoding);
    attribute(show, 4, "envelope_id", message->dsn_envid);
    attribute(show, PLACES_RECIPIENT, "notify", message->dsn_notify);
    if (message->full_name.len > 0)
        record(show, TAG_SENDER, "sender_fullname", message->full_name);
    address_record(show, TAG_SENDER, "sender", message->sender);
    for (i = 0; i < message->recipients.count; i++)
        address_record(show, PLACES_RECIPIENT, "recipient", message->recipients.items[i]);
}

void show_content_begin(struct show *show)
{
    uint64_t offset = show->places != NULL ? show->places->content_frame : 0;

    frame_heading(show, "MESSAGE CONTENTS", offset, FRAME_CONTENT);
    show->content_at = show->places != NULL ? show->places->content : 0;
    show->is_line_begin = true;
    show->is_output_begin = true;
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

/* With -o or -d each line is a record. */
static void put_content(struct show *show, struct str piece, bool is_wanted)
{
    while (piece.len > 0) {
        size_t end = show->places == NULL ? STR_NOT_FOUND : str_find_char(piece, '\n');
        size_t len = end == STR_NOT_FOUND ? piece.len : end + 1;

        if (is_wanted && show->is_output_begin)
            prefix(show, show->content_at, FRAME_CONTENT);
        if (is_wanted)
            fwrite(piece.data, 1, len, show->out);
        show->is_output_begin = piece.data[len - 1] == '\n';
        show->content_at += len;
        piece = str_from(piece, len);
    }
}

void show_content(struct show *show, struct str piece)
{
    if (!show->is_in_body) {
        size_t len = header_length(show, piece);

        put_content(show, str_part(piece, 0, len), (show->parts & SHOW_HEADER) != 0);
        piece = str_from(piece, len);
    }
    if (show->is_in_body)
        put_content(show, piece, (show->parts & SHOW_BODY) != 0);
}

void show_end(struct show *show)
{
    const struct places *places = show->places;

    frame_heading(show, "HEADER EXTRACTED", places != NULL ? places->envelope_frame : 0, FRAME_ENVELOPE);
    frame_heading(show, "MESSAGE FILE END", places != NULL ? places->end_frame : 0, FRAME_END);
}

/* ---- as it stands in the file ---- */

static const char *const tag_names[] = {
    [TAG_ID] = "queue_id",
    [TAG_ARRIVAL] = "message_arrival_time",
    [TAG_SENDER] = "sender",
    [4] = "envelope_id",
    [5] = "ret_flags",
    [6] = "flags",
    [TAG_REWRITE] = "rewrite_context",
    [8] = "hops",
    [TAG_SIZE] = "message_size",
    [10] = "client_name",
    [11] = "client_address",
    [12] = "client_port",
    [13] = "reverse_client_name",
    [14] = "helo_name",
    [15] = "protocol_name",
    [16] = "log_ident",
    [17] = "log_client_name",
    [18] = "log_client_address",
    [19] = "log_client_port",
    [20] = "log_helo_name",
    [21] = "log_protocol_name",
    [22] = "sasl_method",
    [23] = "sasl_username",
    [24] = "sasl_sender",
    [TAG_FILTER] = "content_filter",
    [26] = "message_id",
    [27] = "encoding",
    [PLACES_RECIPIENT] = "recipient",
    [30] = "lines",
};

static bool is_number(unsigned tag)
{
    return tag == TAG_ID || tag == TAG_ARRIVAL || (tag >= 5 && tag <= TAG_SIZE) || tag == 30;
}

/* Length of its name, name, value. */
static void show_attribute(const struct show *show, struct str bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct str name = STR_EMPTY;
    uint64_t length;

    if (bytes_take_leb128(&cursor, &length))
        (void) !cursor_take(&cursor, length < cursor.rest.len ? (size_t) length : cursor.rest.len, &name);
    fprintf(show->out, "named_attribute: %.*s=%.*s\n", STR_ARG(name), STR_ARG(cursor.rest));
}

/* A recipient is fields again, of which the first is its address. */
static struct str text_of(const struct place_record *record)
{
    struct cursor cursor = cursor_over(record->value);
    struct str value;
    unsigned tag;

    if (record->tag == PLACES_RECIPIENT && bytes_take_field(&cursor, &tag, &value))
        return value;
    return record->value;
}

static void show_status_field(const struct show *show, const struct place_record *record)
{
    uint64_t flags;

    if (record->tag == 2 && bytes_number(record->value, &flags))
        fprintf(show->out, "added_flags: %llu\n", (unsigned long long) flags);
    else
        fprintf(show->out, "outcome: %zu bytes\n", record->value.len);
}

static void show_field(const struct show *show, const struct place_record *record)
{
    const char *name = record->tag < ARRAY_COUNT(tag_names) ? tag_names[record->tag] : NULL;
    struct str text = text_of(record);
    uint64_t number;

    fprintf(show->out, "%s: ", name != NULL ? name : "unknown_record_type");
    if (is_number(record->tag) && bytes_number(record->value, &number))
        fprintf(show->out, "%llu", (unsigned long long) number);
    else
        fwrite(text.data, 1, text.len, show->out);
    fputc('\n', show->out);
}

void show_record(struct show *show, const struct place_record *record)
{
    static const char *const headings[] = {
        [FRAME_CONTENT] = "MESSAGE CONTENTS",
        [FRAME_ENVELOPE] = "ENVELOPE RECORDS",
        [FRAME_RECIPIENTS] = "RECIPIENTS",
        [FRAME_END] = "MESSAGE FILE END",
        [FRAME_STATUS] = "STATUS",
    };

    if ((show->parts & SHOW_ENVELOPE) == 0)
        return;
    prefix(show, record->offset, record->tag == 0 ? record->frame : record->tag);
    if (record->tag == 0)
        heading(show, record->frame < ARRAY_COUNT(headings) ? headings[record->frame] : "UNKNOWN");
    else if (record->frame == FRAME_STATUS)
        show_status_field(show, record);
    else if (record->tag == TAG_ATTRIBUTE)
        show_attribute(show, record->value);
    else
        show_field(show, record);
}
