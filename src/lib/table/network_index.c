/* SPDX-License-Identifier: Apache-2.0 */
#include "table/network_index.h"

#include "base/map.h"
#include "base/memory.h"

#include <string.h>

enum { BITS_MAX = 128, KEY_MAX = 18 };

struct network_index {
    struct map
        *places; /* by family, length of prefix and prefix; a place is kept as the pointer of its number plus 1 */
    bool has_length[2][BITS_MAX + 1];
};

struct network_index *network_index_create(void)
{
    struct network_index *index = memory_alloc(sizeof(*index));

    index->places = map_create();
    return index;
}

void network_index_destroy(struct network_index **index)
{
    struct network_index *it = *index;

    *index = NULL;
    if (it == NULL)
        return;
    map_destroy(&it->places);
    memory_free(it);
}

/* buffer: KEY_MAX bytes. */
static struct str key_of(const struct ip_address *address, unsigned bits, char *buffer)
{
    size_t whole = bits / 8;
    size_t len = 2 + whole;

    buffer[0] = (char) address->family;
    buffer[1] = (char) bits;
    memcpy(buffer + 2, address->bytes, whole); /* UNSAFE: at most 16 bytes */
    if (bits % 8 != 0)
        buffer[len++] = (char) (address->bytes[whole] & (0xFF00 >> (bits % 8)));
    return str_make(buffer, len);
}

void network_index_add(struct network_index *index, const struct network_pattern *pattern, size_t place)
{
    char buffer[KEY_MAX];
    struct str key = key_of(&pattern->network, pattern->bits, buffer);

    index->has_length[pattern->network.family == IP_V6][pattern->bits] = true;
    if (map_get(index->places, key) == NULL)
        (void) map_set(index->places, key, (void *) (uintptr_t) (place + 1));
}

bool network_index_find(const struct network_index *index, const struct ip_address *address, size_t *place_out)
{
    unsigned most = 8 * (unsigned) ip_address_size(address);
    uintptr_t best = 0;

    for (unsigned bits = 0; bits <= most; bits++) {
        char buffer[KEY_MAX];
        uintptr_t place;

        if (!index->has_length[address->family == IP_V6][bits])
            continue;
        place = (uintptr_t) map_get(index->places, key_of(address, bits, buffer));
        if (place != 0 && (best == 0 || place < best))
            best = place;
    }
    if (best == 0)
        return false;
    *place_out = best - 1;
    return true;
}
