/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/mapping.h"

#include "base/map.h"
#include "cleanup/log_lines.h"
#include "cleanup/masquerade.h"
#include "cleanup/rewriter.h"
#include "config/own_addresses.h"
#include "config/setting_words.h"
#include "log/log.h"
#include "mail/address.h"
#include "mail/address_list.h"
#include "mail/casefold.h"
#include "mail/domain.h"
#include "table/address_lookup.h"
#include "table/match_list.h"

enum { CANONICAL_DEPTH = 10 };

struct mapping {
    const struct cleanup_settings *settings;
    const struct shared_settings *shared;
    struct rewriter *rewriter;
    struct address_rules rules;
    struct match_list *mydestination;
    struct match_list *masquerade_exceptions;
    struct own_address_list own;
    struct own_address_list proxy;
    struct table_list *canonical;
    struct table_list *sender_canonical;
    struct table_list *recipient_canonical;
    struct table_list *virtual_alias;
    struct table_list *sender_bcc;
    struct table_list *recipient_bcc;
    unsigned canonical_classes;
    unsigned sender_canonical_classes;
    unsigned recipient_canonical_classes;
    unsigned masquerade_classes;
    bool has_canonical_extensions;
    bool has_virtual_extensions;
};

/* The words are those of setting_words_addresses: settings let no other in. */
static unsigned parse_classes(const struct strlist *words)
{
    unsigned classes = 0;

    for (size_t k = 0; setting_words_addresses[k] != NULL; k++) {
        if (strlist_contains_nocase(words, str_from_c(setting_words_addresses[k])))
            classes |= 1u << k;
    }
    return classes;
}

/* $myorigin, $mydestination, and [address] of this host or its proxies: where the bare user name is a key too. */
static enum table_result is_local_domain(void *context, struct str domain, struct failure *why)
{
    const struct mapping *mapping = context;
    struct ip_address address;
    struct str inside;

    if (str_equal_nocase(domain, mapping->shared->myorigin))
        return TABLE_FOUND;
    if (domain_is_literal(domain, &inside))
        return ip_address_parse(inside, &address) && (own_address_list_has(&mapping->own, &address) ||
                                                      own_address_list_has(&mapping->proxy, &address))
                   ? TABLE_FOUND
                   : TABLE_ABSENT;
    return match_list_has(mapping->mydestination, domain, why);
}

static void open_tables(struct mapping *mapping, struct table_set *set)
{
    const struct cleanup_settings *settings = mapping->settings;

    mapping->canonical = table_list_open(set, STR("canonical_maps"), settings->canonical_maps, TABLE_FOLD);
    mapping->sender_canonical =
        table_list_open(set, STR("sender_canonical_maps"), settings->sender_canonical_maps, TABLE_FOLD);
    mapping->recipient_canonical =
        table_list_open(set, STR("recipient_canonical_maps"), settings->recipient_canonical_maps, TABLE_FOLD);
    mapping->virtual_alias = table_list_open(set, STR("virtual_alias_maps"), settings->virtual_alias_maps, TABLE_FOLD);
    mapping->sender_bcc = table_list_open(set, STR("sender_bcc_maps"), settings->sender_bcc_maps, TABLE_FOLD);
    mapping->recipient_bcc = table_list_open(set, STR("recipient_bcc_maps"), settings->recipient_bcc_maps, TABLE_FOLD);
    mapping->masquerade_exceptions =
        match_list_open(set, STR("masquerade_exceptions"), settings->masquerade_exceptions, MATCH_STRINGS, false);
    mapping->mydestination =
        match_list_open(set, STR("mydestination"), mapping->shared->mydestination, MATCH_STRINGS, false);
}

struct mapping *mapping_create(struct table_set *set, const struct cleanup_settings *settings,
                               const struct shared_settings *shared, const struct main_cf *cf, struct arena *arena,
                               struct failure *why)
{
    struct mapping *mapping = arena_new(arena, struct mapping);

