/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/generic_headers.h"

#include "mail/address_list.h"
#include "mail/header.h"

/* False when a table cannot answer. */
static bool map_all(generic_mapper *map, void *context, struct arena *scratch, struct address_list *list,
                    bool *is_changed_out, struct failure *why)
{
    *is_changed_out = false;
    for (size_t i = 0; i < list->count; i++) {
        struct str address = list->items[i].address;

        switch (map(context, scratch, &address, why)) {
        case TABLE_UNKNOWN:
            return false;
        case TABLE_ABSENT:
            break;
        case TABLE_FOUND:
            list->items[i].replacement = address;
            *is_changed_out = true;
            break;
        }
    }
    return true;
}

bool generic_headers_concern(struct str field)
{
    const struct header_kind *kind = header_kind_find(str_part(field, 0, header_name_length(field)));

    return (kind->flags & (HEADER_SENDER | HEADER_RECIPIENT)) != 0;
}

bool generic_headers_put(generic_mapper *map, void *context, size_t address_limit, struct arena *scratch,
                         struct str field, struct strbuf *out, struct failure *why)
{
    size_t colon = str_find_char(field, ':');
    struct address_list list;
    bool is_changed;

    address_list_parse(&list, scratch, str_from(field, colon + 1), address_limit);
    if (!map_all(map, context, scratch, &list, &is_changed, why))
        return false;
    if (is_changed) {
        strbuf_append(out, str_part(field, 0, colon + 1));
        address_list_unparse(&list, out);
    } else {
        strbuf_append(out, field);
    }
    strbuf_append_char(out, '\n');
    return true;
}
