/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/target.h"

#include "dns/host_lookup.h"
#include "dns/packet.h"
#include "dns/resolver.h"
#include "mail/domain.h"
#include "os/random.h"
#include "smtp/log_lines.h"
#include "smtp/nexthop.h"
#include "smtp/smtp.h"

#include <stdlib.h>

/* Of a domain with more MX records, or more addresses, only so many are looked at. */
enum { MX_MAX = 50, TARGET_MAX = 200, PORT_SMTP = 25 };

static void add(struct target_list *list, struct target target)
{
    if (list->count < TARGET_MAX)
        list->items[list->count++] = target;
}

/* ---- order ---- */

static void swap(struct target *a, struct target *b)
{
    struct target kept = *a;

    *a = *b;
    *b = kept;
}

static void mix(struct target_list *list)
{
    for (size_t i = list->count; i > 1; i--)
        swap(&list->items[i - 1], &list->items[random_below(i)]);
}

static int family_rank(const struct target *target, int preference)
{
    enum ip_family preferred = preference == SMTP_PREFER_IPV4 ? IP_V4 : IP_V6;

    return preference == SMTP_PREFER_ANY || target->address.family == preferred ? 0 : 1;
}

static bool is_after(const struct target *a, const struct target *b, int preference)
{
    if (a->preference != b->preference)
        return a->preference > b->preference;
    return family_rank(a, preference) > family_rank(b, preference);
}

/* Insertion: it keeps the order of equals, and the list is short. */
void target_list_sort(struct target_list *list, const struct smtp *smtp)
{
    if (smtp->settings->randomize_addresses)
        mix(list);
    for (size_t i = 1; i < list->count; i++) {
        for (size_t k = i; k > 0 && is_after(&list->items[k - 1], &list->items[k], smtp->settings->address_preference);
             k--)
            swap(&list->items[k - 1], &list->items[k]);
    }
    for (size_t i = 0; i < list->count; i++)
        list->items[i].is_best = list->items[i].preference == list->items[0].preference;
}

static bool has_family(const struct target_list *list, size_t count, enum ip_family family)
{
    for (size_t i = 0; i < count; i++) {
        if (list->items[i].address.family == family)
            return true;
    }
    return false;
}

void target_list_limit(struct target_list *list, size_t limit, bool is_balanced)
{
    if (limit == 0 || list->count <= limit)
        return;
    for (size_t i = limit; is_balanced && limit > 1 && i < list->count; i++) {
        if (!has_family(list, limit, list->items[i].address.family)) {
            list->items[limit - 1] = list->items[i];
            break;
        }
    }
    list->count = limit;
}

/* ---- ourselves ---- */

static const struct target *find_self(const struct smtp *smtp, const struct target_list *list)
{
    const struct target *self = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct target *it = &list->items[i];

        if (own_address_list_has(&smtp->own, &it->address) && (self == NULL || it->preference < self->preference))
            self = it;
    }
    return self;
}

/* RFC 5321 section 5.1: whoever is no better than ourselves is not tried. */
static bool leave_out_self(const struct smtp *smtp, const struct nexthop *nexthop, struct target_list *list,
                           struct arena *arena, struct trouble *trouble_out)
{
    const struct target *self = find_self(smtp, list);
    unsigned limit;
    size_t kept = 0;

    if (smtp->is_lmtp || self == NULL || nexthop->port != PORT_SMTP)
        return true;
    limit = self->preference;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].preference < limit)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    if (kept > 0)
        return true;
    *trouble_out =
        trouble_local(arena, DSN_STATUS(5, 4, 6), "mail for %.*s loops back to myself", STR_ARG(nexthop->domain));
    return false;
}

/* ---- looking up ---- */

/* By the same words as Postfix, whose log analysers know them. */
static struct trouble not_found(struct arena *arena, struct str name, const char *type, enum dns_outcome outcome,
                                const char *reason)
{
    return trouble_local(arena, outcome == DNS_UNKNOWN ? DSN_STATUS(4, 4, 3) : DSN_STATUS(5, 4, 4),
                         "Host or domain name not found. Name service error for name=%.*s type=%s: %s", STR_ARG(name),
                         type, reason);
}

static bool uses_dns_for_hosts(const struct smtp *smtp)
{
    return !smtp->settings->disable_dns_lookups && strlist_contains_nocase(&smtp->settings->host_lookup, STR("dns"));
}

static bool add_host(struct smtp *smtp, struct str host, uint16_t port, uint16_t preference, struct arena *arena,
                     struct target_list *list, struct trouble *trouble_out)
{
    struct host_addresses found;
    struct ip_address numeric;

