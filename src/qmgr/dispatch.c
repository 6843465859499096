/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/deliveries_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "log/log.h"
#include "mail/verp.h"
#include "os/fd.h"
#include "protocol/cleanup.h"
#include "qmgr/members.h"
#include "run/loop.h"
#include "spool/envelope_attributes.h"

/* A message that was in hand of so many agents that died is deferred: it may be what kills them. */
enum { LOST_AGENTS_MAXIMUM = 3, AGENT_WAIT_SECONDS = 24 * 3600 };

/* One entry in the hands of one agent. */
struct dispatch {
    struct list node;
    struct route *route;
    struct entry *entry;
    struct agent *agent;
    struct active_message *message;
    struct arena *arena;
    struct call *call;
    bool is_done;
    struct str hop_dsn;
    struct str hop_reason;
};

static struct deliver_recipient make_recipient(const struct active_message *message, size_t place)
{
    const struct envelope_recipient *recipient = &message->envelope->recipients[place];

    return (struct deliver_recipient){
        .index = active_number(message, place),
        .address = message->results[place].address,
        .original = recipient->original,
        .dsn_orcpt = recipient->dsn_original,
        .dsn_notify = recipient->dsn_notify,
    };
}

struct strlist dispatch_attributes(const struct envelope *envelope, struct arena *arena)
{
    return envelope_attribute_list(envelope, arena);
}

static uint64_t make_encoding(const struct envelope *envelope)
{
    if ((envelope->flags & ENVELOPE_BODY_8BIT) != 0)
        return BODY_ENCODING_8BIT;
    if ((envelope->flags & ENVELOPE_BODY_7BIT) != 0)
        return BODY_ENCODING_7BIT;
    return str_equal(envelope->encoding, STR("7bit")) ? BODY_ENCODING_FOUND_7BIT : BODY_ENCODING_UNKNOWN;
}

/* Of a mailing list that wants to know who cannot be reached: the recipient, as the list knows him, is in it. */
static struct str sender_of(const struct dispatch *dispatch)
{
    const struct envelope *envelope = dispatch->message->envelope;
    const struct entry *entry = dispatch->entry;
    struct str delimiters = envelope_attribute(envelope, STR(VERP_ATTRIBUTE));
    const struct envelope_recipient *recipient;
    struct strbuf text;
    struct str sender;

    if (delimiters.len != 2 || str_is_empty(envelope->sender))
        return envelope->sender;
    strbuf_init(&text, STRBUF_UNLIMITED);
    recipient = &envelope->recipients[entry->places[0]];
    verp_append_sender(&text, envelope->sender, delimiters,
                       str_is_empty(recipient->original) ? recipient->address : recipient->original);
    sender = arena_str(dispatch->arena, strbuf_str(&text));
    strbuf_done(&text);
    return sender;
}

static uint64_t make_flags(const struct dispatch *dispatch)
{
    const struct envelope *envelope = dispatch->message->envelope;
    bool needs_smtputf8 = (envelope->flags & ENVELOPE_SMTPUTF8) != 0;
    bool has_utf8_header = (envelope->flags & ENVELOPE_SMTPUTF8_HEADER) != 0;
    bool has_more = destination_has_more(dispatch->entry->destination, loop_now(dispatch->route->deliveries->loop));
    bool is_probe = (envelope->flags & ENVELOPE_PROBE) != 0;

    return (needs_smtputf8 ? (uint64_t) DELIVER_FLAG_SMTPUTF8 : 0) | (has_more ? (uint64_t) DELIVER_FLAG_MORE : 0) |
           (active_is_trial(dispatch->message) ? (uint64_t) DELIVER_FLAG_VERIFY : 0) |
           (is_probe ? (uint64_t) DELIVER_FLAG_PROBE : 0) |
           (has_utf8_header ? (uint64_t) DELIVER_FLAG_UTF8_HEADER : 0) |
           (dispatch->message->is_traced ? (uint64_t) DELIVER_FLAG_TRACE : 0);
}

