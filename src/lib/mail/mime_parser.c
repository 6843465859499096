/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mime_parser.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "mail/content_type.h"
#include "mail/header.h"
#include "mail/piece_cutter.h"
#include "mail/quoted_printable.h"

/* A multipart that is open: its parts stand between lines that begin with its boundary. */
struct level {
    struct strbuf boundary;
    enum content_kind part_kind; /* of a part that says nothing */
};

struct mime_parser {
    struct mime_options options;
    enum mime_place place;
    bool is_in_header;

    struct piece_cutter cutter;
    struct piece piece;
    bool has_piece;
    bool is_piece_judged;

    struct strbuf field;
    bool has_field;
    bool is_field_open; /* its last line has not ended yet */
    bool is_field_full; /* what comes of it is dropped */
    bool is_field_judged;
    bool is_field_dropped;

    enum content_kind kind; /* of the part whose header is read */
    enum content_encoding encoding;
    bool is_header_judged;
    struct str new_encoding; /* to be given as its last field; empty: none */

    bool is_encoding; /* the body that is read becomes quoted-printable */
    bool is_7bit;     /* it has no business with other bytes */
    struct strbuf encoded;
    bool is_encoded_given;
    uint64_t offset;

    struct level *levels;
    size_t depth;
    bool is_in_global;   /* within a message/global that says 8bit ... */
    size_t global_depth; /* ... and stands this deep */

    unsigned due; /* enum mime_finding */
    struct str due_text;
    unsigned told;
};

struct mime_parser *mime_parser_create(const struct mime_options *options)
{
    struct mime_parser *parser = memory_alloc(sizeof *parser);

    parser->options = *options;
    parser->is_in_header = true;
    piece_cutter_init(&parser->cutter, options->line_limit);
    strbuf_init(&parser->field, options->header_size_limit);
    strbuf_init(&parser->encoded, QUOTED_PRINTABLE_LINE);
    return parser;
}

static void close_levels(struct mime_parser *parser, size_t depth)
{
    while (parser->depth > depth)
        strbuf_done(&parser->levels[--parser->depth].boundary);
}

void mime_parser_destroy(struct mime_parser **parser)
{
    struct mime_parser *it = *parser;

    *parser = NULL;
    if (it == NULL)
        return;
    close_levels(it, 0);
    memory_free(it->levels);
    piece_cutter_done(&it->cutter);
    strbuf_done(&it->field);
    strbuf_done(&it->encoded);
    memory_free(it);
}

/* ---- pieces ---- */

/* False: more input is needed. */
static bool take_piece(struct mime_parser *parser, struct str *input, bool is_last)
{
    parser->has_piece = piece_cutter_take(&parser->cutter, input, is_last, &parser->piece);
    parser->is_piece_judged = false;
    return parser->has_piece;
}

/* Its text stays until the next one is taken. */
static void drop_piece(struct mime_parser *parser)
{
    parser->has_piece = false;
}

/* ---- what is found ---- */

static bool looks_for(const struct mime_parser *parser, enum mime_finding finding)
{
    return (parser->options.findings & ~parser->told & finding) != 0;
}

static void find(struct mime_parser *parser, enum mime_finding finding, struct str text)
{
    if (!looks_for(parser, finding))
        return;
    parser->due |= finding;
    parser->due_text = text;
}

static enum mime_event_type give_finding(struct mime_parser *parser, struct mime_event *event_out)
{
    unsigned first = parser->due & -parser->due;

    parser->due &= ~first;
    parser->told |= first;
    *event_out = (struct mime_event){
        .type = MIME_FINDING,
        .place = parser->place,
        .finding = (enum mime_finding) first,
        .text = parser->due_text,
    };
    return MIME_FINDING;
}

static bool has_8bit(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char) text.data[i] > 127)
            return true;
    }
    return false;
}

/* ---- fields ---- */

static struct str field_name(struct str field)
{
    return str_part(field, 0, header_name_length(field));
}

