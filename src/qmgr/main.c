/* SPDX-License-Identifier: Apache-2.0 */
/* qmgr - keeps the queue: what came in goes out, is tried again, or goes back. */

#include "base/memory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "protocol/queue.h"
#include "qmgr/active_content.h"
#include "qmgr/census.h"
#include "qmgr/control.h"
#include "qmgr/finisher.h"
#include "qmgr/flushing.h"
#include "qmgr/handover.h"
#include "qmgr/listing.h"
#include "qmgr/live_segments.h"
#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "qmgr/portions.h"
#include "qmgr/read_parts.h"
#include "qmgr/recording.h"
#include "qmgr/spilling.h"
#include "qmgr/successor.h"
#include "qmgr/told_failures.h"
#include "qmgr/walker.h"
#include "run/loop.h"
#include "run/offload.h"
#include "run/worker.h"

#include <fcntl.h>

enum {
    FILE_THREADS = 8,
    CENSUS_SECONDS = 5,
    WRITERS_SECONDS = 5,
    IDLE_SECONDS = 30,
    RETIRE_MS = 200,
    ORPHAN_MS = 3000, /* without master nobody is there who would be told */
    FUTILE_ATTEMPTS = 10
};

struct qmgr {
    struct keeper keeper;
    struct deliveries_transport *transports;
    size_t transport_count;
    struct table_set *tables;
    bool was_unclean;
    bool is_ending;
    struct event ended;
    bool has_ended;
};

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static void open_tables(struct daemon *daemon, struct qmgr *qmgr)
{
    const struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };
    const struct qmgr_settings *settings = daemon_settings(daemon);
    struct strlist parents =
        main_cf_words(daemon_shared(daemon)->parent_domain_matches_subdomains, daemon_arena(daemon));

    qmgr->tables = table_set_create(&options);
    qmgr->keeper.flushing = flushing_create(qmgr->tables, settings->fast_flush_domains,
                                            strlist_contains(&parents, STR("fast_flush_domains")));
}

static bool open_before_jail(struct daemon *daemon, struct failure *why)
{
    const struct shared_settings *shared = daemon_shared(daemon);
    const struct qmgr_settings *settings = daemon_settings(daemon);
    struct qmgr *qmgr = arena_new(daemon_arena(daemon), struct qmgr);

    daemon_set_patience(daemon, settings->daemon_timeout);
    daemon_keep(daemon, qmgr);
    open_tables(daemon, qmgr);
    if (settings->bounce_queue_lifetime.us > settings->maximal_queue_lifetime.us)
        log_lifetime_adjusted();
    /* master runs with the master.cf it read; a mistake made in it since is no reason to stop the mail. */
    if (!deliveries_find_transports(shared->config_directory, shared->default_process_limit, daemon_arena(daemon),
                                    &qmgr->transports, &qmgr->transport_count, why))
        log_warning("%s", why->text);
    return true;
}

/* ---- the life of the queue ---- */

struct mark_job {
    bool is_found;
    bool is_clean; /* take the mark away */
};

static void change_mark(void *context)
{
    struct mark_job *job = context;
    struct failure ignored;
    int fd;

    job->is_found = file_exists(QMGR_UNCLEAN_MARK);
    if (job->is_clean)
        (void) !file_unlink(QMGR_UNCLEAN_MARK, &ignored);
    else if (file_open(QMGR_UNCLEAN_MARK, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600, &fd, &ignored))
        fd_close(&fd);
}

static bool set_mark(struct keeper *keeper, bool is_clean)
{
    struct mark_job *job = memory_alloc(sizeof(*job));
    bool is_found;

    job->is_clean = is_clean;
    keeper_block(keeper, change_mark, job);
    is_found = job->is_found;
    memory_free(job);
    return is_found;
}

static void tick(struct keeper *keeper, int64_t *next_walk)
{
    int64_t now = keeper_now();

    live_segments_tick(keeper);
    portions_tick(keeper);
    deliveries_close_idle(keeper->deliveries, seconds(IDLE_SECONDS));
    if (now < *next_walk)
        return;
    /* The first pass is what the index is made from. */
    if (*next_walk == 0)
        walker_start_now(keeper);
    else
        walker_start(keeper);
    *next_walk = now + duration_seconds(keeper->settings->queue_run_delay);
}

/* Feeds the active queue, and does what is to be done every second. */
static void live(void *context)
{
    struct qmgr *qmgr = context;
    struct keeper *keeper = &qmgr->keeper;
    struct instant last_tick = { 0 };
    int64_t next_walk = 0;
    struct failure ignored;

    while (!qmgr->is_ending) {
        queue_index_due(keeper->index, keeper_now());
        loader_wake(keeper);
        if (instant_since(loop_now(keeper->loop), last_tick).us >= seconds(1).us && keeper->is_recovered) {
            last_tick = loop_now(keeper->loop);
            tick(keeper, &next_walk);
        }
        (void) !event_wait(keeper->loop, &keeper->work, milliseconds(500), &ignored);
    }
    qmgr->has_ended = true;
    event_wake_all(&qmgr->ended);
}

