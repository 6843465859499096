/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/policy.h"

#include "base/memory.h"
#include "protocol/verify.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/names.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static struct check check_begin(struct session *session)
{
    names_trim(session);
    return (struct check){
        .session = session,
        .smtpd = session->smtpd,
        .arena = session->command_arena,
        .recipient = session->transaction.recipient,
        .recipient_shown = session->transaction.recipient_shown,
    };
}

/* The list comes after those that were said before, and after the one that is walked first. */
static void expect(struct check *check, const struct restriction_list *list)
{
    check->coming[check->coming_count++] = list;
}

/* A list that is begun is not to come any more. */
static void arrive_at(struct check *check, const struct restriction_list *list)
{
    if (check->coming_count == 0 || check->coming[0] != list)
        return;
    check->coming_count--;
    for (size_t i = 0; i < check->coming_count; i++)
        check->coming[i] = check->coming[i + 1];
}

static bool passes(struct check *check, const struct restriction_list *list, enum restriction_topic topic)
{
    check->topic = topic;
    arrive_at(check, list);
    check->defer_if_reject.is_set = false;
    return restriction_run(check, list) != VERDICT_REJECT;
}

/*
 * With smtpd_delay_reject = no, DEFER_IF_PERMIT of the client, HELO and sender lists is told at RCPT all the same: what
 * was kept at one stage is where the next begins.
 */
enum stage {
    STAGE_CLIENT,
    STAGE_HELO,
    STAGE_SENDER,
    STAGE_COUNT,
};

struct kept_deferrals {
    struct strbuf replies[STAGE_COUNT]; /* empty: none */
};

static void recall(struct check *check, enum stage stage)
{
    const struct kept_deferrals *kept = check->session->kept_deferrals;
    struct str reply = kept == NULL ? STR_EMPTY : strbuf_str(&kept->replies[stage]);

    check->defer_if_permit.is_set = reply.len > 0;
    check->defer_if_permit.reply = arena_str(check->arena, reply);
}

/* For this stage and, until they are reached again, those behind it. */
static void remember(struct check *check, enum stage stage)
{
    struct kept_deferrals *kept = check->session->kept_deferrals;

    if (kept == NULL && !check->defer_if_permit.is_set)
        return;
    if (kept == NULL) {
        check->session->kept_deferrals = kept = memory_alloc(sizeof(*kept));
        for (int i = 0; i < STAGE_COUNT; i++)
            strbuf_init(&kept->replies[i], STRBUF_UNLIMITED);
    }
    for (int i = (int) stage; i < STAGE_COUNT; i++) {
        strbuf_clear(&kept->replies[i]);
        if (check->defer_if_permit.is_set)
            strbuf_append(&kept->replies[i], check->defer_if_permit.reply);
    }
}

void policy_forget(struct session *session)
{
    struct kept_deferrals *kept = session->kept_deferrals;

    session->kept_deferrals = NULL;
    if (kept == NULL)
        return;
    for (int i = 0; i < STAGE_COUNT; i++)
        strbuf_done(&kept->replies[i]);
    memory_free(kept);
}

/* What was kept for the case that nothing else refuses. */
static bool passes_kept(struct check *check)
{
    if (!check->defer_if_permit.is_set)
        return true;
    check->reply = check->defer_if_permit.reply;
    log_reject(check->session, "reject", check->reply, check->recipient_shown);
    history_next_is_reject(check->session, check->reply);
    return false;
}

/* A stage before RCPT. */
static bool conclude_stage(struct check *check, enum stage stage, bool is_passed, struct str *reply_out)
{
    if (is_passed)
        remember(check, stage);
    else
        *reply_out = check->reply;
    return is_passed;
}

static bool conclude(struct check *check, bool is_passed, struct str *reply_out)
{
    is_passed = is_passed && passes_kept(check);
    if (!is_passed)
        *reply_out = check->reply;
    return is_passed;
}

/* True also where nothing is judged at all. */
static bool is_delayed(const struct session *session)
{
    return session->smtpd->is_standalone || session->settings->delay_reject;
}

bool policy_allows_client(struct session *session, struct str *reply_out)
{
    struct check check = check_begin(session);

    if (is_delayed(session))
        return true;
    return conclude_stage(&check, STAGE_CLIENT, passes(&check, session->smtpd->client_restrictions, TOPIC_CLIENT),
                          reply_out);
}

bool policy_allows_helo(struct session *session, struct str *reply_out)
{
    struct check check = check_begin(session);

    if (is_delayed(session))
        return true;
    recall(&check, STAGE_CLIENT);
    return conclude_stage(&check, STAGE_HELO, passes(&check, session->smtpd->helo_restrictions, TOPIC_HELO), reply_out);
}

