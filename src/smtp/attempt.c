/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/attempt.h"

#include "delivery/command_attributes.h"
#include "smtp/log_lines.h"
#include "smtp/pix.h"
#include "smtp/session.h"
#include "smtp/smtp.h"

static struct delivery_report report_of(const struct trouble *trouble)
{
    return (struct delivery_report){
        .dsn = trouble->dsn,
        .text = trouble->text,
        .relay = trouble->relay,
        .connection_use = trouble->uses,
        .remote_mta = trouble->remote_mta,
        .diagnostic_type = trouble->diagnostic.len > 0 ? STR("smtp") : STR_EMPTY,
        .diagnostic = trouble->diagnostic,
    };
}

static void report(struct attempt *attempt, size_t recipient, const struct trouble *trouble)
{
    struct delivery_report result = report_of(trouble);

    if (trouble_is_permanent(trouble))
        delivery_bounced(attempt->delivery, recipient, &result);
    else
        delivery_deferred(attempt->delivery, recipient, &result);
}

size_t attempt_pending_count(const struct attempt *attempt)
{
    size_t count = 0;

    for (size_t i = 0; i < attempt->delivery->recipient_count; i++)
        count += delivery_is_reported(attempt->delivery, i) ? 0 : 1;
    return count;
}

unsigned attempt_pix_workarounds(const struct attempt *attempt, const struct smtp_session *session)
{
    struct duration age = instant_since(clock_now(), attempt->delivery->request->arrival);

    return pix_for_message(session->pix_workarounds, age, attempt->smtp->settings->pix_workaround_threshold_time);
}

static bool is_final(const struct attempt *attempt, const struct trouble *trouble)
{
    return attempt->is_last_host || trouble_is_permanent(trouble);
}

/* Another host may take it: for the log only. */
static void pass_on(struct attempt *attempt, const struct trouble *trouble)
{
    smtp_log_host_failed(attempt->delivery->request->queue_id, trouble->text);
}

void attempt_hold(struct attempt *attempt)
{
    attempt->is_undecided = true;
    attempt->is_last_host = false;
}

static void hold(struct attempt *attempt, size_t recipient, const struct trouble *trouble)
{
    size_t count = attempt->delivery->recipient_count;

    if (attempt->held == NULL) {
        attempt->held = arena_new_array(attempt->delivery->arena, count, struct trouble);
        attempt->lines = arena_new_array(attempt->delivery->arena, count, struct trouble);
    }
    if (attempt->held[recipient].text.len > 0 || delivery_is_reported(attempt->delivery, recipient))
        return;
    attempt->held[recipient] = *trouble;
    if (attempt->line_count == 0 || attempt->lines[attempt->line_count - 1].text.data != trouble->text.data)
        attempt->lines[attempt->line_count++] = *trouble;
}

void attempt_decide(struct attempt *attempt, bool is_last_host)
{
    attempt->is_undecided = false;
    for (size_t i = 0; !is_last_host && i < attempt->line_count; i++)
        pass_on(attempt, &attempt->lines[i]);
    for (size_t i = 0; is_last_host && attempt->held != NULL && i < attempt->delivery->recipient_count; i++) {
        if (attempt->held[i].text.len > 0 && !delivery_is_reported(attempt->delivery, i))
            report(attempt, i, &attempt->held[i]);
    }
    attempt->held = NULL;
    attempt->line_count = 0;
}

void attempt_recipient_failed(struct attempt *attempt, size_t recipient, const struct trouble *trouble)
{
    attempt->trouble = *trouble;
    if (attempt->is_undecided && !trouble_is_permanent(trouble))
        hold(attempt, recipient, trouble);
    else if (is_final(attempt, trouble))
        report(attempt, recipient, trouble);
    else
        pass_on(attempt, trouble);
}

void attempt_failed(struct attempt *attempt, const struct trouble *trouble)
{
    attempt->trouble = *trouble;
    if (attempt->is_undecided && !trouble_is_permanent(trouble)) {
        for (size_t i = 0; i < attempt->delivery->recipient_count; i++)
            hold(attempt, i, trouble);
        return;
    }
    if (!is_final(attempt, trouble)) {
        pass_on(attempt, trouble);
        return;
    }
    attempt_give_up(attempt);
}

void attempt_give_up(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->delivery->recipient_count; i++) {
        if (!delivery_is_reported(attempt->delivery, i))
            report(attempt, i, &attempt->trouble);
    }
}

/*
 * RFC 3461 section 5.2.2: a server that knows DSN, and was told of the wish, reports from there on; else we do. What an
 * LMTP server without DSN takes may be in its mailbox (flags=X of master.cf, lmtp_assume_final).
 */
static struct str action_for(const struct smtp_session *session, const struct deliver_recipient *recipient)
{
    bool reports_itself = (session->extensions.offered & SMTP_EXTENSION_DSN) != 0;

    if (!reports_itself &&
        (session->smtp->settings->assume_final || (session->smtp->message_flags & COMMAND_IS_FINAL) != 0))
        return STR("delivered");
    return reports_itself && (recipient->dsn_notify & DSN_NOTIFY_SUCCESS) != 0 ? STR("delegated") : STR("relayed");
}

void attempt_recipient_sent(struct attempt *attempt, size_t recipient, const struct smtp_session *session)
{
    struct delivery *delivery = attempt->delivery;
    struct str text = smtp_reply_on_one_line(&session->reply, delivery->arena);
    struct delivery_report result = {
        .dsn = session->reply.dsn,
        .text = text,
        .relay = session->name_address_port,
        .connection_use = session->uses,
        .action = action_for(session, &delivery->recipients[recipient]),
        .remote_mta = session->host,
        .diagnostic_type = STR("smtp"),
        .diagnostic = text,
    };

    delivery_sent(delivery, recipient, &result);
}
