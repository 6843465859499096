/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip_address.h"

#include "unit.h"

#include <netinet/in.h>

static struct ip_address parsed(const char *text)
{
    struct ip_address address = { .family = IP_NONE };

    EXPECT(ip_address_parse(str_from_c(text), &address));
    return address;
}

TEST(addresses_are_spelt_in_one_way)
{
    static const char *const rows[][2] = {
        { "192.0.2.1", "192.0.2.1" },
        { "2001:DB8:0:0::1", "2001:db8::1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "::1", "::1" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ip_address address = parsed(rows[i][0]);
        char text[IP_ADDRESS_TEXT_MAX];

        EXPECT_TEXT(ip_address_format(&address, text), rows[i][1]);
    }
}

TEST(what_is_no_address_is_refused)
{
    static const char *const rows[] = { "",         "localhost",
                                        "1.2.3",    "1.2.3.4.5",
                                        "[::1]",    "256.1.1.1",
                                        "1.2.3.4 ", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
    struct ip_address address;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_FALSE(ip_address_parse(str_from_c(rows[i]), &address));
    EXPECT_FALSE(ip_address_parse(str_make("1.2.3.4\0", 8), &address));
    EXPECT_FALSE(ip_address_from_bytes("abcde", 5, &address));
}

TEST(a_network_is_matched_to_the_bit)
{
    struct ip_address net = parsed("192.0.2.128");
    struct ip_address in = parsed("192.0.2.200");
    struct ip_address out = parsed("192.0.2.1");
    struct ip_address six = parsed("2001:db8::1");

    EXPECT(ip_address_in_network(&in, &net, 25));
    EXPECT_FALSE(ip_address_in_network(&out, &net, 25));
    EXPECT(ip_address_in_network(&out, &net, 24));
    EXPECT(ip_address_in_network(&six, &net, 0) == false);
    EXPECT_FALSE(ip_address_in_network(&in, &net, 33));
    EXPECT(ip_address_in_network(&six, &six, 128));
}

TEST(a_socket_address_comes_back_as_it_went)
{
    static const char *const rows[] = { "192.0.2.9", "2001:db8::9" };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ip_address address = parsed(rows[i]);
        struct ip_address back;
        struct sockaddr_storage place;
        uint16_t port = 0;

        EXPECT(ip_address_to_sockaddr(&address, 2525, &place) > 0);
        EXPECT(ip_address_from_sockaddr((struct sockaddr *) &place, &back, &port));
        EXPECT(ip_address_equal(&address, &back));
        EXPECT_UINT(port, 2525);
    }
}
