/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/target.h"

#include "smtp/smtp.h"

#include "unit.h"

enum { COUNT = 4 };

static void fill(struct target *items)
{
    static const struct {
        const char *address;
        uint16_t preference;
    } rows[COUNT] = { { "192.0.2.20", 20 }, { "2001:db8::20", 20 }, { "192.0.2.10", 10 }, { "2001:db8::10", 10 } };

    for (size_t i = 0; i < COUNT; i++) {
        items[i] = (struct target){ .host = STR("mx"), .preference = rows[i].preference };
        EXPECT(ip_address_parse(str_from_c(rows[i].address), &items[i].address));
    }
}

static struct target_list sorted(struct target *items, const struct smtp_settings *settings)
{
    struct smtp smtp = { .settings = settings };
    struct target_list list = { .items = items, .count = COUNT };

    fill(items);
    target_list_sort(&list, &smtp);
    return list;
}

TEST(better_preferences_come_first)
{
    struct smtp_settings settings = { .randomize_addresses = true };
    struct target items[COUNT];

    for (int i = 0; i < 50; i++) {
        struct target_list list = sorted(items, &settings);

        EXPECT_UINT(list.items[0].preference, 10);
        EXPECT_UINT(list.items[1].preference, 10);
        EXPECT_UINT(list.items[3].preference, 20);
        EXPECT(list.items[1].is_best && !list.items[2].is_best);
    }
}

TEST(equals_are_mixed)
{
    struct smtp_settings settings = { .randomize_addresses = true };
    struct target items[COUNT];
    unsigned ipv4_first = 0;

    for (int i = 0; i < 400; i++)
        ipv4_first += sorted(items, &settings).items[0].address.family == IP_V4 ? 1 : 0;
    EXPECT(ipv4_first > 100 && ipv4_first < 300);
}

TEST(a_preferred_protocol_comes_first_among_equals)
{
    struct smtp_settings settings = { .randomize_addresses = true, .address_preference = SMTP_PREFER_IPV4 };
    struct target items[COUNT];

    for (int i = 0; i < 50; i++) {
        EXPECT_INT(sorted(items, &settings).items[0].address.family, IP_V4);
        EXPECT_INT(items[1].address.family, IP_V6);
        EXPECT_INT(items[2].address.family, IP_V4);
    }
}

TEST(what_the_lot_has_ranked_stays_so)
{
    struct smtp_settings settings = { .randomize_addresses = true, .address_preference = SMTP_PREFER_IPV6 };
    struct smtp smtp = { .settings = &settings };
    struct target items[COUNT];

    for (int i = 0; i < 50; i++) {
        struct target_list list = { .items = items, .count = COUNT };

        fill(items);
        for (size_t k = 0; k < COUNT; k++) {
            items[k].preference = 1;
            items[k].rank = (uint16_t) (COUNT - k);
        }
        target_list_sort(&list, &smtp);
        for (size_t k = 0; k < COUNT; k++)
            EXPECT_UINT(items[k].rank, k + 1);
    }
}

TEST(the_limit_leaves_both_protocols_a_place)
{
    struct smtp_settings settings = { .address_preference = SMTP_PREFER_IPV4 };
    struct target items[COUNT];
    struct target_list list = sorted(items, &settings);

    items[1].address.family = IP_V4;
    target_list_limit(&list, 2, true);
    EXPECT_UINT(list.count, 2);
    EXPECT_INT(list.items[1].address.family, IP_V6);
    list = sorted(items, &settings);
    target_list_limit(&list, 0, true);
    EXPECT_UINT(list.count, COUNT);
}
