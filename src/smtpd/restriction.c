/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/restriction.h"

#include "config/restriction_names.h"
#include "mail/dsn.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* What a table without a restriction's name before it means in each list. */
static const enum restriction_word topic_access[] = {
    [TOPIC_CLIENT] = RESTRICTION_CHECK_CLIENT_ACCESS,  [TOPIC_HELO] = RESTRICTION_CHECK_HELO_ACCESS,
    [TOPIC_SENDER] = RESTRICTION_CHECK_SENDER_ACCESS,  [TOPIC_RECIPIENT] = RESTRICTION_CHECK_RECIPIENT_ACCESS,
    [TOPIC_DATA] = RESTRICTION_CHECK_RECIPIENT_ACCESS, [TOPIC_END_OF_DATA] = RESTRICTION_CHECK_RECIPIENT_ACCESS,
    [TOPIC_ETRN] = RESTRICTION_CHECK_ETRN_ACCESS,
};

/* "check_client_access permit", "sleep soon": answered when it is reached. A DNS list without its domain is none. */
static enum verdict refuse_without_argument(struct check *check, const struct restriction_node *node)
{
    switch (restriction_argument_of(node->restriction)) {
    case RESTRICTION_ARGUMENT_TABLE:
        log_bad_table_argument(node->name, str_is_empty(node->argument) ? node->name : node->argument);
        break;
    case RESTRICTION_ARGUMENT_SERVICE:
        log_argument_missing(node->name, "transport:server");
        break;
    case RESTRICTION_ARGUMENT_NUMBER:
        log_argument_missing(node->name, "number");
        break;
    case RESTRICTION_ARGUMENT_DOMAIN:
        log_domain_missing(node->name);
        return VERDICT_DUNNO;
    case RESTRICTION_ARGUMENT_NONE:
        break;
    }
    return restriction_misconfigured(check);
}

static enum verdict run_node(struct check *check, const struct restriction_node *node)
{
    if (node->restriction != NULL && node->lacks_argument)
        return refuse_without_argument(check, node);
    if (node->restriction != NULL)
        return node->restriction->run(check, node);
    if (node->class != NULL && node->class->list != NULL)
        return restriction_run(check, node->class->list);
    if (node->table != NULL)
        return restriction_by_word(topic_access[check->topic])->run(check, node);
    log_unknown_restriction(node->name);
    return restriction_misconfigured(check);
}

enum { DEBUG_LEVEL_OF_VERDICTS = 2 };

static bool always_decides(const struct restriction_node *node)
{
    return node->restriction == restriction_by_word(RESTRICTION_PERMIT) ||
           node->restriction == restriction_by_word(RESTRICTION_REJECT) ||
           node->restriction == restriction_by_word(RESTRICTION_DEFER);
}

/* Whether what stands behind the node is never reached. */
static bool ends_walk(struct check *check, const struct restriction_node *node)
{
    return (always_decides(node) && !node->only_warns) ||
           (node->restriction == restriction_by_word(RESTRICTION_PERMIT_MYNETWORKS) &&
            restriction_client_is_ours(check));
}

/* False when nothing behind the list is reached. */
static bool foresee(struct check *check, const struct restriction_list *list, size_t from, unsigned depth)
{
    for (size_t i = from; list != NULL && depth < RESTRICTION_NESTING_MAXIMUM && i < list->count; i++) {
        const struct restriction_node *node = &list->nodes[i];

        if (ends_walk(check, node))
            return false;
        if (node->restriction != NULL && node->restriction->foresee != NULL && !node->lacks_argument)
            node->restriction->foresee(check, node);
        if (node->class != NULL && !foresee(check, node->class->list, 0, depth + 1))
            return false;
    }
    return true;
}

/* The first that has to wait begins the questions of those behind it, too. */
static void look_ahead(struct check *check, const struct restriction_list *list, size_t place)
{
    const struct restriction *restriction = list->nodes[place].restriction;

    if (check->has_foreseen || restriction == NULL || restriction->foresee == NULL)
        return;
    check->has_foreseen = true;
    foresee(check, list, place, check->depth);
    for (size_t i = 0; i < check->coming_count; i++)
        foresee(check, check->coming[i], 0, 0);
}