/*
 * A living writer tells how far its segment is durable once it has found us again. Until then its messages are
 * unknown here, and what the census says of them could not be recorded.
 */
static void wait_for_writers(struct keeper *keeper)
{
    struct instant end = instant_add(loop_now(keeper->loop), seconds(WRITERS_SECONDS));

    while (keeper->busy_segments > 0 && instant_is_before(loop_now(keeper->loop), end)) {
        fiber_sleep(keeper->loop, milliseconds(100));
        live_segments_recover(keeper);
    }
}

static void recover(void *context)
{
    struct qmgr *qmgr = context;
    struct keeper *keeper = &qmgr->keeper;

    live_segments_recover(keeper);
    walker_walk_active(keeper);
    if (qmgr->was_unclean)
        wait_for_writers(keeper);
    if (qmgr->was_unclean)
        handover_wait(keeper, seconds(CENSUS_SECONDS));
    keeper->hears_couriers = true;
    if (qmgr->was_unclean)
        deliveries_take_census(keeper->deliveries, seconds(CENSUS_SECONDS));
    keeper->is_recovered = true;
    keeper->finishing--;
    event_wake_all(&keeper->work);
    event_wake_all(&keeper->changed);
}

static void *start(struct daemon *daemon)
{
    struct qmgr *qmgr = daemon_kept(daemon);
    struct keeper *keeper = &qmgr->keeper;
    const struct deliveries_census census = { census_unrecorded, census_in_hand, keeper };

    keeper->daemon = daemon;
    keeper->loop = daemon_loop(daemon);
    keeper->settings = daemon_settings(daemon);
    keeper->shared = daemon_shared(daemon);
    keeper->spool = spool_settings_make(keeper->shared->hash_queue_names, keeper->shared->hash_queue_depth);
    keeper->attempt = (uint64_t) clock_now().us;
    keeper->index = queue_index_create();
    strbuf_init(&keeper->frame, STRBUF_UNLIMITED);
    keeper->read_parts = read_parts_create();
    keeper->files = offload_create(keeper->loop, "queue files", FILE_THREADS);
    keeper->ledgers = worker_create(keeper->loop, "ledgers");
    keeper->hooks = (struct active_keeper){ active_content_get, recording_record, finisher_finished, keeper };
    list_init(&keeper->segments);
    list_init(&keeper->unrecorded);
    list_init(&keeper->portioned);
    event_init(&keeper->work);
    event_init(&keeper->changed);
    event_init(&qmgr->ended);
    keeper->spiller = spiller_create(keeper);
    keeper->told_failures = told_failures_create();
    keeper->deliveries = deliveries_create(daemon, keeper->settings, qmgr->transports, qmgr->transport_count, &census);
    qmgr->was_unclean = set_mark(keeper, false);
    fiber_start(keeper->loop, live, qmgr);
    keeper->finishing++;
    fiber_start(keeper->loop, recover, qmgr);
    return qmgr;
}

/* ---- stopping ---- */

static bool is_busy(const struct keeper *keeper)
{
    return deliveries_in_hand(keeper->deliveries) > 0 || keeper->active_count > 0 || keeper->loaders > 0 ||
           keeper->couriers > 0;
}

/*
 * Told to retire, the next queue manager waits for this one to leave the queue to it: what takes long is carried over.
 * Without master there is no next one yet.
 */
static bool is_patience_over(const struct qmgr *qmgr, struct instant begun)
{
    const struct daemon *daemon = qmgr->keeper.daemon;
    bool is_orphaned = daemon_is_orphaned(daemon);
    int64_t waited = instant_since(loop_now(qmgr->keeper.loop), begun).us;

    if (daemon_is_stopping(daemon) && !is_orphaned)
        return false;
    return waited > milliseconds(is_orphaned ? ORPHAN_MS : RETIRE_MS).us;
}

static bool is_journal_empty(const struct keeper *keeper)
{
    return live_segments_are_gone(keeper) && keeper->busy_segments == 0 && keeper->moving == 0 &&
           keeper->finishing == 0;
}

/* One attempt to make files of all: until one fails, then until all that are on their way have been answered. */
static bool has_ended_attempt(const struct keeper *keeper, size_t unmoved)
{
    return is_journal_empty(keeper) || (keeper->unmoved > unmoved && keeper->moving == 0);
}

