/* SPDX-License-Identifier: Apache-2.0 */
#include "config/own_addresses.h"

#include "unit.h"

static struct inet_protocols protocols_of(const char *text)
{
    struct inet_protocols protocols = { 0 };
    struct failure why;

    EXPECT(inet_protocols_parse(str_from_c(text), &protocols, &why));
    return protocols;
}

static struct own_address_list list_of(struct arena *arena, const char *text, const char *protocols)
{
    struct own_address_list list = { 0 };
    struct failure why;

    EXPECT(own_addresses_of(str_from_c(text), protocols_of(protocols), arena, &list, &why));
    return list;
}

static bool has(const struct own_address_list *list, const char *text)
{
    struct ip_address address;

    EXPECT(ip_address_parse(str_from_c(text), &address));
    return own_address_list_has(list, &address);
}

TEST(protocols_are_all_or_a_list)
{
    struct inet_protocols protocols = protocols_of("all");
    struct failure why;

    EXPECT(protocols.has_ipv4 && protocols.has_ipv6);
    protocols = protocols_of("ipv4");
    EXPECT(protocols.has_ipv4 && !protocols.has_ipv6);
    protocols = protocols_of("IPv6, ipv4");
    EXPECT(protocols.has_ipv4 && protocols.has_ipv6);
    EXPECT_FALSE(inet_protocols_parse(STR("ipv5"), &protocols, &why));
    EXPECT_TEXT(why.text, "inet_protocols: \"ipv5\" is no protocol: write all, ipv4, ipv6 or ipv4, ipv6");
    EXPECT_FALSE(inet_protocols_parse(STR(" "), &protocols, &why));
}

TEST(addresses_are_taken_once_and_by_protocol)
{
    struct arena *arena = arena_create();
    struct own_address_list list = list_of(arena, "192.0.2.1, [2001:db8::1] 192.0.2.1", "all");

    EXPECT_UINT(list.count, 2);
    EXPECT(has(&list, "192.0.2.1"));
    EXPECT(has(&list, "2001:db8::1"));
    EXPECT_FALSE(has(&list, "192.0.2.2"));
    EXPECT_UINT(list.items[0].prefix_bits, 32);
    list = list_of(arena, "192.0.2.1, [2001:db8::1]", "ipv4");
    EXPECT_UINT(list.count, 1);
    list = list_of(arena, "", "all");
    EXPECT_UINT(list.count, 0);
    arena_destroy(&arena);
}

TEST(loopback_only_is_the_loopback_interface)
{
    struct arena *arena = arena_create();
    struct own_address_list list = list_of(arena, "loopback-only", "ipv4");

    EXPECT(has(&list, "127.0.0.1"));
    EXPECT_UINT(list.items[0].prefix_bits, 8);
    EXPECT(list.items[0].is_loopback);
    list = list_of(arena, "all", "all");
    EXPECT(has(&list, "127.0.0.1"));
    arena_destroy(&arena);
}
