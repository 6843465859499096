/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/sts_policies.h"

#include "base/cursor.h"
#include "base/map.h"
#include "base/memory.h"
#include "daemon/daemon.h"
#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "protocol/tlsmgr.h"
#include "run/fiber.h"
#include "smtp/log_lines.h"
#include "smtp/sts_fetch.h"

#include <inttypes.h>

enum {
    DOMAINS_MAXIMUM = 10000,
    BYTES_MAXIMUM = 32 * 1024 * 1024, /* of all policies */
    CHECK_SECONDS = 300,              /* section 3.3 wants at least so long between two tries */
    REFRESH_SECONDS = 86400,
    NEWER_SECONDS = 5,   /* who has a policy waits no longer for a newer one */
    FIRST_SECONDS = 300, /* more than all that is waited for has of its own */
    END_SECONDS = 35,    /* and for the DNS to answer, at a stop */
};

/* What is known of one domain. */
struct known {
    struct sts_policies *policies;
    struct str domain;
    struct arena *arena; /* of the policy and its id; NULL: there is none */
    struct sts_policy policy;
    struct str id;
    struct instant fetched;    /* by the wall clock */
    struct instant ends;       /* and so is this */
    struct instant next_check; /* monotonic */
    bool is_loaded;            /* from the cache */
    bool is_busy;
    bool is_untold; /* the last look did not come to its end */
    unsigned waiting;
    struct event ready;
};

struct sts_policies {
    struct sts_policies_options options;
    struct map *known; /* by domain */
    size_t size_bytes; /* of their policies */
    struct fiber_group group;
    bool has_warned;
};

/* ---- what is kept ---- */

struct str sts_entry_format(struct arena *arena, struct instant fetched, struct str id, struct str text)
{
    return arena_printf(arena, "1 %" PRId64 " %.*s\n%.*s", instant_seconds(fetched), STR_ARG(id), STR_ARG(text));
}

bool sts_entry_parse(struct str entry, struct instant *fetched_out, struct str *id_out, struct str *text_out)
{
    struct cursor cursor = cursor_over(entry);
    uint64_t second;
    struct str id;

    if (!cursor_skip_str(&cursor, STR("1 ")) || !cursor_take_uint64(&cursor, &second) ||
        second > INT32_MAX * UINT64_C(1000) || !cursor_skip_char(&cursor, ' '))
        return false;
    id = cursor_take_until(&cursor, "\n");
    if (id.len == 0 || id.len > STS_ID_MAXIMUM || !cursor_skip_char(&cursor, '\n'))
        return false;
    *fetched_out = instant_from_seconds((int64_t) second);
    *id_out = id;
    *text_out = cursor.rest;
    return true;
}

static void note_cache(struct sts_policies *policies, bool is_good, const struct failure *why)
{
    if (!is_good && !policies->has_warned)
        smtp_log_sts_cache_trouble(why->text);
    policies->has_warned = !is_good;
}

static bool read_cache(struct sts_policies *policies, struct str key, struct arena *arena, struct str *value_out)
{
    const struct tlsmgr_entry *entry;
    struct failure why;
    bool is_good = tlsmgr_get(policies->options.tlsmgr, TLSMGR_STS_POLICIES, key, arena, &entry, &why);

    note_cache(policies, is_good, &why);
    if (!is_good || !entry->is_found)
        return false;
    *value_out = entry->value;
    return true;
}

static void write_cache(struct sts_policies *policies, struct str key, struct str value, struct instant ends)
{
    struct failure why;
    bool is_good = tlsmgr_put(policies->options.tlsmgr, TLSMGR_STS_POLICIES, key, value, ends, &why);

    note_cache(policies, is_good, &why);
}

/* ---- of a domain ---- */

static void forget_policy(struct known *known)
{
    if (known->arena != NULL)
        known->policies->size_bytes -= arena_size(known->arena);
    arena_destroy(&known->arena);
    known->id = STR_EMPTY;
}

static bool is_in_force(const struct known *known, struct instant now)
{
    return known->arena != NULL && instant_is_before(now, known->ends);
}

/* One that ends at once would be fetched for every message. */
static struct duration lifetime_of(const struct sts_policy *policy)
{
    return duration_seconds(policy->max_age) < CHECK_SECONDS ? seconds(CHECK_SECONDS) : policy->max_age;
}

/* Takes the place of what there was. False: it is no policy. */
static bool take_policy(struct known *known, struct str text, struct str id, struct instant fetched,
                        struct failure *why)
{
    struct arena *arena = arena_create();
    struct sts_policy policy;

