/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/nexthop.h"

#include "unit.h"

TEST(next_hops_are_taken_apart)
{
    static const struct {
        const char *text, *domain;
        uint16_t port;
        bool is_host;
    } rows[] = {
        { "example.com", "example.com", 25, false },
        { "example.com:2525", "example.com", 2525, false },
        { "example.com:submission", "example.com", 587, false },
        { "[mx.example.com]", "mx.example.com", 25, true },
        { "[mx.example.com]:587", "mx.example.com", 587, true },
        { "[mx.example.com]:", "mx.example.com", 25, true },
        { "example.com:", "example.com", 25, false },
        { "[192.0.2.1]:26", "192.0.2.1", 26, true },
        { "[2001:db8::1]", "2001:db8::1", 25, true },
        { "[IPv6:2001:db8::1]:26", "2001:db8::1", 26, true },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct nexthop nexthop = { .port = 0 };

        EXPECT(nexthop_parse(str_from_c(rows[i].text), STR("smtp"), &nexthop, NULL));
        EXPECT_STR(nexthop.domain, str_from_c(rows[i].domain));
        EXPECT_UINT(nexthop.port, rows[i].port);
        EXPECT_INT(nexthop.is_host, rows[i].is_host);
    }
}

TEST(next_hops_of_lmtp_are_hosts_and_unix_sockets)
{
    static const struct {
        const char *text, *domain, *path;
        uint16_t port;
    } rows[] = {
        { "inet:example.com", "example.com", "", 24 },
        { "inet:example.com:2003", "example.com", "", 2003 },
        { "inet:[192.0.2.1]:26", "192.0.2.1", "", 26 },
        { "example.com", "example.com", "", 24 },
        { "[2001:db8::1]", "2001:db8::1", "", 24 },
        { "unix:private/lmtp", "", "private/lmtp", 0 },
        { "unix:/run/dovecot/lmtp", "", "/run/dovecot/lmtp", 0 },
    };
    struct nexthop nexthop;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(nexthop_parse_lmtp(str_from_c(rows[i].text), STR("24"), &nexthop, NULL));
        EXPECT_STR(nexthop.domain, str_from_c(rows[i].domain));
        EXPECT_STR(nexthop.path, str_from_c(rows[i].path));
        EXPECT_UINT(nexthop.port, rows[i].port);
        EXPECT(nexthop.is_host);
    }
    EXPECT_FALSE(nexthop_parse_lmtp(STR("unix:"), STR("24"), &nexthop, NULL));
    EXPECT_FALSE(nexthop_parse_lmtp(STR("inet:"), STR("24"), &nexthop, NULL));
}

TEST(lists_have_the_name_alone)
{
    static const struct {
        const char *text, *name;
    } rows[] = {
        { "example.com", "example.com" },
        { "example.com:submission", "example.com" },
        { "[mx.example.com]:587", "mx.example.com" },
        { "[ipv6:2001:db8::1]", "2001:db8::1" },
        { "inet:[192.0.2.1]:24", "192.0.2.1" },
        { "unix:/run/dovecot/lmtp", "/run/dovecot/lmtp" },
        { "[mx", "[mx" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_STR(nexthop_name(str_from_c(rows[i].text)), str_from_c(rows[i].name));
}

TEST(bad_next_hops_are_refused_with_a_reason)
{
    static const char *const rows[] = { "",     ":25",      "[]",
                                        "[mx",  "mx]",      "[mx]25",
                                        "mx:0", "mx:70000", "mx:no-such-service" };
    struct nexthop nexthop;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct failure why = { .kind = FAILURE_NONE };

        EXPECT_FALSE(nexthop_parse(str_from_c(rows[i]), STR("25"), &nexthop, &why));
        EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
    }
}
