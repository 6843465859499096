/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/restriction.h"

#include "config/main_cf.h"
#include "config/restriction_names.h"
#include "mail/dsn.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy_server.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum { NESTING_MAXIMUM = 20 };

static const struct restriction restrictions[RESTRICTION_WORDS] = {
    [RESTRICTION_PERMIT] = { restriction_permit, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT] = { restriction_reject_all, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_DEFER] = { restriction_defer_all, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_DEFER_IF_PERMIT] = { restriction_defer_if_permit, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_DEFER_IF_REJECT] = { restriction_defer_if_reject, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_MYNETWORKS] = { restriction_permit_mynetworks, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_INET_INTERFACES] = { restriction_permit_inet_interfaces, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_SASL_AUTHENTICATED] = { restriction_permit_authenticated, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_TLS_CLIENTCERTS] = { restriction_permit_authenticated, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNAUTH_DESTINATION] = { restriction_reject_unauth_destination, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_DEFER_UNAUTH_DESTINATION] = { restriction_defer_unauth_destination, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_AUTH_DESTINATION] = { restriction_permit_auth_destination, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_CHECK_CLIENT_ACCESS] = { restriction_client_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_CHECK_HELO_ACCESS] = { restriction_helo_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_CHECK_SENDER_ACCESS] = { restriction_sender_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_CHECK_RECIPIENT_ACCESS] = { restriction_recipient_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_CHECK_ETRN_ACCESS] = { restriction_etrn_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_REJECT_UNLISTED_SENDER] = { restriction_reject_unlisted_sender, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNLISTED_RECIPIENT] = { restriction_reject_unlisted_recipient, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNVERIFIED_SENDER] = { restriction_reject_unverified_sender, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNVERIFIED_RECIPIENT] = { restriction_reject_unverified_recipient, ARGUMENT_NONE, NULL, 0 },
    /* the old name of reject_unlisted_recipient */
    [RESTRICTION_CHECK_RECIPIENT_MAPS] = { restriction_reject_unlisted_recipient, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_INVALID_HELO_HOSTNAME] = { restriction_reject_invalid_helo_hostname, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_INVALID_HOSTNAME] = { restriction_reject_invalid_helo_hostname, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_HELO_HOSTNAME] = { restriction_reject_non_fqdn_helo_hostname, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_HOSTNAME] = { restriction_reject_non_fqdn_helo_hostname, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_HELO_HOSTNAME] = { restriction_reject_unknown_helo_hostname, ARGUMENT_NONE,
                                                   restriction_foresee_helo_hostname, 0 },
    [RESTRICTION_REJECT_UNKNOWN_HOSTNAME] = { restriction_reject_unknown_helo_hostname, ARGUMENT_NONE,
                                              restriction_foresee_helo_hostname, 0 },
    [RESTRICTION_REJECT_UNKNOWN_CLIENT_HOSTNAME] = { restriction_reject_unknown_client_hostname, ARGUMENT_NONE, NULL,
                                                     0 },
    [RESTRICTION_REJECT_UNKNOWN_CLIENT] = { restriction_reject_unknown_client_hostname, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_REVERSE_CLIENT_HOSTNAME] = { restriction_reject_unknown_reverse_client_hostname,
                                                             ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_SENDER] = { restriction_reject_non_fqdn_sender, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_RECIPIENT] = { restriction_reject_non_fqdn_recipient, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_SENDER_DOMAIN] = { restriction_reject_unknown_sender_domain, ARGUMENT_NONE,
                                                   restriction_foresee_sender_domain, 0 },
    [RESTRICTION_REJECT_UNKNOWN_ADDRESS] = { restriction_reject_unknown_sender_domain, ARGUMENT_NONE,
                                             restriction_foresee_sender_domain, 0 },
    [RESTRICTION_REJECT_UNKNOWN_RECIPIENT_DOMAIN] = { restriction_reject_unknown_recipient_domain, ARGUMENT_NONE,
                                                      restriction_foresee_recipient_domain, 0 },
    [RESTRICTION_CHECK_CLIENT_A_ACCESS] = { restriction_address_access, ARGUMENT_TABLE, restriction_foresee_addresses,
                                            TOPIC_CLIENT },
    [RESTRICTION_CHECK_CLIENT_MX_ACCESS] = { restriction_exchanger_access, ARGUMENT_TABLE,
                                             restriction_foresee_exchangers, TOPIC_CLIENT },
    [RESTRICTION_CHECK_CLIENT_NS_ACCESS] = { restriction_server_access, ARGUMENT_TABLE, restriction_foresee_servers,
                                             TOPIC_CLIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_A_ACCESS] = { restriction_address_access, ARGUMENT_TABLE,
                                                             restriction_foresee_addresses, TOPIC_REVERSE_CLIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_MX_ACCESS] = { restriction_exchanger_access, ARGUMENT_TABLE,
                                                              restriction_foresee_exchangers, TOPIC_REVERSE_CLIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_NS_ACCESS] = { restriction_server_access, ARGUMENT_TABLE,
                                                              restriction_foresee_servers, TOPIC_REVERSE_CLIENT },
    [RESTRICTION_CHECK_HELO_A_ACCESS] = { restriction_address_access, ARGUMENT_TABLE, restriction_foresee_addresses,
                                          TOPIC_HELO },
    [RESTRICTION_CHECK_HELO_MX_ACCESS] = { restriction_exchanger_access, ARGUMENT_TABLE, restriction_foresee_exchangers,
                                           TOPIC_HELO },
    [RESTRICTION_CHECK_HELO_NS_ACCESS] = { restriction_server_access, ARGUMENT_TABLE, restriction_foresee_servers,
                                           TOPIC_HELO },
    [RESTRICTION_CHECK_SENDER_A_ACCESS] = { restriction_address_access, ARGUMENT_TABLE, restriction_foresee_addresses,
                                            TOPIC_SENDER },
    [RESTRICTION_CHECK_SENDER_MX_ACCESS] = { restriction_exchanger_access, ARGUMENT_TABLE,
                                             restriction_foresee_exchangers, TOPIC_SENDER },
    [RESTRICTION_CHECK_SENDER_NS_ACCESS] = { restriction_server_access, ARGUMENT_TABLE, restriction_foresee_servers,
                                             TOPIC_SENDER },
    [RESTRICTION_CHECK_RECIPIENT_A_ACCESS] = { restriction_address_access, ARGUMENT_TABLE,
                                               restriction_foresee_addresses, TOPIC_RECIPIENT },
    [RESTRICTION_CHECK_RECIPIENT_MX_ACCESS] = { restriction_exchanger_access, ARGUMENT_TABLE,
                                                restriction_foresee_exchangers, TOPIC_RECIPIENT },
    [RESTRICTION_CHECK_RECIPIENT_NS_ACCESS] = { restriction_server_access, ARGUMENT_TABLE, restriction_foresee_servers,
                                                TOPIC_RECIPIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_ACCESS] = { restriction_reverse_client_hostname_access, ARGUMENT_TABLE,
                                                           NULL, 0 },
    [RESTRICTION_REJECT_MULTI_RECIPIENT_BOUNCE] = { restriction_reject_multi_recipient_bounce, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNAUTH_PIPELINING] = { restriction_reject_unauth_pipelining, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_PLAINTEXT_SESSION] = { restriction_reject_plaintext_session, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_TLS_ALL_CLIENTCERTS] = { restriction_permit_authenticated, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_PERMIT_MX_BACKUP] = { restriction_permit_mx_backup, ARGUMENT_NONE, restriction_foresee_mx_backup, 0 },
    [RESTRICTION_CHECK_SASL_ACCESS] = { restriction_sasl_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_CHECK_CCERT_ACCESS] = { restriction_ccert_access, ARGUMENT_TABLE, NULL, 0 },
    [RESTRICTION_REJECT_SENDER_LOGIN_MISMATCH] = { restriction_sender_login_mismatch, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_AUTHENTICATED_SENDER_LOGIN_MISMATCH] = { restriction_authenticated_sender_login_mismatch,
                                                                 ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_UNAUTHENTICATED_SENDER_LOGIN_MISMATCH] = { restriction_unauthenticated_sender_login_mismatch,
                                                                   ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_KNOWN_SENDER_LOGIN_MISMATCH] = { restriction_known_sender_login_mismatch, ARGUMENT_NONE, NULL,
                                                         0 },
    [RESTRICTION_PERMIT_NAKED_IP_ADDRESS] = { restriction_removed_word, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_CHECK_RELAY_DOMAINS] = { restriction_removed_word, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_REJECT_MAPS_RBL] = { restriction_removed_word, ARGUMENT_NONE, NULL, 0 },
    [RESTRICTION_SLEEP] = { restriction_sleep, ARGUMENT_NUMBER, NULL, 0 },
    [RESTRICTION_REJECT_RBL_CLIENT] = { restriction_reject_listed_address, ARGUMENT_DOMAIN,
                                        restriction_foresee_listed_address, TOPIC_CLIENT },
    [RESTRICTION_REJECT_RBL] = { restriction_reject_listed_address, ARGUMENT_DOMAIN, restriction_foresee_listed_address,
                                 TOPIC_CLIENT },
    [RESTRICTION_REJECT_RHSBL_CLIENT] = { restriction_reject_listed_name, ARGUMENT_DOMAIN,
                                          restriction_foresee_listed_name, TOPIC_CLIENT },
    [RESTRICTION_REJECT_RHSBL_REVERSE_CLIENT] = { restriction_reject_listed_name, ARGUMENT_DOMAIN,
                                                  restriction_foresee_listed_name, TOPIC_REVERSE_CLIENT },
    [RESTRICTION_REJECT_RHSBL_HELO] = { restriction_reject_listed_name, ARGUMENT_DOMAIN,
                                        restriction_foresee_listed_name, TOPIC_HELO },
    [RESTRICTION_REJECT_RHSBL_SENDER] = { restriction_reject_listed_name, ARGUMENT_DOMAIN,
                                          restriction_foresee_listed_name, TOPIC_SENDER },
    [RESTRICTION_REJECT_RHSBL_RECIPIENT] = { restriction_reject_listed_name, ARGUMENT_DOMAIN,
                                             restriction_foresee_listed_name, TOPIC_RECIPIENT },
    [RESTRICTION_PERMIT_DNSWL_CLIENT] = { restriction_permit_listed_address, ARGUMENT_DOMAIN,
                                          restriction_foresee_listed_address, TOPIC_CLIENT },
    [RESTRICTION_PERMIT_RHSWL_CLIENT] = { restriction_permit_listed_name, ARGUMENT_DOMAIN,
                                          restriction_foresee_listed_name, TOPIC_CLIENT },
    [RESTRICTION_CHECK_POLICY_SERVICE] = { restriction_policy_service, ARGUMENT_SERVICE, NULL, 0 },
};