static struct deliver_request make_request(const struct dispatch *dispatch)
{
    const struct active_message *message = dispatch->message;
    const struct envelope *envelope = message->envelope;
    struct deliver_recipient *recipients =
        arena_new_array(dispatch->arena, dispatch->entry->count, struct deliver_recipient);

    for (size_t i = 0; i < dispatch->entry->count; i++)
        recipients[i] = make_recipient(message, dispatch->entry->places[i]);
    return (struct deliver_request){
        .queue_id = message->id_text,
        .queue_name = str_from_c(message->queue_name),
        .attempt = message->attempt,
        .flags = make_flags(dispatch),
        .nexthop = destination_nexthop(dispatch->entry->destination),
        .sender = sender_of(dispatch),
        .envid = envelope->dsn_envid,
        .dsn_return = (uint64_t) envelope->dsn_return,
        .encoding = make_encoding(envelope),
        .size = envelope->content_size,
        .lines = envelope->content_lines,
        .arrival = envelope->arrival,
        .activated = message->activated,
        .dispatched = clock_now(),
        .attributes = dispatch_attributes(envelope, dispatch->arena),
        .recipients = { recipients, dispatch->entry->count },
        .content_fd = -1,
    };
}

static bool send_request(struct dispatch *dispatch, struct failure *why)
{
    const struct active_keeper *keeper = dispatch->message->keeper;
    struct deliver_request request = make_request(dispatch);
    bool is_sent;

    if (!keeper->content(keeper->context, dispatch->message, dispatch->arena, &request.content, &request.content_fd,
                         &request.content_offset, why))
        return false;
    is_sent = dispatch->call != NULL ? call_send(dispatch->call, &deliver_request_message, &request,
                                                 dispatch->route->deliveries->settings->ipc_timeout, why)
                                     : failure_set(why, FAILURE_RETRY, 0, "connection lost");
    fd_close(&request.content_fd);
    return is_sent;
}

/* ---- outcomes ---- */

static enum active_outcome outcome_of(uint64_t status)
{
    switch (status) {
    case DELIVER_SENT:
        return ACTIVE_SENT;
    case DELIVER_BOUNCED:
        return ACTIVE_BOUNCED;
    default:
        return ACTIVE_DEFERRED;
    }
}

/* The recipient that the agent calls so, if it was given it and there is no outcome yet. */
static bool find_place(const struct dispatch *dispatch, uint64_t number, size_t *place_out)
{
    const struct entry *entry = dispatch->entry;

    for (size_t i = 0; i < entry->count; i++) {
        if (active_number(dispatch->message, entry->places[i]) != number)
            continue;
        *place_out = entry->places[i];
        return dispatch->message->results[entry->places[i]].outcome == ACTIVE_PENDING;
    }
    return false;
}

/* Success needs no words later, unless its sender asked for a report. */
static void keep_result(struct active_message *message, size_t place, const struct deliver_result *result)
{
    struct active_result *kept = &message->results[place];
    unsigned notify = message->envelope->recipients[place].dsn_notify;
    bool is_reported = (notify & DSN_NOTIFY_SUCCESS) != 0 || message->confirms_delivery ||
                       (message->envelope->flags & ENVELOPE_TRACE_RECORD) != 0 || active_is_trial(message);

    kept->outcome = outcome_of(result->status);
    kept->dsn = arena_str(message->arena, result->dsn);
    kept->action = arena_str(message->arena, result->action);
    if (kept->outcome == ACTIVE_SENT && !is_reported)
        return;
    kept->expanded_to = arena_str(message->arena, result->address);
    kept->reason = arena_str(message->arena, result->reason);
    kept->relay = arena_str(message->arena, result->relay);
    kept->remote_mta = arena_str(message->arena, result->remote_mta);
    kept->diagnostic_type = arena_str(message->arena, result->diagnostic_type);
    kept->diagnostic = arena_str(message->arena, result->diagnostic);
}