    if (!sts_policy_parse(text, arena, &policy, why)) {
        arena_destroy(&arena);
        return false;
    }
    forget_policy(known);
    known->arena = arena;
    known->policy = policy;
    known->id = arena_str(arena, id);
    known->policies->size_bytes += arena_size(arena);
    known->fetched = fetched;
    known->ends = instant_add(fetched, lifetime_of(&policy));
    return true;
}

static void load(struct known *known, struct arena *arena)
{
    struct instant fetched;
    struct str value, id, text;
    struct failure why;

    known->is_loaded = true;
    if (!read_cache(known->policies, known->domain, arena, &value) || !sts_entry_parse(value, &fetched, &id, &text) ||
        instant_is_before(clock_now(), fetched))
        return;
    /* What was a policy yesterday is one. */
    if (take_policy(known, text, id, fetched, &why))
        event_wake_all(&known->ready);
}

/* ---- the record ---- */

/* Section 3.1: exactly one record counts. False: there is none, or none that can be told now. */
static bool find_record(struct known *known, struct arena *arena, struct str *id_out)
{
    struct str name = arena_printf(arena, "_mta-sts.%.*s", STR_ARG(known->domain));
    struct str record = STR_EMPTY;
    struct dns_answer answer;
    struct failure why;
    size_t count = 0;

    resolver_lookup(known->policies->options.resolver, name, DNS_TYPE_TXT, arena, &answer);
    if (answer.outcome == DNS_UNKNOWN) {
        smtp_log_sts_failed(known->domain, answer.reason, is_in_force(known, clock_now()));
        return false;
    }
    for (size_t i = 0; answer.outcome == DNS_FOUND && i < answer.count; i++) {
        if (sts_record_is(answer.records[i].data)) {
            record = answer.records[i].data;
            count++;
        }
    }
    if (count == 0)
        return false;
    if (count > 1)
        (void) failure_set(&why, FAILURE_PROTOCOL, 0, "there is more than one of its records");
    else if (sts_record_parse(record, id_out, &why))
        return true;
    else
        (void) failure_prefix(&why, "its record");
    smtp_log_sts_failed(known->domain, why.text, is_in_force(known, clock_now()));
    return false;
}

/* ---- fetching ---- */

static bool fetch_text(struct known *known, struct arena *arena, struct str *text_out, struct failure *why)
{
    const struct sts_policies_options *options = &known->policies->options;
    struct str host = arena_printf(arena, "mta-sts.%.*s", STR_ARG(known->domain));
    struct host_addresses addresses;

    host_lookup_addresses(options->hosts, host, arena, &addresses);
    if (addresses.outcome != DNS_FOUND)
        return failure_set(why, FAILURE_RETRY, 0, "%.*s: %s", STR_ARG(host), addresses.reason);
    return sts_fetch(options->fetcher, known->domain, addresses.items, addresses.count, arena, text_out, why);
}

/* Of a fetch that failed: another process has just tried the same. */
static struct str failure_key(const struct known *known, struct arena *arena)
{
    return arena_printf(arena, "!%.*s", STR_ARG(known->domain));
}

static bool has_just_failed(struct known *known, struct str id, struct arena *arena)
{
    struct str failed;

    return read_cache(known->policies, failure_key(known, arena), arena, &failed) && str_equal(failed, id);
}

static void fetch(struct known *known, struct str id, struct arena *arena)
{
    struct instant now = clock_now();
    struct failure why;
    struct str text;

    if (has_just_failed(known, id, arena))
        return;
    if (!fetch_text(known, arena, &text, &why) || !take_policy(known, text, id, now, &why)) {
        smtp_log_sts_failed(known->domain, why.text, is_in_force(known, clock_now()));
        known->is_untold = why.kind == FAILURE_STOPPED;
        if (!known->is_untold)
            write_cache(known->policies, failure_key(known, arena), id,
                        instant_add(clock_now(), seconds(CHECK_SECONDS)));
        return;
    }
    smtp_log_sts_policy(known->domain, sts_mode_name(known->policy.mode), known->id,
                        duration_seconds(known->policy.max_age));
    write_cache(known->policies, known->domain, sts_entry_format(arena, now, id, text), known->ends);
}

/* Whether it is time to fetch it anew, long before it ends. */
static bool is_old(const struct known *known, struct instant now)
{
    int64_t age = duration_seconds(instant_since(now, known->fetched));

    return age >= REFRESH_SECONDS || age >= duration_seconds(lifetime_of(&known->policy)) / 2;
}

static void look_up(struct known *known, struct arena *arena)
{
    struct str id;

    if (!known->is_loaded)
        load(known, arena);
    if (!is_in_force(known, clock_now()))
        forget_policy(known);
    if (!find_record(known, arena, &id))
        return;
    if (known->arena != NULL && str_equal(known->id, id) && !is_old(known, clock_now()))
        return;
    fetch(known, id, arena);
}

