/* SPDX-License-Identifier: Apache-2.0 */
/* Access tables: which keys are asked, and what the answers mean (access(5)). */
#include "mail/address.h"
#include "mail/dsn.h"
#include "smtpd/destination.h"
#include "smtpd/log_lines.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "table/address_lookup.h"

/* What was found where, while its value is acted on. */
struct found {
    struct check *check;
    enum restriction_topic topic;
    struct str table;
    struct str action; /* first word of the value */
    struct str text;   /* the rest */
};

static enum verdict act_permit(const struct found *found)
{
    return restriction_permitted(found->check, found->topic, found->action, found->table);
}

static enum verdict act_dunno(const struct found *found)
{
    (void) found;
    return VERDICT_DUNNO;
}

/* "5.7.1 text", "text" or nothing, with the code given. */
static enum verdict refuse_with(const struct found *found, int code, const char *fallback_status)
{
    struct dsn_status fallback = DSN_STATUS((unsigned char) (code / 100), 7, 1);
    char buffer[DSN_STATUS_SIZE];
    struct str text, status;

    (void) fallback_status;
    status =
        arena_str(found->check->arena, dsn_status_format(dsn_split_text(found->text, fallback, true, &text), buffer));
    return restriction_reject(found->check, found->topic, code, status.data,
                              text.len > 0 ? text : STR("Access denied"));
}

static enum verdict act_reject(const struct found *found)
{
    return refuse_with(found, found->check->smtpd->settings->access_map_reject_code, "5.7.1");
}

static enum verdict act_defer(const struct found *found)
{
    return refuse_with(found, found->check->smtpd->settings->access_map_defer_code, "4.7.1");
}

static void keep(const struct found *found, struct deferral *deferral)
{
    char buffer[DSN_STATUS_SIZE];
    struct str text, status;

    status = arena_str(found->check->arena,
                       dsn_status_format(dsn_split_text(found->text, DSN_STATUS(4, 7, 1), true, &text), buffer));
    restriction_keep(found->check, deferral, found->topic, found->check->smtpd->settings->access_map_defer_code,
                     status.data, text.len > 0 ? text : STR("Service unavailable"));
}

static enum verdict act_defer_if_permit(const struct found *found)
{
    keep(found, &found->check->defer_if_permit);
    return VERDICT_DUNNO;
}

static enum verdict act_defer_if_reject(const struct found *found)
{
    keep(found, &found->check->defer_if_reject);
    return VERDICT_DUNNO;
}

static enum verdict note(const struct found *found, const char *kind)
{
    log_notice(found->check->session, kind, found->text, found->check->recipient_shown);
    return VERDICT_DUNNO;
}

static enum verdict act_warn(const struct found *found)
{
    return note(found, "warn");
}

static enum verdict act_info(const struct found *found)
{
    return note(found, "info");
}

static const struct {
    const char *name;
    enum verdict (*run)(const struct found *found);
} actions[] = {
    { "OK", act_permit },
    { "RELAY", act_permit },
    { "DUNNO", act_dunno },
    { "REJECT", act_reject },
    { "DEFER", act_defer },
    { "DEFER_IF_PERMIT", act_defer_if_permit },
    { "DEFER_IF_REJECT", act_defer_if_reject },
    { "WARN", act_warn },
    { "INFO", act_info },
};

/* "4NN text" and "5NN text" are replies. */
static bool is_reply_code(struct str action)
{
    return action.len == 3 && syntax_is_number(action) && (action.data[0] == '4' || action.data[0] == '5');
}

static enum verdict act_on(struct check *check, enum restriction_topic topic, const struct address_answer *answer)
{
    struct found found = { .check = check, .topic = topic, .table = answer->table };
    struct str value = str_trim(answer->value);
    uint64_t code;

    /* "all numerical" is how POP-before-SMTP programs say OK */
    if (syntax_is_number(value)) {
        found.action = arena_str(check->arena, value);
        return act_permit(&found);
    }
    str_cut(value, ' ', &found.action, &found.text);
    found.action = arena_str(check->arena, found.action);
    found.text = str_trim(found.text);
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        if (str_equal_nocase(found.action, str_from_c(actions[i].name)))
            return actions[i].run(&found);
    }
    if (is_reply_code(found.action) && str_to_uint64(found.action, &code))
        return refuse_with(&found, (int) code, NULL);
    return restriction_run_names(check, value, answer->table);
}

/* What a lookup's outcome means; DUNNO when nothing was found. */
static enum verdict conclude(struct check *check, enum restriction_topic topic, const struct restriction_node *node,
                             enum table_result result, const struct address_answer *answer, const struct failure *why)
{
    switch (result) {
    case TABLE_FOUND:
        return act_on(check, topic, answer);
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

    if (check->recipient_shown.len == 0)
        return VERDICT_DUNNO;
    verdict = recipient_check_resolve(check, &destination);
    if (verdict != VERDICT_DUNNO)
        return verdict == VERDICT_PERMIT ? VERDICT_DUNNO : verdict;
    return address_access(check, TOPIC_RECIPIENT, node,
                          destination->recipient.len > 0 ? destination->recipient : check->recipient);
}
