/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the house for the skeleton of daemons, for the threads, for the channels to spill and bounce, and for
 * the clock: the names of lib/daemon, lib/run and lib/ipc that the queue manager links.
 */

#include "base/check.h"
#include "base/memory.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "house.h"
#include "os/directory.h"
#include "os/fd.h"
#include "protocol/bounce.h"
#include "protocol/spill.h"
#include "recovery.h"
#include "run/fiber.h"
#include "run/offload.h"
#include "run/worker.h"
#include "spill/batch.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

int qmgr_main(int argc, char **argv);

struct daemon {
    struct house *house;
    const struct daemon_program *program;
    struct arena *arena;
    struct qmgr_settings settings;
    struct shared_settings shared;
    void *kept;
    void *context;
    bool is_stopping;
    uint64_t acted;
};

struct endpoint {
    struct house *house;
};

/* The one that qmgr_main is called for. */
static struct daemon *making;

/* ---- threads ---- */

struct worker {
    struct loop *loop;
};

struct offload {
    struct loop *loop;
};

static void run_in_turn(struct loop *loop, void (*function)(void *context), void *context)
{
    fiber_yield(loop);
    fiber_yield(loop);
    function(context);
}

struct worker *worker_create(struct loop *loop, const char *name)
{
    struct worker *worker = memory_alloc(sizeof(*worker));

    (void) name;
    worker->loop = loop;
    return worker;
}

void worker_destroy(struct worker **worker)
{
    memory_free(*worker);
    *worker = NULL;
}

bool worker_run(struct worker *worker, void (*function)(void *context), void *context, void (*release)(void *context),
                struct duration timeout, struct failure *why)
{
    (void) release;
    (void) timeout;
    (void) why;
    run_in_turn(worker->loop, function, context);
    return true;
}

struct offload *offload_create(struct loop *loop, const char *name, unsigned limit)
{
    struct offload *offload = memory_alloc(sizeof(*offload));

    (void) name;
    (void) limit;
    offload->loop = loop;
    return offload;
}

void offload_destroy(struct offload **offload)
{
    memory_free(*offload);
    *offload = NULL;
}

bool offload_run(struct offload *offload, void (*function)(void *context), void *context,
                 void (*release)(void *context), struct duration timeout, struct failure *why)
{
    (void) release;
    (void) timeout;
    (void) why;
    run_in_turn(offload->loop, function, context);
    return true;
}

/* ---- the skeleton ---- */

int daemon_run(const struct daemon_program *program, int argc, char **argv)
{
    (void) argc;
    (void) argv;
    making->program = program;
    return 0;
}

static void fill_settings(struct daemon *daemon)
{
    daemon->settings = (struct qmgr_settings){ .minimal_backoff_time = seconds(300),
                                               .maximal_backoff_time = seconds(4000),
                                               .maximal_queue_lifetime = seconds(432000),
                                               .bounce_queue_lifetime = seconds(432000),
                                               .queue_run_delay = seconds(300),
                                               .transport_retry_time = seconds(60),
                                               .message_active_limit = 1000,
                                               .message_recipient_limit = 10000,
                                               .ipc_timeout = seconds(60),
                                               .spool_inline_limit = 8192,
                                               .spool_segment_age = seconds(30) };
    if (daemon->house->active_limit != 0)
        daemon->settings.message_active_limit = (int) daemon->house->active_limit;
    daemon->shared = (struct shared_settings){ .bounce_service_name = STR("bounce"),
                                               .defer_service_name = STR("defer"),
                                               .trace_service_name = STR("trace"),
                                               .hash_queue_names = STR("incoming active deferred hold"),
                                               .hash_queue_depth = (int) daemon->house->spool.hash_depth };
}

struct daemon *house_daemon_create(struct house *house)
{
    struct daemon *daemon = memory_alloc(sizeof(*daemon));

    daemon->house = house;
    daemon->arena = arena_create();
    fill_settings(daemon);
    making = daemon;
    CHECK(qmgr_main(0, NULL) == 0);
    making = NULL;
    return daemon;
}

/* open() would read master.cf; what it keeps is made here as well, with no transport in it. */
void house_daemon_start(struct daemon *daemon)
{
    struct failure why;

    CHECK(daemon->program->open(daemon, &why));
    daemon->context = daemon->program->start(daemon);
    /* struct qmgr begins with its keeper. */
    daemon->house->keeper = daemon->context;
}

void house_daemon_stop(struct daemon *daemon)
{
    daemon->is_stopping = true;
    daemon->program->drain(daemon->context);
    daemon->program->stop(daemon->context);
}

struct house *house_of_daemon(struct daemon *daemon)
{
    return daemon->house;
}

const void *daemon_settings(const struct daemon *daemon)
{
    return &daemon->settings;
}

const struct shared_settings *daemon_shared(const struct daemon *daemon)
{
    return &daemon->shared;
}

/* No table of a loadable type. */
struct main_cf *daemon_main_cf(const struct daemon *daemon)
{
    (void) daemon;
    return NULL;
}

void daemon_keep(struct daemon *daemon, void *opened)
{
    daemon->kept = opened;
}

void *daemon_kept(const struct daemon *daemon)
{
    return daemon->kept;
}

