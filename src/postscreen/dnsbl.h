/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_DNSBL_H
#define POSTSCREEN_DNSBL_H

#include "base/arena.h"
#include "base/failure.h"
#include "dns/dnsbl_filter.h"
#include "protocol/dnsblog.h"

/*
 * dnsbl - postscreen_dnsbl_sites: lists, each with a weight, and with a filter if not all that it says counts. A
 * client's rank is the sum of the weights of those that list it.
 */
struct dnsbl_site {
    size_t domain; /* place in domains */
    bool has_filter;
    struct dnsbl_filter filter;
    int weight;
};

struct dnsbl_sites {
    struct strlist domains; /* each once, in order */
    struct dnsbl_site *sites;
    size_t count;
};

/* "zen.example*3, list.example=127.0.0.[2..4]*-2". The failure says which is wrong. Memory is the arena's. */
MUST_USE bool dnsbl_sites_parse(struct str text, struct arena *arena, struct dnsbl_sites *sites_out,
                                struct failure *why);

struct dnsbl_rank {
    int score;
    struct str domain; /* the list that added most; empty: none did */
    bool has_ttl;
    uint64_t ttl_s; /* the shortest of the answers */
};

/* listings: one a domain. */
struct dnsbl_rank dnsbl_rank(const struct dnsbl_sites *sites, const struct records *listings);

#endif
