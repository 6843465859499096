/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolv_conf.h"

#include "dns/watched_file.h"

#include "unit.h"

#include <stdio.h>

TEST(servers_are_taken_in_order_with_their_ports)
{
    struct resolv_conf conf;
    char text[IP_ADDRESS_TEXT_MAX];

    resolv_conf_parse(&conf, STR("# comment\nsearch example.com\nnameserver 192.0.2.1\n"
                                 "nameserver\t2001:db8::1@5353 \nnameserver bad\nnameserver 192.0.2.2@0\n"));
    EXPECT_UINT(conf.count, 2);
    EXPECT_TEXT(ip_address_format(&conf.servers[0].address, text), "192.0.2.1");
    EXPECT_UINT(conf.servers[0].port, 53);
    EXPECT_TEXT(ip_address_format(&conf.servers[1].address, text), "2001:db8::1");
    EXPECT_UINT(conf.servers[1].port, 5353);
}

TEST(without_servers_this_host_is_asked)
{
    struct resolv_conf conf;
    char text[IP_ADDRESS_TEXT_MAX];

    resolv_conf_parse(&conf, STR("options rotate\n"));
    EXPECT_UINT(conf.count, 1);
    EXPECT_TEXT(ip_address_format(&conf.servers[0].address, text), "127.0.0.1");
}

TEST(options_say_how_long_all_servers_are_waited_for)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        { "nameserver 192.0.2.1\n", 0 },
        { "options rotate ndots:2\n", 0 },
        { "options timeout:3 attempts:4\n", 12 },
        { "nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions edns0 timeout:1\n", 4 },
        { "options attempts:1\noptions\ttimeout:2\n", 2 },
        { "options attempts:1\n", 5 },
        { "options timeout:99 attempts:99\n", 150 },
        { "options timeout:0 attempts:x timeout:\n", 0 },
        { "options timeout:99999999999999999999 attempts:3\n", 15 },
    };
    struct resolv_conf conf;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        resolv_conf_parse(&conf, str_from_c(rows[i].text));
        EXPECT_INT(conf.timeout.us, seconds(rows[i].seconds).us);
    }
}

TEST(the_last_list_of_domains_counts)
{
    static const struct {
        const char *text, *domains;
    } rows[] = {
        { "nameserver 192.0.2.1\n", "" },
        { "search a.test\tb.test. .\n", "a.test b.test" },
        { "search a.test b.test\ndomain c.test d.test\n", "c.test" },
        { "domain c.test\nsearch 1.test 2.test 3.test 4.test 5.test 6.test 7.test\n",
          "1.test 2.test 3.test 4.test 5.test 6.test" },
        { "search a.test\nsearch\n", "" },
    };
    struct resolv_conf conf, first;

    resolv_conf_parse(&first, str_from_c(rows[1].text));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[100] = "";

        resolv_conf_parse(&conf, str_from_c(rows[i].text));
        for (size_t k = 0, used = 0; k < conf.domain_count; k++)
            used += (size_t) snprintf(text + used, sizeof(text) - used, "%s%s", k > 0 ? " " : "", conf.domains[k]);
        EXPECT_TEXT(text, rows[i].domains);
        EXPECT(resolv_conf_equal(&conf, &first) == (i == 1));
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    EXPECT(file != NULL);
    if (file == NULL)
        return;
    fputs(text, file);
    fclose(file);
}

TEST(a_watched_file_is_read_again_when_it_changes_or_is_replaced)
{
    struct arena *arena = arena_create();
    const char *path = arena_printf(arena, "%s/conf", unit_directory()).data;
    const char *other = arena_printf(arena, "%s/other", unit_directory()).data;
    struct watched_file *file = watched_file_open(path);
    struct str text = STR_EMPTY;

    EXPECT(watched_file_changed(file, arena, &text));
    EXPECT_STR(text, STR_EMPTY);
    EXPECT_FALSE(watched_file_changed(file, arena, &text));
    write_file(path, "one");
    EXPECT(watched_file_changed(file, arena, &text));
    EXPECT_STR(text, STR("one"));
    EXPECT_FALSE(watched_file_changed(file, arena, &text));
    write_file(other, "other");
    EXPECT_INT(rename(other, path), 0);
    EXPECT(watched_file_changed(file, arena, &text));
    EXPECT_STR(text, STR("other"));
    EXPECT_FALSE(watched_file_is_in_jail(file));
    watched_file_close(&file);
    arena_destroy(&arena);
}
