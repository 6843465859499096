/* SPDX-License-Identifier: Apache-2.0 */
#include "table/database_template.h"

#include <string.h>

enum { TEXT_MAX = 1024 * 1024 };

/* An address, or what is none: then all of it is the user, and there is no domain. */
struct address {
    struct str whole;
    struct str user;
    struct str domain;
    bool has_domain;
};

static struct address address_of(struct str text)
{
    struct address address = { .whole = text, .user = text };
    size_t at = str_find_last_char(text, '@');

    if (at >= text.len)
        return address;
    address.user = str_part(text, 0, at);
    address.domain = str_from(text, at + 1);
    address.has_domain = true;
    return address;
}

bool database_template_is_valid(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%')
            continue;
        i++;
        if (i == text.len || text.data[i] == '\0' || strchr("%sudSUD123456789", text.data[i]) == NULL)
            return false;
    }
    return true;
}

/* The number-th label of the domain, counted from the right, from 1. */
static bool find_label(struct str domain, unsigned number, struct str *label_out)
{
    struct str rest = domain;

    for (;;) {
        size_t dot = str_find_last_char(rest, '.');
        bool is_last = dot >= rest.len;

        *label_out = is_last ? rest : str_from(rest, dot + 1);
        if (--number == 0)
            return !str_is_empty(*label_out);
        if (is_last)
            return false;
        rest = str_part(rest, 0, dot);
    }
}

/* What stands for the letter. False: there is nothing. */
static bool find_part(const struct address *address, char letter, struct str *part_out)
{
    if (char_is_digit(letter))
        return address->has_domain && find_label(address->domain, (unsigned) (letter - '0'), part_out);
    switch (char_to_lower(letter)) {
    case 'u':
        *part_out = address->user;
        break;
    case 'd':
        *part_out = address->domain;
        break;
    default:
        *part_out = address->whole;
        break;
    }
    return !str_is_empty(*part_out);
}

struct expansion {
    struct address key;
    struct address value; /* of %s, %u and %d */
    database_quote *quote;
    void *context;
};

/* Of a result's expansions, those that are not the key's. */
static bool is_of_value(char letter)
{
    return char_to_lower(letter) == letter && !char_is_digit(letter);
}

static enum database_text put_part(const struct expansion *expansion, char letter, struct strbuf *out)
{
    const struct address *source = is_of_value(letter) ? &expansion->value : &expansion->key;
    struct str part;

    if (!find_part(source, letter, &part))
        return DATABASE_TEXT_SUPPRESSED;
    if (expansion->quote != NULL)
        return expansion->quote(expansion->context, part, out) ? DATABASE_TEXT_MADE : DATABASE_TEXT_SUPPRESSED;
    return strbuf_append(out, part) ? DATABASE_TEXT_MADE : DATABASE_TEXT_TOO_LONG;
}

static enum database_text expand(const struct expansion *expansion, struct str text, struct arena *arena,
                                 struct str *text_out)
{
    enum database_text result = DATABASE_TEXT_MADE;
    struct strbuf out;

    strbuf_init(&out, TEXT_MAX);
    for (size_t i = 0; i < text.len && result == DATABASE_TEXT_MADE; i++) {
        if (text.data[i] == '%' && text.data[++i] != '%')
            result = put_part(expansion, text.data[i], &out);
        else if (!strbuf_append_char(&out, text.data[i]))
            result = DATABASE_TEXT_TOO_LONG;
    }
    if (result == DATABASE_TEXT_MADE)
        *text_out = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return result;
}

enum database_text database_template_query(struct str text, struct str key, database_quote *quote, void *context,
                                           struct arena *arena, struct str *text_out)
{
    struct expansion expansion = {
        .key = address_of(key), .value = address_of(key), .quote = quote, .context = context
    };

    return expand(&expansion, text, arena, text_out);
}

enum database_text database_template_result(struct str text, struct str key, struct str value, struct arena *arena,
                                            struct str *text_out)
{
    struct expansion expansion = { .key = address_of(key), .value = address_of(value) };

    return expand(&expansion, text, arena, text_out);
}

static bool suits(struct str text, struct str key, bool is_result)
{
    struct address address = address_of(key);
    struct str part;

    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] != '%')
            continue;
        i++;
        if (text.data[i] == '%' || (is_result && is_of_value(text.data[i])))
            continue;
        if (!find_part(&address, text.data[i], &part))
            return false;
    }
    return true;
}

bool database_template_suits(struct str text, struct str key)
{
    return suits(text, key, false);
}

bool database_template_result_suits(struct str text, struct str key)
{
    return suits(text, key, true);
}
