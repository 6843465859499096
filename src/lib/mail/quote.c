/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/quote.h"

/* RFC 5322 atext, and 8-bit bytes, which go out as they are. */
static bool is_atom_char(char c)
{
    if ((unsigned char) c >= 0x80)
        return true;
    return char_is_print(c) && c != ' ' && strchr("()<>@,;:\\\".[]", c) == NULL;
}

bool quote_is_needed(struct str local)
{
    bool is_atom_wanted = true;

    for (size_t i = 0; i < local.len; i++) {
        if (local.data[i] == '.') {
            if (is_atom_wanted)
                return true;
            is_atom_wanted = true;
        } else if (is_atom_char(local.data[i])) {
            is_atom_wanted = false;
        } else {
            return true;
        }
    }
    return is_atom_wanted;
}

bool quote_string(struct strbuf *out, struct str text)
{
    strbuf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '"' || c == '\\' || c == '\r' || c == '\n' || c == '\0')
            strbuf_append_char(out, '\\');
        strbuf_append_char(out, c);
    }
    return strbuf_append_char(out, '"') && !out->is_overflowed;
}

bool quote_local(struct strbuf *out, struct str local)
{
    return quote_is_needed(local) ? quote_string(out, local) : strbuf_append(out, local);
}

bool quote_address(struct strbuf *out, struct str address)
{
    size_t at = str_find_last_char(address, '@');

    if (address.len == 0)
        return !out->is_overflowed;
    if (at == STR_NOT_FOUND)
        return quote_local(out, address);
    quote_local(out, str_part(address, 0, at));
    return strbuf_append(out, str_from(address, at));
}

/* Copies one byte or, after a backslash, the next one; returns how many bytes were read. */
static size_t undo_one(struct strbuf *out, struct str text, size_t i)
{
    if (text.data[i] == '\\' && i + 1 < text.len) {
        strbuf_append_char(out, text.data[i + 1]);
        return 2;
    }
    strbuf_append_char(out, text.data[i]);
    return 1;
}

bool quote_undo(struct strbuf *out, struct str external)
{
    bool is_quoted = false;
    size_t i = 0;

    while (i < external.len) {
        if (external.data[i] == '"') {
            is_quoted = !is_quoted;
            i++;
        } else if (external.data[i] == '@' && !is_quoted &&
                   str_find_char(str_from(external, i + 1), '"') == STR_NOT_FOUND) {
            break;
        } else {
            i += undo_one(out, external, i);
        }
    }
    return strbuf_append(out, str_from(external, i)) && !out->is_overflowed;
}
