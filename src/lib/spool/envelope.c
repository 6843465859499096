/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/envelope.h"

#include "spool/bytes.h"

/* Tags are written to disk: never change or reuse one. */
enum {
    TAG_ID = 1,
    TAG_ARRIVAL = 2,
    TAG_SENDER = 3,
    TAG_ENVID = 4,
    TAG_RETURN = 5,
    TAG_FLAGS = 6,
    TAG_REWRITE = 7,
    TAG_HOPS = 8,
    TAG_SIZE = 9,
    TAG_CLIENT_NAME = 10,
    TAG_CLIENT_ADDRESS = 11,
    TAG_CLIENT_PORT = 12,
    TAG_CLIENT_REVERSE = 13,
    TAG_HELO = 14,
    TAG_PROTOCOL = 15,
    TAG_LOG_IDENT = 16,
    TAG_LOG_CLIENT_NAME = 17,
    TAG_LOG_CLIENT_ADDRESS = 18,
    TAG_LOG_CLIENT_PORT = 19,
    TAG_LOG_HELO = 20,
    TAG_LOG_PROTOCOL = 21,
    TAG_SASL_METHOD = 22,
    TAG_SASL_USERNAME = 23,
    TAG_SASL_SENDER = 24,
    TAG_FILTER = 25,
    TAG_MESSAGE_ID = 26,
    TAG_ENCODING = 27,
    TAG_ATTRIBUTE = 28,
    TAG_RECIPIENT = 29,
    TAG_LINES = 30,

    TAG_RCPT_ADDRESS = 1,
    TAG_RCPT_ORIGINAL = 2,
    TAG_RCPT_ORCPT = 3,
    TAG_RCPT_NOTIFY = 4,
    TAG_RCPT_STATUS = 5,
    TAG_RCPT_DSN = 6,
    TAG_RCPT_REASON = 7,
};

enum { UNKNOWN_MAXIMUM = 4096 };

struct string_row {
    unsigned tag;
    size_t offset;
};

static const struct string_row envelope_strings[] = {
    { TAG_SENDER, offsetof(struct envelope, sender) },
    { TAG_ENVID, offsetof(struct envelope, dsn_envid) },
    { TAG_CLIENT_NAME, offsetof(struct envelope, client_name) },
    { TAG_CLIENT_ADDRESS, offsetof(struct envelope, client_address) },
    { TAG_CLIENT_PORT, offsetof(struct envelope, client_port) },
    { TAG_CLIENT_REVERSE, offsetof(struct envelope, client_reverse_name) },
    { TAG_HELO, offsetof(struct envelope, helo) },
    { TAG_PROTOCOL, offsetof(struct envelope, protocol) },
    { TAG_LOG_IDENT, offsetof(struct envelope, log_ident) },
    { TAG_LOG_CLIENT_NAME, offsetof(struct envelope, log_client_name) },
    { TAG_LOG_CLIENT_ADDRESS, offsetof(struct envelope, log_client_address) },
    { TAG_LOG_CLIENT_PORT, offsetof(struct envelope, log_client_port) },
    { TAG_LOG_HELO, offsetof(struct envelope, log_helo) },
    { TAG_LOG_PROTOCOL, offsetof(struct envelope, log_protocol) },
    { TAG_SASL_METHOD, offsetof(struct envelope, sasl_method) },
    { TAG_SASL_USERNAME, offsetof(struct envelope, sasl_username) },
    { TAG_SASL_SENDER, offsetof(struct envelope, sasl_sender) },
    { TAG_FILTER, offsetof(struct envelope, content_filter) },
    { TAG_MESSAGE_ID, offsetof(struct envelope, message_id) },
    { TAG_ENCODING, offsetof(struct envelope, encoding) },
};

static const struct string_row recipient_strings[] = {
    { TAG_RCPT_ADDRESS, offsetof(struct envelope_recipient, address) },
    { TAG_RCPT_ORIGINAL, offsetof(struct envelope_recipient, original) },
    { TAG_RCPT_ORCPT, offsetof(struct envelope_recipient, dsn_original) },
    { TAG_RCPT_REASON, offsetof(struct envelope_recipient, reason) },
};

static const struct str *string_at(const void *owner, const struct string_row *row)
{
    return (const struct str *) (const void *) ((const char *) owner + row->offset);
}

/* ---- building ---- */

