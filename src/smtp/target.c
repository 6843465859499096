/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/target.h"

#include "delivery/nexthop.h"
#include "dns/host_lookup.h"
#include "dns/packet.h"
#include "dns/resolver.h"
#include "mail/domain.h"
#include "os/random.h"
#include "smtp/dnssec_probe.h"
#include "smtp/log_lines.h"
#include "smtp/smtp.h"
#include "smtp/srv.h"

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
    if (a->rank != b->rank)
        return a->rank > b->rank;
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

        if (it->port == PORT_SMTP && own_address_list_has(&smtp->own, &it->address) &&
            (self == NULL || it->preference < self->preference))
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

    if (smtp->is_lmtp || self == NULL)
        return true;
    list->has_self = true;
    limit = self->preference;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].preference < limit)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    if (kept > 0)
        return true;
    list->is_self = true;
    *trouble_out =
        trouble_local(arena, DSN_STATUS(5, 4, 6), "mail for %.*s loops back to myself", STR_ARG(nexthop->domain));
    return false;
}

/* ---- looking up ---- */

/* By the same words as Postfix, whose log analysers know them. */
static struct trouble not_found(struct arena *arena, struct str name, const char *type, enum dns_outcome outcome,
                                const char *reason)
{
    bool is_dropped = strcmp(reason, RESOLVER_NOTHING_LEFT) == 0;

    if (is_dropped || strcmp(reason, RESOLVER_FILTER_UNSURE) == 0)
        return trouble_local(arena, is_dropped ? DSN_STATUS(4, 7, 0) : DSN_STATUS(4, 4, 3),
                             "Error looking up name=%.*s type=%s: %s", STR_ARG(name), type, reason);
    return trouble_local(arena, outcome == DNS_UNKNOWN ? DSN_STATUS(4, 4, 3) : DSN_STATUS(5, 4, 4),
                         "Host or domain name not found. Name service error for name=%.*s type=%s: %s", STR_ARG(name),
                         type, reason);
}

static bool uses_dns_for_hosts(const struct smtp *smtp)
{
    return smtp->uses_dns && strlist_contains_nocase(&smtp->settings->host_lookup, STR("dns"));
}

/* By the DNS, or as it was given. */
static struct str name_of(const struct host_addresses *found, struct str host)
{
    bool has_other = found->canonical_name.len > 0 && !str_equal_nocase(found->canonical_name, host);

    return has_other ? found->canonical_name : host;
}

/* Postfix's codes for what the C library says. */
static struct dsn_status native_status(enum dns_outcome outcome)
{
    return outcome == DNS_UNKNOWN         ? DSN_STATUS(4, 4, 4)
           : outcome == DNS_ABSENT_RECORD ? DSN_STATUS(5, 3, 0)
                                          : DSN_STATUS(5, 4, 4);
}

/* like: all but the address, with which it is added. */
static bool add_host(struct smtp *smtp, const struct target *like, struct arena *arena, struct target_list *list,
                     struct trouble *trouble_out)
{
    struct host_addresses found;
    struct ip_address numeric;
    struct str host = like->host;

    if (ip_address_parse(host, &numeric) ? !host_lookup_wants(smtp->hosts, numeric.family) : !dns_name_is_host(host)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(5, 4, 4),
                                     "Name service error for %.*s: invalid host or domain name", STR_ARG(host));
        return false;
    }
    host_lookup_addresses(smtp->hosts, host, arena, &found);
    if (found.canonical_name.len > 0)
        dnssec_probe_note(smtp->probe, found.is_secure);
    for (size_t i = 0; found.outcome == DNS_FOUND && i < found.count; i++) {
        struct target target = *like;

        target.address = found.items[i];
        target.lookup_name = host;
        target.canonical_name = found.canonical_name;
        target.is_address_proven = found.is_secure;
        if (smtp->settings->cname_overrides_servername)
            target.host = name_of(&found, host);
        add(list, target);
    }
    if (found.outcome == DNS_FOUND && found.count > 0)
        return true;
    if (uses_dns_for_hosts(smtp))
        *trouble_out =
            not_found(arena, name_of(&found, host), host_lookup_type_name(smtp->hosts), found.outcome, found.reason);
    else
        *trouble_out = trouble_local(arena, native_status(found.outcome), "unable to look up host %.*s: %s",
                                     STR_ARG(host), found.reason);
    return false;
}

