/* SPDX-License-Identifier: Apache-2.0 */
/* From the words of main.cf to lists: the rows of all restrictions, and how their arguments are read. */
#include "config/main_cf.h"
#include "config/restriction_names.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy_server.h"
#include "smtpd/restriction.h"
#include "smtpd/smtpd.h"

static const struct restriction restrictions[RESTRICTION_WORDS] = {
    [RESTRICTION_PERMIT] = { restriction_permit, NULL, 0 },
    [RESTRICTION_REJECT] = { restriction_reject_all, NULL, 0 },
    [RESTRICTION_DEFER] = { restriction_defer_all, NULL, 0 },
    [RESTRICTION_DEFER_IF_PERMIT] = { restriction_defer_if_permit, NULL, 0 },
    [RESTRICTION_DEFER_IF_REJECT] = { restriction_defer_if_reject, NULL, 0 },
    [RESTRICTION_PERMIT_MYNETWORKS] = { restriction_permit_mynetworks, NULL, 0 },
    [RESTRICTION_PERMIT_INET_INTERFACES] = { restriction_permit_inet_interfaces, NULL, 0 },
    [RESTRICTION_PERMIT_SASL_AUTHENTICATED] = { restriction_permit_authenticated, NULL, 0 },
    [RESTRICTION_PERMIT_TLS_CLIENTCERTS] = { restriction_permit_known_certificate, NULL, 0 },
    [RESTRICTION_REJECT_UNAUTH_DESTINATION] = { restriction_reject_unauth_destination, NULL, 0 },
    [RESTRICTION_DEFER_UNAUTH_DESTINATION] = { restriction_defer_unauth_destination, NULL, 0 },
    [RESTRICTION_PERMIT_AUTH_DESTINATION] = { restriction_permit_auth_destination, NULL, 0 },
    [RESTRICTION_CHECK_CLIENT_ACCESS] = { restriction_client_access, NULL, 0 },
    [RESTRICTION_CHECK_HELO_ACCESS] = { restriction_helo_access, NULL, 0 },
    [RESTRICTION_CHECK_SENDER_ACCESS] = { restriction_sender_access, NULL, 0 },
    [RESTRICTION_CHECK_RECIPIENT_ACCESS] = { restriction_recipient_access, NULL, 0 },
    [RESTRICTION_CHECK_ETRN_ACCESS] = { restriction_etrn_access, NULL, 0 },
    [RESTRICTION_REJECT_UNLISTED_SENDER] = { restriction_reject_unlisted_sender, NULL, 0 },
    [RESTRICTION_REJECT_UNLISTED_RECIPIENT] = { restriction_reject_unlisted_recipient, NULL, 0 },
    [RESTRICTION_REJECT_UNVERIFIED_SENDER] = { restriction_reject_unverified_sender, NULL, 0 },
    [RESTRICTION_REJECT_UNVERIFIED_RECIPIENT] = { restriction_reject_unverified_recipient, NULL, 0 },
    /* the old name of reject_unlisted_recipient */
    [RESTRICTION_CHECK_RECIPIENT_MAPS] = { restriction_reject_unlisted_recipient, NULL, 0 },
    [RESTRICTION_REJECT_INVALID_HELO_HOSTNAME] = { restriction_reject_invalid_helo_hostname, NULL, 0 },
    [RESTRICTION_REJECT_INVALID_HOSTNAME] = { restriction_reject_invalid_helo_hostname, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_HELO_HOSTNAME] = { restriction_reject_non_fqdn_helo_hostname, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_HOSTNAME] = { restriction_reject_non_fqdn_helo_hostname, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_HELO_HOSTNAME] = { restriction_reject_unknown_helo_hostname,
                                                   restriction_foresee_helo_hostname, 0 },
    [RESTRICTION_REJECT_UNKNOWN_HOSTNAME] = { restriction_reject_unknown_helo_hostname,
                                              restriction_foresee_helo_hostname, 0 },
    [RESTRICTION_REJECT_UNKNOWN_CLIENT_HOSTNAME] = { restriction_reject_unknown_client_hostname, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_CLIENT] = { restriction_reject_unknown_client_hostname, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_REVERSE_CLIENT_HOSTNAME] = { restriction_reject_unknown_reverse_client_hostname, NULL,
                                                             0 },
    [RESTRICTION_REJECT_NON_FQDN_SENDER] = { restriction_reject_non_fqdn_sender, NULL, 0 },
    [RESTRICTION_REJECT_NON_FQDN_RECIPIENT] = { restriction_reject_non_fqdn_recipient, NULL, 0 },
    [RESTRICTION_REJECT_UNKNOWN_SENDER_DOMAIN] = { restriction_reject_unknown_sender_domain,
                                                   restriction_foresee_sender_domain, 0 },
    [RESTRICTION_REJECT_UNKNOWN_ADDRESS] = { restriction_reject_unknown_sender_domain,
                                             restriction_foresee_sender_domain, 0 },
    [RESTRICTION_REJECT_UNKNOWN_RECIPIENT_DOMAIN] = { restriction_reject_unknown_recipient_domain,
                                                      restriction_foresee_recipient_domain, 0 },
    [RESTRICTION_CHECK_CLIENT_A_ACCESS] = { restriction_address_access, restriction_foresee_addresses, TOPIC_CLIENT },
    [RESTRICTION_CHECK_CLIENT_MX_ACCESS] = { restriction_exchanger_access, restriction_foresee_exchangers,
                                             TOPIC_CLIENT },
    [RESTRICTION_CHECK_CLIENT_NS_ACCESS] = { restriction_server_access, restriction_foresee_servers, TOPIC_CLIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_A_ACCESS] = { restriction_address_access, restriction_foresee_addresses,
                                                             TOPIC_REVERSE_CLIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_MX_ACCESS] = { restriction_exchanger_access,
                                                              restriction_foresee_exchangers, TOPIC_REVERSE_CLIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_NS_ACCESS] = { restriction_server_access, restriction_foresee_servers,
                                                              TOPIC_REVERSE_CLIENT },
    [RESTRICTION_CHECK_HELO_A_ACCESS] = { restriction_address_access, restriction_foresee_addresses, TOPIC_HELO },
    [RESTRICTION_CHECK_HELO_MX_ACCESS] = { restriction_exchanger_access, restriction_foresee_exchangers, TOPIC_HELO },
    [RESTRICTION_CHECK_HELO_NS_ACCESS] = { restriction_server_access, restriction_foresee_servers, TOPIC_HELO },
    [RESTRICTION_CHECK_SENDER_A_ACCESS] = { restriction_address_access, restriction_foresee_addresses, TOPIC_SENDER },
    [RESTRICTION_CHECK_SENDER_MX_ACCESS] = { restriction_exchanger_access, restriction_foresee_exchangers,
                                             TOPIC_SENDER },
    [RESTRICTION_CHECK_SENDER_NS_ACCESS] = { restriction_server_access, restriction_foresee_servers, TOPIC_SENDER },
    [RESTRICTION_CHECK_RECIPIENT_A_ACCESS] = { restriction_address_access, restriction_foresee_addresses,
                                               TOPIC_RECIPIENT },
    [RESTRICTION_CHECK_RECIPIENT_MX_ACCESS] = { restriction_exchanger_access, restriction_foresee_exchangers,
                                                TOPIC_RECIPIENT },
    [RESTRICTION_CHECK_RECIPIENT_NS_ACCESS] = { restriction_server_access, restriction_foresee_servers,
                                                TOPIC_RECIPIENT },
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_ACCESS] = { restriction_reverse_client_hostname_access, NULL, 0 },
    [RESTRICTION_REJECT_MULTI_RECIPIENT_BOUNCE] = { restriction_reject_multi_recipient_bounce, NULL, 0 },
    [RESTRICTION_REJECT_UNAUTH_PIPELINING] = { restriction_reject_unauth_pipelining, NULL, 0 },
    [RESTRICTION_REJECT_PLAINTEXT_SESSION] = { restriction_reject_plaintext_session, NULL, 0 },
    [RESTRICTION_PERMIT_TLS_ALL_CLIENTCERTS] = { restriction_permit_trusted_certificate, NULL, 0 },
    [RESTRICTION_PERMIT_MX_BACKUP] = { restriction_permit_mx_backup, restriction_foresee_mx_backup, 0 },
    [RESTRICTION_CHECK_SASL_ACCESS] = { restriction_sasl_access, NULL, 0 },
    [RESTRICTION_CHECK_CCERT_ACCESS] = { restriction_ccert_access, NULL, 0 },
    [RESTRICTION_REJECT_SENDER_LOGIN_MISMATCH] = { restriction_sender_login_mismatch, NULL, 0 },
    [RESTRICTION_REJECT_AUTHENTICATED_SENDER_LOGIN_MISMATCH] = { restriction_authenticated_sender_login_mismatch, NULL,
                                                                 0 },
    [RESTRICTION_REJECT_UNAUTHENTICATED_SENDER_LOGIN_MISMATCH] = { restriction_unauthenticated_sender_login_mismatch,
                                                                   NULL, 0 },
    [RESTRICTION_REJECT_KNOWN_SENDER_LOGIN_MISMATCH] = { restriction_known_sender_login_mismatch, NULL, 0 },
    [RESTRICTION_PERMIT_NAKED_IP_ADDRESS] = { restriction_removed_word, NULL, 0 },
    [RESTRICTION_CHECK_RELAY_DOMAINS] = { restriction_removed_word, NULL, 0 },
    [RESTRICTION_REJECT_MAPS_RBL] = { restriction_removed_word, NULL, 0 },
    [RESTRICTION_SLEEP] = { restriction_sleep, NULL, 0 },
    [RESTRICTION_REJECT_RBL_CLIENT] = { restriction_reject_listed_address, restriction_foresee_listed_address,
                                        TOPIC_CLIENT },
    [RESTRICTION_REJECT_RBL] = { restriction_reject_listed_address, restriction_foresee_listed_address, TOPIC_CLIENT },
    [RESTRICTION_REJECT_RHSBL_CLIENT] = { restriction_reject_listed_name, restriction_foresee_listed_name,
                                          TOPIC_CLIENT },
    [RESTRICTION_REJECT_RHSBL_REVERSE_CLIENT] = { restriction_reject_listed_name, restriction_foresee_listed_name,
                                                  TOPIC_REVERSE_CLIENT },
    [RESTRICTION_REJECT_RHSBL_HELO] = { restriction_reject_listed_name, restriction_foresee_listed_name, TOPIC_HELO },
    [RESTRICTION_REJECT_RHSBL_SENDER] = { restriction_reject_listed_name, restriction_foresee_listed_name,
                                          TOPIC_SENDER },
    [RESTRICTION_REJECT_RHSBL_RECIPIENT] = { restriction_reject_listed_name, restriction_foresee_listed_name,
                                             TOPIC_RECIPIENT },
    [RESTRICTION_PERMIT_DNSWL_CLIENT] = { restriction_permit_listed_address, restriction_foresee_listed_address,
                                          TOPIC_CLIENT },
    [RESTRICTION_PERMIT_RHSWL_CLIENT] = { restriction_permit_listed_name, restriction_foresee_listed_name,
                                          TOPIC_CLIENT },
    [RESTRICTION_CHECK_POLICY_SERVICE] = { restriction_policy_service, NULL, 0 },
};

