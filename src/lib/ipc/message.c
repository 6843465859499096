/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/message.h"

#include "base/check.h"
#include "base/cursor.h"
#include "base/time.h"

/*
 * The wire: a number is a little-endian base-128 varint, a signed one zigzag before that; a string is its length and
 * its bytes; a list or records are their count and the items; a bool is one byte; a descriptor is one byte, 1 when
 * one is passed beside the message.
 */
enum { VARINT_BYTES_MAXIMUM = 10, STRLIST_ITEM_COST = 8, PRINT_MAXIMUM = 80 };

static const void *field_of(const struct message_field *field, const void *message)
{
    return (const char *) message + field->offset; /* UNSAFE: the table's offset is the member's */
}

static void *field_in(const struct message_field *field, void *message)
{
    return (char *) message + field->offset; /* UNSAFE: the table's offset is the member's */
}

static bool too_large(const struct message_type *type, const struct message_field *field, struct failure *why)
{
    return failure_set(why, FAILURE_PROTOCOL, 0, "%s.%s: larger than the maximum %llu", type->name, field->name,
                       (unsigned long long) field->maximum);
}

/* ---- encoding ---- */

static void put_varint(struct strbuf *out, uint64_t value)
{
    char bytes[VARINT_BYTES_MAXIMUM];
    size_t len = 0;

    while (value >= 0x80) {
        bytes[len++] = (char) (0x80 | (value & 0x7f));
        value >>= 7;
    }
    bytes[len++] = (char) value;
    strbuf_append_bytes(out, bytes, len);
}

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t) value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
}

static void put_str(struct strbuf *out, struct str text)
{
    put_varint(out, text.len);
    strbuf_append(out, text);
}

static bool put_uint(const struct message_type *type, const struct message_field *field, uint64_t value,
                     struct strbuf *out, struct failure *why)
{
    if (value > field->maximum)
        return too_large(type, field, why);
    put_varint(out, value);
    return true;
}

static bool put_int(const struct message_type *type, const struct message_field *field, int64_t value,
                    struct strbuf *out, struct failure *why)
{
    if (magnitude(value) > field->maximum)
        return too_large(type, field, why);
    put_varint(out, zigzag(value));
    return true;
}

static bool put_text(const struct message_type *type, const struct message_field *field, struct str text,
                     struct strbuf *out, struct failure *why)
{
    if (text.len > field->maximum)
        return too_large(type, field, why);
    put_str(out, text);
    return true;
}

static bool put_strlist(const struct message_type *type, const struct message_field *field, const struct strlist *list,
                        struct strbuf *out, struct failure *why)
{
    uint64_t cost = 0;

    put_varint(out, list->count);
    for (size_t i = 0; i < list->count; i++) {
        cost += list->items[i].len + STRLIST_ITEM_COST;
        if (cost > field->maximum)
            return too_large(type, field, why);
        put_str(out, list->items[i]);
    }
    return true;
}

static bool put_fields(const struct message_type *type, const void *message, struct strbuf *out, int *fd_out,
                       struct failure *why);

static bool put_records(const struct message_type *type, const struct message_field *field,
                        const struct records *records, struct strbuf *out, struct failure *why)
{
    const char *item = records->items;

    if (records->count > field->maximum)
        return too_large(type, field, why);
    put_varint(out, records->count);
    for (size_t i = 0; i < records->count; i++) {
        if (!put_fields(field->record, item, out, NULL, why))
            return false;
        item += field->record->size; /* UNSAFE: items holds count records of this size */
    }
    return true;
}

static bool put_field(const struct message_type *type, const struct message_field *field, const void *place,
                      struct strbuf *out, int *fd_out, struct failure *why)
{
    switch (field->type) {
    case FIELD_BOOL:
        strbuf_append_char(out, *(const bool *) place ? 1 : 0);
        return true;
    case FIELD_UINT:
        return put_uint(type, field, *(const uint64_t *) place, out, why);
    case FIELD_INT:
        return put_int(type, field, *(const int64_t *) place, out, why);
    case FIELD_TIME:
        put_varint(out, zigzag(((const struct instant *) place)->us));
        return true;
    case FIELD_STR:
    case FIELD_SECRET:
        return put_text(type, field, *(const struct str *) place, out, why);
    case FIELD_STRLIST:
        return put_strlist(type, field, place, out, why);
    case FIELD_RECORDS:
        return put_records(type, field, place, out, why);
    case FIELD_FD:
        CHECK(fd_out != NULL);
        *fd_out = *(const int *) place;
        strbuf_append_char(out, *fd_out >= 0 ? 1 : 0);
        return true;
    }
    check_failed("a field type of the table", __FILE__, __LINE__);
}