/* What a table without a restriction's name before it means in each list. */
static const enum restriction_word topic_access[] = {
    [TOPIC_CLIENT] = RESTRICTION_CHECK_CLIENT_ACCESS,  [TOPIC_HELO] = RESTRICTION_CHECK_HELO_ACCESS,
    [TOPIC_SENDER] = RESTRICTION_CHECK_SENDER_ACCESS,  [TOPIC_RECIPIENT] = RESTRICTION_CHECK_RECIPIENT_ACCESS,
    [TOPIC_DATA] = RESTRICTION_CHECK_RECIPIENT_ACCESS, [TOPIC_END_OF_DATA] = RESTRICTION_CHECK_RECIPIENT_ACCESS,
    [TOPIC_ETRN] = RESTRICTION_CHECK_ETRN_ACCESS,
};

static const struct restriction *find_restriction(struct str name)
{
    enum restriction_word word = restriction_word_find(name);

    return word < RESTRICTION_WORDS && restrictions[word].run != NULL ? &restrictions[word] : NULL;
}

static bool is_table_name(struct str word)
{
    return str_contains_char(word, ':');
}

/* "{ type:name }" or "type:name". */
static struct str without_braces(struct str word)
{
    if (word.len >= 2 && word.data[0] == '{' && word.data[word.len - 1] == '}')
        return str_trim(str_part(word, 1, word.len - 2));
    return word;
}