    if (!ip_address_parse(host, &numeric) && !dns_name_is_host(host)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(5, 4, 4),
                                     "Name service error for %.*s: invalid host or domain name", STR_ARG(host));
        return false;
    }
    host_lookup_addresses(smtp->hosts, host, arena, &found);
    for (size_t i = 0; found.outcome == DNS_FOUND && i < found.count; i++)
        add(list, (struct target){ .host = host, .address = found.items[i], .port = port, .preference = preference });
    if (found.outcome == DNS_FOUND && found.count > 0)
        return true;
    if (uses_dns_for_hosts(smtp))
        *trouble_out = not_found(arena, host, host_lookup_type_name(smtp->hosts), found.outcome, found.reason);
    else
        *trouble_out = trouble_local(arena, found.outcome == DNS_UNKNOWN ? DSN_STATUS(4, 4, 3) : DSN_STATUS(5, 4, 4),
                                     "unable to look up host %.*s: %s", STR_ARG(host), found.reason);
    return false;
}

static int compare_records(const void *a, const void *b)
{
    const struct dns_record *left = a, *right = b;

    return (int) left->preference - (int) right->preference;
}

/* All hosts of a preference before it is asked whether that is enough. */
static bool add_exchangers(struct smtp *smtp, const struct nexthop *nexthop, const struct dns_answer *answer,
                           struct arena *arena, struct target_list *list, struct trouble *trouble_out)
{
    size_t limit = (size_t) smtp->settings->mx_address_limit;
    struct trouble passing = { .text = STR_EMPTY };

    for (size_t i = 0; i < answer->count && i < MX_MAX; i++) {
        const struct dns_record *record = &answer->records[i];
        bool is_new_preference = i > 0 && record->preference != answer->records[i - 1].preference;

        if (is_new_preference && limit > 0 && list->count >= limit)
            break;
        if (record->name.len > 0 &&
            !add_host(smtp, record->name, nexthop->port, record->preference, arena, list, trouble_out) &&
            !trouble_is_permanent(trouble_out))
            passing = *trouble_out;
    }
    if (list->count > 0)
        return true;
    smtp_log_no_mx_address(nexthop->domain);
    if (passing.text.len > 0)
        *trouble_out = passing;
    else if (smtp->settings->defer_if_no_mx_address_found)
        trouble_out->dsn = DSN_STATUS(4, 4, 4);
    return false;
}

static bool is_null_mx(const struct dns_answer *answer)
{
    return answer->count == 1 && answer->records[0].name.len == 0;
}

static bool find_by_mx(struct smtp *smtp, const struct nexthop *nexthop, struct str domain, struct arena *arena,
                       struct target_list *list, struct trouble *trouble_out)
{
    struct dns_answer answer;

    resolver_lookup(smtp->resolver, domain, DNS_TYPE_MX, arena, &answer);
    if (answer.outcome == DNS_UNKNOWN && !smtp->settings->ignore_mx_lookup_error) {
        *trouble_out = not_found(arena, domain, "MX", answer.outcome, answer.reason);
        return false;
    }
    /* RFC 5321 section 5.1: without MX the domain is its own. */
    if (answer.outcome != DNS_FOUND)
        return add_host(smtp, domain, nexthop->port, 0, arena, list, trouble_out);
    if (is_null_mx(&answer)) {
        *trouble_out =
            trouble_local(arena, DSN_STATUS(5, 1, 10), "Domain %.*s does not accept mail (nullMX)", STR_ARG(domain));
        return false;
    }
    qsort(answer.records, answer.count, sizeof(answer.records[0]), compare_records);
    return add_exchangers(smtp, nexthop, &answer, arena, list, trouble_out);
}

bool target_find(struct smtp *smtp, const struct nexthop *nexthop, struct arena *arena, struct target_list *list_out,
                 struct trouble *trouble_out)
{
    struct target_list list = { arena_new_array(arena, TARGET_MAX, struct target), 0 };
    bool is_host = nexthop->is_host || smtp->settings->disable_dns_lookups;
    struct str domain = nexthop->domain;
    bool is_found;

    if (!str_is_empty(nexthop->path)) {
        add(&list, (struct target){ .host = smtp->myhostname, .path = nexthop->path });
        *list_out = list;
        return true;
    }
    /* IDNA: the DNS knows A-labels only. */
    if (!domain_is_ascii(domain) && !domain_to_ascii(arena, domain, smtp->settings->idna2003, &domain, NULL)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(5, 4, 4),
                                     "Name service error for %.*s: invalid host or domain name", STR_ARG(domain));
        return false;
    }
    if (is_host)
        is_found = add_host(smtp, domain, nexthop->port, 0, arena, &list, trouble_out);
    else
        is_found = find_by_mx(smtp, nexthop, domain, arena, &list, trouble_out);
    if (!is_found || !leave_out_self(smtp, nexthop, &list, arena, trouble_out))
        return false;
    target_list_sort(&list, smtp);
    target_list_limit(&list, (size_t) smtp->settings->mx_address_limit, smtp->settings->balance_inet_protocols);
    *list_out = list;
    return true;
}
