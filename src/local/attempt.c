/* SPDX-License-Identifier: Apache-2.0 */
#include "local/attempt.h"

#include "base/check.h"
#include "config/shared_settings.h"

#include <stdio.h>

enum { TEXT_MAX = 4000 };

void attempt_init(struct attempt *attempt, struct local *local, struct delivery *delivery, size_t recipient)
{
    const struct deliver_recipient *asked = &delivery->recipients[recipient];

    *attempt = (struct attempt){
        .local = local,
        .delivery = delivery,
        .recipient = recipient,
        .arena = delivery->arena,
        .delivered_to = asked->address,
        .original = str_is_empty(asked->original) ? asked->address : asked->original,
        .seen = map_create(),
    };
    /* As ever the recipient itself is one of those that are remembered. */
    (void) attempt_is_new(attempt, "recipient", 0, asked->address);
}

static struct delivery_report report_of(const struct result *result)
{
    return (struct delivery_report){
        .dsn = result->dsn,
        .text = result->text,
        .relay = STR("local"),
        .action = result->action,
        .diagnostic_type = str_is_empty(result->diagnostic) ? STR_EMPTY : STR("x-unix"),
        .diagnostic = result->diagnostic,
    };
}

static bool tells_expansion(const struct attempt *attempt)
{
    const struct deliver_recipient *asked = &attempt->delivery->recipients[attempt->recipient];

    return attempt->is_expanded && (asked->dsn_notify & DSN_NOTIFY_SUCCESS) != 0;
}

/* RFC 3461 section 5.2.7.2: at a mailing list the message has arrived, a mere alias is expanded. */
static struct delivery_report report_of_expansion(const struct attempt *attempt)
{
    return (struct delivery_report){
        .dsn = DSN_STATUS(2, 0, 0),
        .text = STR("alias expanded"),
        .relay = STR("local"),
        .action = attempt->is_list ? STR("delivered") : STR("expanded"),
    };
}

/*
 * Who asked to hear of success hears that the address was expanded, and no more. Of a failure the report names the
 * address that it happened to.
 */
static struct delivery_report report_of_all(const struct attempt *attempt, const struct result *worst)
{
    const struct deliver_recipient *asked = &attempt->delivery->recipients[attempt->recipient];
    struct delivery_report report = report_of(worst);

    if (worst->fate == FATE_SENT && tells_expansion(attempt)) {
        report = report_of_expansion(attempt);
    } else if (!str_equal(worst->address, asked->address)) {
        report.address = worst->address;
    }
    return report;
}

void attempt_finish(struct attempt *attempt)
{
    static const struct result nothing = { .fate = FATE_SENT, .dsn = { 2, 0, 0 }, .text = { "no destination", 14 } };
    const struct result *worst = attempt->worst != NULL ? attempt->worst : &nothing;
    struct delivery_report report = report_of_all(attempt, worst);

    report.is_logged = attempt->worst != NULL;
    if (attempt->worst == NULL && !str_is_empty(attempt->passed_to)) {
        delivery_passed(attempt->delivery, attempt->recipient, attempt->passed_to);
        map_destroy(&attempt->seen);
        return;
    }
    /* That is so however its members fare, and is told once: not of what is tried again. */
    if (worst->fate == FATE_BOUNCED && tells_expansion(attempt) && !delivery_is_soft(attempt->delivery)) {
        struct delivery_report expansion = report_of_expansion(attempt);

        delivery_member(attempt->delivery, attempt->recipient, DELIVER_SENT, &expansion);
    }
    switch (worst->fate) {
    case FATE_SENT:
        delivery_sent(attempt->delivery, attempt->recipient, &report);
        break;
    case FATE_DEFERRED:
        delivery_deferred(attempt->delivery, attempt->recipient, &report);
        break;
    case FATE_BOUNCED:
        delivery_bounced(attempt->delivery, attempt->recipient, &report);
        break;
    }
    map_destroy(&attempt->seen);
}