struct parser {
    struct smtpd *smtpd;
    struct arena *arena;
    bool may_open_tables;
};

static const struct restriction_class *find_class(const struct smtpd *smtpd, struct str name)
{
    for (size_t i = 0; i < smtpd->restriction_classes.count; i++) {
        if (str_equal_nocase(smtpd->restriction_classes.items[i].name, name))
            return &smtpd->restriction_classes.items[i];
    }
    return NULL;
}

static struct table_list *open_table(struct parser *parser, struct str title, struct str word)
{
    return table_list_open(parser->smtpd->tables, title, without_braces(word), TABLE_FOLD);
}

static struct policy_server *open_policy_server(struct parser *parser, struct str word)
{
    struct policy_server *server;
    struct failure why;

    server = policy_server_open(parser->smtpd, word, &why);
    if (server == NULL)
        log_policy_misnamed(why.text);
    return server;
}

static bool parse_table(struct parser *parser, struct restriction_node *node)
{
    if (!is_table_name(node->argument) || !parser->may_open_tables)
        return false;
    node->table = open_table(parser, node->name, node->argument);
    return true;
}

static bool parse_service(struct parser *parser, struct restriction_node *node, struct str word)
{
    if (!parser->may_open_tables)
        return false;
    node->policy_server = open_policy_server(parser, word);
    return true;
}

