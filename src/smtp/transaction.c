/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/transaction.h"

#include "delivery/message_flags.h"
#include "protocol/cleanup.h"
#include "smtp/attempt.h"
#include "smtp/body.h"
#include "smtp/envelope_commands.h"
#include "smtp/generic.h"
#include "smtp/history.h"
#include "smtp/log_lines.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "smtp/xforward.h"

#include <inttypes.h>

/*
 * RFC 2920 section 3.1: both sides' windows are bounded, so no more commands are in flight than what their answers
 * surely fit into.
 */
enum { PIPELINE_MAX = 100 };

#define SENDING_END_OF_DATA "sending end of data -- message may be sent more than once"

enum step {
    STEP_RSET,
    STEP_XFORWARD,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
};

struct transaction {
    struct smtp_session *session;
    struct attempt *attempt;
    struct delivery *delivery;
    const struct smtp_settings *settings;
    struct arena *arena;
    const struct deliver_request *shown; /* the request with the addresses that the server shall see */
    struct str head;                     /* what flags= of master.cf puts before the message */
    bool is_pipelining;

    enum step *steps;   /* the commands, in order */
    size_t *recipients; /* of a STEP_RCPT, its recipient; of a STEP_XFORWARD, its place in xforward */
    struct strlist xforward;
    size_t step_count;
    size_t sent, answered;

    bool *is_accepted; /* by recipient */
    size_t accepted;
    bool has_answer; /* to MAIL or RSET: the session was alive */
    bool is_mail_refused;
    bool is_data_ready; /* 354 */
    struct trouble mail_trouble;
};

/* What the server is asked, how long it may take, and what is said when it does not answer. */
static const struct {
    const char *command; /* in "in reply to" */
    const char *doing;
    size_t timeout; /* the place of its duration in the settings */
} step_rows[] = {
    [STEP_RSET] = { "RSET command", "sending RSET probe", offsetof(struct smtp_settings, rset_timeout) },
    [STEP_XFORWARD] = { "", "", offsetof(struct smtp_settings, xforward_timeout) },
    [STEP_MAIL] = { "MAIL FROM command", "sending MAIL FROM", offsetof(struct smtp_settings, mail_timeout) },
    [STEP_RCPT] = { "RCPT TO command", "sending RCPT TO", offsetof(struct smtp_settings, rcpt_timeout) },
    [STEP_DATA] = { "DATA command", "sending DATA command", offsetof(struct smtp_settings, data_init_timeout) },
};

static struct duration timeout_of(const struct transaction *transaction, enum step step)
{
    /* UNSAFE: offsets of members of that struct */
    return *(const struct duration *) (const void *) ((const char *) transaction->settings + step_rows[step].timeout);
}

static void add_step(struct transaction *transaction, enum step step, size_t recipient)
{
    transaction->steps[transaction->step_count] = step;
    transaction->recipients[transaction->step_count++] = recipient;
}

static bool is_trial(const struct transaction *transaction)
{
    return (transaction->delivery->request->flags & DELIVER_FLAG_VERIFY) != 0;
}

/* What the server says to RCPT, or to DATA if it keeps its refusals until then. */
static bool ends_at_recipients(const struct transaction *transaction)
{
    return is_trial(transaction) && transaction->settings->address_verify_target == VERIFY_TARGET_RCPT;
}

static void plan(struct transaction *transaction)
{
    size_t count = transaction->delivery->recipient_count, most;

    if (transaction->settings->send_xforward_command)
        transaction->xforward = xforward_commands(transaction->arena, transaction->delivery->request,
                                                  transaction->session->extensions.xforward);
    most = count + transaction->xforward.count + 3;
    transaction->steps = arena_new_array(transaction->arena, most, enum step);
    transaction->recipients = arena_new_array(transaction->arena, most, size_t);
    transaction->is_accepted = arena_new_array(transaction->arena, count, bool);
    if (transaction->session->needs_reset)
        add_step(transaction, STEP_RSET, 0);
    for (size_t i = 0; i < transaction->xforward.count; i++)
        add_step(transaction, STEP_XFORWARD, i);
    add_step(transaction, STEP_MAIL, 0);
    for (size_t i = 0; i < count; i++) {
        if (!delivery_is_reported(transaction->delivery, i))
            add_step(transaction, STEP_RCPT, i);
    }
    if (!ends_at_recipients(transaction))
        add_step(transaction, STEP_DATA, 0);
}

