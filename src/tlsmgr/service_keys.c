/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsmgr/service_keys.h"

#include "base/map.h"
#include "base/memory.h"

enum { SERVICES_MAX = 500 };

struct service_keys {
    struct map *services; /* struct tls_ticket_keys */
};

struct service_keys *service_keys_create(void)
{
    struct service_keys *keys = memory_alloc(sizeof(*keys));

    keys->services = map_create();
    return keys;
}

void service_keys_destroy(struct service_keys **pointer)
{
    struct service_keys *keys = *pointer;

    if (keys == NULL)
        return;
    for (struct map_entry *entry = map_first(keys->services); entry != NULL; entry = map_next(entry)) {
        struct tls_ticket_keys *of_service = map_entry_value(entry);

        tls_ticket_keys_wipe(of_service);
        memory_free(of_service);
    }
    map_destroy(&keys->services);
    memory_free(keys);
    *pointer = NULL;
}

/* NULL: there are too many services. */
static struct tls_ticket_keys *find(struct service_keys *keys, struct str service)
{
    struct tls_ticket_keys *of_service = map_get(keys->services, service);

    if (of_service == NULL && map_count(keys->services) < SERVICES_MAX) {
        of_service = memory_alloc(sizeof(*of_service));
        *of_service = (struct tls_ticket_keys){ .count = 0 };
        map_set(keys->services, service, of_service);
    }
    return of_service;
}

struct records service_keys_get(struct service_keys *keys, struct str service, struct duration lifetime,
                                struct instant now, struct arena *arena)
{
    struct tls_ticket_keys *of_service = find(keys, service);

    if (of_service == NULL)
        return (struct records){ NULL, 0 };
    (void) tls_ticket_keys_current(of_service, lifetime, now);
    return tls_ticket_keys_give(of_service, arena);
}

bool service_keys_are_none(const struct service_keys *keys)
{
    return map_count(keys->services) == 0;
}

bool service_keys_has(const struct service_keys *keys, struct str service)
{
    return map_get(keys->services, service) != NULL;
}

void service_keys_take(struct service_keys *keys, struct str service, const struct records *from)
{
    struct tls_ticket_keys *of_service = find(keys, service);

    if (of_service != NULL)
        tls_ticket_keys_take(of_service, from, false);
}

void service_keys_walk(const struct service_keys *keys,
                       bool (*visit)(void *context, struct str service, const struct tls_ticket_keys *of_service,
                                     bool is_last),
                       void *context)
{
    struct map_entry *entry = map_first(keys->services);

    while (entry != NULL) {
        struct map_entry *next = map_next(entry);

        if (!visit(context, map_entry_key(entry), map_entry_value(entry), next == NULL))
            return;
        entry = next;
    }
}
