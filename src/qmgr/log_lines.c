/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/log_lines.h"

#include "log/address.h"
#include "log/log.h"

#include <inttypes.h>

enum { ADDRESS_MAXIMUM = 1000 };

static struct str shown(struct strbuf *buf, struct str address)
{
    strbuf_init(buf, ADDRESS_MAXIMUM);
    if (!log_append_address(buf, address))
        return str_part(address, 0, ADDRESS_MAXIMUM);
    return strbuf_str(buf);
}

void log_queue_active(struct str queue_id, struct str sender, uint64_t size, size_t recipients)
{
    struct strbuf buf;
    struct str from = shown(&buf, sender);

    log_info("%.*s: from=<%.*s>, size=%" PRIu64 ", nrcpt=%zu (queue active)", STR_ARG(queue_id), STR_ARG(from), size,
             recipients);
    strbuf_done(&buf);
}

void log_no_transport(struct str transport, const char *why)
{
    log_warning("connect to transport private/%.*s: %s", STR_ARG(transport), why);
}

void log_expired(struct str queue_id, struct str sender, bool is_forced)
{
    struct strbuf buf;
    struct str from = shown(&buf, sender);

    log_info("%.*s: from=<%.*s>, status=%s, returned to sender", STR_ARG(queue_id), STR_ARG(from),
             is_forced ? "force-expired" : "expired");
    strbuf_done(&buf);
}

void log_removed(struct str queue_id)
{
    log_info("%.*s: removed", STR_ARG(queue_id));
}

void log_message_problem(struct str queue_id, const char *doing, const struct failure *why)
{
    if (doing != NULL)
        log_warning("%.*s: %s: %s", STR_ARG(queue_id), doing, why->text);
    else
        log_warning("%.*s: %s", STR_ARG(queue_id), why->text);
}

void log_going_busy(void)
{
    log_info("going with deliveries in hand: what becomes of them is carried to the next queue manager");
}

void log_feedback_values(struct str transport, const struct scheduler_limits *limits)
{
    const struct {
        const char *sign;
        const struct feedback *feedback;
    } rows[] = { { "positive", &limits->positive }, { "negative", &limits->negative } };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        log_info("%.*s: %.*s_destination_concurrency_%s_feedback feedback type %d value at %u: %g", STR_ARG(transport),
                 STR_ARG(transport), rows[i].sign, (int) rows[i].feedback->kind, limits->initial_concurrency,
                 feedback_value(rows[i].feedback, limits->initial_concurrency));
}

void log_feedback(const struct destination *destination, bool is_success, double feedback)
{
    const char *name = is_success ? "qmgr_queue_unthrottle" : "qmgr_queue_throttle";
    const struct scheduler_limits *limits = transport_limits(destination_transport(destination));
    const struct window *window = destination_window(destination);

    log_info("%s: feedback %g", name, feedback);
    log_info("%s: queue %.*s: limit %u window %u success %g failure %g fail_cohorts %g", name,
             STR_ARG(destination_nexthop(destination)), limits->concurrency, window->size, window->success,
             window->failure, window->failed_cohorts);
}

void log_lifetime_adjusted(void)
{
    log_warning("bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime");
}