/* ---- commands ---- */

static void append_command(struct transaction *transaction, size_t place, struct strbuf *out)
{
    struct smtp_extensions extensions = transaction->session->extensions;
    const struct deliver_recipient *recipients = transaction->shown->recipients.items;
    struct deliver_recipient recipient;
    bool quotes = transaction->settings->quote_envelope;

    switch (transaction->steps[place]) {
    case STEP_RSET:
        strbuf_append(out, STR("RSET\r\n"));
        break;
    case STEP_XFORWARD:
        strbuf_append(out, transaction->xforward.items[transaction->recipients[place]]);
        break;
    case STEP_MAIL:
        /* How large it will be is not known before it is converted. */
        if (body_needs_conversion(transaction->session, transaction->shown))
            extensions.offered &= ~(unsigned) SMTP_EXTENSION_SIZE;
        envelope_append_mail(out, transaction->shown, &extensions, quotes);
        break;
    case STEP_RCPT:
        recipient = recipients[transaction->recipients[place]];
        /* Nothing is sent of which anybody could be notified. */
        if (is_trial(transaction))
            recipient.dsn_notify = 0;
        envelope_append_rcpt(out, &recipient, &extensions, quotes);
        break;
    case STEP_DATA:
        strbuf_append(out, STR("DATA\r\n"));
        break;
    }
}

/* What has been refused makes the rest needless, when it is not on its way already. */
static bool is_needed(const struct transaction *transaction, enum step step)
{
    if (transaction->is_mail_refused)
        return false;
    return step != STEP_DATA || transaction->is_pipelining || transaction->accepted > 0;
}

static void send_more(struct transaction *transaction)
{
    size_t window = transaction->is_pipelining ? PIPELINE_MAX : 1;
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    while (transaction->sent < transaction->step_count && transaction->sent - transaction->answered < window) {
        if (!is_needed(transaction, transaction->steps[transaction->sent])) {
            transaction->step_count = transaction->sent;
            break;
        }
        append_command(transaction, transaction->sent++, &out);
    }
    if (out.len > 0) {
        history_client_said(transaction->session, strbuf_str(&out));
        session_write(transaction->session, strbuf_str(&out));
    }
    strbuf_done(&out);
}

/* ---- answers ---- */

/* A server that closes an idle session says 421 first: that is no answer to what came too late. */
static bool is_farewell(const struct transaction *transaction)
{
    return transaction->session->reply.code == 421 && transaction->session->uses > 1 && !transaction->has_answer;
}

static void take_mail_answer(struct transaction *transaction)
{
    if (is_farewell(transaction))
        return;
    transaction->has_answer = true;
    if (smtp_reply_class(&transaction->session->reply) == 2)
        return;
    transaction->is_mail_refused = true;
    history_refused(transaction->session);
    transaction->mail_trouble = trouble_said(transaction->arena, transaction->session, step_rows[STEP_MAIL].command);
}

/* What the server does not take is not needed. */
static void take_xforward_answer(struct transaction *transaction, size_t place)
{
    struct smtp_session *session = transaction->session;

    if (is_farewell(transaction))
        return;
    transaction->has_answer = true;
    if (smtp_reply_class(&session->reply) == 2)
        return;
    smtp_log_xforward_refused(session->name_address_port, smtp_reply_on_one_line(&session->reply, transaction->arena),
                              xforward_command_name(transaction->xforward.items[place]));
}

