/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/showq.h"

#include "base/cursor.h"

static void append_text(struct strbuf *out, const char *name, struct str value)
{
    /* A NUL within a value would end it; addresses and reasons have none. */
    value = str_part(value, 0, str_find_char(value, '\0') == STR_NOT_FOUND ? value.len : str_find_char(value, '\0'));
    strbuf_append_c(out, name);
    strbuf_append_char(out, '\0');
    strbuf_append(out, value);
    strbuf_append_char(out, '\0');
}

static void append_number(struct strbuf *out, const char *name, uint64_t value)
{
    strbuf_append_c(out, name);
    strbuf_append_char(out, '\0');
    strbuf_printf(out, "%llu", (unsigned long long) value);
    strbuf_append_char(out, '\0');
}

void showq_append_greeting(struct strbuf *out)
{
    append_text(out, "protocol", STR("mail_queue_list_protocol"));
    strbuf_append_char(out, '\0');
}

void showq_append_message(struct strbuf *out, const struct showq_message *message)
{
    append_text(out, "queue_name", message->queue_name);
    append_text(out, "queue_id", message->queue_id);
    append_number(out, "time", (uint64_t) message->arrival_seconds);
    append_number(out, "size", message->size);
    append_number(out, "forced_expire", message->is_forced_expire);
    append_text(out, "sender", message->sender);
}

void showq_append_recipient(struct strbuf *out, const struct showq_recipient *recipient)
{
    append_text(out, "recipient", recipient->address);
    append_text(out, "reason", recipient->reason);
}

void showq_append_message_end(struct strbuf *out)
{
    strbuf_append_char(out, '\0');
}

void showq_append_end(struct strbuf *out)
{
    strbuf_append_char(out, '\0');
}

void showq_reader_init(struct showq_reader *reader, const struct showq_sink *sink)
{
    *reader = (struct showq_reader){ .sink = *sink };
    strbuf_init(&reader->pending, 4 * SHOWQ_VALUE_MAXIMUM);
    strbuf_init(&reader->head, 4 * SHOWQ_VALUE_MAXIMUM);
    strbuf_init(&reader->address, SHOWQ_VALUE_MAXIMUM);
    strbuf_init(&reader->reason, SHOWQ_VALUE_MAXIMUM);
}

void showq_reader_done(struct showq_reader *reader)
{
    strbuf_done(&reader->pending);
    strbuf_done(&reader->head);
    strbuf_done(&reader->address);
    strbuf_done(&reader->reason);
}

bool showq_reader_is_complete(const struct showq_reader *reader)
{
    return reader->is_complete;
}

/* Texts of the head are kept as places in one buffer, for it moves while it grows. */
static bool keep_text(struct showq_reader *reader, struct str value, struct str *place_out)
{
    *place_out = (struct str){ NULL, reader->head.len };
    return strbuf_append(&reader->head, value) && strbuf_append_char(&reader->head, '\0');
}

static struct str kept_text(const struct showq_reader *reader, struct str place)
{
    return str_from_c(strbuf_c(&reader->head) + place.len); /* UNSAFE: place.len lies within head, which ends in NUL */
}

static bool take_number(struct str value, uint64_t *number_out)
{
    return str_to_uint64(value, number_out);
}

static bool take_head(struct showq_reader *reader, struct str name, struct str value)
{
    uint64_t number = 0;

    reader->has_head = true;
    if (str_equal(name, STR("queue_name")))
        return keep_text(reader, value, &reader->message.queue_name);
    if (str_equal(name, STR("queue_id")))
        return keep_text(reader, value, &reader->message.queue_id);
    if (str_equal(name, STR("sender")))
        return keep_text(reader, value, &reader->message.sender);
    if (str_equal(name, STR("size")))
        return take_number(value, &reader->message.size);
    if (str_equal(name, STR("time"))) {
        if (!take_number(value, &number) || number > INT64_MAX)
            return false;
        reader->message.arrival_seconds = (int64_t) number;
        return true;
    }
    if (str_equal(name, STR("forced_expire"))) {
        reader->message.is_forced_expire = take_number(value, &number) && number != 0;
        return true;
    }
    return true;
}

static void tell_message(struct showq_reader *reader)
{
    struct showq_message message = reader->message;

    if (reader->has_message)
        return;
    message.queue_name = kept_text(reader, message.queue_name);
    message.queue_id = kept_text(reader, message.queue_id);
    message.sender = kept_text(reader, message.sender);
    reader->sink.message(reader->sink.context, &message);
    reader->has_message = true;
}

static void tell_recipient(struct showq_reader *reader)
{
    const struct showq_recipient recipient = { strbuf_str(&reader->address), strbuf_str(&reader->reason) };

    if (!reader->has_address)
        return;
    tell_message(reader);
    reader->sink.recipient(reader->sink.context, &recipient);
    reader->has_address = false;
    strbuf_clear(&reader->reason);
}

static bool take_attribute(struct showq_reader *reader, struct str name, struct str value)
{
    if (!reader->has_greeting)
        return str_equal(name, STR("protocol")) ? str_equal(value, STR("mail_queue_list_protocol")) : true;
    if (str_equal(name, STR("recipient"))) {
        tell_recipient(reader);
        strbuf_clear(&reader->address);
        reader->has_address = true;
        return strbuf_append(&reader->address, value);
    }
    if (str_equal(name, STR("reason"))) {
        strbuf_clear(&reader->reason);
        return strbuf_append(&reader->reason, value);
    }
    return take_head(reader, name, value);
}

static void end_list(struct showq_reader *reader)
{
    if (!reader->has_greeting) {
        reader->has_greeting = true;
        return;
    }
    if (!reader->has_head) {
        reader->is_complete = true;
        return;
    }
    tell_recipient(reader);
    tell_message(reader);
    reader->sink.message_end(reader->sink.context);
    strbuf_clear(&reader->head);
    reader->message = (struct showq_message){ 0 };
    reader->has_head = false;
    reader->has_message = false;
}

/* One attribute, or the end of a list; false when it is not whole yet. */
static bool take_next(struct cursor *cursor, struct str *name_out, struct str *value_out)
{
    struct cursor ahead = *cursor;
    size_t end = str_find_char(ahead.rest, '\0');

    if (end == STR_NOT_FOUND)
        return false;
    *name_out = str_part(ahead.rest, 0, end);
    *value_out = STR_EMPTY;
    ahead.rest = str_from(ahead.rest, end + 1);
    if (name_out->len > 0) {
        end = str_find_char(ahead.rest, '\0');
        if (end == STR_NOT_FOUND)
            return false;
        *value_out = str_part(ahead.rest, 0, end);
        ahead.rest = str_from(ahead.rest, end + 1);
    }
    *cursor = ahead;
    return true;
}

bool showq_reader_take(struct showq_reader *reader, struct str bytes)
{
    struct cursor cursor;
    struct str name;
    struct str value;
    bool is_good = true;

    if (!strbuf_append(&reader->pending, bytes))
        return false;
    cursor = cursor_over(strbuf_str(&reader->pending));
    while (is_good && !reader->is_complete && take_next(&cursor, &name, &value)) {
        if (name.len == 0)
            end_list(reader);
        else
            is_good = take_attribute(reader, name, value);
    }
    strbuf_consume(&reader->pending, reader->pending.len - cursor.rest.len);
    return is_good;
}