/* What a recipient was expanded to, for reports: it has its result now. */
static void keep_members(struct dispatch *dispatch, const struct deliver_outcome *outcome)
{
    struct active_message *message = dispatch->message;
    const struct deliver_result *members = outcome->members.items;
    const struct entry *entry = dispatch->entry;

    for (size_t i = 0; i < outcome->members.count; i++) {
        for (size_t j = 0; j < entry->count; j++) {
            if (active_number(message, entry->places[j]) == members[i].index)
                members_add(message->arena, &message->results[entry->places[j]], &members[i]);
        }
    }
}

static void leave_entry(struct entry *entry, size_t place)
{
    size_t count = 0;

    for (size_t i = 0; i < entry->count; i++)
        if (entry->places[i] != place)
            entry->places[count++] = entry->places[i];
    entry->count = count;
}

/* Another transport delivers to the recipient. False if it was passed on already. */
static bool take_passed(struct dispatch *dispatch, size_t place, struct str transport_and_nexthop)
{
    struct active_message *message = dispatch->message;
    struct str transport, nexthop;

    if (message->results[place].was_passed)
        return false;
    message->results[place].was_passed = true;
    str_cut(arena_str(message->arena, transport_and_nexthop), ':', &transport, &nexthop);
    leave_entry(dispatch->entry, place);
    deliveries_pass(dispatch->route->deliveries, message, place, transport, nexthop);
    return true;
}

static void refuse_passing(struct active_message *message, size_t place, struct str transport)
{
    struct active_result *kept = &message->results[place];

    kept->outcome = ACTIVE_DEFERRED;
    kept->dsn = STR("4.3.5");
    kept->reason =
        arena_printf(message->arena, "mail transports hand the message to each other: %.*s", STR_ARG(transport));
    log_warning("%.*s: to=<%.*s>: %.*s", STR_ARG(message->id_text), STR_ARG(kept->address), STR_ARG(kept->reason));
}

static bool take_outcome(struct dispatch *dispatch, const struct deliver_outcome *outcome, struct failure *why)
{
    struct deliver_recorded recorded = { .number = outcome->number };
    const struct deliver_result *results = outcome->results.items;
    size_t *places = arena_new_array(dispatch->arena, outcome->results.count, size_t);
    size_t count = 0;

    for (size_t i = 0; i < outcome->results.count; i++) {
        if (!find_place(dispatch, results[i].index, &places[count]))
            return failure_set(why, FAILURE_PROTOCOL, 0, "an outcome for a recipient that it was not given");
        if (results[i].status != DELIVER_PASSED)
            keep_result(dispatch->message, places[count], &results[i]);
        else if (take_passed(dispatch, places[count], results[i].relay))
            continue;
        else
            refuse_passing(dispatch->message, places[count], results[i].relay);
        count++;
    }
    keep_members(dispatch, outcome);
    deliveries_record(dispatch->route->deliveries, dispatch->message, places, count);
    return call_send(dispatch->call, &deliver_recorded_message, &recorded,
                     dispatch->route->deliveries->settings->ipc_timeout, why);
}

static bool take_done(struct dispatch *dispatch, const struct deliver_done *done)
{
    dispatch->is_done = true;
    dispatch->hop_dsn = done->hop_dsn;
    dispatch->hop_reason = done->hop_reason;
    return true;
}

/* Until the agent says that it is done. */
static bool follow(struct dispatch *dispatch, struct failure *why)
{
    const struct message_type *type;
    void *message;

    while (!dispatch->is_done) {
        bool is_taken;

        if (!call_receive(dispatch->call, dispatch->arena, seconds(AGENT_WAIT_SECONDS), &type, &message, why))
            return false;
        if (type == &deliver_outcome_message)
            is_taken = take_outcome(dispatch, message, why);
        else if (type == &deliver_done_message)
            is_taken = take_done(dispatch, message);
        else
            is_taken = failure_set(why, FAILURE_PROTOCOL, 0, "%s out of turn", type->name);
        if (!is_taken)
            return false;
    }
    return true;
}

/* ---- the end ---- */

/* Leaves in the entry what has no outcome. */
static size_t keep_open_places(struct dispatch *dispatch)
{
    struct entry *entry = dispatch->entry;
    size_t count = 0;

    for (size_t i = 0; i < entry->count; i++)
        if (dispatch->message->results[entry->places[i]].outcome == ACTIVE_PENDING)
            entry->places[count++] = entry->places[i];
    entry->count = count;
    return count;
}

