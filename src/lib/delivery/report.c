/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/agent_private.h"

#include "base/check.h"
#include "config/shared_settings.h"
#include "delivery/log_lines.h"
#include "delivery/settings.h"
#include "delivery/status_filter.h"
#include "log/log.h"

/* What the protocol takes; longer text is cut. */
enum { TEXT_MAX = 4096, NAME_MAX_BYTES = 1024, WORD_MAX = 32 };

/* How long the queue manager may leave outcomes unread. */
enum { SEND_SECONDS = 60 };

static struct str copy_cut(struct arena *arena, struct str text, size_t maximum)
{
    return arena_str(arena, str_part(text, 0, maximum));
}

/* A trial delivers to nobody: what is said is whether it could have been. */
static bool is_trial(const struct delivery *delivery)
{
    return (delivery->request->flags & DELIVER_FLAG_VERIFY) != 0;
}

static struct str word_of(const struct delivery *delivery, struct str status)
{
    if (!is_trial(delivery))
        return status;
    return str_equal(status, STR("sent")) ? STR("deliverable") : STR("undeliverable");
}

void delivery_log_line(struct delivery *delivery, size_t recipient, struct str address, struct dsn_status dsn,
                       struct str status, const struct delivery_report *report)
{
    const struct deliver_request *request = delivery->request;
    const struct deliver_recipient *asked = &delivery->recipients[recipient];
    struct delivery_line line = {
        .queue_id = request->queue_id,
        .recipient = address,
        .original = !str_is_empty(report->original) ? report->original
                    : str_is_empty(asked->original) ? asked->address
                                                    : asked->original,
        .relay = report->relay,
        .connection_use = report->connection_use,
        .arrival = request->arrival,
        .activated = request->activated,
        .dispatched = request->dispatched,
        .connected = delivery->connected,
        .done = clock_now(),
        .dsn = dsn,
        .status = word_of(delivery, status),
        .text = report->text,
    };

    delivery_log_recipient(&line, delivery->state->agent->settings->delay_logging_resolution_limit);
}

static void log_line(struct delivery *delivery, size_t recipient, const struct delivery_report *report,
                     struct dsn_status dsn, struct str status)
{
    if (!report->is_logged)
        delivery_log_line(delivery, recipient, delivery->recipients[recipient].address, dsn, status, report);
}

static struct deliver_result make_result(struct delivery *delivery, size_t recipient,
                                         const struct delivery_report *report, enum deliver_status status,
                                         struct dsn_status dsn)
{
    struct arena *arena = delivery->arena;
    char text[DSN_STATUS_SIZE];

    return (struct deliver_result){
        .index = delivery->recipients[recipient].index,
        .status = status,
        .dsn = arena_str(arena, dsn_status_format(dsn, text)),
        .address = copy_cut(arena, report->address, NAME_MAX_BYTES),
        .action = copy_cut(arena, report->action, WORD_MAX / 2),
        .reason = copy_cut(arena, str_trim_right(report->text), TEXT_MAX),
        .relay = report->relay.len == 0 ? STR("none") : copy_cut(arena, report->relay, NAME_MAX_BYTES),
        .remote_mta = copy_cut(arena, report->remote_mta, NAME_MAX_BYTES),
        .diagnostic_type = copy_cut(arena, report->diagnostic_type, WORD_MAX),
        .diagnostic = copy_cut(arena, report->diagnostic, TEXT_MAX),
    };
}

static void add_result(struct delivery *delivery, size_t recipient, const struct delivery_report *report,
                       enum deliver_status status, struct dsn_status dsn)
{
    struct delivery_state *state = delivery->state;

    state->is_reported[recipient] = true;
    state->results[state->result_count++] = make_result(delivery, recipient, report, status, dsn);
}

static struct dsn_status with_class(struct dsn_status dsn, unsigned char class)
{
    dsn.class = class;
    return dsn;
}

static void check_new(const struct delivery *delivery, size_t recipient)
{
    CHECK(recipient < delivery->recipient_count);
    CHECK(!delivery->state->is_reported[recipient]);
}

void delivery_filter_status(struct delivery *delivery, struct dsn_status *status, struct str *text)
{
    struct table_list *filter = delivery->state->agent->status_filter;

    if (filter != NULL)
        status_filter_apply(filter, delivery->arena, status, text);
}

/* What is to be said in the end. */
static struct delivery_report filtered(struct delivery *delivery, const struct delivery_report *report,
                                       unsigned char class)
{
    struct delivery_report said = *report;

    said.dsn.class = class;
    if (!report->is_logged)
        delivery_filter_status(delivery, &said.dsn, &said.text);
    return said;
}

void delivery_sent(struct delivery *delivery, size_t recipient, const struct delivery_report *report)
{
    struct delivery_report said = filtered(delivery, report, 2);

    check_new(delivery, recipient);
    log_line(delivery, recipient, &said, said.dsn, STR("sent"));
    add_result(delivery, recipient, &said, DELIVER_SENT, said.dsn);
}

