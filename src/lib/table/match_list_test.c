/* SPDX-License-Identifier: Apache-2.0 */
#include "table/match_list.h"

#include "os/file.h"
#include "unit.h"

#include <stdio.h>

/* 'y', 'n' or '?' */
static char host(const char *patterns, const char *name, const char *address)
{
    struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct match_list *list = match_list_open(set, STR("mynetworks"), str_from_c(patterns), MATCH_HOSTS, true);
    struct failure why;
    enum table_result result = match_list_has_host(list, str_from_c(name), str_from_c(address), &why);

    table_set_destroy(&set);
    return result == TABLE_FOUND ? 'y' : result == TABLE_ABSENT ? 'n' : '?';
}

static char domain(const char *patterns, bool parents, const char *name)
{
    struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct match_list *list = match_list_open(set, STR("mydestination"), str_from_c(patterns), MATCH_DOMAINS, parents);
    struct failure why;
    enum table_result result = match_list_has(list, str_from_c(name), &why);

    table_set_destroy(&set);
    return result == TABLE_FOUND ? 'y' : result == TABLE_ABSENT ? 'n' : '?';
}

TEST(networks_match_addresses_of_their_family)
{
    const char *mynetworks = "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128, 192.0.2.1 [2001:db8::]/32";

    EXPECT_INT(host(mynetworks, "localhost", "127.0.0.1"), 'y');
    EXPECT_INT(host(mynetworks, "unknown", "::1"), 'y');
    EXPECT_INT(host(mynetworks, "unknown", "192.0.2.1"), 'y');
    EXPECT_INT(host(mynetworks, "unknown", "192.0.2.2"), 'n');
    EXPECT_INT(host(mynetworks, "unknown", "2001:db8:1::2"), 'y');
    EXPECT_INT(host(mynetworks, "unknown", "2001:db9:1::2"), 'n');
}

TEST(the_first_pattern_that_matches_decides)
{
    EXPECT_INT(host("!192.0.2.1, 192.0.2.0/24", "unknown", "192.0.2.1"), 'n');
    EXPECT_INT(host("!192.0.2.1, 192.0.2.0/24", "unknown", "192.0.2.2"), 'y');
    EXPECT_INT(host("192.0.2.0/24 !192.0.2.1", "unknown", "192.0.2.1"), 'y');
    EXPECT_INT(domain("!a.example.com, example.com", true, "a.example.com"), 'n');
    EXPECT_INT(domain("!a.example.com, example.com", true, "b.example.com"), 'y');
}

TEST(a_bad_network_is_unknown_when_it_is_reached)
{
    EXPECT_INT(host("192.0.2.0/24, 10.0.0.1/8", "unknown", "192.0.2.1"), 'y');
    EXPECT_INT(host("192.0.2.0/24, 10.0.0.1/8", "unknown", "10.0.0.1"), '?');
    EXPECT_INT(host("/nonexistent/file", "unknown", "10.0.0.1"), '?');
    EXPECT_INT(host("hash:/nonexistent/file", "unknown", "10.0.0.1"), '?');
}

TEST(names_match_themselves_and_what_is_under_them)
{
    EXPECT_INT(domain("Example.com", false, "EXAMPLE.COM"), 'y');
    EXPECT_INT(domain("example.com", false, "www.example.com"), 'n');
    EXPECT_INT(domain("example.com", true, "www.example.com"), 'y');
    EXPECT_INT(domain("example.com", true, "wwwexample.com"), 'n');
    EXPECT_INT(domain(".example.com", false, "www.example.com"), 'y');
    EXPECT_INT(domain(".example.com", false, "example.com"), 'n');
    EXPECT_INT(domain(".example.com", true, "www.example.com"), 'n');
    EXPECT_INT(domain("", true, "example.com"), 'n');
    EXPECT_INT(host("example.com", "mx.example.com", "192.0.2.1"), 'y');
}

TEST(tables_in_a_list_match_by_their_keys)
{
    EXPECT_INT(domain("inline:{example.com=x}", true, "www.example.com"), 'y');
    EXPECT_INT(domain("inline:{example.com=x}", false, "www.example.com"), 'n');
    EXPECT_INT(domain("inline:{.example.com=x}", false, "www.example.com"), 'y');
    EXPECT_INT(host("cidr:{{192.0.2.0/24 x}}", "unknown", "192.0.2.77"), 'y');
    EXPECT_INT(host("!cidr:{{192.0.2.0/24 x}} 0.0.0.0/0", "unknown", "192.0.2.77"), 'n');
}

TEST(a_file_stands_for_what_is_in_it)
{
    struct strbuf path;
    struct failure why;
    char patterns[300];

    strbuf_init(&path, 200);
    strbuf_printf(&path, "%s/networks", unit_directory());
    EXPECT(file_replace(strbuf_c(&path), STR("# mine\n192.0.2.0/24\n  !198.51.100.1, 198.51.100.0/24\n"), 0644, &why));
    (void) snprintf(patterns, sizeof(patterns), "10.0.0.0/8 %s", strbuf_c(&path));
    EXPECT_INT(host(patterns, "unknown", "192.0.2.1"), 'y');
    EXPECT_INT(host(patterns, "unknown", "198.51.100.1"), 'n');
    EXPECT_INT(host(patterns, "unknown", "198.51.100.2"), 'y');
    strbuf_done(&path);
}