    mapping->settings = settings;
    mapping->shared = shared;
    open_tables(mapping, set);
    if (!own_addresses(cf, arena, &mapping->own, why) || !own_proxy_addresses(cf, arena, &mapping->proxy, why))
        return NULL;
    mapping->rules = (struct address_rules){
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = shared->recipient_delimiter,
        .is_owner_plain = !shared->owner_request_special,
        .is_local_domain = is_local_domain,
        .context = mapping,
    };
    mapping->canonical_classes = parse_classes(&settings->canonical_classes);
    mapping->sender_canonical_classes = parse_classes(&settings->sender_canonical_classes);
    mapping->recipient_canonical_classes = parse_classes(&settings->recipient_canonical_classes);
    mapping->masquerade_classes = parse_classes(&settings->masquerade_classes);
    mapping->has_canonical_extensions =
        strlist_contains_nocase(&settings->propagate_unmatched_extensions, STR("canonical"));
    mapping->has_virtual_extensions =
        strlist_contains_nocase(&settings->propagate_unmatched_extensions, STR("virtual"));
    return mapping;
}

void mapping_set_rewriter(struct mapping *mapping, struct rewriter *rewriter)
{
    mapping->rewriter = rewriter;
}

static struct str add_extension(struct arena *arena, struct str address, struct str extension)
{
    struct str local, domain;
    bool has_domain;
    char *longer;

    if (extension.len == 0)
        return address;
    has_domain = address_split(address, &local, &domain);
    longer = arena_alloc(arena, local.len + extension.len + 1);
    if (local.len > 0)
        memcpy(longer, local.data, local.len);
    memcpy(longer + local.len, extension.data, extension.len);
    local = str_make(longer, local.len + extension.len);
    return has_domain ? address_join(arena, local, domain) : local;
}

/*
 * The addresses of a table's value in standard form: "@domain" takes the user of the address that was asked for, and an
 * extension that the table did not know is carried over where that is wanted.
 */
static bool read_value(struct mapping *mapping, const struct mapping_context *context, struct str asked,
                       const struct address_answer *answer, bool keeps_extension, size_t maximum,
                       struct strlist *addresses_out, struct failure *why)
{
    struct address_list list;
    struct strlist addresses = { 0 };

    address_list_parse(&list, context->arena, answer->value, maximum);
    for (size_t i = 0; i < list.count; i++) {
        struct str address = list.items[i].address;

        if (address.len > 1 && address.data[0] == '@')
            address = address_join(context->arena, address_local(asked), str_from(address, 1));
        else if (keeps_extension)
            address = add_extension(context->arena, address, answer->extension);
        strlist_add_view(&addresses, context->arena, address);
    }
    if (!rewriter_standardize(mapping->rewriter, true, addresses.items, addresses.count, context->arena, why))
        return false;
    *addresses_out = addresses;
    return true;
}

static enum mapping_result map_problem(const struct mapping_context *context, struct table_list *list,
                                       struct str address, const struct failure *why)
{
    log_map_problem(context->queue_id, table_list_title(list), address, str_from_c(why->text));
    return MAPPING_UNKNOWN;
}

/* One address to one address, again as long as the result is a key too. */
static enum mapping_result map_to_one(struct mapping *mapping, const struct mapping_context *context,
                                      struct table_list *list, struct str *address)
{
    struct address_answer answer;
    struct strlist result;
    struct failure why;

    for (int depth = 0; depth < CANONICAL_DEPTH; depth++) {
        switch (address_lookup(list, &mapping->rules, *address, context->arena, &answer, &why)) {
        case TABLE_ABSENT:
            return MAPPING_DONE;
        case TABLE_UNKNOWN:
            return map_problem(context, list, *address, &why);
        case TABLE_FOUND:
            break;
        }
        if (!read_value(mapping, context, *address, &answer, mapping->has_canonical_extensions, 2, &result, &why))
            return map_problem(context, list, *address, &why);
        if (result.count > 1)
            log_map_many(context->queue_id, table_list_title(list), *address);
        if (result.count == 0 || str_equal_nocase(result.items[0], *address))
            return MAPPING_DONE;
        *address = result.items[0];
    }
    log_warning("%.*s: unreasonable %.*s map nesting for %.*s", STR_ARG(context->queue_id),
                STR_ARG(table_list_title(list)), STR_ARG(*address));
    return MAPPING_DONE;
}

