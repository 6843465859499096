/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsmgr - keeps what processes that speak TLS share: keys of session tickets, in memory, and caches of sessions and
 * policies, in files that outlive it. Nothing is lost without it but time.
 */

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "os/user.h"
#include "protocol/tlsmgr.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "table/cache.h"
#include "tlsmgr/log_lines.h"
#include "tlsmgr/service_keys.h"
#include "tlsmgr/settings.h"
#include "tlsmgr/shelf.h"

enum {
    CLEAN_SECONDS = 600,
    TAKE_SECONDS = 5,       /* so long the process before us has to hand its keys over; clients wait a little longer */
    HAND_OVER_SECONDS = 10, /* the process after us may be slow to start */
    SHELF_BYTES = 64 * 1024 * 1024,
};

struct tlsmgr {
    struct daemon *daemon;
    struct loop *loop;
    struct cache *caches[TLSMGR_CACHES]; /* NULL: none, or one that stands before it in the list */
    struct shelf shelves[TLSMGR_CACHES];
    bool has_told_full[TLSMGR_CACHES];
    struct service_keys *keys;
    bool is_waiting; /* for the keys of the process before us */
    struct instant waits_until;
    struct event taken;
    struct fiber_group cleaning;
    struct event ends;
};

/* ---- start ---- */

static bool find_owner(const struct shared_settings *shared, uid_t *uid_out, gid_t *gid_out, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct user_account account;
    struct failure ignored;

    if (user_by_name(arena, shared->mail_owner, &account, &ignored) != USER_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "mail_owner: there is no user %.*s",
                           STR_ARG(shared->mail_owner));
    *uid_out = account.uid;
    *gid_out = account.gid;
    return true;
}

/* Two parameters may name one file. */
static struct cache *find_cache(const struct tlsmgr *tlsmgr, struct str name)
{
    for (size_t i = 0; i < TLSMGR_CACHES; i++) {
        if (tlsmgr->caches[i] != NULL && name.len > 0 && str_equal(cache_name(tlsmgr->caches[i]), name))
            return tlsmgr->caches[i];
    }
    return NULL;
}

/* A cache that cannot be had is told of, and kept in memory. */
static bool open_cache(struct tlsmgr *tlsmgr, enum tlsmgr_cache which, struct str name, uid_t uid, gid_t gid,
                       struct failure *why)
{
    struct shelf *shelf = &tlsmgr->shelves[which];
    struct cache *cache, *same;
    struct failure trouble;

    if (!cache_prepare(tlsmgr->loop, name, uid, gid, log_cache_problem, &cache, why))
        return false;
    same = find_cache(tlsmgr, cache_name(cache));
    if (same != NULL) {
        cache_close(&cache);
    } else {
        tlsmgr->caches[which] = cache;
        if (daemon_has_own_root(tlsmgr->daemon) && !cache_open_early(cache, uid, gid, &trouble))
            log_cache_problem(trouble.text);
    }
    shelf->cache = same != NULL ? same : cache;
    return true;
}

static bool open_tlsmgr(struct daemon *daemon, struct failure *why)
{
    const struct tlsmgr_settings *settings = daemon_settings(daemon);
    const struct str names[TLSMGR_CACHES] = {
        [TLSMGR_SMTP_SESSIONS] = settings->smtp_sessions,
        [TLSMGR_LMTP_SESSIONS] = settings->lmtp_sessions,
        [TLSMGR_STS_POLICIES] = settings->sts_policies,
    };
    struct tlsmgr *tlsmgr = arena_new(daemon_arena(daemon), struct tlsmgr);
    uid_t uid = 0;
    gid_t gid = 0;

    *tlsmgr = (struct tlsmgr){ .daemon = daemon, .loop = daemon_loop(daemon) };
    if (!find_owner(daemon_shared(daemon), &uid, &gid, why))
        return false;
    for (size_t i = 0; i < TLSMGR_CACHES; i++) {
        tlsmgr->shelves[i] = (struct shelf){ .letter = (char) ('a' + i), .maximum = SHELF_BYTES };
        if ((names[i].len > 0 || i == TLSMGR_STS_POLICIES) &&
            !open_cache(tlsmgr, (enum tlsmgr_cache) i, names[i], uid, gid, why))
            return false;
    }
    daemon_keep(daemon, tlsmgr);
    return true;
}

