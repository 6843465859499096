/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/smtp_path.h"

#include "mail/address.h"
#include "mail/address_list.h"
#include "mail/domain.h"
#include "mail/quote.h"

/* The next argument: up to a blank that stands neither in quotes nor in angle brackets. False: a quote is not closed.
 */
static bool take_argument(struct str *rest, struct str *argument_out)
{
    struct str text = str_trim_left(*rest);
    bool is_quoted = false;
    bool is_in_brackets = false;
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\\' && i + 1 < text.len)
            i++;
        else if (c == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && (c == '<' || c == '>'))
            is_in_brackets = c == '<';
        else if (!is_quoted && !is_in_brackets && (c == ' ' || c == '\t'))
            break;
    }
    *rest = str_from(text, i);
    *argument_out = str_part(text, 0, i);
    return !is_quoted;
}

static bool is_enclosed(struct str text)
{
    return text.len >= 2 && text.data[0] == '<' && text.data[text.len - 1] == '>';
}

/* Clients send "<<a@b>>" and "a@b>" too; both are understood. */
static struct str mend_brackets(struct str text)
{
    while (is_enclosed(text) && is_enclosed(str_part(text, 1, text.len - 2)))
        text = str_part(text, 1, text.len - 2);
    if (str_ends_with(text, STR(">")) && !str_contains_char(text, '<'))
        text = str_part(text, 0, text.len - 1);
    return text;
}

/* What is between the brackets, if nothing else is there: what is not closed there ends with them. */
static struct str inside_brackets(struct str text)
{
    struct str inside = is_enclosed(text) ? str_part(text, 1, text.len - 2) : text;

    return str_contains_char(inside, '<') || str_contains_char(inside, '>') ? text : inside;
}

/* "@hop,@hop:" before the address (RFC 5321 section 4.1.1.3 has it dropped). */
static struct str skip_route(struct str text)
{
    size_t colon = str_starts_with(text, STR("@")) ? str_find_char(text, ':') : STR_NOT_FOUND;

    return colon == STR_NOT_FOUND ? text : str_from(text, colon + 1);
}

static struct str in_external_form(struct arena *arena, struct str address)
{
    struct strbuf text;
    struct str copy;

    strbuf_init(&text, 2 * address.len + 3);
    quote_address(&text, address);
    copy = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return copy;
}

static bool is_good_domain(struct str domain, unsigned flags)
{
    if (domain.len > 0 && domain.data[0] == '[')
        return domain_is_literal(domain, NULL);
    if (domain.len == 0 && (flags & SMTP_PATH_MAY_LACK_DOMAIN))
        return true;
    if ((flags & SMTP_PATH_MAY_BE_NUMERIC) && domain_is_ipv4(domain))
        return true;
    if (str_ends_with(domain, STR(".")))
        domain = str_part(domain, 0, domain.len - 1);
    return domain_is_valid_hostname(domain, (flags & SMTP_PATH_MAY_BE_UTF8) != 0);
}

static bool is_good_address(const struct smtp_path *path, unsigned flags)
{
    struct str local, domain;

    if (path->address.len == 0)
        return (flags & SMTP_PATH_MAY_BE_EMPTY) != 0;
    if (path->has_utf8 && (flags & SMTP_PATH_MAY_BE_UTF8) && !domain_is_utf8(path->address))
        return false;
    if (!address_split(path->address, &local, &domain))
        return true;
    if (local.len == 0 && (flags & SMTP_PATH_STRICT))
        return false;
    return is_good_domain(domain, flags);
}

static bool parse_address(struct str text, unsigned flags, struct arena *arena, struct str *address_out)
{
    struct address_list list;
    const struct address_list_item *item;

    address_list_parse(&list, arena, text, 2);
    if (list.count != 1 || list.group_count > 0 || list.junk_count > 0)
        return false;
    item = &list.items[0];
    if (!item->is_plain || ((flags & SMTP_PATH_STRICT) && item->has_comment))
        return false;
    *address_out = item->address;
    return true;
}

static bool parse_path(struct str text, unsigned flags, struct arena *arena, struct smtp_path *path)
{
    struct str inside = inside_brackets(mend_brackets(text));

    if ((flags & SMTP_PATH_STRICT) && !is_enclosed(text))
        return false;
    path->written = inside;
    path->address = STR_EMPTY;
    if (!(is_enclosed(text) && inside.len == 0) && !parse_address(skip_route(inside), flags, arena, &path->address))
        return false;
    if ((flags & SMTP_PATH_MAY_BEGIN_WITH_DASH) == 0 && str_starts_with(path->address, STR("-")))
        return false;
    path->external = in_external_form(arena, path->address);
    path->has_utf8 = !domain_is_ascii(path->address);
    path->is_domain_literal = str_starts_with(address_domain(path->address), STR("["));
    return is_good_address(path, flags);
}

bool smtp_path_take(struct str *rest, unsigned flags, struct arena *arena, struct smtp_path *path_out,
                    struct failure *why)
{
    struct str ahead = *rest;
    struct smtp_path path;
    struct str text;

    if (!take_argument(&ahead, &text) || !parse_path(text, flags, arena, &path))
        return failure_set(why, FAILURE_PROTOCOL, 0, "bad address syntax: %.*s", STR_ARG(text));
    *path_out = path;
    *rest = ahead;
    return true;
}

bool smtp_path_take_parameter(struct str *rest, struct str *name_out, struct str *value_out)
{
    struct str word;

    if (!str_next_word(rest, " \t", &word))
        return false;
    str_cut(word, '=', name_out, value_out);
    return true;
}
