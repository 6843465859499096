/* SPDX-License-Identifier: Apache-2.0 */
/* verify - remembers which addresses can be delivered to, and finds out by probes that are delivered to nobody. */

#include "base/map.h"
#include "base/memory.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "os/user.h"
#include "protocol/cleanup.h"
#include "protocol/verify.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "table/cache.h"
#include "verify/log_lines.h"
#include "verify/probe.h"
#include "verify/record.h"
#include "verify/settings.h"

/* A probe that is not heard of for so long is lost, and another one may go. */
enum { PROBE_SECONDS = 1000, PROBES_MAX = 20000, HAND_OVER_MS = 500 };

/* In the cache, beside the addresses: when it was cleaned last, in seconds. */
#define CLEANED_KEY STR("_LAST_CACHE_CLEANUP_COMPLETED_")

struct sent_probe {
    struct instant sent;
    bool is_queued;
};

struct verify {
    struct daemon *daemon;
    struct loop *loop;
    const struct verify_settings *settings;
    const struct shared_settings *shared;
    struct cache *cache;
    struct map *probes; /* struct sent_probe of each address that a probe is on its way to */
    struct event handed_over;
    struct endpoint *cleanup;
};

/* ---- start and end ---- */

static bool find_owner(const struct shared_settings *shared, uid_t *uid_out, gid_t *gid_out)
{
    struct arena *arena = arena_create();
    struct user_account account;
    struct failure ignored;
    bool is_found = user_by_name(arena, shared->mail_owner, &account, &ignored) == USER_FOUND;

    if (is_found) {
        *uid_out = account.uid;
        *gid_out = account.gid;
    }
    arena_destroy(&arena);
    return is_found;
}

static bool open_cache(struct daemon *daemon, struct failure *why)
{
    struct verify *verify = arena_new(daemon_arena(daemon), struct verify);
    struct failure trouble;
    uid_t uid = 0;
    gid_t gid = 0;

    verify->daemon = daemon;
    verify->loop = daemon_loop(daemon);
    verify->settings = daemon_settings(daemon);
    verify->shared = daemon_shared(daemon);
    if (!find_owner(verify->shared, &uid, &gid))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "mail_owner: there is no user %.*s",
                           STR_ARG(verify->shared->mail_owner));
    daemon_keep(daemon, verify);
    if (!cache_prepare(verify->loop, verify->settings->map, uid, gid, log_cache_problem, &verify->cache, why))
        return false;
    if (daemon_has_own_root(daemon) && !cache_open_early(verify->cache, uid, gid, &trouble))
        log_cache_problem(trouble.text);
    return true;
}

/* ---- what does not count any more ---- */

struct cleaning {
    struct verify *verify;
    struct instant now;
    size_t retained, dropped;
    bool is_partial;
};

static bool clean_entry(void *context, struct str key, struct str value)
{
    struct cleaning *cleaning = context;
    struct record record;

    if (str_equal(key, CLEANED_KEY))
        return true;
    if (daemon_is_draining(cleaning->verify->daemon)) {
        cleaning->is_partial = true;
        return false;
    }
    if (record_parse(value, &record) && record_counts(&record, cleaning->verify->settings, cleaning->now)) {
        cleaning->retained++;
        return true;
    }
    cache_remove(cleaning->verify->cache, key);
    cleaning->dropped++;
    return true;
}

/* A restart is no reason to clean what was cleaned a while ago. */
static struct duration until_cleaning(const struct verify *verify)
{
    struct arena *arena = arena_create();
    struct duration interval = verify->settings->cleanup_interval;
    struct duration left = seconds(0);
    struct str text;
    uint64_t cleaned;

    if (cache_get(verify->cache, CLEANED_KEY, arena, &text) && str_to_uint64(text, &cleaned)) {
        int64_t age = instant_since(clock_now(), instant_from_seconds((int64_t) cleaned)).us;

        if (age >= 0 && age < interval.us)
            left.us = interval.us - age;
    }
    arena_destroy(&arena);
    return left;
}

static void note_cleaning(struct verify *verify, struct instant now)
{
    struct arena *arena = arena_create();

    cache_put(verify->cache, CLEANED_KEY, arena_printf(arena, "%lld", (long long) instant_seconds(now)));
    arena_destroy(&arena);
}

static void run_cleaning(void *context)
{
    struct verify *verify = context;

    fiber_sleep(verify->loop, until_cleaning(verify));
    while (!daemon_is_draining(verify->daemon)) {
        struct cleaning cleaning = { .verify = verify, .now = clock_now() };

        cache_walk(verify->cache, clean_entry, &cleaning);
        log_cache_cleaned(cache_name(verify->cache), cleaning.is_partial, cleaning.retained, cleaning.dropped);
        if (!cleaning.is_partial)
            note_cleaning(verify, cleaning.now);
        fiber_sleep(verify->loop, verify->settings->cleanup_interval);
    }
}

static void *start(struct daemon *daemon)
{
    struct verify *verify = daemon_kept(daemon);
    struct failure why;

    if (!cache_open(verify->cache, &why))
        log_cache_problem(why.text);
    verify->probes = map_create();
    event_init(&verify->handed_over);
    verify->cleanup = daemon_endpoint(
        daemon, daemon_service_path(daemon, "public", daemon_shared(daemon)->cleanup_service_name), &cleanup_protocol);
    if (verify->settings->cleanup_interval.us > 0)
        fiber_start(verify->loop, run_cleaning, verify);
    return verify;
}

static void drain(void *context)
{
    struct verify *verify = context;

    cache_flush(verify->cache);
}

static void forget_probe(struct verify *verify, struct str address)
{
    memory_free(map_remove(verify->probes, address));
}

