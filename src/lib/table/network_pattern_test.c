/* SPDX-License-Identifier: Apache-2.0 */
#include "table/network_pattern.h"

#include "unit.h"

TEST(addresses_are_in_their_networks)
{
    static const struct {
        const char *pattern, *address;
        bool is_in;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.255", true },     { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.1", "192.0.2.1", true },          { "192.0.2.1", "192.0.2.2", false },
        { "0.0.0.0/0", "203.0.113.9", true },        { "0.0.0.0/0", "2001:db8::1", false },
        { "192.0.2.128/25", "192.0.2.127", false },  { "[2001:db8::]/32", "2001:db8:ffff::1", true },
        { "[2001:db8::/32]", "2001:db9::1", false }, { "2001:db8::1", "2001:db8::1", true },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char problem[NETWORK_PATTERN_PROBLEM_MAX];
        struct network_pattern pattern;
        struct ip_address address;

        EXPECT(network_pattern_parse(str_from_c(rows[i].pattern), &pattern, problem));
        EXPECT(ip_address_parse(str_from_c(rows[i].address), &address));
        EXPECT(network_pattern_matches(&pattern, &address) == rows[i].is_in);
    }
}

TEST(what_is_no_network_is_refused_with_the_reason)
{
    static const char *const rows[] = {
        "",
        "192.0.2",
        "192.0.2.1/24",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/x",
        "[2001:db8::",
        "2001:db8::/129",
        "host.example.com",
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char problem[NETWORK_PATTERN_PROBLEM_MAX] = "";
        struct network_pattern pattern;

        EXPECT_FALSE(network_pattern_parse(str_from_c(rows[i]), &pattern, problem));
        EXPECT(problem[0] != '\0');
    }
}