/* Doubles an array in the arena; the old one stays there until the arena ends. */
static void *grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    void *grown;

    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? *capacity * 2 : 4;
    grown = arena_alloc_array(arena, *capacity, size);
    if (count > 0)
        memcpy(grown, items, count * size);
    return grown;
}

static struct envelope_recipient *new_recipient(struct envelope *envelope, struct arena *arena)
{
    struct envelope_recipient *recipient;

    envelope->recipients = grow(arena, envelope->recipients, envelope->recipient_count, &envelope->recipient_capacity,
                                sizeof(*envelope->recipients));
    recipient = &envelope->recipients[envelope->recipient_count++];
    *recipient = (struct envelope_recipient){ .status = RECIPIENT_PENDING };
    return recipient;
}

struct envelope_recipient *envelope_add_recipient(struct envelope *envelope, struct arena *arena, struct str address,
                                                  struct str original, struct str dsn_original, unsigned dsn_notify)
{
    struct envelope_recipient *recipient = new_recipient(envelope, arena);

    recipient->address = arena_str(arena, address);
    recipient->original = arena_str(arena, original);
    recipient->dsn_original = arena_str(arena, dsn_original);
    recipient->dsn_notify = dsn_notify;
    return recipient;
}

uint64_t envelope_wire_size(const struct envelope *envelope)
{
    return envelope->content_size + envelope->content_lines;
}

void envelope_add_attribute(struct envelope *envelope, struct arena *arena, struct str name, struct str value)
{
    envelope->attributes = grow(arena, envelope->attributes, envelope->attribute_count, &envelope->attribute_capacity,
                                sizeof(*envelope->attributes));
    envelope->attributes[envelope->attribute_count++] =
        (struct envelope_attribute){ arena_str(arena, name), arena_str(arena, value) };
}

struct str envelope_attribute(const struct envelope *envelope, struct str name)
{
    for (size_t i = 0; i < envelope->attribute_count; i++) {
        if (str_equal(envelope->attributes[i].name, name))
            return envelope->attributes[i].value;
    }
    return STR_EMPTY;
}

/* ---- encoding ---- */

static bool append_strings(const struct string_row *rows, size_t count, const void *owner, struct strbuf *out,
                           struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        const struct str *text = string_at(owner, &rows[i]);

        if (text->len > ENVELOPE_STRING_MAXIMUM)
            return failure_set(why, FAILURE_PERMANENT, 0, "envelope string of %zu bytes is too long", text->len);
        if (text->len > 0)
            bytes_append_field(out, rows[i].tag, *text);
    }
    return true;
}

static void append_nonzero(struct strbuf *out, unsigned tag, uint64_t value)
{
    if (value != 0)
        bytes_append_number(out, tag, value);
}

static uint64_t pack_dsn(struct dsn_status dsn)
{
    return (uint64_t) dsn.class << 32 | (uint64_t) dsn.subject << 16 | dsn.detail;
}

static struct dsn_status unpack_dsn(uint64_t packed)
{
    return (struct dsn_status){ (unsigned char) (packed >> 32), (unsigned short) (packed >> 16 & 0xffff),
                                (unsigned short) (packed & 0xffff) };
}

static bool append_attribute(const struct envelope_attribute *attribute, struct strbuf *out, struct failure *why)
{
    unsigned char name_len[BYTES_LEB128_SIZE];
    size_t digits = bytes_put_leb128(name_len, attribute->name.len);

    if (attribute->name.len > ENVELOPE_STRING_MAXIMUM || attribute->value.len > ENVELOPE_STRING_MAXIMUM)
        return failure_set(why, FAILURE_PERMANENT, 0, "envelope attribute is too long");
    strbuf_append_char(out, TAG_ATTRIBUTE);
    bytes_append_leb128(out, digits + attribute->name.len + attribute->value.len);
    strbuf_append_bytes(out, name_len, digits);
    strbuf_append(out, attribute->name);
    strbuf_append(out, attribute->value);
    return true;
}

static bool finish_encoding(const struct strbuf *out, struct failure *why)
{
    if (out->is_overflowed)
        return failure_set(why, FAILURE_PERMANENT, 0, "envelope is too large");
    return true;
}