bool mapping_has_canonical(const struct mapping *mapping, enum mapping_class class)
{
    return (!table_list_is_empty(mapping->canonical) && (mapping->canonical_classes & class)) ||
           (!table_list_is_empty(mapping->sender_canonical) && (mapping->sender_canonical_classes & class)) ||
           (!table_list_is_empty(mapping->recipient_canonical) && (mapping->recipient_canonical_classes & class)) ||
           (mapping->settings->masquerade_domains.count > 0 && (mapping->masquerade_classes & class));
}

/* Users who keep their whole address stand in masquerade_exceptions. */
static enum mapping_result masquerade(struct mapping *mapping, const struct mapping_context *context,
                                      struct str *address)
{
    struct str masked = masquerade_apply(context->arena, *address, &mapping->settings->masquerade_domains);
    struct failure why;

    if (str_equal(masked, *address))
        return MAPPING_DONE;
    switch (match_list_has(mapping->masquerade_exceptions, address_local(*address), &why)) {
    case TABLE_UNKNOWN:
        log_copy_problem(context->queue_id, STR("masquerade_exceptions"), str_from_c(why.text));
        return MAPPING_UNKNOWN;
    case TABLE_ABSENT:
        *address = masked;
        break;
    case TABLE_FOUND:
        break;
    }
    return MAPPING_DONE;
}

enum mapping_result mapping_canonical(struct mapping *mapping, const struct mapping_context *context,
                                      enum mapping_class class, struct str *address)
{
    bool is_sender = class == MAPPING_ENVELOPE_SENDER || class == MAPPING_HEADER_SENDER;
    struct table_list *own_list = is_sender ? mapping->sender_canonical : mapping->recipient_canonical;
    unsigned own_classes = is_sender ? mapping->sender_canonical_classes : mapping->recipient_canonical_classes;
    enum mapping_result result = MAPPING_DONE;

    if (address->len == 0)
        return MAPPING_DONE;
    if (!table_list_is_empty(own_list) && (own_classes & class))
        result = map_to_one(mapping, context, own_list, address);
    if (result == MAPPING_DONE && !table_list_is_empty(mapping->canonical) && (mapping->canonical_classes & class))
        result = map_to_one(mapping, context, mapping->canonical, address);
    if (result == MAPPING_DONE && (mapping->masquerade_classes & class))
        result = masquerade(mapping, context, address);
    return result;
}

/* A recipient while its aliases are followed. */
struct expansion {
    struct mapping *mapping;
    const struct mapping_context *context;
    struct map *seen; /* addresses that were looked up, to whether they stay */
    struct strlist open;
    struct strlist final;
};

static char stays, goes;

/* What an alias stands for: its own name stays, other names may be aliases too. */
static enum mapping_result take_results(struct expansion *expansion, struct str address, const struct strlist *results)
{
    const struct mapping_context *context = expansion->context;
    size_t limit = (size_t) expansion->mapping->settings->virtual_alias_address_length_limit;

    for (size_t i = 0; i < results->count; i++) {
        struct str result = results->items[i];
        bool is_itself = str_equal_nocase(result, address);

        if (result.len > limit) {
            log_map_long_result(context->queue_id, STR("virtual_alias_maps"), result);
            return MAPPING_UNREASONABLE;
        }
        strlist_add_view(is_itself ? &expansion->final : &expansion->open, context->arena, result);
    }
    return MAPPING_DONE;
}

static enum mapping_result expand_one(struct expansion *expansion, struct str address)
{
    struct mapping *mapping = expansion->mapping;
    const struct mapping_context *context = expansion->context;
    struct str folded = casefold(context->arena, address);
    size_t limit = (size_t) mapping->settings->virtual_alias_expansion_limit;
    struct address_answer answer;
    struct strlist result;
    struct failure why;

