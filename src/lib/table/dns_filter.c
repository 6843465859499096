/* SPDX-License-Identifier: Apache-2.0 */
#include "table/dns_filter.h"

#include "table/log_lines.h"
#include "table/table_list.h"

struct str dns_filter_text(struct arena *arena, struct str owner, const struct dns_record *record)
{
    struct str head = arena_printf(arena, "%.*s. %u IN %s", STR_ARG(owner), (unsigned) record->ttl_seconds,
                                   dns_type_name(record->type));
    char address[IP_ADDRESS_TEXT_MAX];

    switch (record->type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        return arena_printf(arena, "%.*s %s", STR_ARG(head), ip_address_format(&record->address, address));
    case DNS_TYPE_MX:
        return arena_printf(arena, "%.*s %u %.*s.", STR_ARG(head), record->preference, STR_ARG(record->name));
    case DNS_TYPE_SRV:
        return arena_printf(arena, "%.*s %u %u %u %.*s.", STR_ARG(head), record->preference, record->weight,
                            record->port, STR_ARG(record->name));
    case DNS_TYPE_CNAME:
    case DNS_TYPE_NS:
    case DNS_TYPE_PTR:
        return arena_printf(arena, "%.*s %.*s.", STR_ARG(head), STR_ARG(record->name));
    case DNS_TYPE_TXT:
        return arena_printf(arena, "%.*s %.*s", STR_ARG(head), STR_ARG(record->data));
    case DNS_TYPE_TLSA:
        break;
    }
    return head;
}

enum resolver_verdict dns_filter_judge(void *context, struct str owner, const struct dns_record *record)
{
    struct table_list *list = context;
    struct arena *arena;
    enum resolver_verdict verdict = RESOLVER_KEEP;
    struct str text, action;
    struct str title = table_list_title(list);
    struct failure why;

    /* A domain that says that it takes no mail (RFC 7505) says nothing else. */
    if (record->type == DNS_TYPE_MX && record->name.len == 0)
        return RESOLVER_KEEP;
    arena = arena_create();
    text = dns_filter_text(arena, owner, record);
    switch (table_list_find(list, text, TABLE_ANY_KIND, arena, &action, &why)) {
    case TABLE_FOUND:
        verdict = str_equal_nocase(str_trim(action), STR("IGNORE")) ? RESOLVER_DROP : RESOLVER_UNSURE;
        if (verdict == RESOLVER_DROP)
            log_ignored_record(text);
        else
            log_bad_filter_action(title, action);
        break;
    case TABLE_UNKNOWN:
        log_filter_trouble(title, why.text);
        verdict = RESOLVER_UNSURE;
        break;
    case TABLE_ABSENT:
        break;
    }
    arena_destroy(&arena);
    return verdict;
}
