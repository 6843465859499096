/* SPDX-License-Identifier: Apache-2.0 */
#include "postdrop/login_sender.h"

#include "mail/address.h"

/* "user+extension@domain" and "user+extension" count as "user@domain" and "user". */
static struct str without_extension(const struct login_sender_rules *rules, struct str sender, struct arena *arena)
{
    struct str local, domain, user, extension;
    bool has_domain = address_split(sender, &local, &domain);

    if (!address_split_extension(local, rules->recipient_delimiter, true, &user, &extension))
        return sender;
    return has_domain ? address_join(arena, user, domain) : user;
}

static bool matches(const struct login_sender_rules *rules, struct str pattern, struct str sender, struct str domain)
{
    if (str_equal(pattern, STR("*")))
        return true;
    if (str_is_empty(sender))
        return str_equal_nocase(pattern, rules->empty_key);
    if (pattern.len > 0 && pattern.data[0] == '@')
        return !str_is_empty(domain) && str_equal_nocase(str_from(pattern, 1), domain);
    return str_equal_nocase(pattern, sender);
}

enum table_result login_sender_is_allowed(const struct login_sender_rules *rules, struct str login, struct str sender,
                                          struct arena *arena, struct failure *why)
{
    struct str plain = without_extension(rules, sender, arena);
    struct str patterns, pattern;
    enum table_result result = table_list_find(rules->maps, login, TABLE_ANY_KIND, arena, &patterns, why);

    if (result != TABLE_FOUND)
        return result;
    while (str_next_word(&patterns, ", \t\r\n", &pattern)) {
        if (matches(rules, pattern, plain, address_domain(plain)))
            return TABLE_FOUND;
    }
    return TABLE_ABSENT;
}