/* An access table cannot bring a table or a service: nothing may be opened any more. */
static void parse_argument(struct parser *parser, struct restriction_node *node, struct str *rest)
{
    struct str word;

    node->lacks_argument = !table_list_next_word(rest, ", \t\r\n", &word);
    if (node->lacks_argument)
        return;
    node->argument = arena_str(parser->arena, without_braces(word));
    switch (node->restriction->argument) {
    case ARGUMENT_TABLE:
        node->lacks_argument = !parse_table(parser, node);
        break;
    case ARGUMENT_SERVICE:
        node->lacks_argument = !parse_service(parser, node, word);
        break;
    case ARGUMENT_NUMBER:
        node->lacks_argument = !str_to_uint64(node->argument, &node->number);
        break;
    case ARGUMENT_DOMAIN:
    case ARGUMENT_NONE:
        break;
    }
}

static void parse_word(struct parser *parser, struct restriction_node *node, struct str word, struct str *rest)
{
    node->name = arena_str(parser->arena, word);
    node->restriction = find_restriction(word);
    if (node->restriction != NULL && node->restriction->argument != ARGUMENT_NONE)
        parse_argument(parser, node, rest);
    if (node->restriction != NULL)
        return;
    node->class = find_class(parser->smtpd, word);
    if (node->class == NULL && is_table_name(word) && parser->may_open_tables)
        node->table = open_table(parser, node->name, word);
}

static size_t count_words(struct str value)
{
    struct str word;
    size_t count = 0;

    while (table_list_next_word(&value, ", \t\r\n", &word))
        count++;
    return count;
}

static struct restriction_list *parse(struct parser *parser, struct str value)
{
    struct restriction_list *list = arena_new(parser->arena, struct restriction_list);
    struct str rest = value, word;
    bool only_warns = false;

    list->nodes = arena_new_array(parser->arena, count_words(value) + 1, struct restriction_node);
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        if (restriction_word_find(word) == RESTRICTION_WARN_IF_REJECT) {
            only_warns = true;
            continue;
        }
        list->nodes[list->count].only_warns = only_warns;
        only_warns = false;
        parse_word(parser, &list->nodes[list->count++], word, &rest);
    }
    return list;
}

const struct restriction_list *restriction_parse(struct smtpd *smtpd, struct str value)
{
    struct parser parser = { smtpd, smtpd->arena, true };

    return parse(&parser, value);
}

void restriction_parse_classes(struct smtpd *smtpd)
{
    struct restriction_class_list *classes = &smtpd->restriction_classes;
    struct str rest = smtpd->settings->restriction_classes, word, value;
    struct failure why;

    classes->items = arena_new_array(smtpd->arena, count_words(rest) + 1, struct restriction_class);
    while (str_next_word(&rest, ", \t\r\n", &word))
        classes->items[classes->count++].name = word;
    /* All names are known before the first list is read: classes may name each other. */
    for (size_t i = 0; i < classes->count; i++) {
        if (main_cf_value(smtpd->main_cf, classes->items[i].name, smtpd->arena, &value, &why))
            classes->items[i].list = restriction_parse(smtpd, value);
    }
}