    if (map_get(expansion->seen, folded) != NULL)
        return MAPPING_DONE;
    switch (address_lookup(mapping->virtual_alias, &mapping->rules, address, context->arena, &answer, &why)) {
    case TABLE_UNKNOWN:
        return map_problem(context, mapping->virtual_alias, address, &why);
    case TABLE_ABSENT:
        map_set(expansion->seen, folded, &stays);
        strlist_add_view(&expansion->final, context->arena, address);
        return MAPPING_DONE;
    case TABLE_FOUND:
        break;
    }
    if (!read_value(mapping, context, address, &answer, mapping->has_virtual_extensions, limit + 1, &result, &why))
        return map_problem(context, mapping->virtual_alias, address, &why);
    map_set(expansion->seen, folded, &goes);
    return take_results(expansion, address, &result);
}

static enum mapping_result expand_all(struct expansion *expansion)
{
    const struct cleanup_settings *settings = expansion->mapping->settings;
    size_t limit = (size_t) settings->virtual_alias_expansion_limit;
    size_t level_end = 1;
    int depth = 0;

    for (size_t i = 0; i < expansion->open.count; i++) {
        enum mapping_result result;

        if (i == level_end) {
            level_end = expansion->open.count;
            depth++;
        }
        if (depth >= settings->virtual_alias_recursion_limit) {
            log_map_unreasonable(expansion->context->queue_id, STR("virtual_alias_maps"), "map nesting",
                                 expansion->open.items[0]);
            return MAPPING_UNREASONABLE;
        }
        result = expand_one(expansion, expansion->open.items[i]);
        if (result != MAPPING_DONE)
            return result;
        if (expansion->final.count + expansion->open.count - i - 1 > limit) {
            log_map_unreasonable(expansion->context->queue_id, STR("virtual_alias_maps"), "map expansion size",
                                 expansion->open.items[0]);
            return MAPPING_UNREASONABLE;
        }
    }
    return MAPPING_DONE;
}

enum mapping_result mapping_virtual(struct mapping *mapping, const struct mapping_context *context, struct str address,
                                    struct strlist *addresses_out)
{
    struct expansion expansion = { .mapping = mapping, .context = context };
    enum mapping_result result = MAPPING_DONE;

    if (!table_list_is_empty(mapping->virtual_alias)) {
        expansion.seen = map_create();
        strlist_add_view(&expansion.open, context->arena, address);
        result = expand_all(&expansion);
        map_destroy(&expansion.seen);
    } else {
        strlist_add_view(&expansion.final, context->arena, address);
    }
    /* Aliases that only name each other end in nothing. */
    if (result == MAPPING_DONE && expansion.final.count == 0) {
        log_map_unreasonable(context->queue_id, STR("virtual_alias_maps"), "map nesting", address);
        return MAPPING_UNREASONABLE;
    }
    if (result == MAPPING_DONE)
        *addresses_out = expansion.final;
    return result;
}

enum mapping_result mapping_bcc(struct mapping *mapping, const struct mapping_context *context, bool is_sender,
                                struct str address, struct str *copy_out)
{
    struct table_list *list = is_sender ? mapping->sender_bcc : mapping->recipient_bcc;
    struct address_answer answer;
    struct failure why;

    *copy_out = STR_EMPTY;
    if (table_list_is_empty(list) || address.len == 0)
        return MAPPING_DONE;
    switch (address_lookup(list, &mapping->rules, address, context->arena, &answer, &why)) {
    case TABLE_UNKNOWN:
        log_copy_problem(context->queue_id, table_list_title(list), str_from_c(why.text));
        return MAPPING_UNKNOWN;
    case TABLE_FOUND:
        if (!address_list_single(context->arena, answer.value, copy_out))
            log_warning("%.*s: %.*s: bad address for %.*s: \"%.*s\"", STR_ARG(context->queue_id),
                        STR_ARG(table_list_title(list)), STR_ARG(address), STR_ARG(answer.value));
        break;
    case TABLE_ABSENT:
        break;
    }
    return MAPPING_DONE;
}