static void keep_clean(void *context)
{
    struct tlsmgr *tlsmgr = context;

    do {
        for (size_t i = 0; i < TLSMGR_CACHES && !daemon_is_draining(tlsmgr->daemon); i++) {
            shelf_clean(&tlsmgr->shelves[i], clock_now());
            tlsmgr->has_told_full[i] = false;
        }
        if (!daemon_is_draining(tlsmgr->daemon))
            (void) !event_wait(tlsmgr->loop, &tlsmgr->ends, seconds(CLEAN_SECONDS), NULL);
    } while (!daemon_is_draining(tlsmgr->daemon));
}

static void *start(struct daemon *daemon)
{
    struct tlsmgr *tlsmgr = daemon_kept(daemon);
    struct failure why;

    for (size_t i = 0; i < TLSMGR_CACHES; i++) {
        if (tlsmgr->caches[i] != NULL && !cache_open(tlsmgr->caches[i], &why))
            log_cache_problem(why.text);
    }
    tlsmgr->keys = service_keys_create();
    event_init(&tlsmgr->taken);
    event_init(&tlsmgr->ends);
    tlsmgr->is_waiting = daemon_is_successor(daemon);
    tlsmgr->waits_until = instant_add(loop_now(tlsmgr->loop), seconds(TAKE_SECONDS));
    fiber_group_init(&tlsmgr->cleaning, tlsmgr->loop);
    fiber_group_start(&tlsmgr->cleaning, keep_clean, tlsmgr);
    return tlsmgr;
}

/* ---- end ---- */

static void close_caches(struct tlsmgr *tlsmgr)
{
    event_wake_all(&tlsmgr->ends);
    (void) !fiber_group_wait(&tlsmgr->cleaning, DURATION_FOREVER, NULL);
    for (size_t i = 0; i < TLSMGR_CACHES; i++)
        tlsmgr->shelves[i].cache = NULL;
    for (size_t i = 0; i < TLSMGR_CACHES; i++)
        cache_close(&tlsmgr->caches[i]);
}

struct handing_over {
    struct endpoint *successor;
    struct failure why;
    bool is_done;
};

static bool hand_over_service(void *context, struct str service, const struct tls_ticket_keys *keys, bool is_last)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct handing_over *handing = context;
    const struct tlsmgr_tickets_left left = { service, tls_ticket_keys_give(keys, arena), is_last };
    void *reply;

    handing->is_done =
        endpoint_ask(handing->successor, &tlsmgr_tickets_left_message, &left, &tlsmgr_tickets_taken_message, arena,
                     seconds(HAND_OVER_SECONDS), &reply, &handing->why);
    return handing->is_done;
}

/* Tickets of before the reload are read after it. The socket is ours and the next process's: we take no calls any more.
 */
static void hand_over_keys(struct tlsmgr *tlsmgr)
{
    static const struct tls_ticket_keys none = { .count = 0 };
    struct handing_over handing = {
        .successor = daemon_endpoint(
            tlsmgr->daemon,
            daemon_service_path(tlsmgr->daemon, "private", daemon_shared(tlsmgr->daemon)->tlsmgr_service_name),
            &tlsmgr_protocol),
        .is_done = true,
    };

    if (service_keys_are_none(tlsmgr->keys))
        (void) hand_over_service(&handing, STR_EMPTY, &none, true);
    service_keys_walk(tlsmgr->keys, hand_over_service, &handing);
    if (!handing.is_done)
        log_keys_lost(handing.why.text);
}

static void drain(void *context)
{
    struct tlsmgr *tlsmgr = context;

    close_caches(tlsmgr);
    if (daemon_is_stopping(tlsmgr->daemon))
        return;
    daemon_yield(tlsmgr->daemon);
    hand_over_keys(tlsmgr);
}

