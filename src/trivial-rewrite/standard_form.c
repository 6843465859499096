/* SPDX-License-Identifier: Apache-2.0 */
#include "trivial-rewrite/standard_form.h"

#include "base/strbuf.h"
#include "mail/quote.h"

/* An external address in two: the local part still quoted. */
struct parts {
    struct str local;
    struct str domain;
    bool has_domain;
};

/* The place of the first or last c that is not quoted, or STR_NOT_FOUND. */
static size_t find_unquoted(struct str text, char c, bool is_last)
{
    size_t found = STR_NOT_FOUND;
    bool is_quoted = false;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '\\') {
            i++;
        } else if (text.data[i] == '"') {
            is_quoted = !is_quoted;
        } else if (text.data[i] == c && !is_quoted) {
            found = i;
            if (!is_last)
                break;
        }
    }
    return found;
}

/* "@a,@b:user@site" is user@site (RFC 5321 section 4.1.1.3 has routes dropped). */
static struct str without_route(struct str address)
{
    size_t colon;

    if (address.len == 0 || address.data[0] != '@')
        return address;
    colon = find_unquoted(address, ':', false);
    return colon == STR_NOT_FOUND ? address : str_from(address, colon + 1);
}

static struct parts split_at(struct str address, size_t at, bool is_site_first)
{
    struct str before = str_part(address, 0, at);
    struct str after = str_from(address, at + 1);

    return is_site_first ? (struct parts){ after, before, true } : (struct parts){ before, after, true };
}

static struct parts take_apart(const struct standard_form_rules *rules, struct str address)
{
    size_t at = find_unquoted(address, '@', true);

    if (at != STR_NOT_FOUND)
        return split_at(address, at, false);
    at = find_unquoted(address, '!', false);
    if (rules->may_swap_bangpath && at != STR_NOT_FOUND)
        return split_at(address, at, true);
    at = find_unquoted(address, '%', true);
    if (rules->may_use_percent && at != STR_NOT_FOUND)
        return split_at(address, at, false);
    return (struct parts){ address, STR_EMPTY, false };
}

static struct str without_final_dot(struct str text)
{
    bool has_one = str_ends_with(text, STR(".")) && text.len > 1 && text.data[text.len - 2] != '.';

    return has_one ? str_part(text, 0, text.len - 1) : text;
}

struct str standard_form_domain(const struct standard_form_rules *rules, struct str domain, struct arena *arena)
{
    struct str without = without_final_dot(domain);

    if (without.len < domain.len)
        return without;
    if (domain.len > 0 && rules->domain.len > 0 && domain.data[0] != '[' && !str_contains_char(domain, '.'))
        return arena_printf(arena, "%.*s.%.*s", STR_ARG(domain), STR_ARG(rules->domain));
    return domain;
}

/* Quotes are taken off and put back only where they are needed, so that each address has one spelling. */
static struct str put_together(const struct parts *parts, struct arena *arena)
{
    struct strbuf local;
    struct strbuf out;
    struct str text;

    strbuf_init(&local, STRBUF_UNLIMITED);
    strbuf_init(&out, STRBUF_UNLIMITED);
    quote_undo(&local, parts->local);
    quote_local(&out, strbuf_str(&local));
    if (parts->has_domain) {
        strbuf_append_char(&out, '@');
        strbuf_append(&out, parts->domain);
    }
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&local);
    strbuf_done(&out);
    return text;
}

struct str standard_form(const struct standard_form_rules *rules, struct str address, struct arena *arena)
{
    struct parts parts;

    address = without_route(str_trim(address));
    if (address.len == 0)
        return STR_EMPTY;
    parts = take_apart(rules, address);
    if (parts.local.len == 0 && parts.domain.len == 0)
        return STR("\"\"");
    if (!parts.has_domain && rules->origin.len > 0 && !str_equal(parts.local, STR("\"\""))) {
        parts.domain = rules->origin;
        parts.has_domain = true;
    }
    parts.domain = standard_form_domain(rules, parts.domain, arena);
    if (!parts.has_domain)
        parts.local = without_final_dot(parts.local);
    return put_together(&parts, arena);
}
