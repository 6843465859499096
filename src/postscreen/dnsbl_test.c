/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/dnsbl.h"

#include "unit.h"

static struct strlist words(struct arena *arena, const char *text)
{
    return strlist_split(arena, str_from_c(text), " ");
}

static struct dnsbl_rank rank_of(const char *text, const char *first, const char *second)
{
    struct arena *arena = arena_create();
    struct dnsblog_listing items[] = { { true, words(arena, first), 60 }, { true, words(arena, second), 30 } };
    const struct records listings = { items, 2 };
    struct dnsbl_sites sites;
    struct dnsbl_rank rank = { 0 };

    if (dnsbl_sites_parse(str_from_c(text), arena, &sites, NULL))
        rank = dnsbl_rank(&sites, &listings);
    else
        EXPECT(false);
    /* It may look into the arena, which ends here. */
    rank.domain = rank.domain.len == 0                    ? STR("")
                  : str_equal(rank.domain, STR("a.test")) ? STR("a.test")
                                                          : STR("b.test");
    arena_destroy(&arena);
    return rank;
}

TEST(weights_of_lists_that_have_the_client_are_added)
{
    EXPECT_INT(rank_of("a.test b.test", "127.0.0.2", "").score, 1);
    EXPECT_INT(rank_of("a.test*3, b.test*-5", "127.0.0.2", "127.0.0.9").score, -2);
    EXPECT_INT(rank_of("a.test=127.0.0.[4..6]*3 b.test", "127.0.0.2", "").score, 0);
    EXPECT_INT(rank_of("a.test=127.0.0.[4..6]*3 b.test", "127.0.0.2 127.0.0.5", "").score, 3);
    EXPECT_INT(rank_of("a.test=127.0.0.2*3 a.test=127.0.0.3*4 b.test", "127.0.0.2 127.0.0.3", "127.0.0.1").score, 8);
}

TEST(the_heaviest_list_is_blamed)
{
    EXPECT_STR(rank_of("a.test b.test*2", "127.0.0.2", "127.0.0.2").domain, STR("b.test"));
    EXPECT_STR(rank_of("a.test b.test", "127.0.0.2", "127.0.0.2").domain, STR("a.test"));
    EXPECT_STR(rank_of("a.test*-1 b.test*-2", "127.0.0.2", "127.0.0.2").domain, STR(""));
}

TEST(the_shortest_time_counts)
{
    EXPECT_UINT(rank_of("a.test b.test", "127.0.0.2", "127.0.0.2").ttl_s, 30);
    EXPECT_UINT(rank_of("a.test b.test", "127.0.0.2", "").ttl_s, 60);
    EXPECT_FALSE(rank_of("a.test b.test", "", "").has_ttl);
}

TEST(what_is_no_site_is_refused)
{
    static const char *const texts[] = { "a.test*x",   "a.test*", "a.test=127.0.0.[", "a b*c", "*2",
                                         "=127.0.0.2", "a..b",    "a.test*2*3" };
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct dnsbl_sites sites;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        EXPECT_FALSE(dnsbl_sites_parse(str_from_c(texts[i]), arena, &sites, &why));
}