struct loop *daemon_loop(const struct daemon *daemon)
{
    return daemon->house->loop;
}

struct arena *daemon_arena(const struct daemon *daemon)
{
    return daemon->arena;
}

const char *daemon_service_path(struct daemon *daemon, const char *folder, struct str name)
{
    return arena_printf(daemon->arena, "%s/%.*s", folder, STR_ARG(name)).data;
}

void daemon_set_patience(struct daemon *daemon, struct duration time)
{
    (void) daemon;
    (void) time;
}

void daemon_yield(struct daemon *daemon)
{
    (void) daemon;
}

bool daemon_is_draining(const struct daemon *daemon)
{
    return daemon->is_stopping;
}

bool daemon_is_stopping(const struct daemon *daemon)
{
    return daemon->is_stopping;
}

bool daemon_reply(struct daemon_call *call, const void *reply, struct failure *why)
{
    (void) why;
    if (call->operation->reply == &queue_controlled_message) {
        const struct queue_controlled *controlled = reply;

        call->daemon->acted = controlled->count;
        if (controlled->failure.len > 0)
            house_complain(call->daemon->house, "an operation failed: %.*s", STR_ARG(controlled->failure));
    }
    return true;
}

uint64_t house_daemon_control(struct daemon *daemon, const struct queue_control *request)
{
    const struct daemon_operation *operation = daemon->program->operations;
    struct daemon_call call = { .daemon = daemon, .context = daemon->context, .request = request };
    struct failure why;

    while (operation->request != &queue_control_message)
        operation++;
    call.operation = operation;
    call.arena = arena_create();
    daemon->acted = 0;
    CHECK(operation->run(&call, &why));
    arena_destroy(&call.arena);
    return daemon->acted;
}

/* ---- channels ---- */

struct endpoint *daemon_endpoint(struct daemon *daemon, const char *path, const struct protocol *protocol)
{
    struct endpoint *endpoint = arena_new(daemon->arena, struct endpoint);

    (void) path;
    (void) protocol;
    endpoint->house = daemon->house;
    return endpoint;
}

static void write_batch(struct house *house, const struct spill_request *request, struct spill_reply *reply,
                        struct arena *arena)
{
    struct batch batch = { .request = request, .results = reply->results.items, .spool = house->spool };
    struct failure why;

    batch.syncfs_fd = -1;
    if (house->uses_syncfs)
        CHECK(directory_open_fd(AT_FDCWD, ".", &batch.syncfs_fd, &why));
    batch.arena = arena;
    batch_write(&batch);
    fd_close(&batch.syncfs_fd);
}

/* Only private/spill is asked so. The request and the reply pass by no channel, so no copy is made of them. */
bool endpoint_ask(struct endpoint *endpoint, const struct message_type *request_type, const void *request,
                  const struct message_type *reply_type, struct arena *arena, struct duration timeout, void **reply_out,
                  struct failure *why)
{
    struct house *house = endpoint->house;
    const struct spill_request *spill = request;
    struct spill_reply *reply = arena_new(arena, struct spill_reply);

    (void) reply_type;
    (void) timeout;
    (void) why;
    CHECK(request_type == &spill_request_message);
    fiber_yield(house->loop);
    reply->results =
        (struct records){ arena_new_array(arena, spill->items.count, struct spill_result), spill->items.count };
    if (house->spills_unwritten) {
        for (size_t i = 0; i < spill->items.count; i++)
            ((struct spill_result *) reply->results.items)[i].is_done = true;
    } else {
        write_batch(house, spill, reply, arena);
    }
    fiber_yield(house->loop);
    *reply_out = reply;
    return true;
}

/* The notification is a message of the book, made and accepted here. */
bool bounce_ask(struct endpoint *endpoint, const struct bounce_request *request, struct arena *arena,
                struct duration timeout, const struct bounce_reply **reply_out, struct failure *why)
{
    struct house *house = endpoint->house;
    const struct bounce_recipient *recipients = request->recipients.items;
    struct bounce_reply *reply = arena_new(arena, struct bounce_reply);
    unsigned notification = book_add(house->book, 200, 1);
    uint64_t message;

    (void) timeout;
    (void) why;
    /* The sender is "number@example.com". */
    CHECK(str_to_uint64(str_part(request->sender, 0, str_find_char(request->sender, '@')), &message));
    reply->is_done = house->writer != NULL && house_accept(house, notification, ENVELOPE_INSIDE);
    for (size_t i = 0; reply->is_done && i < request->recipients.count; i++)
        trace_mark(house->trace, MARK_RETURNED, (unsigned) message, (unsigned) (recipients[i].address.data[0] - '0'));
    *reply_out = reply;
    return true;
}

/* ---- the clock ---- */

static int64_t seconds_back;

void house_clock_set_back(int64_t by)
{
    seconds_back = by;
}

static struct instant read_clock(clockid_t id)
{
    struct timespec spec;

    (void) clock_gettime(id, &spec);
    return (struct instant){ (int64_t) spec.tv_sec * 1000000 + spec.tv_nsec / 1000 };
}

struct instant clock_now(void)
{
    struct instant now = read_clock(CLOCK_REALTIME);

    now.us -= seconds_back * 1000000;
    return now;
}

struct instant clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
