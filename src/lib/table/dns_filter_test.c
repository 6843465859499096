/* SPDX-License-Identifier: Apache-2.0 */
#include "table/dns_filter.h"

#include "table/table_list.h"

#include "unit.h"

static struct dns_record mx(uint16_t preference, struct str name)
{
    return (struct dns_record){ .type = DNS_TYPE_MX, .ttl_seconds = 300, .preference = preference, .name = name };
}

static struct dns_record address(const char *text)
{
    struct dns_record record = { .type = DNS_TYPE_A, .ttl_seconds = 60 };

    EXPECT(ip_address_parse(str_from_c(text), &record.address));
    if (record.address.family == IP_V6)
        record.type = DNS_TYPE_AAAA;
    return record;
}

TEST(records_are_shown_as_in_a_zone_file)
{
    struct arena *arena = arena_create();
    struct dns_record record = mx(10, STR("mx.example.com"));

    EXPECT_STR(dns_filter_text(arena, STR("example.com"), &record), STR("example.com. 300 IN MX 10 mx.example.com."));
    record = mx(0, STR_EMPTY);
    EXPECT_STR(dns_filter_text(arena, STR("example.com"), &record), STR("example.com. 300 IN MX 0 ."));
    record = address("192.0.2.1");
    EXPECT_STR(dns_filter_text(arena, STR("mx.example.com"), &record), STR("mx.example.com. 60 IN A 192.0.2.1"));
    record = address("2001:db8::1");
    EXPECT_STR(dns_filter_text(arena, STR("mx.example.com"), &record), STR("mx.example.com. 60 IN AAAA 2001:db8::1"));
    record = (struct dns_record){
        .type = DNS_TYPE_SRV, .preference = 1, .weight = 2, .port = 587, .name = STR("mx.example.com")
    };
    EXPECT_STR(dns_filter_text(arena, STR("_x._tcp.example.com"), &record),
               STR("_x._tcp.example.com. 0 IN SRV 1 2 587 mx.example.com."));
    arena_destroy(&arena);
}

TEST(the_table_s_word_decides)
{
    struct table_set *set = table_set_create(&(struct table_set_options){ .loop = NULL });
    struct table_list *list = table_list_open(
        set, STR("smtp_dns_reply_filter"),
        STR("inline:{ {a.example. 60 in a 192.0.2.1 = ignore}, {a.example. 60 in a 192.0.2.2 = REJECT} }"), TABLE_FOLD);
    struct dns_record first = address("192.0.2.1"), second = address("192.0.2.2"), third = address("192.0.2.3");

    EXPECT_INT(dns_filter_judge(list, STR("a.example"), &first), RESOLVER_DROP);
    EXPECT_INT(dns_filter_judge(list, STR("a.example"), &second), RESOLVER_UNSURE);
    EXPECT_INT(dns_filter_judge(list, STR("a.example"), &third), RESOLVER_KEEP);
    table_set_destroy(&set);
}