enum verdict restriction_run(struct check *check, const struct restriction_list *list)
{
    enum verdict verdict = VERDICT_DUNNO;
    bool outer_only_warns = check->only_warns;

    if (check->depth >= RESTRICTION_NESTING_MAXIMUM) {
        log_restriction_nesting();
        return restriction_misconfigured(check);
    }
    check->depth++;
    for (size_t i = 0; i < list->count && verdict == VERDICT_DUNNO; i++) {
        check->only_warns = outer_only_warns || list->nodes[i].only_warns;
        look_ahead(check, list, i);
        verdict = run_node(check, &list->nodes[i]);
        if (verdict != VERDICT_DUNNO && always_decides(&list->nodes[i]) && i + 1 < list->count)
            log_restriction_after(list->nodes[i + 1].name, list->nodes[i].name);
        if (check->session->debug_level >= DEBUG_LEVEL_OF_VERDICTS)
            log_restriction_verdict(list->nodes[i].name, (int) verdict);
    }
    check->only_warns = outer_only_warns;
    check->depth--;
    return verdict;
}

enum verdict restriction_run_names(struct check *check, struct str names, struct str table)
{
    if (restriction_names_table(check->smtpd, names)) {
        log_table_in_access_table(table, names);
        return restriction_misconfigured(check);
    }
    if (check->depth + 1 >= RESTRICTION_NESTING_MAXIMUM) {
        log_table_nesting(table, names);
        return restriction_misconfigured(check);
    }
    return restriction_run(check, restriction_parse_names(check->smtpd, check->arena, names));
}

static const char *const topic_names[] = {
    [TOPIC_CLIENT] = "Client host",    [TOPIC_HELO] = "Helo command",
    [TOPIC_SENDER] = "Sender address", [TOPIC_RECIPIENT] = "Recipient address",
    [TOPIC_DATA] = "Data command",     [TOPIC_END_OF_DATA] = "End-of-data",
    [TOPIC_ETRN] = "Etrn command",     [TOPIC_REVERSE_CLIENT] = "Unverified Client host",
    [TOPIC_LOGIN] = "SASL login name", [TOPIC_CERTIFICATE] = "Client certificate",
};

/* What the topic is in this session: "a@b.example". */
static struct str topic_value(const struct check *check, enum restriction_topic topic)
{
    const struct session *session = check->session;

    switch (topic) {
    case TOPIC_CLIENT:
        return session->peer.shown;
    case TOPIC_HELO:
        return session->helo_name;
    case TOPIC_SENDER:
        return session->transaction.sender;
    case TOPIC_RECIPIENT:
        return check->recipient;
    case TOPIC_DATA:
        return STR("DATA");
    case TOPIC_END_OF_DATA:
        return STR("END-OF-MESSAGE");
    case TOPIC_ETRN:
        return check->etrn_site;
    case TOPIC_LOGIN:
        return check->session->login.username;
    case TOPIC_CERTIFICATE:
        return session->tls.facts == NULL ? STR_EMPTY : session->tls.facts->common_name;
    case TOPIC_REVERSE_CLIENT:
        return session->peer.reverse_name;
    }
    return STR_EMPTY;
}

const char *restriction_topic_name(enum restriction_topic topic)
{
    return topic_names[topic];
}

struct str restriction_topic_shown(const struct check *check, enum restriction_topic topic)
{
    struct str value = topic_value(check, topic);

    return arena_printf(check->arena, "<%.*s>: %s", STR_ARG(value), topic_names[topic]);
}

enum verdict restriction_permitted(struct check *check, enum restriction_topic topic, struct str action,
                                   struct str table)
{
    struct match_list *list = check->smtpd->log_permit_actions;
    struct failure why;

    if (!match_list_is_empty(list) && match_list_has(list, action, &why) == TABLE_FOUND) {
        struct str value = topic_value(check, topic);

        log_permit(check->session,
                   arena_printf(check->arena, "action=%.*s for %s=%.*s %s%.*s", STR_ARG(action), topic_names[topic],
                                STR_ARG(value), table.len > 0 ? "from " : "", STR_ARG(table)),
                   check->recipient_shown);
    }
    return VERDICT_PERMIT;
}