static bool put_fields(const struct message_type *type, const void *message, struct strbuf *out, int *fd_out,
                       struct failure *why)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];

        if (!put_field(type, field, field_of(field, message), out, fd_out, why))
            return false;
    }
    return true;
}

bool message_encode(const struct message_type *type, const void *message, struct strbuf *out, int *fd_out,
                    struct failure *why)
{
    size_t start = out->len;

    *fd_out = -1;
    if (!put_fields(type, message, out, fd_out, why)) {
        strbuf_truncate(out, start);
        return false;
    }
    if (out->is_overflowed) {
        strbuf_truncate(out, start);
        return failure_set(why, FAILURE_PROTOCOL, 0, "%s: too large for a frame", type->name);
    }
    return true;
}

/* ---- decoding ---- */

struct decoder {
    struct cursor cursor;
    struct arena *arena;
    int fd;
    bool is_fd_taken;
    struct failure *why;
};

static bool malformed(struct decoder *decoder, const struct message_type *type, const struct message_field *field,
                      const char *what)
{
    return failure_set(decoder->why, FAILURE_PROTOCOL, 0, "%s.%s: %s", type->name, field->name, what);
}

static bool take_varint(struct cursor *cursor, uint64_t *value_out)
{
    uint64_t value = 0;

    /* Most are of one byte. */
    if (cursor->rest.len > 0 && ((unsigned char) cursor->rest.data[0] & 0x80) == 0) {
        *value_out = (unsigned char) cursor->rest.data[0];
        cursor->rest = str_from(cursor->rest, 1);
        return true;
    }
    for (unsigned shift = 0; shift < 64; shift += 7) {
        char c;
        uint64_t bits;

        if (!cursor_take_char(cursor, &c))
            return false;
        bits = (unsigned char) c & 0x7f;
        if (shift == 63 && bits > 1)
            return false;
        value |= bits << shift;
        if (((unsigned char) c & 0x80) == 0) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

static bool take_zigzag(struct cursor *cursor, int64_t *value_out)
{
    uint64_t value;

    if (!take_varint(cursor, &value))
        return false;
    *value_out = (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
    return true;
}

static bool take_str(struct cursor *cursor, uint64_t maximum, struct str *text_out)
{
    uint64_t len;

    return take_varint(cursor, &len) && len <= maximum && cursor_take(cursor, len, text_out);
}

static bool take_bool(struct cursor *cursor, bool *value_out)
{
    char c;

    if (!cursor_take_char(cursor, &c) || (c != 0 && c != 1))
        return false;
    *value_out = c == 1;
    return true;
}

static bool take_strlist(struct cursor *cursor, uint64_t maximum, struct arena *arena, struct strlist *list_out)
{
    struct strlist list = { 0 };
    uint64_t count;
    uint64_t cost = 0;

    if (!take_varint(cursor, &count) || count > maximum / STRLIST_ITEM_COST || count > cursor->rest.len)
        return false;
    if (count > 0)
        list = (struct strlist){ .items = arena_new_array(arena, count, struct str), .capacity = count };
    while (list.count < count) {
        if (!take_str(cursor, maximum, &list.items[list.count]))
            return false;
        cost += list.items[list.count++].len + STRLIST_ITEM_COST;
        if (cost > maximum)
            return false;
    }
    *list_out = list;
    return true;
}

static bool take_fields(struct decoder *decoder, const struct message_type *type, void *message);

static bool take_records(struct decoder *decoder, const struct message_type *type, const struct message_field *field,
                         struct records *records_out)
{
    const struct message_type *record = field->record;
    uint64_t count;
    char *item;

    /* Each field of a record is at least one byte, so the count is bounded by what has come. */
    if (!take_varint(&decoder->cursor, &count) || count > field->maximum ||
        count > decoder->cursor.rest.len / record->field_count)
        return malformed(decoder, type, field, "bad number of records");
    item = arena_alloc_array(decoder->arena, count, record->size);
    *records_out = (struct records){ .items = item, .count = count };
    for (uint64_t i = 0; i < count; i++) {
        if (!take_fields(decoder, record, item))
            return false;
        item += record->size; /* UNSAFE: count records of this size were allocated */
    }
    return true;
}

static bool take_fd(struct decoder *decoder, int *fd_out)
{
    bool is_passed;

    if (!take_bool(&decoder->cursor, &is_passed) || decoder->is_fd_taken)
        return false;
    if (is_passed != (decoder->fd >= 0))
        return false;
    *fd_out = is_passed ? decoder->fd : -1;
    decoder->is_fd_taken = true;
    return true;
}

static bool take_value(struct decoder *decoder, const struct message_field *field, void *place)
{
    struct cursor *cursor = &decoder->cursor;

    switch (field->type) {
    case FIELD_BOOL:
        return take_bool(cursor, place);
    case FIELD_UINT:
        return take_varint(cursor, place) && *(uint64_t *) place <= field->maximum;
    case FIELD_INT:
        return take_zigzag(cursor, place) && magnitude(*(int64_t *) place) <= field->maximum;
    case FIELD_TIME:
        return take_zigzag(cursor, &((struct instant *) place)->us);
    case FIELD_STR:
    case FIELD_SECRET:
        return take_str(cursor, field->maximum, place);
    case FIELD_STRLIST:
        return take_strlist(cursor, field->maximum, decoder->arena, place);
    case FIELD_FD:
        return take_fd(decoder, place);
    case FIELD_RECORDS:
        break;
    }
    check_failed("a field type of the table", __FILE__, __LINE__);
}

static bool take_fields(struct decoder *decoder, const struct message_type *type, void *message)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        void *place = field_in(field, message);

        if (field->type == FIELD_RECORDS) {
            if (!take_records(decoder, type, field, place))
                return false;
        } else if (!take_value(decoder, field, place)) {
            return malformed(decoder, type, field, "missing, malformed or too large");
        }
    }
    return true;
}

bool message_decode(const struct message_type *type, struct str bytes, int fd, struct arena *arena, void **message_out,
                    struct failure *why)
{
    struct decoder decoder = { .cursor = cursor_over(arena_str(arena, bytes)), .arena = arena, .fd = fd, .why = why };
    void *message = arena_alloc(arena, type->size);

    if (!take_fields(&decoder, type, message))
        return false;
    if (!cursor_at_end(&decoder.cursor))
        return failure_set(why, FAILURE_PROTOCOL, 0, "%s: %zu bytes after its last field", type->name,
                           decoder.cursor.rest.len);
    if (fd >= 0 && !decoder.is_fd_taken)
        return failure_set(why, FAILURE_PROTOCOL, 0, "%s: a descriptor that no field takes", type->name);
    *message_out = message;
    return true;
}

/* ---- printing ---- */

static void print_text(struct strbuf *out, struct str text)
{
    strbuf_append_char(out, '"');
    for (size_t i = 0; i < text.len && i < PRINT_MAXIMUM; i++)
        strbuf_append_char(out, char_is_print(text.data[i]) ? text.data[i] : '?');
    strbuf_append_c(out, text.len > PRINT_MAXIMUM ? "...\"" : "\"");
}

static void print_strlist(struct strbuf *out, const struct strlist *list)
{
    strbuf_append_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        strbuf_append_c(out, i > 0 ? ", " : "");
        print_text(out, list->items[i]);
    }
    strbuf_append_char(out, ']');
}