static void add_deferral(struct delivery *delivery, size_t recipient, const struct delivery_report *said)
{
    log_line(delivery, recipient, said, said->dsn, STR("deferred"));
    add_result(delivery, recipient, said, DELIVER_DEFERRED, said->dsn);
}

bool delivery_is_soft(const struct delivery *delivery)
{
    return delivery->shared->soft_bounce && (delivery->request->flags & DELIVER_FLAG_VERIFY) == 0;
}

static void add_return(struct delivery *delivery, size_t recipient, const struct delivery_report *said)
{
    bool is_soft = delivery_is_soft(delivery);
    struct dsn_status dsn = is_soft ? with_class(said->dsn, 4) : said->dsn;

    log_line(delivery, recipient, said, dsn, is_soft ? STR("SOFTBOUNCE") : STR("bounced"));
    add_result(delivery, recipient, said, is_soft ? DELIVER_DEFERRED : DELIVER_BOUNCED, dsn);
}

static void add_failure(struct delivery *delivery, size_t recipient, const struct delivery_report *report,
                        unsigned char class)
{
    struct delivery_report said = filtered(delivery, report, class);

    check_new(delivery, recipient);
    if (said.dsn.class == 4)
        add_deferral(delivery, recipient, &said);
    else
        add_return(delivery, recipient, &said);
}

void delivery_deferred(struct delivery *delivery, size_t recipient, const struct delivery_report *report)
{
    add_failure(delivery, recipient, report, 4);
}

void delivery_bounced(struct delivery *delivery, size_t recipient, const struct delivery_report *report)
{
    add_failure(delivery, recipient, report, 5);
}

void delivery_passed(struct delivery *delivery, size_t recipient, struct str transport)
{
    struct delivery_report report = { .relay = transport };

    check_new(delivery, recipient);
    add_result(delivery, recipient, &report, DELIVER_PASSED, (struct dsn_status){ 0 });
}

static void extend_members(struct delivery_state *state)
{
    size_t capacity = state->member_capacity == 0 ? 4 : 2 * state->member_capacity;
    struct deliver_result *larger = arena_new_array(state->delivery->arena, capacity, struct deliver_result);

    if (state->member_count > 0)
        memcpy(larger, state->members, state->member_count * sizeof(*larger));
    state->members = larger;
    state->member_capacity = capacity;
}

void delivery_member(struct delivery *delivery, size_t recipient, enum deliver_status status,
                     const struct delivery_report *report)
{
    struct delivery_state *state = delivery->state;
    struct dsn_status dsn = report->dsn;

    if (state->member_count == DELIVER_MEMBERS_MAXIMUM)
        return;
    if (state->member_count == state->member_capacity)
        extend_members(state);
    if (status == DELIVER_BOUNCED && delivery_is_soft(delivery)) {
        status = DELIVER_DEFERRED;
        dsn = with_class(dsn, 4);
    }
    state->members[state->member_count++] = make_result(delivery, recipient, report, status, dsn);
}

bool delivery_is_reported(const struct delivery *delivery, size_t recipient)
{
    CHECK(recipient < delivery->recipient_count);
    return delivery->state->is_reported[recipient];
}

struct deliver_outcome delivery_batch_outcome(const struct delivery_state *state, size_t batch)
{
    const struct deliver_request *request = state->delivery->request;

    return (struct deliver_outcome){
        .queue_id = request->queue_id,
        .attempt = request->attempt,
        .number = batch + 1,
        .results = { state->results + state->batches[batch].first, state->batches[batch].count },
        .members = state->batches[batch].members,
    };
}

void delivery_sync(struct delivery *delivery)
{
    struct delivery_state *state = delivery->state;
    struct deliver_outcome outcome;

    if (state->sent_count == state->result_count)
        return;
    state->batches[state->batch_count++] = (struct delivery_batch){
        .first = state->sent_count,
        .count = state->result_count - state->sent_count,
        .members = { state->members, state->member_count },
    };
    state->members = NULL;
    state->member_count = state->member_capacity = 0;
    state->sent_count = state->result_count;
    if (state->is_lost)
        return;
    outcome = delivery_batch_outcome(state, state->batch_count - 1);
    log_flush_paced();
    if (!call_send(state->call, &deliver_outcome_message, &outcome, seconds(SEND_SECONDS), NULL))
        state->is_lost = true;
}

void delivery_hop_failed(struct delivery *delivery, struct dsn_status dsn, struct str reason)
{
    char text[DSN_STATUS_SIZE];

    delivery->state->done.hop_dsn = arena_str(delivery->arena, dsn_status_format(dsn, text));
    delivery->state->done.hop_reason = copy_cut(delivery->arena, reason, TEXT_MAX);
}
