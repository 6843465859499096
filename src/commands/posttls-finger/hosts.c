/* SPDX-License-Identifier: Apache-2.0 */
#include "posttls-finger/hosts.h"

#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "posttls-finger/say.h"

#include <stdlib.h>

enum { HOSTS_MAXIMUM = 200 };

struct search {
    struct resolver *resolver;
    struct host_lookup *lookup;
    const struct nexthop *nexthop;
    const struct finger_options *options;
    struct arena *arena;
    struct finger_hosts hosts;
};

static bool add_addresses(struct search *search, struct str name, uint16_t preference, bool is_named_securely,
                          struct failure *why)
{
    struct host_addresses addresses;

    host_lookup_addresses(search->lookup, name, search->arena, &addresses);
    if (addresses.outcome != DNS_FOUND)
        return failure_set(why, FAILURE_RETRY, 0,
                           "Host or domain name not found. Name service error for name=%.*s type=%s: %s", STR_ARG(name),
                           host_lookup_type_name(search->lookup), addresses.reason);
    for (size_t i = 0; i < addresses.count && search->hosts.count < HOSTS_MAXIMUM; i++)
        search->hosts.items[search->hosts.count++] = (struct finger_host){
            .name = name,
            .canonical_name = addresses.canonical_name,
            .address = addresses.items[i],
            .port = search->nexthop->port,
            .preference = preference,
            .is_named_securely = is_named_securely,
            .is_secure = addresses.is_secure,
        };
    return true;
}

static bool add_exchangers(struct search *search, const struct dns_answer *answer, struct failure *why)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (str_is_empty(answer->records[i].name))
            return failure_set(why, FAILURE_PERMANENT, 0, "Domain %.*s does not accept mail (nullMX)",
                               STR_ARG(search->nexthop->domain));
        (void) add_addresses(search, answer->records[i].name, answer->records[i].preference, answer->is_secure, why);
    }
    if (search->hosts.count > 0)
        return true;
    say_warning("no MX host for %.*s has a valid address record", STR_ARG(search->nexthop->domain));
    return false;
}

/* RFC 5321 section 5.1: a domain without MX records is its own server. */
static bool add_domain(struct search *search, struct failure *why)
{
    struct str domain = search->nexthop->domain;
    struct dns_answer answer;

    resolver_lookup(search->resolver, domain, DNS_TYPE_MX, search->arena, &answer);
    if (answer.outcome == DNS_FOUND)
        return add_exchangers(search, &answer, why);
    if (answer.outcome == DNS_UNKNOWN)
        return failure_set(why, FAILURE_RETRY, 0,
                           "Host or domain name not found. Name service error for name=%.*s type=MX: %s",
                           STR_ARG(domain), answer.reason);
    return add_addresses(search, domain, 0, true, why);
}

static int rank_of(const struct finger_options *options, const struct finger_host *host)
{
    bool is_ipv6 = host->address.family == IP_V6;

    return (options->prefers_ipv4 && is_ipv6) || (options->prefers_ipv6 && !is_ipv6);
}

/* Stable, and the lists are short: the family that is wanted first, then the better preference. */
static void sort(struct finger_hosts *hosts, const struct finger_options *options)
{
    for (size_t i = 1; i < hosts->count; i++) {
        struct finger_host host = hosts->items[i];
        size_t place = i;

        while (place > 0 && (rank_of(options, &hosts->items[place - 1]) > rank_of(options, &host) ||
                             (rank_of(options, &hosts->items[place - 1]) == rank_of(options, &host) &&
                              hosts->items[place - 1].preference > host.preference))) {
            hosts->items[place] = hosts->items[place - 1];
            place--;
        }
        hosts->items[place] = host;
    }
}

bool finger_hosts_find(struct resolver *resolver, struct host_lookup *lookup, const struct nexthop *nexthop,
                       const struct finger_options *options, struct arena *arena, struct finger_hosts *hosts_out,
                       struct failure *why)
{
    struct search search = {
        .resolver = resolver, .lookup = lookup, .nexthop = nexthop, .options = options, .arena = arena
    };
    bool has_exchangers = !nexthop->is_host && str_find_nocase(options->host_lookup, STR("dns")) != STR_NOT_FOUND;

    search.hosts.items = arena_new_array(arena, HOSTS_MAXIMUM, struct finger_host);
    if (!(has_exchangers ? add_domain(&search, why) : add_addresses(&search, nexthop->domain, 0, true, why)))
        return false;
    sort(&search.hosts, options);
    *hosts_out = search.hosts;
    return true;
}