static void refresh(void *context)
{
    struct known *known = context;
    struct arena *arena = arena_create();

    known->is_untold = false;
    look_up(known, arena);
    arena_destroy(&arena);
    known->next_check = instant_add(clock_monotonic(), seconds(known->is_untold ? 0 : CHECK_SECONDS));
    known->is_busy = false;
    event_wake_all(&known->ready);
}

/* ---- all domains ---- */

static void free_known(struct known *known)
{
    forget_policy(known);
    memory_free((void *) (uintptr_t) known->domain.data);
    memory_free(known);
}

static bool is_full(const struct sts_policies *policies)
{
    return map_count(policies->known) >= DOMAINS_MAXIMUM || policies->size_bytes >= BYTES_MAXIMUM;
}

/* Those that have been there for the longest go first, unless somebody is busy with them; tlsmgr still has them. */
static void make_room(struct sts_policies *policies)
{
    struct map_entry *entry = map_first(policies->known), *next;

    for (; entry != NULL && is_full(policies); entry = next) {
        struct known *known = map_entry_value(entry);

        next = map_next(entry);
        if (known->is_busy || known->waiting > 0)
            continue;
        (void) map_remove(policies->known, known->domain);
        free_known(known);
    }
}

static struct known *get(struct sts_policies *policies, struct str domain)
{
    struct known *known = map_get(policies->known, domain);
    char *copy;

    if (known != NULL)
        return known;
    make_room(policies);
    copy = memory_alloc(domain.len + 1);
    memcpy(copy, domain.data, domain.len);
    known = memory_alloc(sizeof *known);
    known->policies = policies;
    known->domain = str_make(copy, domain.len);
    event_init(&known->ready);
    (void) map_set(policies->known, known->domain, known);
    return known;
}

/* Who has a policy in force waits for a newer one for a moment only; and nobody holds up a stop. */
static void wait_for(struct known *known)
{
    const struct sts_policies_options *options = &known->policies->options;
    struct instant start = clock_monotonic();

    known->waiting++;
    while (known->is_busy && !daemon_is_stopping(options->daemon)) {
        int64_t patience = is_in_force(known, clock_now()) ? NEWER_SECONDS : FIRST_SECONDS;

        if (duration_seconds(instant_since(clock_monotonic(), start)) >= patience)
            break;
        (void) !event_wait(options->loop, &known->ready, seconds(1), NULL);
    }
    known->waiting--;
}

static struct sts_policy copy_policy(const struct sts_policy *policy, struct arena *arena)
{
    struct sts_policy copy = *policy;

    copy.patterns = (struct strlist){ .count = 0 };
    for (size_t i = 0; i < policy->patterns.count; i++)
        strlist_add(&copy.patterns, arena, policy->patterns.items[i]);
    return copy;
}

enum sts_outcome sts_policies_find(struct sts_policies *policies, struct str domain, struct arena *arena,
                                   struct sts_policy *policy_out)
{
    struct known *known = get(policies, domain);
    bool is_due = !instant_is_before(clock_monotonic(), known->next_check);

    if (!known->is_busy && (is_due || (known->arena != NULL && !is_in_force(known, clock_now())))) {
        known->is_busy = true;
        fiber_group_start(&policies->group, refresh, known);
    }
    if (known->is_busy)
        wait_for(known);
    if (!is_in_force(known, clock_now()))
        return known->is_busy || known->is_untold ? STS_CALLED_OFF : STS_ABSENT;
    *policy_out = copy_policy(&known->policy, arena);
    return STS_FOUND;
}

struct sts_policies *sts_policies_create(const struct sts_policies_options *options)
{
    struct sts_policies *policies = memory_alloc(sizeof *policies);

    policies->options = *options;
    policies->known = map_create();
    fiber_group_init(&policies->group, options->loop);
    return policies;
}

void sts_policies_destroy(struct sts_policies **pointer)
{
    struct sts_policies *policies = *pointer;

    if (policies == NULL)
        return;
    *pointer = NULL;
    sts_fetcher_stop(policies->options.fetcher);
    /* What then still waits for a name server has them until the process ends. */
    if (policies->group.running > 0 && fiber_is_running(policies->options.loop) &&
        !fiber_group_wait(&policies->group, seconds(END_SECONDS), NULL))
        return;
    sts_fetcher_destroy(&policies->options.fetcher);
    for (struct map_entry *entry = map_first(policies->known); entry != NULL; entry = map_next(entry))
        free_known(map_entry_value(entry));
    map_destroy(&policies->known);
    memory_free(policies);
}
