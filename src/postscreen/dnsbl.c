/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/dnsbl.h"

#include "base/ip_address.h"
#include "mail/domain.h"

#include <string.h>

enum { WEIGHT_MAXIMUM = 1000000, SCORE_MAXIMUM = 1000000000 };

static size_t domain_place(struct dnsbl_sites *sites, struct arena *arena, struct str domain)
{
    for (size_t i = 0; i < sites->domains.count; i++) {
        if (str_equal_nocase(sites->domains.items[i], domain))
            return i;
    }
    strlist_add(&sites->domains, arena, domain);
    return sites->domains.count - 1;
}

static bool parse_weight(struct str text, int *weight_out)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t number;

    if (!str_to_uint64(is_negative ? str_from(text, 1) : text, &number) || number > WEIGHT_MAXIMUM)
        return false;
    *weight_out = is_negative ? -(int) number : (int) number;
    return true;
}

static bool parse_site(struct str word, struct dnsbl_sites *sites, struct arena *arena, struct dnsbl_site *site,
                       struct failure *why)
{
    struct str whole = word, rest, filter;
    bool has_weight = str_cut(word, '*', &word, &rest);

    site->weight = 1;
    if (has_weight && !parse_weight(rest, &site->weight))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "postscreen_dnsbl_sites: bad DNSBL weight factor \"%.*s\" in "
                           "\"%.*s\"",
                           STR_ARG(rest), STR_ARG(whole));
    site->has_filter = str_cut(word, '=', &word, &filter);
    if (site->has_filter && !dnsbl_filter_parse(filter, &site->filter, why))
        return failure_prefix(why, "postscreen_dnsbl_sites: bad DNSBL filter syntax in \"%.*s\"", STR_ARG(whole));
    if (!domain_is_valid_hostname(word, false))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "postscreen_dnsbl_sites: bad DNSBL domain name \"%.*s\" in "
                           "\"%.*s\"",
                           STR_ARG(word), STR_ARG(whole));
    site->domain = domain_place(sites, arena, word);
    if (sites->domains.count > DNSBLOG_DOMAINS_MAXIMUM)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "postscreen_dnsbl_sites: more than %d lists",
                           DNSBLOG_DOMAINS_MAXIMUM);
    return true;
}

bool dnsbl_sites_parse(struct str text, struct arena *arena, struct dnsbl_sites *sites_out, struct failure *why)
{
    struct strlist words = strlist_split(arena, text, ", \t\r\n");
    struct dnsbl_sites sites = { .sites = arena_new_array(arena, words.count + 1, struct dnsbl_site) };

    for (size_t i = 0; i < words.count; i++) {
        if (!parse_site(words.items[i], &sites, arena, &sites.sites[sites.count], why))
            return false;
        sites.count++;
    }
    *sites_out = sites;
    return true;
}

static bool counts(const struct dnsbl_site *site, const struct dnsblog_listing *listing)
{
    struct ip_address address;

    if (!site->has_filter)
        return listing->addresses.count > 0;
    for (size_t i = 0; i < listing->addresses.count; i++) {
        if (ip_address_parse(listing->addresses.items[i], &address) && dnsbl_filter_has(&site->filter, &address))
            return true;
    }
    return false;
}

struct dnsbl_rank dnsbl_rank(const struct dnsbl_sites *sites, const struct records *listings)
{
    const struct dnsblog_listing *items = listings->items;
    struct dnsbl_rank rank = { 0 };
    int heaviest = 0;

    for (size_t i = 0; i < listings->count; i++) {
        if (items[i].addresses.count > 0 && (!rank.has_ttl || items[i].ttl_s < rank.ttl_s)) {
            rank.ttl_s = items[i].ttl_s;
            rank.has_ttl = true;
        }
    }
    for (size_t i = 0; i < sites->count; i++) {
        const struct dnsbl_site *site = &sites->sites[i];

        if (site->domain >= listings->count || !counts(site, &items[site->domain]))
            continue;
        if (rank.score < SCORE_MAXIMUM && rank.score > -SCORE_MAXIMUM)
            rank.score += site->weight;
        if (site->weight > heaviest) {
            heaviest = site->weight;
            rank.domain = sites->domains.items[site->domain];
        }
    }
    return rank;
}
