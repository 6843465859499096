/* SPDX-License-Identifier: Apache-2.0 */
/* Access tables: which keys are asked (access(5)). What the answers mean stands in restriction_action.c. */
#include "mail/address.h"
#include "smtpd/destination.h"
#include "smtpd/log_lines.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/address_lookup.h"

/* What a lookup's outcome means; DUNNO when nothing was found. */
static enum verdict conclude(struct check *check, enum restriction_topic topic, const struct restriction_node *node,
                             enum table_result result, const struct address_answer *answer, const struct failure *why)
{
    switch (result) {
    case TABLE_FOUND:
        return restriction_act(check, topic, answer);
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(node->table), why->text);
        return restriction_reject(check, topic, 451, "4.3.5", STR("Server configuration error"));
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}

enum verdict restriction_client_access(struct check *check, const struct restriction_node *node)
{
    const struct peer *peer = &check->session->peer;
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    result = domain_lookup(node->table, check->smtpd->access_parents_match, peer->name, check->arena, &answer, &why);
    if (result == TABLE_ABSENT)
        result = network_lookup(node->table, peer->address, check->arena, &answer, &why);
    return conclude(check, TOPIC_CLIENT, node, result, &answer, &why);
}

enum verdict restriction_helo_access(struct check *check, const struct restriction_node *node)
{
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    if (check->session->helo_name.len == 0)
        return VERDICT_DUNNO;
    result = domain_lookup(node->table, check->smtpd->access_parents_match, check->session->helo_name, check->arena,
                           &answer, &why);
    return conclude(check, TOPIC_HELO, node, result, &answer, &why);
}

enum verdict restriction_etrn_access(struct check *check, const struct restriction_node *node)
{
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    if (check->etrn_site.len == 0)
        return VERDICT_DUNNO;
    result =
        domain_lookup(node->table, check->smtpd->access_parents_match, check->etrn_site, check->arena, &answer, &why);
    return conclude(check, TOPIC_ETRN, node, result, &answer, &why);
}

static enum verdict address_access(struct check *check, enum restriction_topic topic,
                                   const struct restriction_node *node, struct str address)
{
    const struct address_rules rules = {
        .steps = ADDRESS_STEPS_ACCESS,
        .recipient_delimiter = check->smtpd->shared->recipient_delimiter,
        .is_owner_plain = !check->smtpd->shared->owner_request_special,
        .parents_match_subdomains = check->smtpd->access_parents_match,
    };
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    result = address_lookup(node->table, &rules, address, check->arena, &answer, &why);
    return conclude(check, topic, node, result, &answer, &why);
}

enum verdict restriction_sender_access(struct check *check, const struct restriction_node *node)
{
    const struct transaction *transaction = &check->session->transaction;
    const struct destination *destination;
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    if (!transaction_is_open(transaction))
        return VERDICT_DUNNO;
    if (transaction->sender.len > 0) {
        if (!destination_look_up(check->smtpd, STR_EMPTY, transaction->sender, check->arena, &destination, &why))
            return restriction_unanswered(check, TOPIC_SENDER, STR("rewrite service"), &why);
        return address_access(check, TOPIC_SENDER, node,
                              destination->recipient.len > 0 ? destination->recipient : transaction->sender);
    }
    answer = (struct address_answer){ .table = table_list_title(node->table) };
    result = table_list_find_where(node->table, check->smtpd->settings->null_access_lookup_key, TABLE_ANY_KIND,
                                   check->arena, &answer.value, &answer.table, &why);
    return conclude(check, TOPIC_SENDER, node, result, &answer, &why);
}

enum verdict restriction_recipient_access(struct check *check, const struct restriction_node *node)
{
    const struct destination *destination;
    enum verdict verdict;

    if (!recipient_check_is_due(check, &destination, &verdict))
        return verdict;
    return address_access(check, TOPIC_RECIPIENT, node,
                          destination->recipient.len > 0 ? destination->recipient : check->recipient);
}