/* Deferral outweighs a return, which outweighs success. */
static int weight(enum fate fate)
{
    return fate == FATE_DEFERRED ? 2 : fate == FATE_BOUNCED ? 1 : 0;
}

/* One report tells of all members that failed: the others follow the first. */
static void add_failure(struct attempt *attempt, struct str address, const struct result *result)
{
    struct result *worst = attempt->worst;

    if (worst->text.len + address.len + result->text.len < TEXT_MAX)
        worst->text = arena_printf(attempt->arena, "%.*s; <%.*s>: %.*s", STR_ARG(worst->text), STR_ARG(address),
                                   STR_ARG(result->text));
}

static enum fate fate_of(struct dsn_status dsn)
{
    return dsn.class == 2 ? FATE_SENT : dsn.class == 4 ? FATE_DEFERRED : FATE_BOUNCED;
}

/* As local_delivery_status_filter has it. */
static struct result filtered(struct attempt *attempt, const struct result *result)
{
    struct result said = *result;

    delivery_filter_status(attempt->delivery, &said.dsn, &said.text);
    said.fate = fate_of(said.dsn);
    return said;
}

/* What a report names in the recipient's stead. */
static void add_member(struct attempt *attempt, struct str address, const struct result *result,
                       const struct delivery_report *report)
{
    static const enum deliver_status status[] = {
        [FATE_SENT] = DELIVER_SENT,
        [FATE_DEFERRED] = DELIVER_DEFERRED,
        [FATE_BOUNCED] = DELIVER_BOUNCED,
    };
    bool is_traced = (attempt->delivery->request->flags & DELIVER_FLAG_TRACE) != 0;
    struct delivery_report member = *report;

    member.address = address;
    if (attempt->is_expanded && (result->fate != FATE_SENT || is_traced))
        delivery_member(attempt->delivery, attempt->recipient, status[result->fate], &member);
}

static struct str word_of(const struct attempt *attempt, enum fate fate)
{
    if (fate == FATE_BOUNCED)
        return delivery_is_soft(attempt->delivery) ? STR("SOFTBOUNCE") : STR("bounced");
    return fate == FATE_SENT ? STR("sent") : STR("deferred");
}

/* What would be returned and waits is told as what waits. */
static struct dsn_status dsn_to_log(const struct attempt *attempt, const struct result *result)
{
    struct dsn_status dsn = result->dsn;

    if (result->fate == FATE_BOUNCED && delivery_is_soft(attempt->delivery))
        dsn.class = 4;
    return dsn;
}

static struct delivery_report log_result(struct attempt *attempt, struct str address, struct str original,
                                         const struct result *result)
{
    struct delivery_report report = report_of(result);

    report.original = original;
    delivery_log_line(attempt->delivery, attempt->recipient, address, dsn_to_log(attempt, result),
                      word_of(attempt, result->fate), &report);
    return report;
}

static void count(struct attempt *attempt, struct str address, const struct result *result)
{
    if (attempt->worst == NULL || weight(result->fate) > weight(attempt->worst->fate)) {
        attempt->worst = arena_new(attempt->arena, struct result);
        *attempt->worst = *result;
        attempt->worst->address = arena_str(attempt->arena, address);
    } else if (result->fate == FATE_BOUNCED && attempt->worst->fate == FATE_BOUNCED) {
        add_failure(attempt, address, result);
    }
}

void attempt_add(struct attempt *attempt, struct str address, struct str original, const struct result *unfiltered)
{
    struct result result = filtered(attempt, unfiltered);
    struct delivery_report report = log_result(attempt, address, original, &result);

    add_member(attempt, address, &result, &report);
    count(attempt, address, &result);
}

