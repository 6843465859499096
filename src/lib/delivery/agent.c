/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/agent_private.h"

#include "base/check.h"
#include "config/shared_settings.h"
#include "daemon/master_protocol.h"
#include "delivery/settings.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"

#include <inttypes.h>

/* How long the queue manager may take to record, before the outcome waits for a census instead. */
enum { RECORD_SECONDS = 300 };

/* The skeleton's descriptor and the agent's own, side by side, so that one leads to the other. */
struct agent_program {
    struct daemon_program daemon;
    const struct delivery_program *delivery;
};

static const struct delivery_program *program_of(const struct daemon *daemon)
{
    return CONTAINER_OF(daemon_program_of(daemon), struct agent_program, daemon)->delivery;
}

/* ---- one delivery ---- */

static bool check_request(const struct deliver_request *request, struct failure *why)
{
    if (request->queue_id.len == 0 || request->recipients.count == 0)
        return failure_set(why, FAILURE_PROTOCOL, 0, "delivery request without queue id or recipients");
    if (request->content_fd < 0 && request->content.len != request->size)
        return failure_set(why, FAILURE_PROTOCOL, 0, "delivery request with %zu bytes of content that says %" PRIu64,
                           request->content.len, request->size);
    return true;
}

static void begin(struct delivery *delivery, struct delivery_state *state, struct delivery_agent *agent,
                  struct daemon_call *call, const struct deliver_request *request)
{
    size_t count = request->recipients.count;

    *delivery = (struct delivery){
        .daemon = call->daemon,
        .loop = daemon_loop(call->daemon),
        .arena = call->arena,
        .request = request,
        .recipients = request->recipients.items,
        .recipient_count = count,
        .shared = agent->shared,
        .started = call->now,
        .state = state,
    };
    *state = (struct delivery_state){
        .agent = agent,
        .delivery = delivery,
        .call = call->call,
        .results = arena_new_array(call->arena, count, struct deliver_result),
        .is_reported = arena_new_array(call->arena, count, bool),
        .batches = arena_new_array(call->arena, count, struct delivery_batch),
    };
    list_append(&agent->in_hand, &state->place);
}

/* Whoever was forgotten is tried again: the one answer that can do no harm. */
static void defer_forgotten(struct delivery *delivery)
{
    const struct delivery_report report = { .dsn = DSN_STATUS(4, 3, 0), .text = STR("delivery agent gave no result") };

    for (size_t i = 0; i < delivery->recipient_count; i++) {
        if (!delivery->state->is_reported[i])
            delivery_deferred(delivery, i, &report);
    }
}

static void await_records(struct delivery_state *state)
{
    while (!state->is_lost && state->recorded < state->batch_count) {
        struct deliver_recorded *recorded;
        void *message;

        if (!call_expect(state->call, &deliver_recorded_message, state->delivery->arena, seconds(RECORD_SECONDS),
                         &message, NULL)) {
            state->is_lost = true;
            return;
        }
        recorded = message;
        if (recorded->number > state->recorded)
            state->recorded = recorded->number;
    }
}

static void finish(struct delivery_state *state)
{
    if (!state->is_lost && !call_send(state->call, &deliver_done_message, &state->done, seconds(RECORD_SECONDS), NULL))
        state->is_lost = true;
    await_records(state);
    for (size_t i = (size_t) state->recorded; i < state->batch_count; i++) {
        struct deliver_outcome outcome = delivery_batch_outcome(state, i);

        outcome_store_keep(&state->agent->unrecorded, &outcome);
    }
}

static bool run_delivery(struct daemon_call *call, struct failure *why)
{
    struct delivery_agent *agent = call->context;
    const struct deliver_request *request = call->request;
    int content_fd CLEANUP(fd_close) = request->content_fd;
    struct delivery_state *state;
    struct delivery *delivery;

    if (!check_request(request, why))
        return false;
    delivery = arena_new(call->arena, struct delivery);
    state = arena_new(call->arena, struct delivery_state);
    begin(delivery, state, agent, call, request);
    agent->program->deliver(delivery, agent->context);
    defer_forgotten(delivery);
    delivery_sync(delivery);
    finish(state);
    list_remove(&state->place);
    return true;
}

/* ---- the census ---- */

static struct records list_in_hand(const struct delivery_agent *agent, struct arena *arena)
{
    struct records records = { NULL, 0 };
    struct deliver_in_hand *items;
    size_t count = 0;