static enum verdict refuse(struct check *check, struct str reply)
{
    reply = answer_soften(check->session, check->arena, answer_tame(check->arena, reply, ' '));
    if (check->only_warns) {
        log_reject(check->session, "reject_warning", reply, check->recipient_shown);
        return VERDICT_DUNNO;
    }
    if (check->defer_if_reject.is_set && reply.data[0] == '5')
        reply = check->defer_if_permit.is_set ? check->defer_if_permit.reply : check->defer_if_reject.reply;
    log_reject(check->session, "reject", reply, check->recipient_shown);
    history_next_is_reject(check->session, reply);
    check->reply = reply;
    return VERDICT_REJECT;
}

/* "550" and "5.1.1": the class of the status follows the code. */
static struct str compose(struct check *check, int code, const char *status, struct str text)
{
    return arena_printf(check->arena, "%d %d%s %.*s", code, code / 100, status + 1, STR_ARG(text));
}

/* The detail of "5.1.X" that speaks of a sender, or of a recipient, where the restriction spoke of the other. */
static unsigned detail_for(enum restriction_topic topic, unsigned detail)
{
    static const unsigned of_sender[] = { 0, 7, 8, 7, 7, 0, 7 };

    if (topic == TOPIC_SENDER)
        return detail < ARRAY_COUNT(of_sender) ? of_sender[detail] : detail;
    if (topic == TOPIC_RECIPIENT && (detail == 7 || detail == 8))
        return detail == 7 ? 3 : 2;
    return detail;
}

/* A status about addresses (RFC 3463) that fits what is refused: hosts and commands have none. */
static const char *fitting_status(struct check *check, enum restriction_topic topic, const char *status)
{
    char buffer[DSN_STATUS_SIZE];
    struct dsn_status given, fit;
    struct str text;

    if (!dsn_status_parse(str_from_c(status), &given) || given.subject != 1)
        return status;
    fit = given;
    if (topic == TOPIC_SENDER || topic == TOPIC_RECIPIENT)
        fit.detail = (unsigned short) detail_for(topic, given.detail);
    else
        fit = DSN_STATUS(given.class, 0, 0);
    if (fit.subject == given.subject && fit.detail == given.detail)
        return status;
    text = dsn_status_format(fit, buffer);
    log_status_mapped(status, topic_names[topic], text);
    return arena_c(check->arena, text);
}

static struct str compose_about(struct check *check, enum restriction_topic topic, int code, const char *status,
                                struct str text)
{
    struct str value = topic_value(check, topic);

    status = fitting_status(check, topic, status);
    return compose(
        check, code, status,
        arena_printf(check->arena, "<%.*s>: %s rejected: %.*s", STR_ARG(value), topic_names[topic], STR_ARG(text)));
}

enum verdict restriction_reject_reply(struct check *check, struct str reply)
{
    return refuse(check, reply);
}

enum verdict restriction_reject(struct check *check, enum restriction_topic topic, int code, const char *status,
                                struct str text)
{
    return refuse(check, compose_about(check, topic, code, status, text));
}

enum verdict restriction_reject_plain(struct check *check, int code, const char *status, struct str text)
{
    return refuse(check, compose(check, code, status, text));
}

enum verdict restriction_misconfigured(struct check *check)
{
    return restriction_reject_plain(check, 451, "4.3.5", STR("Server configuration error"));
}

enum verdict restriction_unanswered(struct check *check, enum restriction_topic topic, struct str title,
                                    const struct failure *why)
{
    log_table_trouble(title, why->text);
    return refuse(check, compose(check, 451, "4.3.0",
                                 arena_printf(check->arena, "<%.*s>: Temporary lookup failure",
                                              STR_ARG(topic_value(check, topic)))));
}

void restriction_keep_reply(struct check *check, struct deferral *deferral, struct str reply)
{
    if (check->only_warns && deferral == &check->defer_if_permit) {
        log_reject(check->session, "reject_warning", reply, check->recipient_shown);
        return;
    }
    if (deferral->is_set)
        return;
    deferral->is_set = true;
    deferral->reply = answer_tame(check->arena, reply, ' ');
}

void restriction_keep(struct check *check, struct deferral *deferral, enum restriction_topic topic, int code,
                      const char *status, struct str text)
{
    restriction_keep_reply(check, deferral, compose_about(check, topic, code, status, text));
}