static bool is_mime_field(struct str name)
{
    static const struct str names[] = {
        { "Content-Description", 19 },       { "Content-Disposition", 19 }, { "Content-ID", 10 },
        { "Content-Transfer-Encoding", 25 }, { "Content-Type", 12 },        { "MIME-Version", 12 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* Of boundaries; Postfix counts from the first part of the first multipart. */
static size_t level_limit(const struct mime_parser *parser)
{
    return parser->options.nesting_limit + 2;
}

static void open_level(struct mime_parser *parser, struct str boundary)
{
    struct level *level;

    if (parser->levels == NULL)
        parser->levels = memory_alloc_array(level_limit(parser), sizeof *parser->levels);
    level = &parser->levels[parser->depth++];
    level->part_kind = parser->kind == CONTENT_DIGEST ? CONTENT_MESSAGE : CONTENT_TEXT;
    strbuf_init(&level->boundary, STRBUF_UNLIMITED);
    strbuf_append(&level->boundary, boundary);
}

static void judge_type(struct mime_parser *parser, struct str value)
{
    struct strbuf boundary;

    parser->kind = content_kind_from_field(value, parser->kind);
    if (parser->kind != CONTENT_MULTIPART && parser->kind != CONTENT_DIGEST)
        return;
    strbuf_init(&boundary, parser->options.boundary_limit);
    while (content_take_boundary(&value, &boundary)) {
        if (parser->depth < level_limit(parser))
            open_level(parser, strbuf_str(&boundary));
        else
            find(parser, MIME_FINDING_NESTING, strbuf_str(&parser->field));
    }
    strbuf_done(&boundary);
}

static bool is_eight_bit(enum content_encoding encoding)
{
    return encoding == CONTENT_8BIT || encoding == CONTENT_BINARY;
}

/* One that is not known stands for the one before it, and goes with it. */
static void judge_encoding(struct mime_parser *parser, struct str value)
{
    (void) content_encoding_from_field(value, &parser->encoding);
    parser->is_field_dropped = parser->options.encodes_8bit && is_eight_bit(parser->encoding);
}

static void judge_field(struct mime_parser *parser)
{
    struct str field = strbuf_str(&parser->field);
    struct str name = field_name(field);
    struct str value = str_from(field, str_find_char(field, ':') + 1);

    parser->is_field_judged = true;
    parser->is_field_dropped = false;
    if (parser->options.ignores_mime)
        return;
    if (str_equal_nocase(name, STR("Content-Type")))
        judge_type(parser, value);
    else if (str_equal_nocase(name, STR("Content-Transfer-Encoding")))
        judge_encoding(parser, value);
    if (looks_for(parser, MIME_FINDING_8BIT_HEADER) && has_8bit(field))
        find(parser, MIME_FINDING_8BIT_HEADER, field);
}

static void append_capped(struct strbuf *buf, struct str text)
{
    strbuf_append(buf, str_part(text, 0, buf->maximum - buf->len));
}

/* Blanks between the name and the colon (RFC 5322 section 4.5.8) are left out. */
static void begin_field(struct mime_parser *parser)
{
    struct str text = parser->piece.text;
    struct str name = field_name(text);
    struct str rest = str_from(text, str_find_char(text, ':'));

    parser->has_field = true;
    parser->is_field_judged = false;
    parser->is_field_full = name.len + rest.len > parser->field.maximum;
    parser->is_field_open = !parser->piece.ends_line;
    strbuf_clear(&parser->field);
    append_capped(&parser->field, name);
    append_capped(&parser->field, rest);
    drop_piece(parser);
}

/* A fold that does not fit ends the field: cut where much is left of the limit, dropped whole near its end. */
static void continue_field(struct mime_parser *parser)
{
    struct strbuf *field = &parser->field;
    struct str text = parser->piece.text;
    size_t room = parser->is_field_full ? 0 : field->maximum - field->len;

    if (!parser->piece.starts_line) {
        append_capped(field, str_part(text, 0, room));
        parser->is_field_full = text.len > room;
    } else {
        if (text.len < room || room > field->maximum / 10) {
            append_capped(field, STR("\n"));
            append_capped(field, text);
        }
        parser->is_field_full = text.len >= room;
    }
    parser->is_field_open = !parser->piece.ends_line;
    drop_piece(parser);
}

/* MORE where there is nothing to give. */
static enum mime_event_type give_field(struct mime_parser *parser, struct mime_event *event_out)
{
    if (!parser->is_field_judged)
        judge_field(parser);
    if (parser->due != 0)
        return give_finding(parser, event_out);
    parser->has_field = false;
    if (parser->is_field_dropped)
        return MIME_MORE;
    *event_out = (struct mime_event){
        .type = MIME_FIELD,
        .place = parser->place,
        .is_mime_field = is_mime_field(field_name(strbuf_str(&parser->field))),
        .may_be_encoded = parser->is_in_global,
        .text = strbuf_str(&parser->field),
    };
    return MIME_FIELD;
}

/* ---- headers ---- */

static bool has_parts(enum content_kind kind)
{
    return kind == CONTENT_MULTIPART || kind == CONTENT_DIGEST;
}

/* A message inside that is read as one; a global one may be encoded whole instead. */
static bool is_message(const struct mime_parser *parser)
{
    return parser->kind == CONTENT_MESSAGE ||
           (parser->kind == CONTENT_GLOBAL && !(parser->options.encodes_8bit && is_eight_bit(parser->encoding)));
}

/* RFC 2045 section 6.4 and RFC 2046 section 5.2: what may be said of that which holds parts. */
static bool is_wrong_domain(const struct mime_parser *parser)
{
    if (parser->kind == CONTENT_PIECE)
        return is_eight_bit(parser->encoding);
    return (has_parts(parser->kind) || parser->kind == CONTENT_MESSAGE) &&
           (parser->encoding == CONTENT_QUOTED_PRINTABLE || parser->encoding == CONTENT_BASE64);
}

static void begin_header(struct mime_parser *parser, enum mime_place place, enum content_kind kind)
{
    parser->place = place;
    parser->is_in_header = true;
    parser->is_header_judged = false;
    parser->is_encoding = false;
    parser->kind = kind;
    parser->encoding = CONTENT_7BIT;
}

static void begin_message(struct mime_parser *parser)
{
    if (parser->kind == CONTENT_GLOBAL && is_eight_bit(parser->encoding) && !parser->is_in_global) {
        parser->is_in_global = true;
        parser->global_depth = parser->depth;
    }
    begin_header(parser, MIME_NESTED, CONTENT_TEXT);
}

/* What the header has said of the body. */
static void judge_header(struct mime_parser *parser)
{
    bool holds_more = has_parts(parser->kind) || is_message(parser);

    parser->is_header_judged = true;
    parser->is_7bit = holds_more || parser->encoding == CONTENT_7BIT;
    parser->is_encoding = parser->options.encodes_8bit && is_eight_bit(parser->encoding) && !holds_more;
    if (parser->options.encodes_8bit && is_eight_bit(parser->encoding))
        parser->new_encoding = parser->is_encoding ? STR("Content-Transfer-Encoding: quoted-printable")
                                                   : STR("Content-Transfer-Encoding: 7bit");
}

static enum mime_event_type give_new_encoding(struct mime_parser *parser, struct mime_event *event_out)
{
    *event_out = (struct mime_event){
        .type = MIME_FIELD,
        .place = parser->place,
        .text = parser->new_encoding,
    };
    parser->new_encoding = STR_EMPTY;
    return MIME_FIELD;
}

/* At a piece that is no part of it, or at the end. */
static enum mime_event_type end_header(struct mime_parser *parser, struct mime_event *event_out)
{
    bool is_at_end = !parser->has_piece;
    bool is_empty_line = !is_at_end && parser->piece.text.len == 0;

    if (!parser->is_header_judged)
        judge_header(parser);
    if (parser->new_encoding.len > 0)
        return give_new_encoding(parser, event_out);
    /* Given behind the header's end. */
    if (is_wrong_domain(parser))
        find(parser, MIME_FINDING_ENCODING_DOMAIN, content_encoding_name(parser->encoding));
    *event_out = (struct mime_event){ .type = MIME_HEADER_END, .place = parser->place };
    event_out->text = is_empty_line || (!is_at_end && parser->place == MIME_PRIMARY) ? STR("\n") : STR_EMPTY;
    if (is_empty_line)
        drop_piece(parser);
    parser->offset = is_empty_line ? 1 : 0;
    if (is_message(parser) && !is_at_end)
        begin_message(parser);
    else
        parser->is_in_header = false;
    return MIME_HEADER_END;
}

static bool is_continuation(const struct mime_parser *parser)
{
    const struct piece *piece = &parser->piece;

    if (!parser->has_field)
        return false;
    if (!piece->starts_line)
        return parser->is_field_open;
    return piece->text.len > 0 && (piece->text.data[0] == ' ' || piece->text.data[0] == '\t');
}

/* ---- body ---- */

static enum mime_event_type give_body(struct mime_parser *parser, struct str text, bool ends_line,
                                      struct mime_event *event_out)
{
    *event_out = (struct mime_event){
        .type = MIME_BODY,
        .place = parser->place,
        .ends_line = ends_line,
        .text = text,
        .offset = parser->offset,
    };
    parser->offset += text.len + ends_line;
    return MIME_BODY;
}

/*
 * Whether the piece is a boundary: the innermost one that it begins with (RFC 2046 section 5.1.1: what follows does
 * not count). What is inside of that part ends with it.
 */
static bool take_boundary(struct mime_parser *parser)
{
    struct str line = parser->piece.text;

    if (parser->depth == 0 || !parser->piece.starts_line || !str_starts_with(line, STR("--")))
        return false;
    line = str_from(line, 2);
    for (size_t i = parser->depth; i > 0; i--) {
        struct str boundary = strbuf_str(&parser->levels[i - 1].boundary);

        if (!str_starts_with(line, boundary))
            continue;
        if (i <= parser->global_depth)
            parser->is_in_global = false;
        if (str_starts_with(str_from(line, boundary.len), STR("--"))) {
            close_levels(parser, i - 1);
            parser->is_in_header = false;
            parser->is_encoding = false;
            parser->is_7bit = true;
            parser->offset = 0;
        } else {
            close_levels(parser, i);
            begin_header(parser, MIME_PART, parser->levels[i - 1].part_kind);
        }
        return true;
    }
    return false;
}

/* The next line of the encoded piece. MORE where it goes on in the next piece. */
static enum mime_event_type encode_piece(struct mime_parser *parser, struct mime_event *event_out)
{
    struct piece *piece = &parser->piece;

    if (!quoted_printable_add(&parser->encoded, &piece->text, piece->ends_line)) {
        bool ends_line = piece->ends_line;

        drop_piece(parser);
        if (!ends_line)
            return MIME_MORE;
    }
    parser->is_encoded_given = true;
    return give_body(parser, strbuf_str(&parser->encoded), true, event_out);
}

/* MORE where there is nothing to give. */
static enum mime_event_type next_of_body(struct mime_parser *parser, struct mime_event *event_out)
{
    struct piece piece = parser->piece;

    if (!parser->is_piece_judged) {
        parser->is_piece_judged = true;
        if (parser->is_7bit && looks_for(parser, MIME_FINDING_8BIT_BODY) && !parser->options.ignores_mime &&
            has_8bit(piece.text))
            find(parser, MIME_FINDING_8BIT_BODY, piece.text);
    }
    if (parser->due != 0)
        return give_finding(parser, event_out);
    if (!take_boundary(parser) && parser->is_encoding)
        return encode_piece(parser, event_out);
    drop_piece(parser);
    return give_body(parser, piece.text, piece.ends_line, event_out);
}

/* Whether nobody needs to see the lines of this body. */
static bool is_plain_body(struct mime_parser *parser)
{
    bool looks_for_8bit = looks_for(parser, MIME_FINDING_8BIT_BODY) && !parser->options.ignores_mime;

    return parser->options.needs_no_lines && !parser->is_in_header && !parser->has_piece && !parser->is_encoding &&
           !(parser->is_7bit && looks_for_8bit) && piece_cutter_is_empty(&parser->cutter);
}

/* All up to where a boundary may begin; MORE when that is at once. */
static enum mime_event_type pass_body(struct mime_parser *parser, struct str *input, struct mime_event *event_out)
{
    struct str text = *input;

    if (parser->depth > 0) {
        size_t end;

        if (parser->cutter.starts_line && str_starts_with(text, STR("-")))
            return MIME_MORE;
        end = str_find(text, STR("\n-"));
        text = end == STR_NOT_FOUND ? text : str_part(text, 0, end + 1);
    }
    if (text.len == 0)
        return MIME_MORE;
    *input = str_from(*input, text.len);
    piece_cutter_pass(&parser->cutter, text);
    return give_body(parser, text, false, event_out);
}

/* ---- */

static enum mime_event_type next_of_header(struct mime_parser *parser, struct mime_event *event_out)
{
    if (parser->has_piece && is_continuation(parser)) {
        continue_field(parser);
        return MIME_MORE;
    }
    if (parser->has_field)
        return give_field(parser, event_out);
    /* The rest of a long boundary line. */
    if (parser->has_piece && !parser->piece.starts_line)
        return next_of_body(parser, event_out);
    if (parser->has_piece && header_name_length(parser->piece.text) > 0) {
        begin_field(parser);
        return MIME_MORE;
    }
    return end_header(parser, event_out);
}

/* MORE at the very end. */
static enum mime_event_type next_of_end(struct mime_parser *parser, struct mime_event *event_out)
{
    enum mime_event_type type;

    if (parser->encoded.len > 0) {
        parser->is_encoded_given = true;
        return give_body(parser, strbuf_str(&parser->encoded), false, event_out);
    }
    while (parser->is_in_header) {
        type = next_of_header(parser, event_out);
        if (type != MIME_MORE)
            return type;
    }
    return MIME_MORE;
}

enum mime_event_type mime_parser_next(struct mime_parser *parser, struct str *input, bool is_last,
                                      struct mime_event *event_out)
{
    enum mime_event_type type = MIME_MORE;

    while (type == MIME_MORE) {
        if (parser->is_encoded_given)
            strbuf_clear(&parser->encoded);
        parser->is_encoded_given = false;
        if (parser->due != 0)
            return give_finding(parser, event_out);
        if (is_plain_body(parser) && (type = pass_body(parser, input, event_out)) != MIME_MORE)
            return type;
        if (!parser->has_piece && !take_piece(parser, input, is_last))
            break;
        type = parser->is_in_header ? next_of_header(parser, event_out) : next_of_body(parser, event_out);
    }
    if (type == MIME_MORE && is_last)
        type = next_of_end(parser, event_out);
    if (type == MIME_MORE)
        *event_out = (struct mime_event){ .type = MIME_MORE };
    return type;
}

/* ---- words ---- */

struct str mime_finding_text(enum mime_finding finding)
{
    switch (finding) {
    case MIME_FINDING_NESTING:
        return STR("MIME nesting exceeds safety limit");
    case MIME_FINDING_8BIT_HEADER:
        return STR("improper use of 8-bit data in message header");
    case MIME_FINDING_8BIT_BODY:
        return STR("improper use of 8-bit data in message body");
    case MIME_FINDING_ENCODING_DOMAIN:
        return STR("invalid message/* or multipart/* encoding domain");
    case MIME_FINDING_NONE:
        break;
    }
    return STR_EMPTY;
}