    for (struct list *node = agent->in_hand.next; node != &agent->in_hand; node = node->next)
        count++;
    items = arena_new_array(arena, count + 1, struct deliver_in_hand);
    for (struct list *node = agent->in_hand.next; node != &agent->in_hand; node = node->next) {
        const struct deliver_request *request = CONTAINER_OF(node, struct delivery_state, place)->delivery->request;

        items[records.count++] = (struct deliver_in_hand){ request->queue_id, request->attempt };
    }
    records.items = items;
    return records;
}

static bool run_census(struct daemon_call *call, struct failure *why)
{
    struct delivery_agent *agent = call->context;
    const struct deliver_census *request = call->request;
    struct deliver_census_reply reply = {
        .capacity = agent->capacity,
        .is_fresh = (uint64_t) agent->started.us > request->qmgr_generation,
        .in_hand = list_in_hand(agent, call->arena),
        .unrecorded = outcome_store_list(&agent->unrecorded, call->arena),
    };
    size_t told = reply.unrecorded.count;
    void *recorded;

    if (!call_send(call->call, &deliver_census_reply_message, &reply, seconds(RECORD_SECONDS), why))
        return false;
    /* Without the word that they are recorded they are told again at the next census. */
    if (told > 0 &&
        call_expect(call->call, &deliver_recorded_message, call->arena, seconds(RECORD_SECONDS), &recorded, NULL))
        outcome_store_forget(&agent->unrecorded, told);
    return true;
}

/* ---- the daemon ---- */

/* This process's share of maxproc, as master says, within what the program can bear. */
static uint64_t capacity_of(const struct delivery_program *program)
{
    const char *text = environment_get(MASTER_VARIABLE_SESSIONS);
    uint64_t most = program->capacity == 0 || program->shape == DAEMON_SEQUENTIAL ? 1 : program->capacity;
    uint64_t share = 0;

    if (text != NULL && str_to_uint64(str_from_c(text), &share) && share > 0 && share < most)
        return share;
    return most;
}

static bool agent_open(struct daemon *daemon, struct failure *why)
{
    const struct delivery_program *program = program_of(daemon);
    struct delivery_agent *agent = arena_new(daemon_arena(daemon), struct delivery_agent);
    void *settings;

    if (!settings_load(&delivery_settings_table, daemon_main_cf(daemon), str_from_c(daemon_service(daemon)),
                       daemon_arena(daemon), &settings, why))
        return false;
    if (program->open != NULL && !program->open(daemon, why))
        return false;
    agent->program = program;
    agent->capacity = capacity_of(program);
    agent->daemon = daemon;
    agent->settings = settings;
    agent->shared = daemon_shared(daemon);
    /* What the program kept for its start() is handed on by agent_start. */
    agent->context = daemon_kept(daemon);
    list_init(&agent->in_hand);
    outcome_store_init(&agent->unrecorded);
    daemon_keep(daemon, agent);
    return true;
}

static void *agent_start(struct daemon *daemon)
{
    struct delivery_agent *agent = daemon_kept(daemon);

    agent->started = clock_now();
    daemon_keep(daemon, agent->context);
    if (agent->program->start != NULL)
        agent->context = agent->program->start(daemon);
    return agent;
}

static void agent_drain(void *context)
{
    struct delivery_agent *agent = context;

    if (agent->program->drain != NULL)
        agent->program->drain(agent->context);
}

static void agent_stop(void *context)
{
    struct delivery_agent *agent = context;

    if (agent->unrecorded.count > 0)
        log_warning(
            "%zu delivery results could not be handed to the queue manager; their recipients will be tried again",
            agent->unrecorded.count);
    if (agent->program->stop != NULL)
        agent->program->stop(agent->context);
    outcome_store_done(&agent->unrecorded);
}

static const struct daemon_operation operations[] = {
    { &deliver_census_message, NULL, run_census },
    { &deliver_request_message, NULL, run_delivery },
    { NULL, NULL, NULL },
};

int delivery_agent_main(const struct delivery_program *program, int argc, char **argv)
{
    const struct agent_program agent = {
        .daemon = {
            .name = program->name,
            .shape = program->shape,
            .user = program->user,
            .settings = program->settings,
            .open = agent_open,
            .start = agent_start,
            .drain = agent_drain,
            .stop = agent_stop,
            .protocol = &deliver_protocol,
            .operations = operations,
            .uncounted = &deliver_census_message,
            .calls = program->calls,
            .seccomp = program->seccomp,
            /* The queue manager is the only caller, and after its death must find every process, with what it has in
             * hand: so each takes one channel, and the next connection reaches another. */
            .session_limit = 1,
        },
        .delivery = program,
    };

    return daemon_run(&agent.daemon, argc, argv);
}
