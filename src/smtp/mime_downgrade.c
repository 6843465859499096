/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/mime_downgrade.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "mail/header.h"

enum {
    LINE_MAX_BYTES = 32 * 1024,
    BLOCK_MAX_BYTES = 128 * 1024,
    BOUNDARY_MAX_BYTES = 200, /* RFC 2046 section 5.1.1 has 70 */
    NESTING_MAX = 50,
    ENCODED_COLUMNS = 73, /* here a line ends: three more and the soft line end are RFC 2045 section 6.7's 76 */
};

enum part_kind {
    PART_LEAF,
    PART_MULTIPART,
    PART_MESSAGE,
};

struct mime_downgrade {
    struct strbuf line;  /* without its LF, as far as it has come */
    struct strbuf block; /* the header lines of the part, with their LFs */
    char boundaries[NESTING_MAX][BOUNDARY_MAX_BYTES + 1];
    size_t depth;
    bool is_in_header;
    bool is_encoding;    /* the part's body becomes quoted-printable */
    bool is_inside_line; /* a long line's start is out already */
    size_t column;       /* of the encoded line */
};

struct mime_downgrade *mime_downgrade_create(void)
{
    struct mime_downgrade *downgrade = memory_alloc(sizeof(*downgrade));

    strbuf_init(&downgrade->line, STRBUF_UNLIMITED);
    strbuf_init(&downgrade->block, STRBUF_UNLIMITED);
    downgrade->is_in_header = true;
    return downgrade;
}

void mime_downgrade_destroy(struct mime_downgrade **downgrade)
{
    struct mime_downgrade *it = *downgrade;

    *downgrade = NULL;
    if (it == NULL)
        return;
    strbuf_done(&it->line);
    strbuf_done(&it->block);
    memory_free(it);
}

/* ---- quoted-printable ---- */

static bool is_safe(char c)
{
    return (char_is_print(c) && c != '=') || c == '\t';
}

static void encode_byte(struct mime_downgrade *downgrade, char c, bool is_last, struct strbuf *out)
{
    bool is_plain = is_safe(c) && !(is_last && (c == ' ' || c == '\t'));

    if (downgrade->column >= ENCODED_COLUMNS) {
        strbuf_append(out, STR("=\n"));
        downgrade->column = 0;
    }
    if (is_plain)
        strbuf_append_char(out, c);
    else
        strbuf_printf(out, "=%02X", (unsigned char) c);
    downgrade->column += is_plain ? 1 : 3;
}

static void put_text(struct mime_downgrade *downgrade, struct str text, bool ends_line, struct strbuf *out)
{
    if (!downgrade->is_encoding) {
        strbuf_append(out, text);
    } else {
        for (size_t i = 0; i < text.len; i++)
            encode_byte(downgrade, text.data[i], ends_line && i + 1 == text.len, out);
    }
    if (ends_line) {
        strbuf_append_char(out, '\n');
        downgrade->column = 0;
    }
}

/* ---- headers ---- */

/* The value of a parameter of a Content-Type, quotes taken off. */
static bool find_parameter(struct str value, struct str name, char *text, size_t size)
{
    struct cursor cursor = cursor_over(value);
    size_t len = 0;
    bool is_quoted;

    for (;;) {
        struct str found;

        cursor_take_until(&cursor, ";\"");
        if (cursor_skip_char(&cursor, '"')) {
            cursor_take_until(&cursor, "\"");
            cursor_skip_char(&cursor, '"');
            continue;
        }
        if (!cursor_skip_char(&cursor, ';'))
            return false;
        cursor_skip_any(&cursor, " \t\n");
        found = str_trim(cursor_take_until(&cursor, "=;\""));
        if (str_equal_nocase(found, name) && cursor_skip_char(&cursor, '='))
            break;
    }
    cursor_skip_any(&cursor, " \t\n");
    is_quoted = cursor_skip_char(&cursor, '"');
    for (char c; len + 1 < size && cursor_take_char(&cursor, &c);) {
        if (is_quoted ? c == '"' : (c == ';' || char_is_space(c)))
            break;
        if (is_quoted && c == '\\' && !cursor_take_char(&cursor, &c))
            break;
        text[len++] = c;
    }
    text[len] = '\0';
    return len > 0;
}

/* RFC 2046 section 5.2.1: it may not be encoded. All others may, also message/global (RFC 6532 section 3.7). */
static bool is_message(const struct header_field *type)
{
    struct str value = type->value, word;

    return str_next_word(&value, " \t\n;(", &word) && str_equal_nocase(word, STR("message/rfc822"));
}

/* A multipart's boundary goes on the stack; without one, or too deep, it is a leaf. */
static enum part_kind classify(struct mime_downgrade *downgrade, struct str block)
{
    struct header_field type;

    if (!header_find_field(block, STR("Content-Type"), &type))
        return PART_LEAF;
    if (is_message(&type))
        return PART_MESSAGE;
    if (!str_starts_with_nocase(type.value, STR("multipart/")) || downgrade->depth == NESTING_MAX ||
        !find_parameter(type.value, STR("boundary"), downgrade->boundaries[downgrade->depth], BOUNDARY_MAX_BYTES + 1))
        return PART_LEAF;
    downgrade->depth++;
    return PART_MULTIPART;
}

