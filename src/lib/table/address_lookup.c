/* SPDX-License-Identifier: Apache-2.0 */
#include "table/address_lookup.h"

#include "base/ip_address.h"
#include "base/strbuf.h"
#include "mail/address.h"
#include "mail/quote.h"

enum { ADDRESS_MAX = 16 * 1024 };

/* One search: what stays the same while keys are tried. */
struct search {
    struct table_list *list;
    struct arena *arena;
    struct address_answer *answer;
    struct failure *why;
    bool is_quoting; /* local parts are asked in external form */
};

static enum table_result ask(const struct search *search, struct str key, bool is_whole, struct str extension)
{
    struct str value;
    struct str table;
    enum table_result result = table_list_find_where(search->list, key, is_whole ? TABLE_ANY_KIND : TABLE_FIXED,
                                                     search->arena, &value, &table, search->why);

    if (result == TABLE_FOUND)
        *search->answer = (struct address_answer){ value, arena_str(search->arena, key), table, extension };
    return result;
}

static struct str form_of(const struct search *search, struct str local)
{
    struct strbuf quoted;
    struct str text = local;

    if (!search->is_quoting || str_is_empty(local) || !quote_is_needed(local))
        return local;
    strbuf_init(&quoted, ADDRESS_MAX);
    if (quote_local(&quoted, local))
        text = arena_str(search->arena, strbuf_str(&quoted));
    strbuf_done(&quoted);
    return text;
}

static enum table_result ask_local(const struct search *search, struct str local, const char *at, struct str domain,
                                   bool is_whole, struct str extension)
{
    struct str form = form_of(search, local);
    struct str key = arena_join(search->arena, arena_join(search->arena, form, str_from_c(at)), domain);

    return ask(search, key, is_whole, extension);
}

/* The domain and its parents; the first of them whole if the domain itself is what was searched for. */
static enum table_result ask_domains(const struct search *search, bool with_domain, bool with_parents,
                                     bool parents_match_subdomains, bool is_whole, struct str domain)
{
    struct str rest = domain;
    bool is_literal = str_starts_with(domain, STR("["));
    enum table_result result = TABLE_ABSENT;
    size_t dot;

    if (str_is_empty(domain))
        return TABLE_ABSENT;
    if (with_domain)
        result = ask(search, domain, is_whole, STR_EMPTY);
    while (result == TABLE_ABSENT && with_parents && !is_literal) {
        dot = str_find_char(str_from(rest, 1), '.');
        if (dot == STR_NOT_FOUND)
            break;
        rest = str_from(rest, dot + 1);
        if (rest.len == 1)
            break;
        result = ask(search, parents_match_subdomains ? str_from(rest, 1) : rest, false, STR_EMPTY);
    }
    return result;
}

/* "user+ext" and "user", with what stands behind. */
static enum table_result ask_users(const struct search *search, struct str local, struct str user, struct str extension,
                                   const char *at)
{
    enum table_result result = ask_local(search, local, at, STR_EMPTY, false, STR_EMPTY);

    if (result == TABLE_ABSENT && !str_is_empty(extension))
        result = ask_local(search, user, at, STR_EMPTY, false, extension);
    return result;
}

static enum table_result is_local(const struct search *search, const struct address_rules *rules, struct str domain)
{
    if (str_is_empty(domain))
        return TABLE_FOUND;
    if (rules->is_local_domain == NULL)
        return TABLE_ABSENT;
    return rules->is_local_domain(rules->context, domain, search->why);
}

static enum table_result search_address(const struct search *search, const struct address_rules *rules,
                                        struct str address)
{
    struct str local = address_local(address);
    struct str domain = address_domain(address);
    const char *at = local.len == address.len ? "" : "@";
    struct str user = local;
    struct str extension = STR_EMPTY;
    enum table_result result = TABLE_ABSENT;

    if (address_split_extension(local, rules->recipient_delimiter, !rules->is_owner_plain, &user, &extension))
        extension = str_from(local, user.len); /* with its delimiter */
    if ((rules->steps & ADDRESS_FULL) != 0)
        result = ask_local(search, local, at, domain, true, STR_EMPTY);
    if (result == TABLE_ABSENT && (rules->steps & ADDRESS_NO_EXTENSION) != 0 && !str_is_empty(extension))
        result = ask_local(search, user, at, domain, false, extension);
    if (result == TABLE_ABSENT && (rules->steps & ADDRESS_LOCALPART_IF_LOCAL) != 0 && *at != '\0') {
        result = is_local(search, rules, domain);
        if (result == TABLE_FOUND)
            result = ask_users(search, local, user, extension, "");
    }
    if (result == TABLE_ABSENT && (rules->steps & ADDRESS_AT_DOMAIN) != 0 && !str_is_empty(domain))
        result = ask_local(search, STR_EMPTY, "@", domain, false, STR_EMPTY);
    if (result == TABLE_ABSENT)
        result = ask_domains(search, (rules->steps & ADDRESS_DOMAIN) != 0, (rules->steps & ADDRESS_PARENT_DOMAINS) != 0,
                             rules->parents_match_subdomains, false, domain);
    if (result == TABLE_ABSENT && (rules->steps & ADDRESS_LOCALPART_AT) != 0)
        result = ask_users(search, local, user, extension, "@");
    if (result == TABLE_ABSENT && (rules->steps & ADDRESS_LOCALPART) != 0)
        result = ask_users(search, local, user, extension, "");
    return result;
}

enum table_result address_lookup(struct table_list *list, const struct address_rules *rules, struct str address,
                                 struct arena *arena, struct address_answer *answer_out, struct failure *why)
{
    struct search search = { list, arena, answer_out, why, true };
    enum table_result result;

    if (table_list_is_empty(list) || str_is_empty(address))
        return TABLE_ABSENT;
    result = search_address(&search, rules, address);
    if (result != TABLE_ABSENT || !quote_is_needed(address_local(address)))
        return result;
    search.is_quoting = false;
    return search_address(&search, rules, address);
}

enum table_result domain_lookup(struct table_list *list, bool parents_match_subdomains, struct str domain,
                                struct arena *arena, struct address_answer *answer_out, struct failure *why)
{
    struct search search = { list, arena, answer_out, why, false };

    return ask_domains(&search, true, true, parents_match_subdomains, true, domain);
}

enum table_result network_lookup(struct table_list *list, struct str address, struct arena *arena,
                                 struct address_answer *answer_out, struct failure *why)
{
    struct search search = { list, arena, answer_out, why, false };
    char separator = str_contains_char(address, ':') ? ':' : '.';
    enum table_result result = ask(&search, address, true, STR_EMPTY);

    while (result == TABLE_ABSENT) {
        size_t end = str_find_last_char(address, separator);

        if (end == STR_NOT_FOUND)
            break;
        address = str_part(address, 0, end);
        /* "2001:db8::" was asked as "2001:db8:" and says no more than "2001:db8". */
        while (address.len > 0 && address.data[address.len - 1] == separator)
            address.len--;
        if (str_is_empty(address))
            break;
        result = ask(&search, address, false, STR_EMPTY);
    }
    return result;
}
