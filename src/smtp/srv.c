/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/srv.h"

#include "os/random.h"

#include <stdlib.h>

/* By priority; those without weight come first among equals, or the lot would never fall on them. */
static int compare(const void *a, const void *b)
{
    const struct dns_record *left = a, *right = b;

    if (left->preference != right->preference)
        return (int) left->preference - (int) right->preference;
    return (left->weight == 0 ? 0 : 1) - (right->weight == 0 ? 0 : 1);
}

/* The one to come next of records that have the same priority. */
static size_t draw(const struct dns_record *records, size_t count)
{
    uint64_t total = 0, sum = 0, lot;

    for (size_t i = 0; i < count; i++)
        total += records[i].weight;
    lot = random_below(total + 1);
    for (size_t i = 0; i < count; i++) {
        sum += records[i].weight;
        if (sum >= lot)
            return i;
    }
    return 0;
}

/* The rest keeps its order: weightless ones stay in front. */
static void move_to_front(struct dns_record *records, size_t place)
{
    struct dns_record chosen = records[place];

    for (size_t i = place; i > 0; i--)
        records[i] = records[i - 1];
    records[0] = chosen;
}

static size_t equals(const struct dns_record *records, size_t count)
{
    size_t same = 1;

    while (same < count && records[same].preference == records[0].preference)
        same++;
    return same;
}

void srv_order(struct dns_record *records, size_t count)
{
    qsort(records, count, sizeof records[0], compare);
    while (count > 0) {
        size_t same = equals(records, count);

        move_to_front(records, draw(records, same));
        records++;
        count--;
    }
}

struct str srv_name(struct arena *arena, struct str service, struct str domain)
{
    return arena_printf(arena, "_%.*s._tcp.%.*s", STR_ARG(service), STR_ARG(domain));
}