bool policy_allows_sender(struct session *session, struct str *reply_out)
{
    struct check check = check_begin(session);
    bool is_passed;

    if (is_delayed(session))
        return true;
    recall(&check, STAGE_HELO);
    is_passed = passes(&check, session->smtpd->sender_restrictions, TOPIC_SENDER);
    if (is_passed && session->settings->reject_unlisted_sender)
        is_passed = recipient_check_sender(&check) != VERDICT_REJECT;
    return conclude_stage(&check, STAGE_SENDER, is_passed, reply_out);
}

static bool passes_delayed(struct check *check)
{
    const struct smtpd *smtpd = check->smtpd;

    if (!smtpd->settings->delay_reject) {
        recall(check, STAGE_SENDER);
        return true;
    }
    if (!passes(check, smtpd->client_restrictions, TOPIC_CLIENT) ||
        !passes(check, smtpd->helo_restrictions, TOPIC_HELO) ||
        !passes(check, smtpd->sender_restrictions, TOPIC_SENDER))
        return false;
    return !smtpd->settings->reject_unlisted_sender || recipient_check_sender(check) != VERDICT_REJECT;
}

static bool passes_recipient_lists(struct check *check)
{
    const struct smtpd *smtpd = check->smtpd;
    const struct restriction_list *first = smtpd->relay_restrictions, *second = smtpd->recipient_restrictions;

    if (smtpd->is_open_relay) {
        log_no_relay_control();
        check->topic = TOPIC_RECIPIENT;
        return restriction_misconfigured(check) != VERDICT_REJECT;
    }
    if (!smtpd->settings->relay_before_recipient_restrictions) {
        first = smtpd->recipient_restrictions;
        second = smtpd->relay_restrictions;
    }
    return passes(check, first, TOPIC_RECIPIENT) && passes(check, second, TOPIC_RECIPIENT);
}

static void expect_lists(struct check *check)
{
    const struct smtpd *smtpd = check->smtpd;
    bool is_relay_first = smtpd->settings->relay_before_recipient_restrictions;

    if (smtpd->settings->delay_reject) {
        expect(check, smtpd->client_restrictions);
        expect(check, smtpd->helo_restrictions);
        expect(check, smtpd->sender_restrictions);
    }
    expect(check, is_relay_first ? smtpd->relay_restrictions : smtpd->recipient_restrictions);
    expect(check, is_relay_first ? smtpd->recipient_restrictions : smtpd->relay_restrictions);
}

/* "postmaster" without a domain is always taken (RFC 5321 section 4.5.1), whatever the restrictions say. */
static bool is_bare_postmaster(struct str recipient)
{
    return str_equal_nocase(recipient, STR("postmaster"));
}

/* Who is asked about the sender of a probe must not ask back, and no restriction keep it from being known. */
static bool is_probe_sender(const struct smtpd *smtpd, struct str recipient)
{
    return verify_is_sender_address(recipient, smtpd->settings->verify_sender, smtpd->shared->myorigin,
                                    smtpd->settings->verify_sender_ttl, clock_now());
}

bool policy_allows_recipient(struct session *session, struct str recipient, struct str shown, struct str *reply_out)
{
    struct check check = check_begin(session);
    bool is_passed;

    if (session->smtpd->is_standalone || is_bare_postmaster(recipient) || is_probe_sender(session->smtpd, recipient))
        return true;
    check.recipient = recipient;
    check.recipient_shown = shown;
    expect_lists(&check);
    is_passed = passes_delayed(&check) && passes_recipient_lists(&check) && passes_kept(&check);
    if (is_passed && session->settings->reject_unlisted_recipient)
        is_passed = recipient_check_recipient(&check) != VERDICT_REJECT;
    return conclude(&check, is_passed, reply_out);
}

bool policy_allows_data(struct session *session, struct str *reply_out)
{
    struct check check = check_begin(session);

    if (session->smtpd->is_standalone)
        return true;
    return conclude(&check, passes(&check, session->smtpd->data_restrictions, TOPIC_DATA), reply_out);
}

bool policy_allows_message(struct session *session, struct str *reply_out)
{
    struct check check = check_begin(session);

    if (session->smtpd->is_standalone)
        return true;
    return conclude(&check, passes(&check, session->smtpd->end_of_data_restrictions, TOPIC_END_OF_DATA), reply_out);
}

bool policy_allows_etrn(struct session *session, struct str site, struct str *reply_out)
{
    const struct smtpd *smtpd = session->smtpd;
    struct check check = check_begin(session);
    bool is_passed = true;

    if (smtpd->is_standalone)
        return true;
    check.etrn_site = site;
    if (!smtpd->settings->delay_reject)
        recall(&check, STAGE_HELO);
    else
        is_passed = passes(&check, smtpd->client_restrictions, TOPIC_CLIENT) &&
                    passes(&check, smtpd->helo_restrictions, TOPIC_HELO);
    return conclude(&check, is_passed && passes(&check, smtpd->etrn_restrictions, TOPIC_ETRN), reply_out);
}
