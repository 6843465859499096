/* SPDX-License-Identifier: Apache-2.0 */
#include "table/network_index.h"

#include "unit.h"

#include <stdlib.h>

enum { NETWORKS = 300, QUESTIONS = 20000 };

/* Few different bits, so that networks lie in one another. */
static struct ip_address draw_address(unsigned *seed)
{
    struct ip_address address = { .family = rand_r(seed) % 2 == 0 ? IP_V4 : IP_V6 };

    for (size_t i = 0; i < ip_address_size(&address); i++)
        address.bytes[i] = (uint8_t) (rand_r(seed) & 0x81);
    return address;
}

static struct network_pattern draw_network(unsigned *seed)
{
    struct network_pattern pattern = { .network = draw_address(seed) };
    unsigned most = 8 * (unsigned) ip_address_size(&pattern.network);

    pattern.bits = (unsigned) rand_r(seed) % (most + 1);
    for (unsigned bit = pattern.bits; bit < most; bit++)
        pattern.network.bytes[bit / 8] &= (uint8_t) ~(0x80 >> (bit % 8));
    return pattern;
}

TEST(the_first_network_is_found_as_by_looking_at_each)
{
    struct network_pattern networks[NETWORKS];
    struct network_index *index = network_index_create();
    unsigned seed = 5;
    size_t found = 0;

    for (size_t i = 0; i < NETWORKS; i++) {
        do
            networks[i] = draw_network(&seed);
        while (networks[i].bits < 18);
        network_index_add(index, &networks[i], i);
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        struct ip_address address = draw_address(&seed);
        size_t place = NETWORKS;
        size_t expected = 0;

        while (expected < NETWORKS && !network_pattern_matches(&networks[expected], &address))
            expected++;
        EXPECT(network_index_find(index, &address, &place) == (expected < NETWORKS));
        EXPECT_UINT(place, expected);
        found += expected < NETWORKS;
    }
    EXPECT(found > QUESTIONS / 100 && found < QUESTIONS);
    network_index_destroy(&index);
}
