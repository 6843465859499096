/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions that ask the verify service whether an address can be delivered to. */
#include "protocol/verify.h"
#include "run/fiber.h"
#include "smtpd/destination.h"
#include "smtpd/log_lines.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* What is asked, and what the administrator wants said of it. */
struct subject {
    enum restriction_topic topic;
    struct str address;
    const char *status; /* 5.1.7 and 5.1.1 */
    int reject_code;
    int defer_code;
    struct str reason; /* instead of the probe's, or empty */
    struct str tempfail_action;
};

/* The polls of one answer take a while: the client may well wait longer for it than for others. */
static struct verify_answer ask(struct check *check, struct str address)
{
    struct smtpd *smtpd = check->smtpd;
    struct verify_query query = { address };
    struct verify_answer answer = { VERIFY_DEFERRED, STR("address verification problem") };
    struct failure why;
    void *message;

    for (int polls = 1;; polls++) {
        if (!endpoint_ask(smtpd->verify, &verify_query_message, &query, &verify_answer_message, check->arena,
                          smtpd->shared->ipc_timeout, &message, &why)) {
            log_table_trouble(STR("address verify service"), why.text);
            return answer;
        }
        answer = *(const struct verify_answer *) message;
        if (answer.status != VERIFY_IN_PROGRESS || polls >= check->session->settings->verify_poll_count)
            return answer;
        fiber_sleep(smtpd->loop, smtpd->settings->verify_poll_delay);
    }
}

/* A refusal for good, by its code, knows what it says; any other does not know yet. */
static struct str say(struct check *check, const struct subject *subject, int code, struct str reason)
{
    return arena_printf(check->arena, "%s address: %.*s", code / 100 == 5 ? "undeliverable" : "unverified",
                        STR_ARG(str_is_empty(subject->reason) ? reason : subject->reason));
}

/* What may be different later may also be refused for good by a restriction that comes behind. */
static enum verdict refuse(struct check *check, const struct subject *subject, int code, struct str reason)
{
    struct str text = say(check, subject, code, reason);

    if (code / 100 == 2)
        return VERDICT_DUNNO;
    if (code / 100 == 5 || !str_equal_nocase(subject->tempfail_action, STR("defer_if_permit")))
        return restriction_reject(check, subject->topic, code, subject->status, text);
    restriction_keep(check, &check->defer_if_permit, subject->topic, code, subject->status, text);
    return VERDICT_DUNNO;
}

static enum verdict judge(struct check *check, const struct subject *subject)
{
    struct verify_answer answer = ask(check, subject->address);

    switch (answer.status) {
    case VERIFY_DELIVERABLE:
        return VERDICT_DUNNO;
    case VERIFY_UNDELIVERABLE:
        return refuse(check, subject, subject->reject_code, answer.reason);
    default:
        return refuse(check, subject, subject->defer_code, answer.reason);
    }
}

enum verdict restriction_reject_unverified_recipient(struct check *check, const struct restriction_node *node)
{
    const struct smtpd_settings *settings = check->smtpd->settings;
    struct subject subject = {
        .topic = TOPIC_RECIPIENT,
        .status = "5.1.1",
        .reject_code = settings->unverified_recipient_reject_code,
        .defer_code = settings->unverified_recipient_defer_code,
        .reason = settings->unverified_recipient_reject_reason,
        .tempfail_action = settings->unverified_recipient_tempfail_action,
    };
    const struct destination *destination;
    enum verdict verdict;

    (void) node;
    if (!recipient_check_is_due(check, &destination, &verdict))
        return verdict;
    subject.address = destination->recipient;
    return judge(check, &subject);
}

enum verdict restriction_reject_unverified_sender(struct check *check, const struct restriction_node *node)
{
    const struct smtpd_settings *settings = check->smtpd->settings;
    const struct transaction *transaction = &check->session->transaction;
    struct subject subject = {
        .topic = TOPIC_SENDER,
        .status = "5.1.7",
        .address = transaction->sender,
        .reject_code = settings->unverified_sender_reject_code,
        .defer_code = settings->unverified_sender_defer_code,
        .reason = settings->unverified_sender_reject_reason,
        .tempfail_action = settings->unverified_sender_tempfail_action,
    };

    (void) node;
    if (!transaction_is_open(transaction) || transaction->sender.len == 0)
        return VERDICT_DUNNO;
    return judge(check, &subject);
}
