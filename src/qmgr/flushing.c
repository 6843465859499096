/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/flushing.h"

#include "base/memory.h"
#include "qmgr/control.h"
#include "qmgr/loader.h"
#include "qmgr/site_marks.h"
#include "qmgr/walker.h"
#include "run/loop.h"

enum { TURN = 1000 };

struct flushing {
    struct match_list *domains;
    struct arena *arena;    /* of the sites that wait */
    struct strlist waiting; /* for the next pass */
    bool is_running;
};

struct flushing *flushing_create(struct table_set *tables, struct str domains, bool parents_match)
{
    struct flushing *flushing = memory_alloc(sizeof(*flushing));

    flushing->arena = arena_create();
    flushing->domains = match_list_open(tables, STR("fast_flush_domains"), domains, MATCH_DOMAINS, parents_match);
    return flushing;
}

void flushing_destroy(struct flushing **flushing)
{
    if (*flushing == NULL)
        return;
    arena_destroy(&(*flushing)->arena);
    memory_free(*flushing);
    *flushing = NULL;
}

bool flushing_message(struct keeper *keeper, struct queued_message *message)
{
    /* Its turn comes anyway; or it is in delivery, and tried again at once if it comes back. */
    if (message->state == QUEUED_READY || message->state == QUEUED_ACTIVE)
        message->is_flushed = true;
    if (message->state != QUEUED_WAITING || message->is_moving || message->is_inherited)
        return false;
    message->is_flushed = true;
    queue_index_ready(keeper->index, message);
    event_wake_all(&keeper->work);
    return true;
}

void flushing_all(struct keeper *keeper)
{
    size_t count;
    struct queue_id *ids = queue_index_ids(keeper->index, &count);

    deliveries_revive(keeper->deliveries);
    for (size_t i = 0; i < count; i++) {
        struct queued_message *message = queue_index_find(keeper->index, ids[i]);

        if (message != NULL)
            (void) flushing_message(keeper, message);
    }
    memory_free(ids);
    keeper->last_flush = clock_now();
    keeper->wants_flush = true;
    walker_start_now(keeper);
}

/* ---- sites ---- */

enum table_result flushing_is_eligible(struct keeper *keeper, struct str site, struct failure *why)
{
    return match_list_has(keeper->flushing->domains, site, why);
}

static bool may_have_any(const struct queued_message *message, const struct strlist *sites)
{
    if (message->queue == SPOOL_HOLD && message->state != QUEUED_ACTIVE)
        return false;
    for (size_t i = 0; i < sites->count; i++) {
        if (site_marks_may_have(message->sites, sites->items[i]))
            return true;
    }
    return false;
}

static bool has_any(const struct envelope *envelope, const struct strlist *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        if (site_has_recipient(envelope, sites->items[i]))
            return true;
    }
    return false;
}

/* Where it stands may change while it is read: it is found again by its id. */
static void look_at(struct keeper *keeper, struct queue_id id, const struct strlist *sites, struct arena *arena)
{
    struct queued_message *message = control_find_resting(keeper, id);
    struct envelope envelope;
    struct failure ignored;

    if (message == NULL || !may_have_any(message, sites) ||
        !loader_read_envelope(keeper, id, arena, &envelope, &ignored))
        return;
    message = control_find_resting(keeper, id);
    if (message == NULL)
        return;
    message->sites = site_marks_of(&envelope);
    if (has_any(&envelope, sites))
        (void) flushing_message(keeper, message);
}

static void run_pass(struct keeper *keeper, const struct strlist *sites)
{
    struct arena *arena = arena_create();
    size_t count;
    struct queue_id *ids = queue_index_ids(keeper->index, &count);

    for (size_t i = 0; i < count; i++) {
        arena_reset(arena);
        look_at(keeper, ids[i], sites, arena);
        if (i % TURN == TURN - 1)
            fiber_yield(keeper->loop);
    }
    memory_free(ids);
    arena_destroy(&arena);
}

/* Mail that is on disk and not known yet is for the site, too. */
static void wait_for_index(struct keeper *keeper)
{
    while (!keeper->is_indexed && !keeper->is_draining)
        keeper_wait_change(keeper);
}

static void run(void *context)
{
    struct keeper *keeper = context;
    struct flushing *flushing = keeper->flushing;

    wait_for_index(keeper);
    while (flushing->waiting.count > 0) {
        struct arena *arena = flushing->arena;
        struct strlist sites = flushing->waiting;

        flushing->arena = arena_create();
        flushing->waiting = (struct strlist){ 0 };
        deliveries_revive(keeper->deliveries);
        run_pass(keeper, &sites);
        arena_destroy(&arena);
    }
    flushing->is_running = false;
    keeper->finishing--;
    event_wake_all(&keeper->changed);
}

bool flushing_site(struct keeper *keeper, struct str site, struct failure *why)
{
    struct flushing *flushing = keeper->flushing;

    if (strlist_contains(&flushing->waiting, site))
        return true;
    if (flushing->waiting.count >= FLUSHING_SITES_MAXIMUM)
        return failure_set(why, FAILURE_RETRY, 0, "too many sites are waiting for their mail");
    strlist_add(&flushing->waiting, flushing->arena, site);
    if (!flushing->is_running) {
        flushing->is_running = true;
        keeper->finishing++;
        fiber_start(keeper->loop, run, keeper);
    }
    return true;
}
