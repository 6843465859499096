/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/masquerade.h"

#include "mail/address.h"

static bool is_under(struct str domain, struct str parent)
{
    return domain.len > parent.len + 1 && domain.data[domain.len - parent.len - 1] == '.' &&
           str_ends_with_nocase(domain, parent);
}

struct str masquerade_apply(struct arena *arena, struct str address, const struct strlist *domains)
{
    struct str local, domain;

    if (!address_split(address, &local, &domain))
        return address;
    for (size_t i = 0; i < domains->count; i++) {
        struct str parent = domains->items[i];
        bool is_kept = str_starts_with(parent, STR("!"));

        if (is_kept)
            parent = str_from(parent, 1);
        if (str_equal_nocase(domain, parent))
            return address;
        if (is_under(domain, parent))
            return is_kept ? address : address_join(arena, local, parent);
    }
    return address;
}