bool envelope_encode_head(const struct envelope *envelope, struct strbuf *out, struct failure *why)
{
    strbuf_append_char(out, ENVELOPE_VERSION);
    bytes_append_number(out, TAG_ID, envelope->id.value);
    bytes_append_number(out, TAG_ARRIVAL, (uint64_t) envelope->arrival.us);
    append_nonzero(out, TAG_RETURN, envelope->dsn_return);
    append_nonzero(out, TAG_FLAGS, envelope->flags);
    append_nonzero(out, TAG_REWRITE, envelope->rewrite);
    append_nonzero(out, TAG_HOPS, envelope->hop_count);
    append_nonzero(out, TAG_SIZE, envelope->content_size);
    append_nonzero(out, TAG_LINES, envelope->content_lines);
    if (!append_strings(envelope_strings, ARRAY_COUNT(envelope_strings), envelope, out, why))
        return false;
    for (size_t i = 0; i < envelope->attribute_count; i++) {
        if (!append_attribute(&envelope->attributes[i], out, why))
            return false;
    }
    strbuf_append(out, envelope->unknown);
    return finish_encoding(out, why);
}

static bool append_recipient(const struct envelope_recipient *recipient, struct strbuf *scratch, struct strbuf *out,
                             struct failure *why)
{
    strbuf_clear(scratch);
    if (!append_strings(recipient_strings, ARRAY_COUNT(recipient_strings), recipient, scratch, why))
        return false;
    append_nonzero(scratch, TAG_RCPT_NOTIFY, recipient->dsn_notify);
    append_nonzero(scratch, TAG_RCPT_STATUS, recipient->status);
    append_nonzero(scratch, TAG_RCPT_DSN, pack_dsn(recipient->dsn));
    strbuf_append(scratch, recipient->unknown);
    if (scratch->is_overflowed)
        return failure_set(why, FAILURE_PERMANENT, 0, "recipient is too large");
    bytes_append_field(out, TAG_RECIPIENT, strbuf_str(scratch));
    return true;
}

bool envelope_encode_recipients(const struct envelope *envelope, size_t from, size_t count, struct strbuf *out,
                                struct failure *why)
{
    struct strbuf scratch;
    bool is_done = true;

    strbuf_init(&scratch, (size_t) 8 * ENVELOPE_STRING_MAXIMUM);
    for (size_t i = from; is_done && i < from + count && i < envelope->recipient_count; i++)
        is_done = append_recipient(&envelope->recipients[i], &scratch, out, why);
    strbuf_done(&scratch);
    return is_done && finish_encoding(out, why);
}

bool envelope_encode(const struct envelope *envelope, struct strbuf *out, struct failure *why)
{
    return envelope_encode_head(envelope, out, why) &&
           envelope_encode_recipients(envelope, 0, envelope->recipient_count, out, why);
}

/* ---- decoding ---- */

static bool malformed(struct failure *why, const char *what)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "malformed envelope: %s", what);
}

/* Whether a string row has the tag; then the string is copied. */
static bool take_string(const struct string_row *rows, size_t count, unsigned tag, struct str value,
                        struct arena *arena, void *owner, bool *is_valid)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].tag != tag)
            continue;
        *is_valid = value.len <= ENVELOPE_STRING_MAXIMUM;
        if (*is_valid)
            *(struct str *) (void *) ((char *) owner + rows[i].offset) = arena_str(arena, value);
        return true;
    }
    return false;
}

/* Collects fields that this version does not know; a few kB of them at most. */
static bool keep_unknown(struct arena *arena, struct str *kept, unsigned tag, struct str value)
{
    struct strbuf joined;
    bool fits;

    strbuf_init(&joined, UNKNOWN_MAXIMUM);
    strbuf_append(&joined, *kept);
    fits = bytes_append_field(&joined, tag, value);
    if (fits)
        *kept = arena_str(arena, strbuf_str(&joined));
    strbuf_done(&joined);
    return fits;
}

static bool take_recipient_number(struct envelope_recipient *recipient, unsigned tag, uint64_t number)
{
    switch (tag) {
    case TAG_RCPT_NOTIFY:
        recipient->dsn_notify = (unsigned) (number & 0xff);
        return true;
    case TAG_RCPT_STATUS:
        recipient->status = (enum recipient_status) number;
        return number <= RECIPIENT_RETURNED;
    default:
        recipient->dsn = unpack_dsn(number);
        return number >> 40 == 0;
    }
}