static bool stops_relaying(const struct restriction_list *list, unsigned depth)
{
    for (size_t i = 0; list != NULL && depth < NESTING_MAXIMUM && i < list->count; i++) {
        const struct restriction_node *node = &list->nodes[i];

        if (node->restriction != NULL && !node->only_warns &&
            restriction_word_stops_relaying((enum restriction_word)(node->restriction - restrictions)))
            return true;
        if (node->class != NULL && stops_relaying(node->class->list, depth + 1))
            return true;
    }
    return false;
}

bool restriction_list_stops_relaying(const struct restriction_list *list)
{
    return stops_relaying(list, 0);
}

/* "check_client_access permit", "sleep soon": answered when it is reached. A DNS list without its domain is none. */
static enum verdict refuse_without_argument(struct check *check, const struct restriction_node *node)
{
    switch (node->restriction->argument) {
    case ARGUMENT_TABLE:
        log_bad_table_argument(node->name, str_is_empty(node->argument) ? node->name : node->argument);
        break;
    case ARGUMENT_SERVICE:
        log_argument_missing(node->name, "transport:server");
        break;
    case ARGUMENT_NUMBER:
        log_argument_missing(node->name, "number");
        break;
    case ARGUMENT_DOMAIN:
        log_domain_missing(node->name);
        return VERDICT_DUNNO;
    case ARGUMENT_NONE:
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
        return restrictions[topic_access[check->topic]].run(check, node);
    log_unknown_restriction(node->name);
    return restriction_misconfigured(check);
}

enum { DEBUG_LEVEL_OF_VERDICTS = 2 };

static bool always_decides(const struct restriction_node *node)
{
    return node->restriction == &restrictions[RESTRICTION_PERMIT] ||
           node->restriction == &restrictions[RESTRICTION_REJECT] ||
           node->restriction == &restrictions[RESTRICTION_DEFER];
}

/* Whether what stands behind the node is never reached. */
static bool ends_walk(struct check *check, const struct restriction_node *node)
{
    return (always_decides(node) && !node->only_warns) ||
           (node->restriction == &restrictions[RESTRICTION_PERMIT_MYNETWORKS] && restriction_client_is_ours(check));
}

/* False when nothing behind the list is reached. */
static bool foresee(struct check *check, const struct restriction_list *list, size_t from, unsigned depth)
{
    for (size_t i = from; list != NULL && depth < NESTING_MAXIMUM && i < list->count; i++) {
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

    if (check->depth >= NESTING_MAXIMUM) {
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

/* "type:table", by itself or behind a name that takes one; not "FILTER transport:", say, which is no name we know. */
static bool names_table(const struct smtpd *smtpd, struct str names)
{
    struct str rest = names, first;

    if (!is_table_name(names) || !table_list_next_word(&rest, ", \t\r\n", &first))
        return false;
    return is_table_name(first) || find_restriction(first) != NULL || find_class(smtpd, first) != NULL;
}

enum verdict restriction_run_names(struct check *check, struct str names, struct str table)
{
    struct parser parser = { check->smtpd, check->arena, false };

    if (names_table(check->smtpd, names)) {
        log_table_in_access_table(table, names);
        return restriction_misconfigured(check);
    }
    if (check->depth + 1 >= NESTING_MAXIMUM) {
        log_table_nesting(table, names);
        return restriction_misconfigured(check);
    }
    return restriction_run(check, parse(&parser, names));
}

static const char *const topic_names[] = {
    [TOPIC_CLIENT] = "Client host",    [TOPIC_HELO] = "Helo command",
    [TOPIC_SENDER] = "Sender address", [TOPIC_RECIPIENT] = "Recipient address",
    [TOPIC_DATA] = "Data command",     [TOPIC_END_OF_DATA] = "End-of-data",
    [TOPIC_ETRN] = "Etrn command",     [TOPIC_REVERSE_CLIENT] = "Unverified Client host",
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
    reply = answer_soften(check->session, check->arena, reply);
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
    deferral->reply = reply;
}

void restriction_keep(struct check *check, struct deferral *deferral, enum restriction_topic topic, int code,
                      const char *status, struct str text)
{
    restriction_keep_reply(check, deferral, compose_about(check, topic, code, status, text));
}
