/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual/mailbox_lookup.h"

#include "config/shared_settings.h"
#include "mail/casefold.h"
#include "table/address_lookup.h"
#include "virtual/log_lines.h"

#include <limits.h>

struct search {
    const struct virtual *virtual;
    struct arena *arena;
    struct str address; /* folded */
};

static enum table_result ask(const struct search *search, struct table_list *maps, struct str *value_out)
{
    struct address_rules rules = {
        .steps = ADDRESS_FULL | ADDRESS_NO_EXTENSION | ADDRESS_AT_DOMAIN,
        .recipient_delimiter = search->virtual->shared->recipient_delimiter,
    };
    struct address_answer answer;
    struct failure why;
    enum table_result result = address_lookup(maps, &rules, search->address, search->arena, &answer, &why);

    if (result == TABLE_FOUND)
        *value_out = answer.value;
    if (result == TABLE_UNKNOWN)
        virtual_log_table_trouble(table_list_title(maps), search->address, why.text);
    return result;
}

/* what: "uid" or "gid". */
static bool find_number(const struct search *search, struct table_list *maps, const char *what, uint64_t minimum,
                        uint64_t *number_out)
{
    struct str title = table_list_title(maps);
    struct str value;

    switch (ask(search, maps, &value)) {
    case TABLE_UNKNOWN:
        return false;
    case TABLE_ABSENT:
        virtual_log_number_absent(search->address, title);
        return false;
    case TABLE_FOUND:
        break;
    }
    if (str_to_uint64(value, number_out) && *number_out >= minimum && *number_out < UINT_MAX)
        return true;
    virtual_log_number_bad(search->address, what, value, title);
    return false;
}

enum mailbox_answer mailbox_lookup(const struct virtual *virtual, struct str address, struct arena *arena,
                                   struct mailbox_place *place_out)
{
    struct search search = { virtual, arena, casefold(arena, address) };
    enum table_result result;
    uint64_t uid, gid;
    struct str path;

    if (virtual->fault != NULL) {
        virtual_log_fault(virtual->fault);
        return MAILBOX_UNKNOWN;
    }
    result = ask(&search, virtual->mailbox_maps, &path);
    if (result == TABLE_ABSENT)
        return MAILBOX_ABSENT;
    if (result == TABLE_UNKNOWN ||
        !find_number(&search, virtual->uid_maps, "uid", (uint64_t) virtual->settings->minimum_uid, &uid) ||
        !find_number(&search, virtual->gid_maps, "gid", 1, &gid))
        return MAILBOX_UNKNOWN;
    *place_out = (struct mailbox_place){
        .path = arena_printf(arena, "%.*s/%.*s", STR_ARG(virtual->settings->mailbox_base), STR_ARG(path)),
        .owner = { (uid_t) uid, (gid_t) gid },
    };
    return MAILBOX_FOUND;
}