static void print_records(struct strbuf *out, const struct message_field *field, const struct records *records)
{
    const char *item = records->items;

    for (size_t i = 0; i < records->count; i++) {
        strbuf_append_c(out, i > 0 ? ", {" : "{");
        message_print(field->record, item, out);
        strbuf_append_char(out, '}');
        item += field->record->size; /* UNSAFE: items holds count records of this size */
    }
}

static void print_field(struct strbuf *out, const struct message_field *field, const void *place)
{
    strbuf_printf(out, " %s=", field->name);
    switch (field->type) {
    case FIELD_BOOL:
        strbuf_append_c(out, *(const bool *) place ? "yes" : "no");
        return;
    case FIELD_UINT:
        strbuf_printf(out, "%llu", (unsigned long long) *(const uint64_t *) place);
        return;
    case FIELD_INT:
        strbuf_printf(out, "%lld", (long long) *(const int64_t *) place);
        return;
    case FIELD_TIME:
        strbuf_printf(out, "%lld", (long long) ((const struct instant *) place)->us);
        return;
    case FIELD_STR:
        print_text(out, *(const struct str *) place);
        return;
    case FIELD_SECRET:
        strbuf_printf(out, "(%zu bytes)", ((const struct str *) place)->len);
        return;
    case FIELD_STRLIST:
        print_strlist(out, place);
        return;
    case FIELD_RECORDS:
        print_records(out, field, place);
        return;
    case FIELD_FD:
        strbuf_printf(out, "%d", *(const int *) place);
        return;
    }
}

void message_print(const struct message_type *type, const void *message, struct strbuf *out)
{
    strbuf_append_c(out, type->name);
    for (size_t i = 0; i < type->field_count; i++)
        print_field(out, &type->fields[i], field_of(&type->fields[i], message));
}
