/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/generic_headers.h"

#include "base/memory.h"
#include "mail/address_list.h"
#include "mail/header.h"
#include "mail/header_splitter.h"

/* The queue has no longer fields than cleanup let in (header_size_limit), which is far less. */
enum { FIELD_MAXIMUM = 64 * 1024 * 1024 };

struct generic_headers {
    generic_mapper *map;
    void *context;
    size_t address_limit;
    struct header_splitter splitter;
    struct arena *scratch; /* one field */
};

struct generic_headers *generic_headers_create(generic_mapper *map, void *context, size_t address_limit)
{
    struct generic_headers *headers = memory_alloc(sizeof *headers);

    headers->map = map;
    headers->context = context;
    headers->address_limit = address_limit;
    headers->scratch = arena_create();
    header_splitter_init(&headers->splitter, FIELD_MAXIMUM);
    return headers;
}

void generic_headers_destroy(struct generic_headers **headers)
{
    if (*headers == NULL)
        return;
    header_splitter_done(&(*headers)->splitter);
    arena_destroy(&(*headers)->scratch);
    memory_free(*headers);
    *headers = NULL;
}

/* False when a table cannot answer. */
static bool map_all(struct generic_headers *headers, struct address_list *list, bool *is_changed_out,
                    struct failure *why)
{
    *is_changed_out = false;
    for (size_t i = 0; i < list->count; i++) {
        struct str address = list->items[i].address;

        switch (headers->map(headers->context, headers->scratch, &address, why)) {
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

static bool put_field(struct generic_headers *headers, struct str field, struct strbuf *out, struct failure *why)
{
    size_t colon = str_find_char(field, ':');
    const struct header_kind *kind = header_kind_find(str_part(field, 0, header_name_length(field)));
    struct address_list list;
    bool is_changed = false;

    if ((kind->flags & (HEADER_SENDER | HEADER_RECIPIENT)) != 0) {
        address_list_parse(&list, headers->scratch, str_from(field, colon + 1), headers->address_limit);
        if (!map_all(headers, &list, &is_changed, why))
            return false;
    }
    if (is_changed) {
        strbuf_append(out, str_part(field, 0, colon + 1));
        address_list_unparse(&list, out);
    } else {
        strbuf_append(out, field);
    }
    strbuf_append_char(out, '\n');
    return true;
}

bool generic_headers_add(struct generic_headers *headers, struct str piece, bool is_last, struct strbuf *out,
                         struct failure *why)
{
    enum header_splitter_event event;
    struct str text;

    while ((event = header_splitter_next(&headers->splitter, &piece, is_last, &text)) != SPLITTER_MORE) {
        if (event != SPLITTER_FIELD)
            strbuf_append(out, text);
        else if (!put_field(headers, text, out, why))
            return false;
        arena_reset(headers->scratch);
    }
    return true;
}
