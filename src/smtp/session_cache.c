/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/session_cache.h"

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"
#include "delivery/nexthop.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "smtp/encryption.h"
#include "smtp/log_lines.h"
#include "smtp/session.h"
#include "smtp/smtp.h"

/* Idle sessions of all next hops together; beyond, the one idle longest goes. */
enum { IDLE_MAX = 500 };

struct session_cache {
    struct smtp *smtp;
    struct list idle; /* all, the one idle longest first */
    size_t count;
    struct map *by_key;   /* to struct shelf */
    struct event changed; /* for the sweeper */
    struct event swept;   /* the sweeper has ended, or one that left */
    bool is_swept;        /* the sweeper runs */
    struct list leaving;  /* sessions that say goodbye, a fiber each */
    bool is_stopped;
};

/* The idle sessions of one next hop: a stack. */
struct shelf {
    struct smtp_session *top;
};

struct session_cache *session_cache_create(struct smtp *smtp)
{
    struct session_cache *cache = memory_alloc(sizeof(*cache));

    cache->smtp = smtp;
    list_init(&cache->idle);
    list_init(&cache->leaving);
    cache->by_key = map_create();
    event_init(&cache->changed);
    event_init(&cache->swept);
    return cache;
}

void session_cache_destroy(struct session_cache **cache)
{
    struct session_cache *it = *cache;

    *cache = NULL;
    if (it == NULL)
        return;
    CHECK(list_is_empty(&it->idle) && list_is_empty(&it->leaving) && !it->is_swept);
    map_destroy(&it->by_key);
    memory_free(it);
}

static void drop_empty_shelf(struct session_cache *cache, struct str key, struct shelf *shelf)
{
    if (shelf->top != NULL)
        return;
    map_remove(cache->by_key, key);
    memory_free(shelf);
}

/* Off its shelf and out of the row. */
static void take_out(struct session_cache *cache, struct smtp_session *session)
{
    struct shelf *shelf = map_get(cache->by_key, session->key);
    struct smtp_session **place = &shelf->top;

    while (*place != session)
        place = &(*place)->below;
    *place = session->below;
    session->below = NULL;
    list_remove(&session->place);
    cache->count--;
    drop_empty_shelf(cache, session->key, shelf);
}

static struct smtp_session *oldest(const struct session_cache *cache)
{
    return list_is_empty(&cache->idle) ? NULL : CONTAINER_OF(cache->idle.next, struct smtp_session, place);
}

static void say_goodbye(void *context)
{
    struct smtp_session *session = context;
    struct session_cache *cache = session->smtp->sessions;

    session_say_quit(session);
    list_remove(&session->place);
    session_close(&session);
    event_wake_all(&cache->swept);
}

/* The server may take its time to answer QUIT: nobody waits for that. */
static void leave(struct session_cache *cache, struct smtp_session *session)
{
    list_append(&cache->leaving, &session->place);
    fiber_start(cache->smtp->loop, say_goodbye, session);
}

static void close_one(struct session_cache *cache, struct smtp_session *session)
{
    take_out(cache, session);
    leave(cache, session);
}

static struct duration time_limit(const struct smtp_settings *settings)
{
    return settings->cache_time_limit.us < settings->cache_ttl_limit.us ? settings->cache_time_limit
                                                                        : settings->cache_ttl_limit;
}

static void sweep(void *context)
{
    struct session_cache *cache = context;
    struct smtp_session *session;

    while ((session = oldest(cache)) != NULL) {
        struct instant end = instant_add(session->idle_since, time_limit(cache->smtp->settings));
        struct duration left = instant_since(end, loop_now(cache->smtp->loop));

        if (left.us <= 0)
            close_one(cache, session);
        else if (event_wait(cache->smtp->loop, &cache->changed, left, NULL))
            continue;
    }
    cache->is_swept = false;
    event_wake_all(&cache->swept);
}

static bool is_listed(const struct smtp *smtp, struct str nexthop)
{
    struct match_list *list = smtp->tables.cache_destinations;
    struct failure why;

    if (match_list_is_empty(list))
        return false;
    switch (match_list_has(list, nexthop_name(nexthop), &why)) {
    case TABLE_FOUND:
        return true;
    case TABLE_UNKNOWN:
        smtp_log_table_trouble(STR("connection_cache_destinations"), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return false;
}

static bool may_be_kept(const struct session_cache *cache, const struct smtp_session *session, bool has_more)
{
    const struct smtp_settings *settings = cache->smtp->settings;
    struct duration age = instant_since(loop_now(cache->smtp->loop), session->opened);

    if (session->is_broken || session->is_mute || session->has_said_421)
        return false;
    if (settings->reuse_count_limit > 0 && session->uses > (unsigned) settings->reuse_count_limit)
        return false;
    if (age.us >= settings->reuse_time_limit.us)
        return false;
    return (settings->cache_on_demand && has_more) || is_listed(cache->smtp, session->nexthop);
}

void session_cache_put(struct session_cache *cache, struct smtp_session **session, bool has_more)
{
    struct smtp_session *it = *session;
    struct shelf *shelf;

    *session = NULL;
    if (cache->is_stopped) {
        it->is_hurried = true;
        session_close(&it);
        return;
    }
    if (!may_be_kept(cache, it, has_more)) {
        leave(cache, it);
        return;
    }
    if (cache->count >= IDLE_MAX)
        close_one(cache, oldest(cache));
    shelf = map_get(cache->by_key, it->key);
    if (shelf == NULL) {
        shelf = memory_alloc(sizeof(*shelf));
        map_set(cache->by_key, it->key, shelf);
    }
    it->below = shelf->top;
    shelf->top = it;
    it->idle_since = loop_now(cache->smtp->loop);
    list_append(&cache->idle, &it->place);
    cache->count++;
    if (!cache->is_swept) {
        cache->is_swept = true;
        fiber_start(cache->smtp->loop, sweep, cache);
    }
}

struct smtp_session *session_cache_take(struct session_cache *cache, struct str key)
{
    struct shelf *shelf;

    while ((shelf = map_get(cache->by_key, key)) != NULL) {
        struct smtp_session *session = shelf->top;

        take_out(cache, session);
        if (session_is_quiet(session)) {
            encryption_note_reuse(cache->smtp->encryption, session);
            return session;
        }
        session->is_broken = true;
        session_close(&session);
    }
    return NULL;
}

void session_cache_stop(struct session_cache *cache)
{
    struct smtp_session *session;

    cache->is_stopped = true;
    while ((session = oldest(cache)) != NULL) {
        session->is_hurried = true;
        close_one(cache, session);
    }
    event_wake_all(&cache->changed);
    for (struct list *node = cache->leaving.next; node != &cache->leaving; node = node->next)
        session_hurry(CONTAINER_OF(node, struct smtp_session, place));
    while (cache->is_swept || !list_is_empty(&cache->leaving))
        (void) !event_wait(cache->smtp->loop, &cache->swept, DURATION_FOREVER, NULL);
}
