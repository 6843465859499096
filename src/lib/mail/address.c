/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address.h"

bool address_split(struct str address, struct str *local_out, struct str *domain_out)
{
    size_t at = str_find_last_char(address, '@');
    bool has_domain = at != STR_NOT_FOUND;

    *local_out = has_domain ? str_part(address, 0, at) : address;
    *domain_out = has_domain ? str_from(address, at + 1) : STR_EMPTY;
    return has_domain;
}

struct str address_skip_route(struct str address)
{
    struct str local, domain;
    size_t colon;

    address_split(address, &local, &domain);
    colon = str_starts_with(local, STR("@")) ? str_find_char(local, ':') : STR_NOT_FOUND;
    return colon == STR_NOT_FOUND ? address : str_from(address, colon + 1);
}

struct str address_domain(struct str address)
{
    struct str local, domain;

    address_split(address, &local, &domain);
    return domain;
}

struct str address_local(struct str address)
{
    struct str local, domain;

    address_split(address, &local, &domain);
    return local;
}

/* Names with a meaning of their own, whose parts are no extension. */
static bool is_reserved(struct str local)
{
    return str_equal_nocase(local, STR("postmaster")) || str_equal_nocase(local, STR("mailer-daemon")) ||
           str_equal_nocase(local, STR("double-bounce"));
}

static bool is_owner_name(struct str local)
{
    return str_starts_with_nocase(local, STR("owner-")) || str_ends_with_nocase(local, STR("-request"));
}

static size_t find_delimiter(struct str local, struct str delimiters)
{
    for (size_t i = 0; i < local.len; i++)
        if (str_contains_char(delimiters, local.data[i]))
            return i;
    return STR_NOT_FOUND;
}

bool address_split_extension(struct str local, struct str delimiters, bool is_owner_special, struct str *user_out,
                             struct str *extension_out)
{
    size_t place = find_delimiter(local, delimiters);

    if (place == STR_NOT_FOUND || place == 0 || is_reserved(local))
        return false;
    if (is_owner_special && str_contains_char(delimiters, '-') && is_owner_name(local))
        return false;
    *extension_out = str_from(local, place + 1);
    *user_out = str_part(local, 0, place);
    return true;
}

/* Addresses may hold any byte, so no printf. */
struct str address_join(struct arena *arena, struct str local, struct str domain)
{
    char *text = arena_alloc(arena, local.len + domain.len + 2);

    if (local.len > 0)
        memcpy(text, local.data, local.len);
    text[local.len] = '@';
    if (domain.len > 0)
        memcpy(text + local.len + 1, domain.data, domain.len);
    return str_make(text, local.len + 1 + domain.len);
}

bool address_strip_extension(struct arena *arena, struct str address, struct str delimiters, bool is_owner_special,
                             struct str *stripped_out, struct str *extension_out)
{
    struct str local, domain, user, extension;
    bool has_domain = address_split(address, &local, &domain);

    if (!address_split_extension(local, delimiters, is_owner_special, &user, &extension))
        return false;
    *extension_out = arena_str(arena, extension);
    *stripped_out =
        has_domain ? arena_printf(arena, "%.*s@%.*s", STR_ARG(user), STR_ARG(domain)) : arena_str(arena, user);
    return true;
}

struct str address_fold_domain(struct arena *arena, struct str address)
{
    char *copy = arena_c(arena, address);
    size_t at = str_find_last_char(address, '@');

    for (size_t i = at == STR_NOT_FOUND ? address.len : at; i < address.len; i++)
        copy[i] = char_to_lower(copy[i]);
    return str_make(copy, address.len);
}
