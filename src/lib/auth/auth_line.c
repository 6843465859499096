/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_line.h"

enum { ESCAPE = '\001' };

static const struct {
    const char *name;
    enum auth_verb verb;
} verbs[] = {
    { "VERSION", AUTH_VERB_VERSION }, { "MECH", AUTH_VERB_MECH },
    { "DONE", AUTH_VERB_DONE },       { "OK", AUTH_VERB_OK },
    { "FAIL", AUTH_VERB_FAIL },       { "CONT", AUTH_VERB_CONT },
    { "CPID", AUTH_VERB_CPID },       { "AUTH", AUTH_VERB_AUTH },
    { "CANCEL", AUTH_VERB_CANCEL },   { "APPLICATION", AUTH_VERB_APPLICATION },
};

/* What stands for each byte that cannot be itself. */
static const struct {
    char byte;
    char code;
} escapes[] = { { '\0', '0' }, { ESCAPE, '1' }, { '\t', 't' }, { '\r', 'r' }, { '\n', 'n' } };

static char unescape(char code)
{
    for (size_t i = 0; i < ARRAY_COUNT(escapes); i++) {
        if (escapes[i].code == code)
            return escapes[i].byte;
    }
    return code;
}

static struct str decode(struct str field, struct arena *arena)
{
    char *copy;
    size_t len = 0;

    if (!str_contains_char(field, ESCAPE))
        return field;
    copy = arena_alloc(arena, field.len);
    for (size_t i = 0; i < field.len; i++) {
        if (field.data[i] != ESCAPE)
            copy[len++] = field.data[i];
        else if (i + 1 < field.len)
            copy[len++] = unescape(field.data[++i]);
    }
    return str_make(copy, len);
}

static enum auth_verb find_verb(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (str_equal(name, str_from_c(verbs[i].name)))
            return verbs[i].verb;
    }
    return AUTH_VERB_OTHER;
}

void auth_line_parse(struct auth_line *line, struct str text, struct arena *arena)
{
    struct str field;
    bool has_more = str_cut(text, '\t', &field, &text);

    line->verb = find_verb(field);
    line->count = 0;
    while (has_more && line->count < AUTH_FIELDS_MAXIMUM) {
        has_more = str_cut(text, '\t', &field, &text);
        line->fields[line->count++] = decode(field, arena);
    }
}

bool auth_line_number(const struct auth_line *line, size_t i, uint32_t *number_out)
{
    uint64_t number;

    if (i >= line->count || !str_to_uint64(line->fields[i], &number) || number > UINT32_MAX)
        return false;
    *number_out = (uint32_t) number;
    return true;
}

bool auth_line_find(const struct auth_line *line, size_t first, const char *name, struct str *value_out)
{
    struct str head, value;

    for (size_t i = first; i < line->count; i++) {
        if (str_cut(line->fields[i], '=', &head, &value) && str_equal(head, str_from_c(name))) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

bool auth_line_has(const struct auth_line *line, size_t first, const char *name)
{
    for (size_t i = first; i < line->count; i++) {
        if (str_equal(line->fields[i], str_from_c(name)))
            return true;
    }
    return false;
}

static void append_escaped(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];

        for (size_t k = 0; k < ARRAY_COUNT(escapes); k++) {
            if (escapes[k].byte == text.data[i]) {
                strbuf_append_char(out, ESCAPE);
                byte = escapes[k].code;
            }
        }
        strbuf_append_char(out, byte);
    }
}

void auth_line_begin(struct strbuf *out, const char *verb)
{
    strbuf_append_c(out, verb);
}

void auth_line_add(struct strbuf *out, struct str field)
{
    strbuf_append_char(out, '\t');
    append_escaped(out, field);
}

void auth_line_add_number(struct strbuf *out, uint64_t number)
{
    strbuf_append_char(out, '\t');
    strbuf_append_number(out, number);
}

void auth_line_add_value(struct strbuf *out, const char *name, struct str value)
{
    strbuf_append_char(out, '\t');
    strbuf_append_c(out, name);
    strbuf_append_char(out, '=');
    append_escaped(out, value);
}

void auth_line_end(struct strbuf *out)
{
    strbuf_append_char(out, '\n');
}

bool auth_is_base64(struct str text)
{
    size_t padding = 0;

    if (text.len % 4 != 0)
        return false;
    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.len - padding; i++) {
        if (!char_is_alnum(text.data[i]) && text.data[i] != '+' && text.data[i] != '/')
            return false;
    }
    return true;
}