static void stop(void *context)
{
    struct verify *verify = context;

    for (struct map_entry *entry = map_first(verify->probes); entry != NULL; entry = map_next(entry))
        memory_free(map_entry_value(entry));
    map_destroy(&verify->probes);
    cache_close(&verify->cache);
}

/* ---- probes ---- */

static bool is_lost(const struct verify *verify, const struct sent_probe *probe)
{
    return instant_since(loop_now(verify->loop), probe->sent).us > seconds(PROBE_SECONDS).us;
}

/* In order of their sending. */
static void forget_lost(struct verify *verify)
{
    struct map_entry *entry = map_first(verify->probes);

    while (entry != NULL && is_lost(verify, map_entry_value(entry))) {
        forget_probe(verify, map_entry_key(entry));
        entry = map_first(verify->probes);
    }
}

struct probing {
    struct verify *verify;
    struct arena *arena;
    struct str address;
};

static void run_probe(void *context)
{
    struct probing *probing = context;
    struct verify *verify = probing->verify;
    struct arena *arena = probing->arena;
    struct str sender = verify_sender(arena, verify->settings->sender, verify->settings->sender_ttl, clock_now());
    struct sent_probe *probe;
    struct failure why;

    if (!probe_send(verify->cleanup, verify->shared, sender, probing->address, &why)) {
        log_probe_problem(probing->address, why.text);
        forget_probe(verify, probing->address);
    }
    probe = map_get(verify->probes, probing->address);
    if (probe != NULL)
        probe->is_queued = true;
    event_wake_all(&verify->handed_over);
    arena_destroy(&arena);
}

/* Unless one is on its way. */
static void send_probe(struct verify *verify, struct str address)
{
    struct arena *arena;
    struct probing *probing;
    struct sent_probe *probe;

    forget_lost(verify);
    if (map_get(verify->probes, address) != NULL || map_count(verify->probes) >= PROBES_MAX ||
        daemon_is_draining(verify->daemon))
        return;
    probe = memory_alloc(sizeof(*probe));
    probe->sent = loop_now(verify->loop);
    map_set(verify->probes, address, probe);
    arena = arena_create();
    probing = arena_new(arena, struct probing);
    *probing = (struct probing){ verify, arena, arena_str(arena, address) };
    fiber_start(verify->loop, run_probe, probing);
}

static bool is_being_queued(const struct verify *verify, struct str address)
{
    const struct sent_probe *probe = map_get(verify->probes, address);

    return probe != NULL && !probe->is_queued;
}

/* Who is told that it is in progress can see it in the queue. A cleanup that is slow is not waited for. */
static void wait_until_queued(struct verify *verify, struct str address)
{
    struct instant end = instant_add(loop_now(verify->loop), milliseconds(HAND_OVER_MS));
    struct failure ignored;

    while (is_being_queued(verify, address) && instant_is_before(loop_now(verify->loop), end))
        (void) !event_wait(verify->loop, &verify->handed_over, milliseconds(HAND_OVER_MS), &ignored);
}

/* ---- questions and results ---- */

/* False if nothing is known that counts. */
static bool recall(struct verify *verify, struct str address, struct instant now, struct arena *arena,
                   struct record *record_out)
{
    struct str text;

    if (!cache_get(verify->cache, address, arena, &text))
        return false;
    if (!record_parse(text, record_out)) {
        log_bad_entry(text);
        return false;
    }
    return record_counts(record_out, verify->settings, now);
}

static bool answer_query(struct daemon_call *call, struct failure *why)
{
    struct verify *verify = call->context;
    const struct verify_query *query = call->request;
    struct verify_answer answer = { VERIFY_IN_PROGRESS, STR("Address verification in progress") };
    struct record record;

    if (query->address.len == 0 || query->address.len > CACHE_KEY_MAX) {
        answer = (struct verify_answer){ VERIFY_DEFERRED, STR("address is too long to be verified") };
        return daemon_reply(call, &answer, why);
    }
    if (recall(verify, query->address, call->now, call->arena, &record)) {
        answer = (struct verify_answer){ record.status, record.reason };
        if (record_is_stale(&record, verify->settings, call->now))
            send_probe(verify, query->address);
        if (record.status != VERIFY_DELIVERABLE && !verify->settings->keeps_negative)
            cache_remove(verify->cache, query->address);
    } else {
        send_probe(verify, query->address);
        wait_until_queued(verify, query->address);
    }
    return daemon_reply(call, &answer, why);
}

static bool take_update(struct daemon_call *call, struct failure *why)
{
    struct verify *verify = call->context;
    const struct verify_update *update = call->request;
    enum verify_status status = (enum verify_status) update->status;
    struct verify_updated reply = { .is_kept = false };
    struct record known;
    bool is_known = recall(verify, update->address, call->now, call->arena, &known);

    forget_probe(verify, update->address);
    if (record_is_replaced(is_known ? &known : NULL, status, verify->settings, call->now)) {
        struct record record = { .status = status, .updated = call->now, .reason = update->reason };

        cache_put(verify->cache, update->address, record_format(&record, call->arena));
        reply.is_kept = true;
    }
    return daemon_reply(call, &reply, why);
}

static const struct daemon_operation operations[] = {
    { &verify_query_message, &verify_answer_message, answer_query },
    { &verify_update_message, &verify_updated_message, take_update },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const char *const calls[] = { "cleanup", NULL };
    static const struct daemon_program program = {
        .name = "verify",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &verify_settings_table,
        .open = open_cache,
        .start = start,
        .drain = drain,
        .stop = stop,
        .protocol = &verify_protocol,
        .operations = operations,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