static bool decode_recipient(struct str bytes, struct arena *arena, struct envelope *envelope, struct failure *why)
{
    struct envelope_recipient *recipient = new_recipient(envelope, arena);
    struct cursor cursor = cursor_over(bytes);
    bool is_valid = true;

    while (is_valid && !cursor_at_end(&cursor)) {
        struct str value;
        uint64_t number;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value))
            return malformed(why, "field of a recipient");
        if (take_string(recipient_strings, ARRAY_COUNT(recipient_strings), tag, value, arena, recipient, &is_valid))
            continue;
        if (tag >= TAG_RCPT_NOTIFY && tag <= TAG_RCPT_DSN)
            is_valid = bytes_number(value, &number) && take_recipient_number(recipient, tag, number);
        else
            is_valid = keep_unknown(arena, &recipient->unknown, tag, value);
    }
    return is_valid || malformed(why, "recipient");
}

static bool decode_attribute(struct str bytes, struct arena *arena, struct envelope *envelope)
{
    struct cursor cursor = cursor_over(bytes);
    uint64_t name_len;
    struct str name;

    if (bytes.len > 2 * ENVELOPE_STRING_MAXIMUM + BYTES_LEB128_SIZE || !bytes_take_leb128(&cursor, &name_len) ||
        !cursor_take(&cursor, (size_t) name_len, &name))
        return false;
    envelope_add_attribute(envelope, arena, name, cursor.rest);
    return true;
}

static bool take_number(struct envelope *envelope, unsigned tag, uint64_t number)
{
    switch (tag) {
    case TAG_ID:
        envelope->id = (struct queue_id){ number };
        return true;
    case TAG_ARRIVAL:
        envelope->arrival = (struct instant){ (int64_t) number };
        return number <= INT64_MAX;
    case TAG_RETURN:
        envelope->dsn_return = (enum dsn_return) number;
        return number <= DSN_RETURN_HEADERS;
    case TAG_FLAGS:
        envelope->flags = (unsigned) number;
        return number <= UINT32_MAX;
    case TAG_REWRITE:
        envelope->rewrite = (enum envelope_rewrite) number;
        return number <= ENVELOPE_REWRITE_REMOTE;
    case TAG_HOPS:
        envelope->hop_count = (unsigned) number;
        return number <= UINT32_MAX;
    case TAG_LINES:
        envelope->content_lines = number;
        return number <= INT64_MAX / 2;
    default:
        envelope->content_size = number;
        return number <= INT64_MAX / 2;
    }
}

static bool is_number_tag(unsigned tag)
{
    return tag == TAG_ID || tag == TAG_ARRIVAL || (tag >= TAG_RETURN && tag <= TAG_SIZE) || tag == TAG_LINES;
}

static bool decode_field(unsigned tag, struct str value, struct arena *arena, struct envelope *envelope,
                         struct failure *why)
{
    bool is_valid = true;
    uint64_t number;

    if (tag == TAG_RECIPIENT)
        return decode_recipient(value, arena, envelope, why);
    if (take_string(envelope_strings, ARRAY_COUNT(envelope_strings), tag, value, arena, envelope, &is_valid))
        return is_valid || malformed(why, "string too long");
    if (tag == TAG_ATTRIBUTE)
        return decode_attribute(value, arena, envelope) || malformed(why, "attribute");
    if (is_number_tag(tag))
        return (bytes_number(value, &number) && take_number(envelope, tag, number)) || malformed(why, "number");
    return keep_unknown(arena, &envelope->unknown, tag, value) || malformed(why, "too much of another version");
}

bool envelope_decode_recipients(struct str bytes, struct arena *arena, struct envelope *envelope, struct failure *why)
{
    struct cursor cursor = cursor_over(bytes);

    while (!cursor_at_end(&cursor)) {
        struct str value;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value) || tag != TAG_RECIPIENT)
            return malformed(why, "recipients");
        if (!decode_recipient(value, arena, envelope, why))
            return false;
    }
    return true;
}

bool envelope_decode(struct str bytes, struct arena *arena, struct envelope *envelope_out, struct failure *why)
{
    struct cursor cursor = cursor_over(bytes);
    struct envelope envelope = { .rewrite = ENVELOPE_REWRITE_LOCAL };
    char version;

    if (bytes.len > ENVELOPE_MAXIMUM || !cursor_take_char(&cursor, &version))
        return malformed(why, "size");
    if (version != ENVELOPE_VERSION)
        return failure_set(why, FAILURE_PERMANENT, 0, "envelope of version %u is not known", (unsigned char) version);
    while (!cursor_at_end(&cursor)) {
        struct str value;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value))
            return malformed(why, "field");
        if (!decode_field(tag, value, arena, &envelope, why))
            return false;
    }
    if (queue_id_is_none(envelope.id))
        return malformed(why, "no queue id");
    *envelope_out = envelope;
    return true;
}