static void end_without_answer(struct dispatch *dispatch, const struct failure *why)
{
    struct active_message *message = dispatch->message;
    size_t open = keep_open_places(dispatch);

    log_warning("%.*s: transport %.*s: %s", STR_ARG(message->id_text),
                STR_ARG(transport_name(dispatch->route->transport)), why->text);
    if (open > 0 && ++message->lost_agents < LOST_AGENTS_MAXIMUM && !dispatch->route->deliveries->is_draining) {
        message->attempt++;
        fiber_sleep(dispatch->route->deliveries->loop, seconds(1));
        if (!dispatch->route->deliveries->is_draining) {
            entry_return(dispatch->entry);
            return;
        }
    }
    if (dispatch->route->deliveries->is_draining) {
        message->open_count -= open;
    } else if (open > 0) {
        deliveries_defer_places(dispatch->route->deliveries, message, dispatch->entry->places, open, STR("4.3.0"),
                                STR("unknown mail transport error"));
    }
    entry_finish(dispatch->entry, loop_now(dispatch->route->deliveries->loop));
}

static void end_with_answer(struct dispatch *dispatch)
{
    struct deliveries *deliveries = dispatch->route->deliveries;
    struct destination *destination = dispatch->entry->destination;
    size_t open = keep_open_places(dispatch);

    if (open > 0)
        deliveries_defer_places(deliveries, dispatch->message, dispatch->entry->places, open, STR("4.3.0"),
                                STR("unknown mail transport error"));
    if (dispatch->hop_dsn.len == 0)
        entry_finish(dispatch->entry, loop_now(dispatch->route->deliveries->loop));
    else if (entry_finish_failed(dispatch->entry, loop_now(deliveries->loop), dispatch->hop_dsn, dispatch->hop_reason))
        deliveries_divert(deliveries, destination);
}

struct records deliveries_list(const struct deliveries *deliveries, struct arena *arena)
{
    struct deliver_in_hand *items = arena_new_array(arena, deliveries->in_hand + 1, struct deliver_in_hand);
    struct records records = { items, 0 };

    for (const struct list *node = deliveries->dispatches.next; node != &deliveries->dispatches; node = node->next) {
        const struct dispatch *dispatch = CONTAINER_OF(node, const struct dispatch, node);
        const struct entry *entry = dispatch->entry;

        items[records.count++] =
            (struct deliver_in_hand){ .queue_id = dispatch->message->id_text,
                                      .attempt = dispatch->message->attempt,
                                      .transport = transport_name(dispatch->route->transport),
                                      .nexthop = destination_nexthop(entry->destination),
                                      .recipient = dispatch->message->results[entry->places[0]].address };
    }
    return records;
}

static void run_dispatch(void *context)
{
    struct dispatch *dispatch = context;
    struct route *route = dispatch->route;
    struct active_message *message = dispatch->message;
    struct failure why;

    if (send_request(dispatch, &why) && follow(dispatch, &why))
        end_with_answer(dispatch);
    else
        end_without_answer(dispatch, &why);
    list_remove(&dispatch->node);
    call_end(&dispatch->call);
    agent_give_back(dispatch->agent);
    route->deliveries->in_hand--;
    arena_destroy(&dispatch->arena);
    memory_free(dispatch);
    deliveries_settle(message);
    deliveries_dispatch(route);
}

void dispatch_start(struct route *route, struct entry *entry, struct agent *agent)
{
    struct dispatch *dispatch = memory_alloc(sizeof *dispatch);

    dispatch->route = route;
    dispatch->entry = entry;
    dispatch->agent = agent;
    /* Begun at once: an agent that retires from now on still takes it. */
    dispatch->call = channel_call(agent->channel);
    dispatch->message = entry->message;
    dispatch->arena = arena_create();
    route->deliveries->in_hand++;
    list_append(&route->deliveries->dispatches, &dispatch->node);
    fiber_group_start(&route->deliveries->fibers, run_dispatch, dispatch);
}
