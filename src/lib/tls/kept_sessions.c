/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/kept_sessions.h"

#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop.h"

enum { SAVES_MAX = 1000, END_SECONDS = 4, PAUSE_SECONDS = 30 };

struct kept_sessions {
    struct loop *loop;
    struct endpoint *tlsmgr;
    enum tlsmgr_cache cache;
    const struct tls_listener *listener;
    struct fiber_group saves;
    size_t save_count;
    bool has_warned;
    struct instant next_question; /* monotonic; not before: one that hangs holds up each session no more than once */
};

static void note(struct kept_sessions *sessions, bool is_good, const struct failure *why)
{
    if (!is_good && !sessions->has_warned)
        tls_warn(sessions->listener, "no TLS session cache: %s; handshakes are full ones", why->text);
    sessions->has_warned = !is_good;
    if (!is_good && why->kind == FAILURE_TIMEOUT)
        sessions->next_question = instant_add(loop_now(sessions->loop), seconds(PAUSE_SECONDS));
}

static bool pauses(const struct kept_sessions *sessions)
{
    return instant_is_before(loop_now(sessions->loop), sessions->next_question);
}

static bool load(void *context, struct str id, struct arena *arena, struct str *session_out)
{
    struct kept_sessions *sessions = context;
    const struct tlsmgr_entry *entry;
    struct failure why;
    bool is_good;

    if (pauses(sessions))
        return false;
    is_good = tlsmgr_get(sessions->tlsmgr, sessions->cache, id, arena, &entry, &why);
    note(sessions, is_good, &why);
    if (!is_good || !entry->is_found)
        return false;
    *session_out = entry->value;
    return true;
}

struct save {
    struct kept_sessions *sessions;
    struct arena *arena;
    struct str id;
    struct str session; /* empty: it is to be forgotten */
    struct instant ends;
};

static void run_save(void *context)
{
    struct save *save = context;
    struct kept_sessions *sessions = save->sessions;
    struct arena *arena = save->arena;
    struct failure why;
    bool is_good = tlsmgr_put(sessions->tlsmgr, sessions->cache, save->id, save->session, save->ends, &why);

    note(sessions, is_good, &why);
    sessions->save_count--;
    OPENSSL_cleanse((void *) (uintptr_t) save->session.data, save->session.len);
    arena_destroy(&arena);
}

/* In a fiber of its own: the one that we are in may be inside of OpenSSL. */
static void put(struct kept_sessions *sessions, struct str id, struct str session, struct instant ends)
{
    struct arena *arena;
    struct save *save;

    if (sessions->save_count >= SAVES_MAX || pauses(sessions))
        return;
    arena = arena_create();
    save = arena_new(arena, struct save);
    *save = (struct save){ sessions, arena, arena_str(arena, id), arena_str(arena, session), ends };
    sessions->save_count++;
    fiber_group_start(&sessions->saves, run_save, save);
}

static void save(void *context, struct str id, struct str session, struct instant ends)
{
    put(context, id, session, ends);
}

static void forget(void *context, struct str id)
{
    put(context, id, STR_EMPTY, (struct instant){ 0 });
}

struct kept_sessions *kept_sessions_create(struct loop *loop, struct endpoint *tlsmgr, enum tlsmgr_cache cache,
                                           const struct tls_listener *listener)
{
    struct kept_sessions *sessions = memory_alloc(sizeof *sessions);

    *sessions = (struct kept_sessions){ .loop = loop, .tlsmgr = tlsmgr, .cache = cache, .listener = listener };
    fiber_group_init(&sessions->saves, loop);
    return sessions;
}

/* A save that goes on for longer than that finds tlsmgr away; it has the store until then. */
void kept_sessions_destroy(struct kept_sessions **pointer)
{
    struct kept_sessions *sessions = *pointer;

    if (sessions == NULL)
        return;
    *pointer = NULL;
    if (sessions->save_count > 0 && fiber_is_running(sessions->loop) &&
        !fiber_group_wait(&sessions->saves, seconds(END_SECONDS), NULL))
        return;
    memory_free(sessions);
}

struct tls_session_store kept_sessions_store(struct kept_sessions *sessions)
{
    return (struct tls_session_store){ load, save, forget, sessions };
}