static void attempt_to_spill(struct keeper *keeper)
{
    size_t unmoved = keeper->unmoved;
    struct failure ignored;

    do {
        keeper->is_stopping = keeper->unmoved == unmoved;
        live_segments_tick(keeper);
        (void) !event_wait(keeper->loop, &keeper->changed, milliseconds(100), &ignored);
        while (keeper->is_looking_for_segments)
            keeper_wait_change(keeper);
    } while (!has_ended_attempt(keeper, unmoved));
}

/*
 * Everything becomes a file; segments come free as cleanup leaves them. Master's patience is the limit, and ours where
 * no file can be written, as on a full disk: then the mail stays in the journal, and the next start goes on from there.
 */
static void spill_all(struct keeper *keeper)
{
    unsigned futile = 0;

    while (!is_journal_empty(keeper) && futile < FUTILE_ATTEMPTS) {
        size_t moved = keeper->moved;
        size_t unmoved = keeper->unmoved;

        if (futile > 0)
            fiber_sleep(keeper->loop, milliseconds(200));
        attempt_to_spill(keeper);
        futile = keeper->unmoved > unmoved && keeper->moved == moved ? futile + 1 : 0;
    }
    keeper->is_stopping = false;
    if (!is_journal_empty(keeper))
        log_warning("not all mail could become queue files: the rest stays in the journal for the next start");
}

/* Who leaves the queue to another while master lives leaves nothing half done. */
static bool must_settle(const struct qmgr *qmgr, bool is_clean)
{
    return is_clean || !daemon_is_orphaned(qmgr->keeper.daemon);
}

static void drain(void *context)
{
    struct qmgr *qmgr = context;
    struct keeper *keeper = &qmgr->keeper;
    struct instant begun = loop_now(keeper->loop);
    bool is_clean;

    while (!keeper->is_recovered)
        keeper_wait_change(keeper);
    keeper->is_draining = true;
    successor_note_flush(keeper);
    deliveries_drain(keeper->deliveries);
    while (is_busy(keeper) && !is_patience_over(qmgr, begun))
        keeper_wait_change(keeper);
    is_clean = !is_busy(keeper);
    /* Without master cleanup may go on, or the next queue manager: segments need not come free, and it will read them.
     */
    if (is_clean && daemon_is_stopping(keeper->daemon) && !daemon_is_orphaned(keeper->daemon))
        spill_all(keeper);
    qmgr->is_ending = true;
    event_wake_all(&keeper->work);
    while (!qmgr->has_ended || keeper->is_looking_for_segments ||
           (must_settle(qmgr, is_clean) && (keeper->finishing > 0 || keeper->loaders > 0)))
        keeper_wait_change(keeper);
    /* A caller that goes only now must not set anything going any more. */
    keeper->has_left = true;
    if (!daemon_is_orphaned(keeper->daemon) && !is_clean)
        handover_carry(keeper);
    else if (!daemon_is_orphaned(keeper->daemon) && !handover_is_under_way(keeper))
        (void) set_mark(keeper, true);
    successor_settled(keeper);
}

static void stop(void *context)
{
    struct qmgr *qmgr = context;
    struct keeper *keeper = &qmgr->keeper;

    if (is_busy(keeper))
        return;
    deliveries_destroy(&keeper->deliveries);
    spiller_destroy(&keeper->spiller);
    told_failures_destroy(&keeper->told_failures);
    worker_destroy(&keeper->ledgers);
    offload_destroy(&keeper->files);
    queue_index_destroy(&keeper->index);
    strbuf_done(&keeper->frame);
    read_parts_destroy(&keeper->read_parts);
    flushing_destroy(&keeper->flushing);
    table_set_destroy(&qmgr->tables);
}

/* Postfix's bytes: A all deferred mail, F forget dead destinations, D and I look into the queues, W wake up. */
static void trigger(void *context, struct str bytes)
{
    struct qmgr *qmgr = context;

    if (str_find_any(bytes, "AF") != STR_NOT_FOUND)
        control_flush(&qmgr->keeper);
    else if (str_find_any(bytes, "DIW") != STR_NOT_FOUND && qmgr->keeper.is_recovered)
        walker_start_now(&qmgr->keeper);
}

static const struct daemon_operation operations[] = {
    { &queue_durable_message, NULL, control_durable },
    { &queue_control_message, &queue_controlled_message, control_control },
    { &queue_list_message, NULL, listing_list },
    { &deliver_census_reply_message, NULL, handover_take },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const char *const calls[] = { "spill", "bounce", "defer", "trace", "rewrite", "verify", "proxymap", NULL };
    static const struct daemon_program program = {
        .name = "qmgr",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &qmgr_settings_table,
        .open = open_before_jail,
        .start = start,
        .drain = drain,
        .stop = stop,
        .protocol = &queue_protocol,
        .operations = operations,
        .trigger = trigger,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
