/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What postscreen and smtpd read of each other, of the cache and of main.cf: stamps of tests that are read are written
 * the same; sites of lists are counted within their weights; a session that is handed over has whole lines only.
 */

#include "base/check.h"
#include "postscreen/dnsbl.h"
#include "postscreen/stamps.h"
#include "protocol/handed_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_stamps(struct str text, struct arena *arena)
{
    struct stamps stamps, again;

    if (!stamps_parse(text, &stamps))
        return;
    CHECK(stamps_parse(stamps_format(&stamps, arena), &again));
    for (enum test test = 0; test < TESTS; test++)
        CHECK(stamps.ends[test].us == again.ends[test].us && stamps.ends[test].us <= stamps_last(&stamps).us);
}

static void look_at_sites(struct str text, struct arena *arena)
{
    struct str address = STR("127.0.0.2");
    struct dnsblog_listing *items;
    struct dnsbl_sites sites;
    struct dnsbl_rank rank;
    int64_t lowest = 0, highest = 0;

    if (!dnsbl_sites_parse(text, arena, &sites, NULL))
        return;
    items = arena_new_array(arena, sites.domains.count + 1, struct dnsblog_listing);
    for (size_t i = 0; i < sites.domains.count; i++)
        items[i] = (struct dnsblog_listing){ true, { &address, 1, 1 }, i };
    for (size_t i = 0; i < sites.count; i++)
        *(sites.sites[i].weight < 0 ? &lowest : &highest) += sites.sites[i].weight;
    rank = dnsbl_rank(&sites, &(struct records){ items, sites.domains.count });
    CHECK(rank.score >= lowest && rank.score <= highest && (rank.score <= 0 || rank.domain.len > 0));
}

static void look_at_session(struct str bytes, struct arena *arena)
{
    const struct handed_session *session;

    if (!handed_session_decode(bytes, arena, &session, NULL))
        return;
    CHECK(str_find_any(session->helo, "\r\n") == STR_NOT_FOUND && str_find_any(session->mail, "\r\n") == STR_NOT_FOUND);
    CHECK(str_find_any(session->recipient, "\r\n") == STR_NOT_FOUND && !str_contains_char(session->recipient, '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *) data, size);
    struct arena *arena = arena_create();

    look_at_stamps(input, arena);
    look_at_sites(input, arena);
    look_at_session(input, arena);
    arena_destroy(&arena);
    return 0;
}