static void add_owner_failure(struct attempt *attempt, const struct owner_failure *failure)
{
    if (attempt->owner_failure_count == attempt->owner_failure_capacity) {
        size_t capacity = attempt->owner_failure_capacity == 0 ? 4 : 2 * attempt->owner_failure_capacity;
        struct owner_failure *larger = arena_new_array(attempt->arena, capacity, struct owner_failure);

        if (attempt->owner_failure_count > 0)
            memcpy(larger, attempt->owner_failures, attempt->owner_failure_count * sizeof(*larger));
        attempt->owner_failures = larger;
        attempt->owner_failure_capacity = capacity;
    }
    attempt->owner_failures[attempt->owner_failure_count++] = *failure;
}

void attempt_add_of_owner(struct attempt *attempt, struct str address, struct str owner,
                          const struct result *unfiltered)
{
    struct result result = filtered(attempt, unfiltered);
    struct owner_failure failure = { .owner = owner, .address = address, .result = result };

    if (result.fate != FATE_BOUNCED || attempt_is_trial(attempt) || delivery_is_soft(attempt->delivery)) {
        attempt_add(attempt, address, address, unfiltered);
        return;
    }
    (void) log_result(attempt, address, address, &result);
    add_owner_failure(attempt, &failure);
    /* It has been seen to. */
    result.fate = FATE_SENT;
    count(attempt, address, &result);
}

bool attempt_is_deferred(const struct attempt *attempt)
{
    return attempt->worst != NULL && attempt->worst->fate == FATE_DEFERRED;
}

bool attempt_is_new(struct attempt *attempt, const char *kind, uid_t uid, struct str destination)
{
    int limit = attempt->local->settings->duplicate_filter_limit;
    struct str key = arena_printf(attempt->arena, "%s %u %.*s", kind, (unsigned) uid, STR_ARG(destination));

    if (map_get(attempt->seen, key) != NULL)
        return false;
    if (limit == 0 || map_count(attempt->seen) < (size_t) limit)
        map_set(attempt->seen, key, attempt);
    return true;
}

bool attempt_is_trial(const struct attempt *attempt)
{
    return (attempt->delivery->request->flags & DELIVER_FLAG_VERIFY) != 0;
}

bool attempt_is_probe(const struct attempt *attempt)
{
    return (attempt->delivery->request->flags & DELIVER_FLAG_PROBE) != 0;
}

void attempt_add_resubmission(struct attempt *attempt, const struct resubmission *resubmission)
{
    if (attempt->resubmission_count == attempt->resubmission_capacity) {
        size_t capacity = attempt->resubmission_capacity == 0 ? 8 : 2 * attempt->resubmission_capacity;
        struct resubmission *larger = arena_new_array(attempt->arena, capacity, struct resubmission);

        if (attempt->resubmission_count > 0)
            memcpy(larger, attempt->resubmissions, attempt->resubmission_count * sizeof(*larger));
        attempt->resubmissions = larger;
        attempt->resubmission_capacity = capacity;
    }
    attempt->resubmissions[attempt->resubmission_count++] = *resubmission;
}

/* A command may have said more than fits: its beginning tells most. */
PRINTF_LIKE(2, 0) static struct str format_text(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    char *text;
    size_t len;
    int wanted;

    va_copy(again, args);
    wanted = vsnprintf(NULL, 0, format, args);
    CHECK(wanted >= 0);
    len = (size_t) wanted < TEXT_MAX ? (size_t) wanted : TEXT_MAX;
    text = arena_alloc(arena, len + 1);
    (void) vsnprintf(text, len + 1, format, again);
    va_end(again);
    return str_make(text, len);
}

struct result result_make_list(struct attempt *attempt, struct dsn_status dsn, const char *format, va_list args)
{
    struct result result = { .dsn = dsn };

    result.text = format_text(attempt->arena, format, args);
    result.fate = fate_of(dsn);
    return result;
}

struct result result_make(struct attempt *attempt, struct dsn_status dsn, const char *format, ...)
{
    struct result result;
    va_list args;

    va_start(args, format);
    result = result_make_list(attempt, dsn, format, args);
    va_end(args);
    return result;
}
