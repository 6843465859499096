/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/inheritance.h"

#include "base/memory.h"
#include "qmgr/deliveries_private.h"
#include "run/loop.h"

struct inheritance {
    struct list node;
    struct deliveries *deliveries;
    struct destination **places; /* one a delivery, each occupied once */
    size_t count;
};

struct inheritance *inheritance_create(struct deliveries *deliveries)
{
    struct inheritance *inheritance = memory_alloc(sizeof *inheritance);

    inheritance->deliveries = deliveries;
    list_append(&deliveries->inheritances, &inheritance->node);
    return inheritance;
}

static struct destination *place_of(const struct inheritance *inheritance, struct transport *transport,
                                    const struct deliver_in_hand *delivery)
{
    if (str_is_empty(delivery->nexthop))
        return NULL;
    if (!str_is_empty(delivery->transport))
        transport = route_find(inheritance->deliveries, delivery->transport)->transport;
    return transport != NULL ? transport_destination(transport, delivery->nexthop, delivery->recipient) : NULL;
}

static void vacate(struct inheritance *inheritance, struct destination *const *places, size_t count)
{
    struct instant now = loop_now(inheritance->deliveries->loop);

    for (size_t i = 0; i < count; i++)
        destination_vacate(places[i], now);
    for (struct list *node = inheritance->deliveries->routes.next;
         count > 0 && node != &inheritance->deliveries->routes; node = node->next)
        deliveries_dispatch(CONTAINER_OF(node, struct route, node));
}

void inheritance_set(struct inheritance *inheritance, struct transport *transport, const struct records *in_hand)
{
    const struct deliver_in_hand *items = in_hand->items;
    struct destination **before = inheritance->places;
    size_t before_count = inheritance->count;

    /* First the new ones: a destination that stays must not be forgotten in between. */
    inheritance->places = memory_alloc((in_hand->count + 1) * sizeof(struct destination *));
    inheritance->count = 0;
    for (size_t i = 0; i < in_hand->count; i++) {
        struct destination *place = place_of(inheritance, transport, &items[i]);

        if (place == NULL)
            continue;
        destination_occupy(place);
        inheritance->places[inheritance->count++] = place;
    }
    vacate(inheritance, before, before_count);
    memory_free(before);
}

void inheritance_destroy(struct inheritance **inheritance)
{
    struct inheritance *last = *inheritance;

    *inheritance = NULL;
    if (last == NULL)
        return;
    list_remove(&last->node);
    vacate(last, last->places, last->count);
    memory_free(last->places);
    memory_free(last);
}

void inheritance_end_all(struct deliveries *deliveries)
{
    while (!list_is_empty(&deliveries->inheritances)) {
        struct inheritance *inheritance = CONTAINER_OF(deliveries->inheritances.next, struct inheritance, node);

        inheritance_destroy(&inheritance);
    }
}
