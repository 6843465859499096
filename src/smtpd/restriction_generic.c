/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions that look at nothing. */
#include "run/fiber.h"
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum verdict restriction_permit(struct check *check, const struct restriction_node *node)
{
    return restriction_permitted(check, check->topic, node->name, STR_EMPTY);
}

enum verdict restriction_reject_all(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return restriction_reject(check, check->topic, check->smtpd->settings->reject_code, "5.7.1", STR("Access denied"));
}

enum verdict restriction_defer_all(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return restriction_reject(check, check->topic, check->smtpd->settings->defer_code, "4.3.2", STR("Try again later"));
}

enum verdict restriction_defer_if_permit(struct check *check, const struct restriction_node *node)
{
    (void) node;
    restriction_keep(check, &check->defer_if_permit, check->topic, 450, "4.7.0", STR("defer_if_permit requested"));
    return VERDICT_DUNNO;
}

enum verdict restriction_defer_if_reject(struct check *check, const struct restriction_node *node)
{
    (void) node;
    restriction_keep(check, &check->defer_if_reject, check->topic, 450, "4.7.0", STR("defer_if_reject requested"));
    return VERDICT_DUNNO;
}

enum verdict restriction_sleep(struct check *check, const struct restriction_node *node)
{
    if (node->number > 0)
        fiber_sleep(check->smtpd->loop, seconds((int64_t) node->number));
    return VERDICT_DUNNO;
}

/* A bounce has one recipient: the sender of what bounces. */
enum verdict restriction_reject_multi_recipient_bounce(struct check *check, const struct restriction_node *node)
{
    const struct transaction *transaction = &check->session->transaction;
    unsigned count =
        transaction->recipient_count + (check->topic == TOPIC_DATA || check->topic == TOPIC_END_OF_DATA ? 0 : 1);

    (void) node;
    if (!transaction_is_open(transaction) || transaction->sender.len > 0 || count < 2)
        return VERDICT_DUNNO;
    return restriction_reject(check, check->topic, check->smtpd->settings->multi_recipient_bounce_reject_code, "5.5.3",
                              STR("Multi-recipient bounce"));
}

enum verdict restriction_reject_unauth_pipelining(struct check *check, const struct restriction_node *node)
{
    (void) node;
    if (!check->session->has_sent_early)
        return VERDICT_DUNNO;
    return restriction_reject(check, check->topic, 503, "5.5.0", STR("Improper use of SMTP command pipelining"));
}

/* Words of old that Postfix has given up, too. */
enum verdict restriction_removed_word(struct check *check, const struct restriction_node *node)
{
    const char *instead = "\"reject_unauth_destination\"";

    if (str_equal_nocase(node->name, STR("permit_naked_ip_address")))
        instead = "\"permit_mynetworks\" or \"permit_sasl_authenticated\"";
    else if (str_equal_nocase(node->name, STR("reject_maps_rbl")))
        instead = "\"reject_rbl_client domain-name\"";
    log_removed_restriction(node->name, instead);
    return restriction_misconfigured(check);
}
