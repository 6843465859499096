/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/destination.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "mail/address.h"
#include "run/loop.h"
#include "smtpd/smtpd.h"

enum { CACHE_MAXIMUM = 1000, CACHE_SECONDS = 10 };

struct destination_cache {
    struct arena *arena; /* of the entries; ends when all is forgotten */
    struct map *map;
    struct instant began;
};

struct destination_cache *destination_cache_create(void)
{
    struct destination_cache *cache = memory_alloc(sizeof(*cache));

    cache->map = map_create();
    cache->arena = arena_create();
    return cache;
}

void destination_cache_destroy(struct destination_cache **cache)
{
    if (*cache == NULL)
        return;
    map_destroy(&(*cache)->map);
    arena_destroy(&(*cache)->arena);
    memory_free(*cache);
    *cache = NULL;
}

static void forget_all(struct destination_cache *cache, struct instant now)
{
    map_destroy(&cache->map);
    cache->map = map_create();
    arena_reset(cache->arena);
    cache->began = now;
}

/* Sender and address cannot be told apart wrongly: an address holds no NUL. */
static struct str make_key(struct arena *arena, struct str sender, struct str address)
{
    char *key = arena_alloc(arena, sender.len + address.len + 1);

    if (address.len > 0)
        memcpy(key, address.data, address.len);
    key[address.len] = '\0';
    if (sender.len > 0)
        memcpy(key + address.len + 1, sender.data, sender.len);
    return str_make(key, sender.len + address.len + 1);
}

static struct destination *find(struct smtpd *smtpd, struct str key)
{
    struct destination_cache *cache = smtpd->destination_cache;
    struct instant now = loop_now(smtpd->loop);

    if (map_count(cache->map) >= CACHE_MAXIMUM || instant_since(now, cache->began).us > seconds(CACHE_SECONDS).us)
        forget_all(cache, now);
    return map_get(cache->map, key);
}

static struct destination *copy(struct arena *arena, const struct destination *from)
{
    struct destination *to = arena_new(arena, struct destination);

    *to = *from;
    to->sender = arena_str(arena, from->sender);
    to->address = arena_str(arena, from->address);
    to->recipient = arena_str(arena, from->recipient);
    to->domain = arena_str(arena, from->domain);
    to->transport = arena_str(arena, from->transport);
    to->nexthop = arena_str(arena, from->nexthop);
    return to;
}

static void remember(struct smtpd *smtpd, struct str key, const struct destination *destination)
{
    struct destination_cache *cache = smtpd->destination_cache;

    if (destination->status == RESOLVE_OK && map_get(cache->map, key) == NULL)
        map_set(cache->map, key, copy(cache->arena, destination));
}

static struct destination *make(struct str sender, struct str address, const struct resolved_address *resolved,
                                struct arena *arena)
{
    struct destination *made = arena_new(arena, struct destination);

    *made = (struct destination){
        .sender = sender,
        .address = address,
        .recipient = resolved->recipient,
        .domain = arena_lower(arena, address_domain(resolved->recipient)),
        .transport = resolved->transport,
        .nexthop = resolved->nexthop,
        .status = resolved->status,
        .address_class = resolved->address_class,
        .is_routed = resolved->is_routed,
    };
    return made;
}

bool destination_is_remembered(struct smtpd *smtpd, struct str sender, struct str address)
{
    struct arena *arena = arena_create();
    bool is_remembered = find(smtpd, make_key(arena, sender, address)) != NULL;

    arena_destroy(&arena);
    return is_remembered;
}

void destination_foresee(struct smtpd *smtpd, struct str sender, const struct strlist *addresses)
{
    struct arena *arena = arena_create();
    struct resolve_request request = { .sender = sender, .addresses = *addresses, .is_raw = true };
    const struct resolve_reply *reply;
    const struct resolved_address *resolved;
    struct failure ignored;
    void *message;

    if (endpoint_ask(smtpd->rewrite, &resolve_request_message, &request, &resolve_reply_message, arena,
                     smtpd->shared->ipc_timeout, &message, &ignored)) {
        reply = message;
        resolved = reply->addresses.items;
        if (map_count(smtpd->destination_cache->map) + reply->addresses.count > CACHE_MAXIMUM)
            forget_all(smtpd->destination_cache, loop_now(smtpd->loop));
        for (size_t i = 0; i < reply->addresses.count && i < addresses->count; i++)
            remember(smtpd, make_key(arena, sender, addresses->items[i]),
                     make(sender, addresses->items[i], &resolved[i], arena));
    }
    arena_destroy(&arena);
}

bool destination_look_up(struct smtpd *smtpd, struct str sender, struct str address, struct arena *arena,
                         const struct destination **destination_out, struct failure *why)
{
    struct str key = make_key(arena, sender, address);
    const struct destination *known = find(smtpd, key);
    struct resolve_request request = { .sender = sender, .is_raw = true };
    const struct resolved_address *resolved;
    struct destination *made;

    if (known != NULL) {
        *destination_out = copy(arena, known);
        return true;
    }
    strlist_add_view(&request.addresses, arena, address);
    if (!resolve_addresses(smtpd->rewrite, &request, arena, smtpd->shared->ipc_timeout, &resolved, why))
        return false;
    made = make(sender, address, resolved, arena);
    remember(smtpd, key, made);
    *destination_out = made;
    return true;
}

void destination_set_listed(struct smtpd *smtpd, const struct destination *destination)
{
    struct arena *arena = arena_create();
    struct destination *known = find(smtpd, make_key(arena, destination->sender, destination->address));

    if (known != NULL)
        known->is_listed = true;
    arena_destroy(&arena);
}