static void stop(void *context)
{
    struct tlsmgr *tlsmgr = context;

    service_keys_destroy(&tlsmgr->keys);
}

/* ---- ticket keys ---- */

static void wait_for_keys(struct tlsmgr *tlsmgr)
{
    struct instant now;

    while (tlsmgr->is_waiting && (now = loop_now(tlsmgr->loop), instant_is_before(now, tlsmgr->waits_until)))
        (void) !event_wait(tlsmgr->loop, &tlsmgr->taken, instant_since(tlsmgr->waits_until, now), NULL);
    tlsmgr->is_waiting = false;
}

static bool give_tickets(struct daemon_call *call, struct failure *why)
{
    struct tlsmgr *tlsmgr = call->context;
    const struct tlsmgr_tickets_wanted *wanted = call->request;
    struct tlsmgr_tickets tickets;

    if (!service_keys_has(tlsmgr->keys, wanted->service))
        wait_for_keys(tlsmgr);
    tickets.keys = service_keys_get(tlsmgr->keys, wanted->service, seconds((int64_t) wanted->lifetime_s), clock_now(),
                                    call->arena);
    return daemon_reply(call, &tickets, why);
}

/* Only from the process before us, in the moment of our start: nobody else has a say in what the keys are. */
static bool take_tickets(struct daemon_call *call, struct failure *why)
{
    struct tlsmgr *tlsmgr = call->context;
    const struct tlsmgr_tickets_left *left = call->request;
    const struct tlsmgr_tickets_taken reply = { .is_taken = tlsmgr->is_waiting };

    if (tlsmgr->is_waiting && left->keys.count > 0)
        service_keys_take(tlsmgr->keys, left->service, &left->keys);
    if (left->is_last)
        tlsmgr->is_waiting = false;
    event_wake_all(&tlsmgr->taken);
    return daemon_reply(call, &reply, why);
}

/* ---- caches ---- */

static bool give_entry(struct daemon_call *call, struct failure *why)
{
    struct tlsmgr *tlsmgr = call->context;
    const struct tlsmgr_get *get = call->request;
    struct tlsmgr_entry entry = { .is_found = false };

    entry.is_found = shelf_get(&tlsmgr->shelves[get->cache], get->key, clock_now(), call->arena, &entry.value,
                               &entry.kept, &entry.ends);
    return daemon_reply(call, &entry, why);
}

static bool keep_entry(struct daemon_call *call, struct failure *why)
{
    struct tlsmgr *tlsmgr = call->context;
    const struct tlsmgr_put *put = call->request;
    struct shelf *shelf = &tlsmgr->shelves[put->cache];
    enum shelf_result result = shelf_put(shelf, put->key, put->value, put->ends, clock_now());
    const struct tlsmgr_kept reply = { .is_kept = result == SHELF_KEPT };

    if (result == SHELF_FULL && !tlsmgr->has_told_full[put->cache]) {
        log_cache_full(cache_name(shelf->cache));
        tlsmgr->has_told_full[put->cache] = true;
    }
    return daemon_reply(call, &reply, why);
}

/* Postfix's tlsmgr works when master wakes it. Here is nothing that would wait for that. */
static void wake(void *context, struct str bytes)
{
    (void) context;
    (void) bytes;
}

static const struct daemon_operation operations[] = {
    { &tlsmgr_get_message, &tlsmgr_entry_message, give_entry },
    { &tlsmgr_put_message, &tlsmgr_kept_message, keep_entry },
    { &tlsmgr_tickets_wanted_message, &tlsmgr_tickets_message, give_tickets },
    { &tlsmgr_tickets_left_message, &tlsmgr_tickets_taken_message, take_tickets },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const char *const calls[] = { "tlsmgr", NULL };
    static const struct daemon_program program = {
        .name = "tlsmgr",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &tlsmgr_settings_table,
        .open = open_tlsmgr,
        .start = start,
        .drain = drain,
        .stop = stop,
        .protocol = &tlsmgr_protocol,
        .operations = operations,
        .trigger = wake,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