static void take_recipient_answer(struct transaction *transaction, size_t recipient)
{
    struct smtp_reply *reply = &transaction->session->reply;
    struct trouble trouble;

    if (transaction->is_mail_refused)
        return;
    if (smtp_reply_class(reply) == 2 && ends_at_recipients(transaction)) {
        attempt_recipient_sent(transaction->attempt, recipient, transaction->session);
        return;
    }
    if (smtp_reply_class(reply) == 2) {
        transaction->is_accepted[recipient] = true;
        transaction->accepted++;
        return;
    }
    history_refused(transaction->session);
    trouble = trouble_said(transaction->arena, transaction->session, step_rows[STEP_RCPT].command);
    attempt_recipient_failed(transaction->attempt, recipient, &trouble);
}

/* Whom the server would take mail for, without sending it any: 354 has no other way out than to close. */
static void end_trial(struct transaction *transaction)
{
    transaction->session->is_broken = true;
    for (size_t i = 0; i < transaction->delivery->recipient_count; i++) {
        if (transaction->is_accepted[i])
            attempt_recipient_sent(transaction->attempt, i, transaction->session);
    }
}

/* A server that takes DATA for done is told apart from one that refuses it. */
static struct trouble trouble_of_data(const struct transaction *transaction)
{
    struct trouble trouble = trouble_said(transaction->arena, transaction->session, step_rows[STEP_DATA].command);

    if (smtp_reply_class(&transaction->session->reply) == 2)
        trouble.text = arena_printf(transaction->arena, "Protocol error: %.*s", STR_ARG(trouble.text));
    return trouble;
}

static void take_data_answer(struct transaction *transaction)
{
    transaction->is_data_ready = smtp_reply_class(&transaction->session->reply) == 3;
    if (transaction->is_data_ready && is_trial(transaction)) {
        end_trial(transaction);
        return;
    }
    if (transaction->is_data_ready || transaction->is_mail_refused || transaction->accepted == 0)
        return;
    transaction->is_mail_refused = true;
    history_refused(transaction->session);
    transaction->mail_trouble = trouble_of_data(transaction);
}

static void take_answer(struct transaction *transaction, size_t place)
{
    switch (transaction->steps[place]) {
    case STEP_RSET:
        transaction->has_answer = !is_farewell(transaction);
        break;
    case STEP_XFORWARD:
        take_xforward_answer(transaction, transaction->recipients[place]);
        break;
    case STEP_MAIL:
        take_mail_answer(transaction);
        break;
    case STEP_RCPT:
        take_recipient_answer(transaction, transaction->recipients[place]);
        break;
    case STEP_DATA:
        take_data_answer(transaction);
        break;
    }
}

/* What the connection was lost at, while the answer to this step was waited for. */
static const char *doing(const struct transaction *transaction, enum step step)
{
    size_t place = transaction->recipients[transaction->answered];

    return step == STEP_XFORWARD ? xforward_doing(transaction->xforward.items[place]) : step_rows[step].doing;
}

/* MAIL to DATA. False when the connection went; then lost has the trouble. */
static bool exchange_commands(struct transaction *transaction, struct trouble *lost)
{
    while (transaction->answered < transaction->step_count) {
        struct failure why;
        enum step step;

        send_more(transaction);
        if (transaction->answered == transaction->step_count)
            break;
        step = transaction->steps[transaction->answered];
        if (!session_read_reply(transaction->session, timeout_of(transaction, step), &why)) {
            *lost = trouble_lost(transaction->arena, transaction->session, &why, doing(transaction, step));
            return false;
        }
        take_answer(transaction, transaction->answered++);
        /* After words that are none nothing more is to be had. */
        if (transaction->session->is_broken || !transaction->has_answer)
            break;
    }
    transaction->session->needs_reset = true;
    return true;
}

/* ---- content ---- */

