/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/recipient_check.h"

#include "config/receive_override.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "notice/transcript.h"
#include "protocol/verify.h"
#include "run/stream.h"
#include "smtpd/destination.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/upcoming.h"
#include "table/address_lookup.h"

#include <stdlib.h>

/* The address that is looked at, and what the reply says of it. */
struct subject {
    struct check *check;
    enum restriction_topic topic; /* RECIPIENT or SENDER */
    const struct destination *destination;
    const char *status; /* 5.1.1, and 5.1.0 for senders */
};

static enum verdict look_up(struct check *check, struct str sender, struct str address, enum restriction_topic topic,
                            const struct destination **destination_out)
{
    struct failure why;

    if (!destination_look_up(check->smtpd, sender, address, check->arena, destination_out, &why)) {
        if (why.kind == FAILURE_CONFIGURATION)
            why.kind = FAILURE_RETRY;
        return restriction_unanswered(check, topic, STR("rewrite service"), &why);
    }
    if ((*destination_out)->status == RESOLVE_DEFER) {
        failure_set(&why, FAILURE_RETRY, 0, "%.*s", STR_ARG((*destination_out)->nexthop));
        return restriction_unanswered(check, topic, STR("address resolver"), &why);
    }
    return VERDICT_DUNNO;
}

/*
 * A client that sends its RCPT commands one behind the other gets them resolved together. What was asked for once is
 * not asked for ahead again, also if there was no good answer: else many bad ones would cost their square.
 */
static void foresee(struct check *check)
{
    struct session *session = check->session;
    struct str sender = session->transaction.sender;
    struct strlist next;

    if (session->foreseen > 0) {
        session->foreseen--;
        return;
    }
    next = upcoming_recipients(stream_buffered(session->stream), smtpd_path_flags(check->smtpd), check->arena);
    if (next.count == 0 || destination_is_remembered(check->smtpd, sender, check->recipient))
        return;
    session->foreseen = next.count;
    strlist_add(&next, check->arena, check->recipient);
    destination_foresee(check->smtpd, sender, &next);
}

enum verdict recipient_check_resolve(struct check *check, const struct destination **destination_out)
{
    enum verdict verdict = VERDICT_DUNNO;

    if (check->destination == NULL) {
        foresee(check);
        verdict =
            look_up(check, check->session->transaction.sender, check->recipient, TOPIC_RECIPIENT, &check->destination);
    }
    if (verdict == VERDICT_DUNNO && check->destination == NULL)
        verdict = VERDICT_PERMIT;
    if (check->destination != NULL)
        *destination_out = check->destination;
    return verdict;
}

bool recipient_check_is_due(struct check *check, const struct destination **destination_out, enum verdict *verdict_out)
{
    enum verdict verdict = VERDICT_PERMIT;

    if (check->recipient_shown.len > 0)
        verdict = recipient_check_resolve(check, destination_out);
    *verdict_out = verdict == VERDICT_PERMIT ? VERDICT_DUNNO : verdict;
    return verdict == VERDICT_DUNNO;
}

/* For keys without domain: user and user+ext are asked where the domain is a local one. */
static enum table_result is_local_domain(void *context, struct str domain, struct failure *why)
{
    const struct destination *destination = context;

    (void) domain, (void) why;
    return destination->address_class == RESOLVE_LOCAL ? TABLE_FOUND : TABLE_ABSENT;
}

/* FOUND, ABSENT; UNKNOWN has been logged and *verdict_out says what to answer. */
static enum table_result ask(const struct subject *subject, struct table_list *list, enum verdict *verdict_out)
{
    struct check *check = subject->check;
    const struct address_rules rules = {
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = check->smtpd->shared->recipient_delimiter,
        .is_owner_plain = !check->smtpd->shared->owner_request_special,
        .is_local_domain = is_local_domain,
        .context = (void *) (uintptr_t) subject->destination,
    };
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    if (table_list_is_empty(list))
        return TABLE_ABSENT;
    result = address_lookup(list, &rules, subject->destination->recipient, check->arena, &answer, &why);
    if (result == TABLE_UNKNOWN)
        *verdict_out = restriction_unanswered(check, subject->topic, table_list_title(list), &why);
    return result;
}

/* "User unknown in local recipient table", or what an error: route says. */
static enum verdict refuse_unknown(const struct subject *subject, int code, const char *table)
{
    struct str text = STR("User unknown");

    if (subject->check->smtpd->settings->show_user_unknown_table_name)
        text = arena_printf(subject->check->arena, "User unknown in %s table", table);
    return restriction_reject(subject->check, subject->topic, code, subject->status, text);
}

/* Routed to error: (or retry:): refused here, with the route's own status and text. */
static enum verdict refuse_error_route(const struct subject *subject, bool is_final)
{
    struct dsn_status fallback = is_final ? DSN_STATUS(5, 1, 1) : DSN_STATUS(4, 1, 1);
    char buffer[DSN_STATUS_SIZE];
    bool is_alias = subject->destination->address_class == RESOLVE_VIRTUAL_ALIAS;
    struct dsn_status status;
    struct str text, own;
    enum verdict verdict;
    int code;

