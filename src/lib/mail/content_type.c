/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/content_type.h"

#include "base/cursor.h"

/* RFC 2045 section 5.1, and RFC 822 section 3.3 for what is no parameter. */
#define PARAMETER_SPECIALS "()<>@,;:\\\"/[]?="
#define WORD_SPECIALS "()<>@,;:\\\".[]"
#define BLANKS " \t\r\n"

struct token {
    struct str text; /* of a quoted one: what stands between the quotes, as it is */
    bool is_quoted;
};

static void skip_comment(struct cursor *cursor)
{
    size_t depth = 0;
    char c;

    while (cursor_take_char(cursor, &c)) {
        if (c == '\\')
            cursor_take_char(cursor, &c);
        else if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0)
            return;
    }
}

static struct str take_quoted(struct cursor *cursor)
{
    struct str start = cursor->rest;
    size_t len = 0;

    while (len < start.len && start.data[len] != '"')
        len += start.data[len] == '\\' && len + 1 < start.len ? 2 : 1;
    cursor->rest = str_from(start, len + 1);
    return str_part(start, 0, len);
}

/* False at the end and before the semicolon that ends a parameter. */
static bool take_token(struct cursor *cursor, const char *specials, struct token *token_out)
{
    cursor_skip_any(cursor, BLANKS);
    while (cursor_peek(cursor) == '(') {
        skip_comment(cursor);
        cursor_skip_any(cursor, BLANKS);
    }
    if (cursor_at_end(cursor) || cursor_peek(cursor) == ';')
        return false;
    token_out->is_quoted = cursor_skip_char(cursor, '"');
    if (token_out->is_quoted) {
        token_out->text = take_quoted(cursor);
        return true;
    }
    token_out->text = str_part(cursor->rest, 0, str_find_any(cursor->rest, specials));
    token_out->text = str_part(token_out->text, 0, str_find_any(token_out->text, BLANKS));
    /* A special is a token by itself. */
    if (token_out->text.len == 0)
        token_out->text = str_part(cursor->rest, 0, 1);
    cursor->rest = str_from(cursor->rest, token_out->text.len);
    return true;
}

static bool take_word(struct cursor *cursor, struct str word)
{
    struct cursor before = *cursor;
    struct token token;

    if (take_token(cursor, PARAMETER_SPECIALS, &token) && !token.is_quoted && str_equal_nocase(token.text, word))
        return true;
    *cursor = before;
    return false;
}

static enum content_kind message_kind(struct cursor *cursor)
{
    if (!take_word(cursor, STR("/")))
        return CONTENT_TEXT;
    if (take_word(cursor, STR("rfc822")))
        return CONTENT_MESSAGE;
    if (take_word(cursor, STR("global")))
        return CONTENT_GLOBAL;
    if (take_word(cursor, STR("partial")) || take_word(cursor, STR("external-body")))
        return CONTENT_PIECE;
    return CONTENT_TEXT;
}

enum content_kind content_kind_from_field(struct str value, enum content_kind kind)
{
    struct cursor cursor = cursor_over(value);

    if (take_word(&cursor, STR("text")))
        return CONTENT_TEXT;
    if (take_word(&cursor, STR("message")))
        return message_kind(&cursor);
    if (take_word(&cursor, STR("multipart")))
        return take_word(&cursor, STR("/")) && take_word(&cursor, STR("digest")) ? CONTENT_DIGEST : CONTENT_MULTIPART;
    return take_token(&cursor, PARAMETER_SPECIALS, &(struct token){ 0 }) ? kind : CONTENT_TEXT;
}

static void set_unquoted(struct strbuf *out, const struct token *token)
{
    struct str text = token->text;

    strbuf_clear(out);
    if (!token->is_quoted) {
        strbuf_append(out, str_part(text, 0, out->maximum));
        return;
    }
    for (size_t i = 0; i < text.len && out->len < out->maximum; i++) {
        if (text.data[i] == '\\' && i + 1 < text.len)
            i++;
        if (text.data[i] != '\n')
            strbuf_append_char(out, text.data[i]);
    }
}

/* Moves behind the next semicolon. */
static bool skip_to_parameter(struct cursor *cursor)
{
    struct token token;

    while (take_token(cursor, PARAMETER_SPECIALS, &token)) {
    }
    return cursor_skip_char(cursor, ';');
}

bool content_take_boundary(struct str *rest, struct strbuf *boundary)
{
    struct cursor cursor = cursor_over(*rest);
    bool is_found = false;

    while (!is_found && skip_to_parameter(&cursor)) {
        struct token token;

        if (!take_word(&cursor, STR("boundary")) || !take_word(&cursor, STR("=")) ||
            !take_token(&cursor, PARAMETER_SPECIALS, &token))
            continue;
        set_unquoted(boundary, &token);
        is_found = boundary->len > 0;
    }
    *rest = cursor.rest;
    return is_found;
}

/* ---- Content-Transfer-Encoding ---- */

static const struct str encoding_names[] = {
    [CONTENT_7BIT] = { "7bit", 4 },     [CONTENT_8BIT] = { "8bit", 4 },
    [CONTENT_BINARY] = { "binary", 6 }, [CONTENT_QUOTED_PRINTABLE] = { "quoted-printable", 16 },
    [CONTENT_BASE64] = { "base64", 6 },
};

bool content_encoding_from_field(struct str value, enum content_encoding *encoding_out)
{
    struct cursor cursor = cursor_over(value);
    struct token token;

    if (!take_token(&cursor, WORD_SPECIALS, &token) || token.is_quoted)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(encoding_names); i++) {
        if (str_equal_nocase(token.text, encoding_names[i])) {
            *encoding_out = (enum content_encoding) i;
            return true;
        }
    }
    return false;
}

struct str content_encoding_name(enum content_encoding encoding)
{
    return encoding_names[encoding];
}