/* False when the server can say nothing more; then those who are left have their trouble. */
static bool take_answer_of(struct transaction *transaction, size_t recipient)
{
    struct smtp_session *session = transaction->session;
    struct trouble trouble;
    struct failure why;

    if (!session_read_reply(session, transaction->settings->data_done_timeout, &why)) {
        trouble = trouble_lost(transaction->arena, session, &why, SENDING_END_OF_DATA);
        attempt_failed(transaction->attempt, &trouble);
        return false;
    }
    if (smtp_reply_class(&session->reply) == 2) {
        attempt_recipient_sent(transaction->attempt, recipient, session);
    } else {
        trouble = trouble_said(transaction->arena, session, "end of DATA command");
        attempt_recipient_failed(transaction->attempt, recipient, &trouble);
    }
    return true;
}

/* RFC 2033 section 4.2: one answer for each recipient that was accepted, in the order of RCPT. */
static void take_final_answers(struct transaction *transaction)
{
    bool has_answer = true;

    for (size_t i = 0; has_answer && i < transaction->delivery->recipient_count; i++) {
        if (transaction->is_accepted[i])
            has_answer = take_answer_of(transaction, i);
    }
    transaction->session->needs_reset = false;
    delivery_sync(transaction->delivery);
}

/* What is refused for ever concerns those who were accepted; who was not may do better with another host. */
static void fail_accepted(struct transaction *transaction, const struct trouble *trouble)
{
    if (transaction->accepted == 0 || !trouble_is_permanent(trouble)) {
        attempt_failed(transaction->attempt, trouble);
        return;
    }
    for (size_t i = 0; i < transaction->delivery->recipient_count; i++) {
        if (transaction->is_accepted[i])
            attempt_recipient_failed(transaction->attempt, i, trouble);
    }
}

/* All that DATA was accepted for share what the server says to the final dot. */
static void take_final_answer(struct transaction *transaction)
{
    struct smtp_session *session = transaction->session;
    struct trouble trouble;

    if (smtp_reply_class(&session->reply) == 2) {
        session->needs_reset = false;
        for (size_t i = 0; i < transaction->delivery->recipient_count; i++) {
            if (transaction->is_accepted[i])
                attempt_recipient_sent(transaction->attempt, i, session);
        }
        delivery_sync(transaction->delivery);
        return;
    }
    trouble = trouble_said(transaction->arena, session, "end of DATA command");
    fail_accepted(transaction, &trouble);
}

static void send_content(struct transaction *transaction)
{
    struct smtp_session *session = transaction->session;
    struct trouble trouble;
    struct failure why;
    bool is_body_out;

    if (!body_send(session, transaction->attempt, transaction->head, &trouble)) {
        session->is_broken = true;
        attempt_failed(transaction->attempt, &trouble);
        return;
    }
    is_body_out = !session->is_mute;
    if (is_body_out && session->smtp->is_lmtp) {
        take_final_answers(transaction);
        return;
    }
    if (!session_read_reply(session, transaction->settings->data_done_timeout, &why)) {
        trouble =
            trouble_lost(transaction->arena, session, &why, is_body_out ? SENDING_END_OF_DATA : "sending message body");
        attempt_failed(transaction->attempt, &trouble);
        return;
    }
    take_final_answer(transaction);
}

/*
 * DATA was answered with 354 though nobody is there to get the message: an empty one ends it. What an LMTP server,
 * which has nobody to answer for, says then cannot be told from what it says next.
 */
static void send_nothing(struct transaction *transaction)
{
    if (transaction->session->smtp->is_lmtp) {
        transaction->session->is_broken = true;
        return;
    }
    history_client_said(transaction->session, STR("."));
    session_write(transaction->session, STR(".\r\n"));
    if (!session_read_reply(transaction->session, transaction->settings->data_done_timeout, NULL))
        transaction->session->is_broken = true;
}

/* ---- the whole ---- */