static int compare_records(const void *a, const void *b)
{
    const struct dns_record *left = a, *right = b;

    return (int) left->preference - (int) right->preference;
}

static struct target named_by(const struct dns_answer *answer, size_t place, const struct nexthop *nexthop)
{
    const struct dns_record *record = &answer->records[place];
    bool is_srv = record->type == DNS_TYPE_SRV;

    return (struct target){ .host = record->name,
                            .port = is_srv ? record->port : nexthop->port,
                            .preference = record->preference,
                            .rank = is_srv ? (uint16_t) place : 0,
                            .domain = answer->is_secure && !is_srv ? answer->canonical_name : STR_EMPTY,
                            .is_proven = answer->is_secure };
}

/* The hosts of MX or SRV records: all of a place in the order before it is asked whether that is enough. */
static bool add_exchangers(struct smtp *smtp, const struct nexthop *nexthop, const struct dns_answer *answer,
                           struct arena *arena, struct target_list *list, struct trouble *trouble_out)
{
    size_t limit = (size_t) smtp->settings->mx_address_limit;
    struct trouble passing = { .text = STR_EMPTY };
    struct target last = { .port = 0 };

    for (size_t i = 0; i < answer->count && i < MX_MAX; i++) {
        struct target target = named_by(answer, i, nexthop);
        bool is_behind = i > 0 && (target.preference != last.preference || target.rank != last.rank);

        if (is_behind && limit > 0 && list->count >= limit)
            break;
        if (target.host.len > 0 && !add_host(smtp, &target, arena, list, trouble_out) &&
            !trouble_is_permanent(trouble_out))
            passing = *trouble_out;
        last = target;
    }
    if (list->count > 0)
        return true;
    if (passing.text.len > 0)
        *trouble_out = passing;
    else if (smtp->settings->defer_if_no_mx_address_found)
        trouble_out->dsn = DSN_STATUS(4, 4, 4);
    return false;
}

/* Says that there is nobody (RFC 7505; RFC 2782: "the service is decidedly not available at this domain"). */
static bool is_null(const struct dns_answer *answer)
{
    return answer->count == 1 && answer->records[0].name.len == 0;
}

/* An address for a name is borne with; a name that no host can have is left out. False: none is left. */
static bool check_names(struct dns_answer *answer, const char *type, struct str domain, struct arena *arena,
                        struct trouble *trouble_out)
{
    struct ip_address numeric;
    size_t kept = 0;

    for (size_t i = 0; i < answer->count; i++) {
        struct str name = answer->records[i].name;
        bool is_numeric = ip_address_parse(name, &numeric);

        if (is_numeric)
            smtp_log_numeric_name(type, domain, name);
        if (is_numeric || name.len == 0 || domain_is_valid_hostname(name, false))
            answer->records[kept++] = answer->records[i];
        else
            smtp_log_malformed_name(type, domain, name);
    }
    answer->count = kept;
    if (kept > 0)
        return true;
    *trouble_out = trouble_local(arena, DSN_STATUS(5, 4, 4),
                                 "Name service error for name=%.*s type=%s: "
                                 "Malformed or unexpected name server reply",
                                 STR_ARG(domain), type);
    return false;
}

static bool find_by_mx(struct smtp *smtp, const struct nexthop *nexthop, struct str domain, struct arena *arena,
                       struct target_list *list, struct trouble *trouble_out)
{
    struct target itself = { .host = domain, .port = nexthop->port, .is_proven = true };
    struct dns_answer answer;