    if (subject->topic == TOPIC_SENDER)
        fallback.detail = 0;
    status = dsn_split_text(subject->destination->nexthop, fallback, false, &text);
    own = arena_str(subject->check->arena, dsn_status_format(status, buffer));
    code = is_final && status.class != 4 ? 550 : 450;
    /* The route of a domain of aliases knows the text only. */
    if (is_alias)
        code = subject->check->smtpd->settings->unknown_virtual_alias_reject_code;
    verdict = restriction_reject(subject->check, subject->topic, code, own.data,
                                 text.len > 0 ? text : STR("Address unreachable"));
    /* As with unknown users: a bounce that was spared. */
    if (verdict == VERDICT_REJECT)
        history_next_is(subject->check->session, NOTICE_BOUNCE);
    return verdict;
}

/* Names that every mail system must take (RFC 5321 section 4.5.1) or that it sends from. */
static bool is_always_there(const struct subject *subject)
{
    const struct smtpd_settings *settings = subject->check->smtpd->settings;
    struct str local = address_local(subject->destination->recipient);
    struct str double_bounce = address_local(subject->check->smtpd->shared->double_bounce_sender);

    return subject->destination->address_class == RESOLVE_LOCAL &&
           (str_equal_nocase(local, STR("postmaster")) || str_equal_nocase(local, STR("mailer-daemon")) ||
            str_equal_nocase(local, double_bounce) ||
            verify_is_sender(local, settings->verify_sender, settings->verify_sender_ttl, clock_now()));
}

/* FOUND, also for an empty list, which stands for "every address". */
static enum table_result ask_unless_empty(const struct subject *subject, struct table_list *list,
                                          enum verdict *verdict_out)
{
    return table_list_is_empty(list) ? TABLE_FOUND : ask(subject, list, verdict_out);
}

static enum verdict check_class(const struct subject *subject)
{
    const struct smtpd *smtpd = subject->check->smtpd;
    const struct smtpd_settings *settings = smtpd->settings;
    enum verdict verdict = VERDICT_DUNNO;

    switch (subject->destination->address_class) {
    case RESOLVE_LOCAL:
        if (ask_unless_empty(subject, smtpd->local_recipient_maps, &verdict) == TABLE_ABSENT)
            return refuse_unknown(subject, settings->unknown_local_recipient_reject_code, "local recipient");
        return verdict;
    case RESOLVE_VIRTUAL_ALIAS:
        return refuse_unknown(subject, settings->unknown_virtual_alias_reject_code, "virtual alias");
    case RESOLVE_VIRTUAL_MAILBOX:
        if (ask_unless_empty(subject, smtpd->virtual_mailbox_maps, &verdict) == TABLE_ABSENT)
            return refuse_unknown(subject, settings->unknown_virtual_mailbox_reject_code, "virtual mailbox");
        return verdict;
    case RESOLVE_RELAY:
        if (ask_unless_empty(subject, smtpd->relay_recipient_maps, &verdict) == TABLE_ABSENT)
            return refuse_unknown(subject, settings->unknown_relay_recipient_reject_code, "relay recipient");
        return verdict;
    default:
        return VERDICT_DUNNO;
    }
}

static bool is_error_route(const struct smtpd *smtpd, const struct destination *destination)
{
    return destination->status == RESOLVE_ERROR ||
           str_equal(destination->transport, smtpd->shared->error_service_name) ||
           str_equal(destination->transport, STR("retry"));
}

static enum verdict check_listed(const struct subject *subject)
{
    struct smtpd *smtpd = subject->check->smtpd;
    struct table_list *const maps[] = { smtpd->recipient_canonical_maps, smtpd->canonical_maps,
                                        smtpd->virtual_alias_maps };
    enum verdict verdict = VERDICT_DUNNO;

    if ((smtpd->overrides & RECEIVE_NO_UNKNOWN_RECIPIENT_CHECKS) != 0 || subject->destination->is_listed ||
        is_always_there(subject))
        return VERDICT_DUNNO;
    for (size_t i = 0; i < ARRAY_COUNT(maps); i++) {
        enum table_result result = ask(subject, maps[i], &verdict);

        if (result != TABLE_ABSENT)
            return verdict;
    }
    if (is_error_route(smtpd, subject->destination))
        return refuse_error_route(subject, !str_equal(subject->destination->transport, STR("retry")));
    verdict = check_class(subject);
    if (verdict == VERDICT_DUNNO && subject->topic == TOPIC_RECIPIENT)
        destination_set_listed(smtpd, subject->destination);
    return verdict;
}

enum verdict recipient_check_recipient(struct check *check)
{
    struct subject subject = { .check = check, .topic = TOPIC_RECIPIENT, .status = "5.1.1" };
    enum verdict verdict;

    if (check->recipient_shown.len == 0)
        return VERDICT_DUNNO;
    verdict = recipient_check_resolve(check, &subject.destination);
    if (verdict != VERDICT_DUNNO)
        return verdict == VERDICT_PERMIT ? VERDICT_DUNNO : verdict;
    return check_listed(&subject);
}

enum verdict recipient_check_sender(struct check *check)
{
    struct subject subject = { .check = check, .topic = TOPIC_SENDER, .status = "5.1.0" };
    const struct transaction *transaction = &check->session->transaction;
    enum verdict verdict;

    if (!transaction_is_open(transaction) || transaction->sender.len == 0)
        return VERDICT_DUNNO;
    verdict = look_up(check, STR_EMPTY, transaction->sender, TOPIC_SENDER, &subject.destination);
    if (verdict != VERDICT_DUNNO || subject.destination == NULL)
        return verdict;
    return check_listed(&subject);
}

enum verdict restriction_reject_unlisted_recipient(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return recipient_check_recipient(check);
}

enum verdict restriction_reject_unlisted_sender(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return recipient_check_sender(check);
}