/* What can be known without asking the server. */
static bool is_hopeless(struct transaction *transaction, struct trouble *trouble_out)
{
    const struct deliver_request *request = transaction->delivery->request;
    const struct smtp_extensions *extensions = &transaction->session->extensions;
    uint64_t size = request->size + request->lines;

    if ((extensions->offered & SMTP_EXTENSION_SMTPUTF8) == 0 && (request->flags & DELIVER_FLAG_SMTPUTF8) != 0 &&
        ((request->flags & DELIVER_FLAG_UTF8_HEADER) != 0 || envelope_needs_smtputf8(request))) {
        *trouble_out = trouble_about(transaction->arena, transaction->session, DSN_STATUS(5, 6, 7),
                                     "SMTPUTF8 is required, but was not offered by host %.*s",
                                     STR_ARG(transaction->session->name_address));
        return true;
    }
    if (extensions->size_limit > 0 && size > extensions->size_limit) {
        *trouble_out = trouble_about(transaction->arena, transaction->session, DSN_STATUS(5, 3, 4),
                                     "message size %" PRIu64 " exceeds size limit %" PRIu64 " of server %.*s", size,
                                     extensions->size_limit, STR_ARG(transaction->session->name_address));
        return true;
    }
    return false;
}

static bool make_head(struct transaction *transaction, struct failure *why)
{
    const struct smtp *smtp = transaction->session->smtp;
    struct deliver_recipient recipient = *(const struct deliver_recipient *) transaction->shown->recipients.items;
    struct strbuf head;

    if (smtp->message_flags == 0)
        return true;
    if (!str_is_empty(recipient.original) &&
        generic_map(smtp->generic, transaction->arena, &recipient.original, why) == TABLE_UNKNOWN)
        return false;
    strbuf_init(&head, STRBUF_UNLIMITED);
    message_flags_append_headers(&head, smtp->message_flags, transaction->shown->sender, &recipient, STR("\n"));
    transaction->head = arena_str(transaction->arena, strbuf_str(&head));
    strbuf_done(&head);
    return true;
}

/* Nothing was said to the server yet: the session can be used again. */
static bool map_envelope(struct transaction *transaction, struct trouble *trouble_out)
{
    struct failure why;

    transaction->shown = transaction->delivery->request;
    if (generic_map_envelope(transaction->session->smtp->generic, transaction->arena, &transaction->shown, &why) &&
        make_head(transaction, &why))
        return true;
    smtp_log_not_mapped(transaction->delivery->request->queue_id, why.text);
    *trouble_out = trouble_local(transaction->arena, DSN_STATUS(4, 3, 0), "address rewriting problem");
    return false;
}

/* The connection went while commands were answered. */
static enum transaction_end end_lost(struct transaction *transaction, const struct trouble *lost)
{
    if (!transaction->has_answer && transaction->session->uses > 1)
        return TRANSACTION_STALE;
    attempt_failed(transaction->attempt, lost);
    return TRANSACTION_ENDED;
}

static void finish_commands(struct transaction *transaction)
{
    if (is_trial(transaction)) {
        if (transaction->is_mail_refused)
            attempt_failed(transaction->attempt, &transaction->mail_trouble);
        return;
    }
    if (transaction->is_data_ready && transaction->accepted > 0 && !transaction->is_mail_refused) {
        send_content(transaction);
        return;
    }
    if (transaction->is_data_ready)
        send_nothing(transaction);
    if (transaction->is_mail_refused)
        fail_accepted(transaction, &transaction->mail_trouble);
}

enum transaction_end transaction_run(struct smtp_session *session, struct attempt *attempt)
{
    struct transaction transaction = {
        .session = session,
        .attempt = attempt,
        .delivery = attempt->delivery,
        .settings = session->smtp->settings,
        .arena = attempt->delivery->arena,
        .is_pipelining = (session->extensions.offered & SMTP_EXTENSION_PIPELINING) != 0,
    };
    struct trouble trouble;

    session->uses++;
    if (is_hopeless(&transaction, &trouble) || !map_envelope(&transaction, &trouble)) {
        attempt_failed(attempt, &trouble);
        return TRANSACTION_ENDED;
    }
    plan(&transaction);
    if (!exchange_commands(&transaction, &trouble))
        return end_lost(&transaction, &trouble);
    if (!transaction.has_answer)
        return TRANSACTION_STALE;
    finish_commands(&transaction);
    return TRANSACTION_ENDED;
}