static bool says_eight_bit(const struct header_field *field)
{
    struct str value = field->value, word;

    return str_equal_nocase(field->name, STR("Content-Transfer-Encoding")) && str_next_word(&value, " \t\n;(", &word) &&
           (str_equal_nocase(word, STR("8bit")) || str_equal_nocase(word, STR("binary")));
}

/* The last of several counts. */
static bool is_eight_bit(struct str block)
{
    struct header_field field;
    bool is_so = false;

    while (header_take_field(&block, &field)) {
        if (str_equal_nocase(field.name, STR("Content-Transfer-Encoding")))
            is_so = says_eight_bit(&field);
    }
    return is_so;
}

/* The block with another encoding, in the last line. */
static void put_block(struct str block, struct str encoding, struct strbuf *out)
{
    struct str rest = block;
    struct header_field field;

    while (header_take_field(&rest, &field)) {
        if (!says_eight_bit(&field))
            strbuf_append(out, field.whole);
    }
    strbuf_append(out, rest);
    strbuf_printf(out, "Content-Transfer-Encoding: %.*s\n", STR_ARG(encoding));
}

/* At the line that ends a part's header. */
static void end_header(struct mime_downgrade *downgrade, struct strbuf *out)
{
    struct str block = strbuf_str(&downgrade->block);
    enum part_kind kind = classify(downgrade, block);

    if (is_eight_bit(block)) {
        downgrade->is_encoding = kind == PART_LEAF;
        put_block(block, kind == PART_LEAF ? STR("quoted-printable") : STR("7bit"), out);
    } else {
        strbuf_append(out, block);
    }
    strbuf_clear(&downgrade->block);
    /* A message inside begins with a header of its own. */
    downgrade->is_in_header = kind == PART_MESSAGE;
}

/* ---- lines ---- */

/*
 * Whether the line is a boundary of this part or one around it; what is inside of it is left. RFC 2046 section 5.1.1:
 * that it begins with the boundary is enough; of two such, the longer one is meant.
 */
static bool take_boundary(struct mime_downgrade *downgrade, struct str line, bool *is_last_out)
{
    size_t best = 0, best_len = 0;

    if (!str_starts_with(line, STR("--")))
        return false;
    for (size_t i = downgrade->depth; i > 0; i--) {
        struct str boundary = str_from_c(downgrade->boundaries[i - 1]);

        if (boundary.len > best_len && str_starts_with(str_from(line, 2), boundary)) {
            best = i;
            best_len = boundary.len;
        }
    }
    if (best == 0)
        return false;
    *is_last_out = str_starts_with(str_from(line, 2 + best_len), STR("--"));
    downgrade->depth = *is_last_out ? best - 1 : best;
    return true;
}

static void take_header_line(struct mime_downgrade *downgrade, struct str line, struct strbuf *out)
{
    if (line.len == 0) {
        end_header(downgrade, out);
        strbuf_append_char(out, '\n');
        return;
    }
    strbuf_append(&downgrade->block, line);
    strbuf_append_char(&downgrade->block, '\n');
    if (downgrade->block.len < BLOCK_MAX_BYTES)
        return;
    strbuf_append(out, strbuf_str(&downgrade->block));
    strbuf_clear(&downgrade->block);
    downgrade->is_in_header = false;
}

static void take_line(struct mime_downgrade *downgrade, struct str line, struct strbuf *out)
{
    bool is_last = false;

    if (!downgrade->is_inside_line && take_boundary(downgrade, line, &is_last)) {
        if (downgrade->is_in_header)
            end_header(downgrade, out);
        downgrade->is_encoding = false;
        downgrade->is_in_header = !is_last;
        put_text(downgrade, line, true, out);
    } else if (downgrade->is_in_header) {
        take_header_line(downgrade, line, out);
    } else {
        put_text(downgrade, line, true, out);
    }
    downgrade->is_inside_line = false;
}

void mime_downgrade_add(struct mime_downgrade *downgrade, struct str piece, struct strbuf *out)
{
    struct str line;

    while (str_cut(piece, '\n', &line, &piece)) {
        if (downgrade->line.len == 0) {
            take_line(downgrade, line, out);
            continue;
        }
        strbuf_append(&downgrade->line, line);
        take_line(downgrade, strbuf_str(&downgrade->line), out);
        strbuf_clear(&downgrade->line);
    }
    strbuf_append(&downgrade->line, line);
    if (downgrade->line.len < LINE_MAX_BYTES)
        return;
    /* No header has such lines: what comes now is content. */
    if (downgrade->is_in_header)
        end_header(downgrade, out);
    downgrade->is_in_header = false;
    put_text(downgrade, strbuf_str(&downgrade->line), false, out);
    strbuf_clear(&downgrade->line);
    downgrade->is_inside_line = true;
}

void mime_downgrade_end(struct mime_downgrade *downgrade, struct strbuf *out)
{
    if (downgrade->line.len > 0 || downgrade->is_inside_line)
        take_line(downgrade, strbuf_str(&downgrade->line), out);
    strbuf_clear(&downgrade->line);
    if (downgrade->is_in_header)
        end_header(downgrade, out);
}
