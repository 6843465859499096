/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dnsbl_name.h"

#include "unit.h"

TEST(addresses_are_turned_round)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct ip_address address;

    EXPECT(ip_address_parse(STR("192.0.2.99"), &address));
    EXPECT_STR(dnsbl_name(arena, &address, STR("bl.test")), STR("99.2.0.192.bl.test"));
    EXPECT(ip_address_parse(STR("2001:db8::1"), &address));
    EXPECT_STR(dnsbl_name(arena, &address, STR("bl.test")),
               STR("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test"));
    address = (struct ip_address){ 0 };
    EXPECT_STR(dnsbl_name(arena, &address, STR("bl.test")), STR(""));
}