    resolver_lookup(smtp->resolver, domain, DNS_TYPE_MX, arena, &answer);
    dnssec_probe_note(smtp->probe, answer.is_secure);
    if (answer.outcome == DNS_UNKNOWN && !smtp->settings->ignore_mx_lookup_error) {
        *trouble_out = not_found(arena, domain, "MX", answer.outcome, answer.reason);
        return false;
    }
    /* RFC 5321 section 5.1: without MX the domain is its own. */
    if (answer.outcome != DNS_FOUND)
        return add_host(smtp, &itself, arena, list, trouble_out);
    if (is_null(&answer)) {
        *trouble_out =
            trouble_local(arena, DSN_STATUS(5, 1, 10), "Domain %.*s does not accept mail (nullMX)", STR_ARG(domain));
        return false;
    }
    if (!check_names(&answer, "MX", domain, arena, trouble_out))
        return false;
    qsort(answer.records, answer.count, sizeof(answer.records[0]), compare_records);
    if (add_exchangers(smtp, nexthop, &answer, arena, list, trouble_out))
        return true;
    smtp_log_no_mx_address(nexthop->domain);
    return false;
}

static bool find_by_srv(struct smtp *smtp, const struct nexthop *nexthop, struct str domain, struct arena *arena,
                        struct target_list *list, struct trouble *trouble_out)
{
    const struct smtp_settings *settings = smtp->settings;
    struct str name = srv_name(arena, nexthop->service, domain);
    struct dns_answer answer;

    resolver_lookup(smtp->resolver, name, DNS_TYPE_SRV, arena, &answer);
    if (answer.outcome != DNS_FOUND) {
        if (answer.outcome == DNS_UNKNOWN ? settings->ignore_srv_lookup_error : settings->allow_srv_lookup_fallback)
            return find_by_mx(smtp, nexthop, domain, arena, list, trouble_out);
        *trouble_out = not_found(arena, name, "SRV", answer.outcome, answer.reason);
        return false;
    }
    if (is_null(&answer)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(5, 4, 4), "Domain %.*s does not offer the service %.*s",
                                     STR_ARG(domain), STR_ARG(nexthop->service));
        return false;
    }
    if (!check_names(&answer, "SRV", name, arena, trouble_out))
        return false;
    srv_order(answer.records, answer.count);
    if (add_exchangers(smtp, nexthop, &answer, arena, list, trouble_out))
        return true;
    smtp_log_no_srv_address(name);
    return false;
}

static bool find(struct smtp *smtp, const struct nexthop *nexthop, struct arena *arena, struct target_list *list,
                 struct trouble *trouble_out)
{
    struct str domain = nexthop->domain;
    struct target itself;

    /* IDNA: the DNS knows A-labels only. */
    if (!domain_is_ascii(domain) && !domain_to_ascii(arena, domain, smtp->settings->idna2003, &domain, NULL)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(5, 4, 4),
                                     "Name service error for %.*s: invalid host or domain name", STR_ARG(domain));
        return false;
    }
    itself = (struct target){ .host = domain, .port = nexthop->port, .is_proven = true };
    if (nexthop->is_host || !smtp->uses_dns)
        return add_host(smtp, &itself, arena, list, trouble_out);
    if (strlist_contains_nocase(&smtp->settings->use_srv_lookup, nexthop->service))
        return find_by_srv(smtp, nexthop, domain, arena, list, trouble_out);
    return find_by_mx(smtp, nexthop, domain, arena, list, trouble_out);
}

bool target_find(struct smtp *smtp, const struct nexthop *nexthop, struct arena *arena, struct target_list *list_out,
                 struct trouble *trouble_out)
{
    struct target_list list = { .items = arena_new_array(arena, TARGET_MAX, struct target) };
    bool is_found = true;

    if (!str_is_empty(nexthop->path)) {
        add(&list, (struct target){ .host = smtp->myhostname, .path = nexthop->path, .is_best = true });
    } else {
        is_found =
            find(smtp, nexthop, arena, &list, trouble_out) && leave_out_self(smtp, nexthop, &list, arena, trouble_out);
        target_list_sort(&list, smtp);
        target_list_limit(&list, (size_t) smtp->settings->mx_address_limit, smtp->settings->balance_inet_protocols);
    }
    *list_out = list;
    return is_found;
}
