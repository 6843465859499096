/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/hosts_file.h"

#include "unit.h"

static const char hosts[] = "127.0.0.1\tlocalhost # here\n"
                            "# 192.0.2.9 commented\n"
                            "192.0.2.1 mail.example.com mail\r\n"
                            "2001:db8::1 mail.example.com\n"
                            "nonsense line\n";

TEST(names_and_aliases_lead_to_all_their_addresses)
{
    struct arena *arena = arena_create();
    struct ip_address *found;

    EXPECT_UINT(hosts_file_addresses(str_from_c(hosts), STR("Mail.Example.Com"), arena, &found), 2);
    EXPECT_UINT(hosts_file_addresses(str_from_c(hosts), STR("mail"), arena, &found), 1);
    EXPECT_UINT(hosts_file_addresses(str_from_c(hosts), STR("commented"), arena, &found), 0);
    EXPECT_UINT(hosts_file_addresses(str_from_c(hosts), STR("here"), arena, &found), 0);
    arena_destroy(&arena);
}

TEST(an_address_leads_to_its_first_name)
{
    struct ip_address address;

    EXPECT(ip_address_parse(STR("192.0.2.1"), &address));
    EXPECT_STR(hosts_file_name(str_from_c(hosts), &address), STR("mail.example.com"));
    EXPECT(ip_address_parse(STR("192.0.2.9"), &address));
    EXPECT_STR(hosts_file_name(str_from_c(hosts), &address), STR_EMPTY);
}
