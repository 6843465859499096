/* SPDX-License-Identifier: Apache-2.0 */
#include "table/debug_peers.h"

#include "config/shared_settings.h"
#include "log/log.h"
#include "unit.h"

static unsigned level_of(const char *list, const char *parents, const char *name, const char *address)
{
    const struct shared_settings shared = {
        .debug_peer_list = str_from_c(list),
        .debug_peer_level = 2,
        .parent_domain_matches_subdomains = str_from_c(parents),
    };
    const struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct debug_peers peers;
    unsigned level;

    debug_peers_open(&peers, set, &shared);
    level = debug_peers_level_of(&peers, str_from_c(name), str_from_c(address));
    table_set_destroy(&set);
    return level;
}

TEST(hosts_are_listed_by_name_domain_address_or_network)
{
    const char *parents = "mynetworks, debug_peer_list";

    EXPECT_UINT(level_of("", parents, "mx.example.com", "192.0.2.1"), 0);
    EXPECT_UINT(level_of("example.com", parents, "mx.example.com", "192.0.2.1"), 2);
    EXPECT_UINT(level_of("example.com", "mynetworks", "mx.example.com", "192.0.2.1"), 0);
    EXPECT_UINT(level_of(".example.com", "mynetworks", "mx.example.com", "192.0.2.1"), 2);
    EXPECT_UINT(level_of("192.0.2.0/24", parents, "unknown", "192.0.2.1"), 2);
    EXPECT_UINT(level_of("!192.0.2.1, 192.0.2.0/24", parents, "unknown", "192.0.2.1"), 0);
    EXPECT_UINT(level_of("[2001:db8::]/32", parents, "unknown", "2001:db8::9"), 2);
    EXPECT_UINT(level_of("inline:{mx.example.com=x}", parents, "mx.example.com", "192.0.2.1"), 2);
    EXPECT_UINT(level_of("example.org", parents, "mx.example.com", "192.0.2.1"), 0);
}

TEST(the_path_of_a_socket_stands_for_an_address)
{
    EXPECT_UINT(level_of("192.0.2.0/24, box.example.com", "", "box.example.com", "/run/lmtp"), 2);
    EXPECT_UINT(level_of("192.0.2.0/24", "", "box.example.com", "/run/lmtp"), 0);
}

TEST(what_is_asked_for_all_is_added)
{
    log_set_verbose(1);
    EXPECT_UINT(level_of("", "", "mx.example.com", "192.0.2.1"), 1);
    EXPECT_UINT(level_of("mx.example.com", "", "mx.example.com", "192.0.2.1"), 3);
    log_set_verbose(0);
}

TEST(a_list_that_cannot_be_read_asks_for_nothing)
{
    EXPECT_UINT(level_of("192.0.2.1/24", "", "mx.example.com", "192.0.2.1"), 0);
    EXPECT_UINT(level_of("/nonexistent/peers", "", "mx.example.com", "192.0.2.1"), 0);
}
