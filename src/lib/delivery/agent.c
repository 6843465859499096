/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/agent_private.h"

#include "base/check.h"
#include "config/shared_settings.h"
#include "daemon/master_protocol.h"
#include "delivery/settings.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"
#include "table/table_list.h"

#include <inttypes.h>

/* How long the queue manager may take to record, before the outcome waits for a census instead. */
enum { RECORD_SECONDS = 300 };

/* What is still in hand from before is told again so often: the queue manager waits for it only while it hears so. */
enum { CENSUS_REPEAT_SECONDS = 2, CENSUS_BYTES = 1024 * 1024 };

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

/* A queue manager that takes the outcome from here has not seen the request. */
static bool is_notice_wanted(const struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        if ((delivery->recipients[i].dsn_notify & DSN_NOTIFY_SUCCESS) != 0)
            return true;
    }
    return false;
}

static void finish(struct delivery_state *state)
{
    if (!state->is_lost && !call_send(state->call, &deliver_done_message, &state->done, seconds(RECORD_SECONDS), NULL))
        state->is_lost = true;
    await_records(state);
    for (size_t i = (size_t) state->recorded; i < state->batch_count; i++) {
        struct deliver_outcome outcome = delivery_batch_outcome(state, i);

        outcome.wants_notice = is_notice_wanted(state->delivery);
        /* A census may carry thousands of outcomes: the recipients' own results have to do. */
        outcome.members = (struct records){ NULL, 0 };
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
    daemon_wait_for_log(call->daemon);
    agent->program->deliver(delivery, agent->context);
    defer_forgotten(delivery);
    delivery_sync(delivery);
    finish(state);
    list_remove(&state->place);
    event_wake_all(&agent->ended);
    return true;
}

/* ---- the census ---- */

static void inherit_all(struct delivery_agent *agent)
{
    for (struct list *node = agent->in_hand.next; node != &agent->in_hand; node = node->next)
        CONTAINER_OF(node, struct delivery_state, place)->is_inherited = true;
}

/* Beside what is in hand, what is told only next time: until then nobody else may take it up. */
static struct records list_inherited(const struct delivery_agent *agent, struct records untold, struct arena *arena)
{
    const struct deliver_outcome *outcomes = untold.items;
    struct records records = { NULL, 0 };
    struct deliver_in_hand *items;
    size_t count = untold.count;

    for (struct list *node = agent->in_hand.next; node != &agent->in_hand; node = node->next)
        count++;
    items = arena_new_array(arena, count + 1, struct deliver_in_hand);
    for (struct list *node = agent->in_hand.next; node != &agent->in_hand; node = node->next) {
        const struct delivery_state *state = CONTAINER_OF(node, struct delivery_state, place);
        const struct deliver_request *request = state->delivery->request;

        if (state->is_inherited)
            items[records.count++] = (struct deliver_in_hand){ .queue_id = request->queue_id,
                                                               .attempt = request->attempt,
                                                               .nexthop = request->nexthop,
                                                               .recipient = state->delivery->recipients[0].address };
    }
    for (size_t i = 0; i < untold.count; i++)
        items[records.count++] =
            (struct deliver_in_hand){ .queue_id = outcomes[i].queue_id, .attempt = outcomes[i].attempt };
    records.items = items;
    return records;
}

static size_t outcome_bytes(const struct deliver_outcome *outcome)
{
    const struct deliver_result *results = outcome->results.items;
    size_t bytes = 64 + outcome->queue_id.len;

    for (size_t i = 0; i < outcome->results.count; i++)
        bytes += 64 + results[i].dsn.len + results[i].address.len + results[i].action.len + results[i].reason.len +
                 results[i].relay.len + results[i].remote_mta.len + results[i].diagnostic_type.len +
                 results[i].diagnostic.len;
    return bytes;
}

/* As many as go well into one message. */
static struct records take_first(struct records *untold)
{
    struct deliver_outcome *outcomes = untold->items;
    struct records first = { outcomes, 0 };

    for (size_t bytes = 0; first.count < untold->count; first.count++) {
        bytes += outcome_bytes(&outcomes[first.count]);
        if (first.count > 0 && bytes > CENSUS_BYTES)
            break;
    }
    *untold = (struct records){ outcomes + first.count, untold->count - first.count };
    return first;
}

/* What there is to tell now; and what was told is forgotten when the queue manager says that it is recorded. */
static bool tell_census(struct delivery_agent *agent, struct daemon_call *call, struct arena *arena, bool *is_over_out,
                        struct failure *why)
{
    const struct deliver_census *request = call->request;
    struct records untold = outcome_store_list(&agent->unrecorded, arena);
    struct records first = take_first(&untold);
    struct deliver_census_reply reply = {
        .capacity = agent->capacity,
        .is_fresh = (uint64_t) agent->started.us > request->qmgr_generation,
        .in_hand = list_inherited(agent, untold, arena),
        .unrecorded = first,
    };
    size_t told = reply.unrecorded.count;
    void *recorded;

    if (!call_send(call->call, &deliver_census_reply_message, &reply, seconds(RECORD_SECONDS), why))
        return false;
    *is_over_out = reply.in_hand.count == 0;
    if (told == 0)
        return true;
    /* Without the word that they are recorded they are told again at the next census. */
    if (call_expect(call->call, &deliver_recorded_message, arena, seconds(RECORD_SECONDS), &recorded, NULL))
        outcome_store_forget(&agent->unrecorded, told);
    else
        *is_over_out = true;
    return true;
}

/*
 * Goes on until nothing of what an earlier queue manager gave out is in hand: its outcomes have no other way. Each
 * process has one channel at a time, so whatever is in hand when a census comes was given out on an earlier one.
 */
static bool run_census(struct daemon_call *call, struct failure *why)
{
    struct delivery_agent *agent = call->context;
    struct arena *arena = arena_create();
    bool is_over = false;
    bool is_told;

    inherit_all(agent);
    while ((is_told = tell_census(agent, call, arena, &is_over, why)) && !is_over && !call_has_input(call->call)) {
        arena_reset(arena);
        if (agent->unrecorded.count == 0)
            (void) !event_wait(daemon_loop(call->daemon), &agent->ended, seconds(CENSUS_REPEAT_SECONDS), NULL);
    }
    arena_destroy(&arena);
    return is_told;
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

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static void open_status_filter(struct delivery_agent *agent)
{
    struct arena *arena = daemon_arena(agent->daemon);
    struct str value = delivery_settings_filter(agent->settings, str_from_c(agent->program->name));
    struct str title = arena_printf(arena, "%s_delivery_status_filter", agent->program->name);
    struct table_set_options options = {
        .loop = daemon_loop(agent->daemon),
        .proxymap_path =
            daemon_service_path(agent->daemon, "private", daemon_shared(agent->daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = agent->daemon,
        .cf = daemon_main_cf(agent->daemon),
        .is_confined = true,
    };

    if (str_is_empty(value))
        return;
    agent->tables = table_set_create(&options);
    agent->status_filter = table_list_open(agent->tables, title, value, 0);
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
    open_status_filter(agent);
    /* What the program kept for its start() is handed on by agent_start. */
    agent->context = daemon_kept(daemon);
    list_init(&agent->in_hand);
    event_init(&agent->ended);
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
    table_set_destroy(&agent->tables);
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
            .heeds_chroot = program->heeds_chroot,
            .may_chroot = program->may_chroot,
            /* The queue manager is the only caller, and after its death must find every process, with what it has in
             * hand: so each takes one channel, and the next connection reaches another. */
            .session_limit = 1,
        },
        .delivery = program,
    };

    return daemon_run(&agent.daemon, argc, argv);
}