const struct restriction *restriction_by_word(enum restriction_word word)
{
    return &restrictions[word];
}

enum restriction_argument restriction_argument_of(const struct restriction *restriction)
{
    return restriction_word_argument((enum restriction_word)(restriction - restrictions));
}

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
    switch (restriction_argument_of(node->restriction)) {
    case RESTRICTION_ARGUMENT_TABLE:
        node->lacks_argument = !parse_table(parser, node);
        break;
    case RESTRICTION_ARGUMENT_SERVICE:
        node->lacks_argument = !parse_service(parser, node, word);
        break;
    case RESTRICTION_ARGUMENT_NUMBER:
        node->lacks_argument = !str_to_uint64(node->argument, &node->number) || node->number > INT32_MAX;
        break;
    case RESTRICTION_ARGUMENT_DOMAIN:
    case RESTRICTION_ARGUMENT_NONE:
        break;
    }
}

static void parse_word(struct parser *parser, struct restriction_node *node, struct str word, struct str *rest)
{
    node->name = arena_str(parser->arena, word);
    node->restriction = find_restriction(word);
    if (node->restriction != NULL && restriction_argument_of(node->restriction) != RESTRICTION_ARGUMENT_NONE)
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
    for (size_t i = 0; list != NULL && depth < RESTRICTION_NESTING_MAXIMUM && i < list->count; i++) {
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

/* "type:table", by itself or behind a name that takes one; not "FILTER transport:", say, which is no name we know. */
bool restriction_names_table(const struct smtpd *smtpd, struct str names)
{
    struct str rest = names, first;

    if (!is_table_name(names) || !table_list_next_word(&rest, ", \t\r\n", &first))
        return false;
    return is_table_name(first) || find_restriction(first) != NULL || find_class(smtpd, first) != NULL;
}

const struct restriction_list *restriction_parse_names(struct smtpd *smtpd, struct arena *arena, struct str names)
{
    struct parser parser = { smtpd, arena, false };

    return parse(&parser, names);
}
