/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions on who the client has proved to be. No client can log in or show a certificate yet. */
#include "smtpd/destination.h"
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/address_lookup.h"

enum verdict restriction_sasl_access(struct check *check, const struct restriction_node *node)
{
    if (!check->smtpd->has_logins)
        log_no_sasl(node->name);
    return VERDICT_DUNNO;
}

enum verdict restriction_ccert_access(struct check *check, const struct restriction_node *node)
{
    (void) check;
    log_no_client_certificates(node->name);
    return VERDICT_DUNNO;
}

enum verdict restriction_reject_plaintext_session(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return restriction_reject_plain(check, check->smtpd->settings->plaintext_reject_code, "4.7.1",
                                    STR("Session encryption is required"));
}

/* Keys without a domain are of those in our own. */
static enum table_result is_local_domain(void *context, struct str domain, struct failure *why)
{
    const struct destination *destination = context;

    (void) domain, (void) why;
    return destination->address_class == RESOLVE_LOCAL ? TABLE_FOUND : TABLE_ABSENT;
}

static enum table_result find_owner(struct check *check, const struct destination *destination, struct failure *why)
{
    const struct address_rules rules = {
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = check->smtpd->shared->recipient_delimiter,
        .is_owner_plain = !check->smtpd->shared->owner_request_special,
        .is_local_domain = is_local_domain,
        .context = (void *) (uintptr_t) destination,
    };
    struct address_answer answer;

    return address_lookup(check->smtpd->sender_login_maps, &rules, destination->recipient, check->arena, &answer, why);
}

/* Somebody owns the sender's address, and nobody has logged in. */
static enum verdict judge_owner(struct check *check)
{
    const struct transaction *transaction = &check->session->transaction;
    const struct destination *destination;
    struct failure why;

    if (!transaction_is_open(transaction) || transaction->sender.len == 0)
        return VERDICT_DUNNO;
    if (!destination_look_up(check->smtpd, STR_EMPTY, transaction->sender, check->arena, &destination, &why))
        return restriction_unanswered(check, TOPIC_SENDER, STR("rewrite service"), &why);
    switch (find_owner(check, destination, &why)) {
    case TABLE_FOUND:
        return restriction_reject(check, TOPIC_SENDER, 553, "5.7.1", STR("not logged in"));
    case TABLE_UNKNOWN:
        return restriction_unanswered(check, TOPIC_SENDER, STR("smtpd_sender_login_maps"), &why);
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}

static bool has_logins(const struct check *check, struct str restriction)
{
    if (!check->smtpd->has_logins)
        log_no_sasl(restriction);
    return check->smtpd->has_logins;
}

enum verdict restriction_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    bool has_both = has_logins(check, STR("reject_authenticated_sender_login_mismatch"));

    (void) node;
    has_both &= has_logins(check, STR("reject_unauthenticated_sender_login_mismatch"));
    return has_both ? judge_owner(check) : VERDICT_DUNNO;
}

enum verdict restriction_unauthenticated_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    return has_logins(check, node->name) ? judge_owner(check) : VERDICT_DUNNO;
}

enum verdict restriction_known_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    return has_logins(check, node->name) ? judge_owner(check) : VERDICT_DUNNO;
}

enum verdict restriction_authenticated_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    (void) has_logins(check, node->name);
    return VERDICT_DUNNO;
}
