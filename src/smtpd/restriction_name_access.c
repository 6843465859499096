/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tables asked for the hosts behind a name: its addresses (check_*_a_access), its mail exchangers (_mx_), its
 * name servers (_ns_). A name that leads nowhere is nobody's: it is logged and goes on. These tables may refuse only:
 * who runs the DNS of a domain could permit whatever he likes.
 */
#include "mail/address.h"
#include "mail/domain.h"
#include "smtpd/log_lines.h"
#include "smtpd/names.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/address_lookup.h"

/* Whose hosts are looked at. */
struct subject {
    struct check *check;
    const struct restriction_node *node;
    enum restriction_topic topic;
    struct str name;    /* empty: nobody's */
    struct str shown;   /* as in the reply */
    enum dns_type type; /* MX or NS; A: no hosts but the name itself */
};

static struct subject subject_of(struct check *check, const struct restriction_node *node, enum dns_type type)
{
    const struct session *session = check->session;
    enum restriction_topic topic = node->restriction->topic;
    struct subject subject = { .check = check, .node = node, .topic = topic, .type = type };

    switch (topic) {
    case TOPIC_CLIENT:
        subject.name = session->peer.name;
        break;
    case TOPIC_REVERSE_CLIENT:
        subject.name = session->peer.reverse_name;
        break;
    case TOPIC_HELO:
        subject.name = session->helo_name;
        break;
    case TOPIC_SENDER:
        subject.shown = transaction_is_open(&session->transaction) ? session->transaction.sender : STR_EMPTY;
        break;
    case TOPIC_RECIPIENT:
        subject.shown = check->recipient_shown.len > 0 ? check->recipient : STR_EMPTY;
        break;
    default:
        break;
    }
    if (topic == TOPIC_SENDER || topic == TOPIC_RECIPIENT)
        subject.name = str_contains_char(subject.shown, '@') ? address_domain(subject.shown) : subject.shown;
    else
        subject.shown = subject.name;
    if ((topic == TOPIC_CLIENT || topic == TOPIC_REVERSE_CLIENT) && str_equal(subject.name, STR("unknown")))
        subject.name = STR_EMPTY;
    return subject;
}

/* PERMIT would let the owner of any domain pass. */
static enum verdict only_refuse(const struct subject *subject, enum verdict verdict)
{
    if (verdict != VERDICT_PERMIT)
        return verdict;
    log_forbidden_permit(subject->node->name, subject->shown);
    return restriction_misconfigured(subject->check);
}

static enum verdict conclude(const struct subject *subject, enum table_result result,
                             const struct address_answer *answer, const struct failure *why)
{
    switch (result) {
    case TABLE_FOUND:
        return only_refuse(subject, restriction_act(subject->check, subject->topic, answer));
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(subject->node->table), why->text);
        return restriction_reject(subject->check, subject->topic, 451, "4.3.5", STR("Server configuration error"));
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}

static bool was_found(enum table_result result)
{
    return result != TABLE_ABSENT;
}

/* *is_found_out: the table knows it, or could not say: no other host is looked at, whatever the verdict. */
static enum verdict judge_address(const struct subject *subject, const struct ip_address *address, bool *is_found_out)
{
    char text[IP_ADDRESS_TEXT_MAX];
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    result = network_lookup(subject->node->table, str_from_c(ip_address_format(address, text)), subject->check->arena,
                            &answer, &why);
    *is_found_out = was_found(result);
    return conclude(subject, result, &answer, &why);
}

static enum verdict judge_addresses(const struct subject *subject, const struct host_addresses *addresses,
                                    bool *is_found_out)
{
    enum verdict verdict = VERDICT_DUNNO;

    *is_found_out = false;
    for (size_t i = 0; i < addresses->count && !*is_found_out; i++)
        verdict = judge_address(subject, &addresses->items[i], is_found_out);
    return verdict;
}

/* As the C library says it. */
static const char *native_reason(const struct host_addresses *addresses)
{
    switch (addresses->outcome) {
    case DNS_ABSENT_NAME:
        return "Name or service not known";
    case DNS_ABSENT_RECORD:
        return "No address associated with hostname";
    default:
        return "Temporary failure in name resolution";
    }
}

/* The addresses of a host, or of what is an address itself. */
static void look_up_host(const struct subject *subject, struct str host, struct host_addresses *addresses_out)
{
    struct ip_address *numeric = arena_new(subject->check->arena, struct ip_address);
    struct str literal = host;

    domain_is_literal(host, &literal);
    if (ip_address_parse(literal, numeric))
        *addresses_out = (struct host_addresses){ .outcome = DNS_FOUND, .items = numeric, .count = 1, .reason = "" };
    else
        names_addresses(subject->check->session, host, subject->check->arena, addresses_out);
}

/* One mail exchanger or name server: its name, then its addresses. */
static enum verdict judge_host(const struct subject *subject, struct str host, bool *is_found_out)
{
    struct check *check = subject->check;
    struct host_addresses addresses;
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    result = domain_lookup(subject->node->table, check->smtpd->access_parents_match, host, check->arena, &answer, &why);
    *is_found_out = was_found(result);
    if (*is_found_out)
        return conclude(subject, result, &answer, &why);
    look_up_host(subject, host, &addresses);
    if (addresses.outcome != DNS_FOUND)
        log_unfound_host(dns_type_name(subject->type), host, restriction_topic_name(subject->topic), subject->shown,
                         native_reason(&addresses));
    return judge_addresses(subject, &addresses, is_found_out);
}

/* Who could hide a host behind a hundred others would not be refused: too many of them are not judged but put off. */
static enum verdict judge_hosts(const struct subject *subject, const struct dns_answer *hosts)
{
    enum verdict verdict = VERDICT_DUNNO;
    bool is_found = false;

    names_foresee_hosts(subject->check->session, hosts);
    for (size_t i = 0; i < hosts->count && i < NAMES_HOSTS_MAXIMUM && !is_found; i++)
        verdict = judge_host(subject, hosts->records[i].name, &is_found);
    if (is_found || hosts->count <= NAMES_HOSTS_MAXIMUM)
        return verdict;
    return restriction_reject(subject->check, subject->topic, 450, "4.7.1",
                              subject->type == DNS_TYPE_MX ? STR("Domain has too many mail exchangers")
                                                           : STR("Domain has too many name servers"));
}

enum verdict restriction_address_access(struct check *check, const struct restriction_node *node)
{
    struct subject subject = subject_of(check, node, DNS_TYPE_A);
    struct host_addresses addresses;
    bool is_found;

    if (subject.name.len == 0)
        return VERDICT_DUNNO;
    look_up_host(&subject, subject.name, &addresses);
    return judge_addresses(&subject, &addresses, &is_found);
}

/* The exchangers of a domain; without any, the host of that name. */
enum verdict restriction_exchanger_access(struct check *check, const struct restriction_node *node)
{
    struct subject subject = subject_of(check, node, DNS_TYPE_MX);
    const struct dns_answer *answer;
    struct host_addresses addresses;
    bool is_found;

    if (subject.name.len == 0)
        return VERDICT_DUNNO;
    if (subject.name.data[0] == '[') {
        look_up_host(&subject, subject.name, &addresses);
        return judge_addresses(&subject, &addresses, &is_found);
    }
    answer = names_ask(check->session, subject.name, DNS_TYPE_MX);
    if (answer->outcome == DNS_UNKNOWN) {
        log_unfound_hosts("MX", subject.name, answer->reason);
        return VERDICT_DUNNO;
    }
    if (answer->outcome != DNS_FOUND)
        return judge_host(&subject, subject.name, &is_found);
    return names_has_null_mx(answer) ? VERDICT_DUNNO : judge_hosts(&subject, answer);
}

/* The name servers of a domain, or of the nearest domain above that has some. */
enum verdict restriction_server_access(struct check *check, const struct restriction_node *node)
{
    struct subject subject = subject_of(check, node, DNS_TYPE_NS);
    struct str domain = subject.name, label;
    const struct dns_answer *answer = NULL;
    bool has_parent = true;

    if (domain.len == 0 || domain.data[0] == '[')
        return VERDICT_DUNNO;
    while (has_parent) {
        answer = names_ask(check->session, domain, DNS_TYPE_NS);
        if (answer->outcome == DNS_FOUND)
            return judge_hosts(&subject, answer);
        if (answer->outcome == DNS_UNKNOWN) {
            log_unfound_hosts("NS", domain, answer->reason);
            return VERDICT_DUNNO;
        }
        has_parent = str_cut(domain, '.', &label, &domain) && domain.len > 0;
    }
    log_unfound_hosts("NS", subject.shown, answer->reason);
    return VERDICT_DUNNO;
}

/* The name whose hosts are to be asked for; empty: there is nothing to ask. */
static struct str name_to_ask(struct check *check, const struct restriction_node *node, enum dns_type type)
{
    struct subject subject = subject_of(check, node, type);
    struct ip_address numeric;

    if (subject.name.len == 0 || subject.name.data[0] == '[' || ip_address_parse(subject.name, &numeric))
        return STR_EMPTY;
    return subject.name;
}

void restriction_foresee_addresses(struct check *check, const struct restriction_node *node)
{
    struct str name = name_to_ask(check, node, DNS_TYPE_A);

    if (name.len > 0)
        names_foresee_addresses(check->session, name);
}

void restriction_foresee_exchangers(struct check *check, const struct restriction_node *node)
{
    struct str name = name_to_ask(check, node, DNS_TYPE_MX);

    if (name.len > 0)
        names_foresee(check->session, name, DNS_TYPE_MX);
}

void restriction_foresee_servers(struct check *check, const struct restriction_node *node)
{
    struct str name = name_to_ask(check, node, DNS_TYPE_NS);

    if (name.len > 0)
        names_foresee(check->session, name, DNS_TYPE_NS);
}

/* The client's unconfirmed name, and its address: also only to refuse, as its owner chose the name. */
enum verdict restriction_reverse_client_hostname_access(struct check *check, const struct restriction_node *node)
{
    const struct peer *peer = &check->session->peer;
    struct subject subject = {
        .check = check, .node = node, .topic = TOPIC_REVERSE_CLIENT, .shown = peer->reverse_name
    };
    struct address_answer answer;
    enum table_result result;
    struct failure why;

    result =
        domain_lookup(node->table, check->smtpd->access_parents_match, peer->reverse_name, check->arena, &answer, &why);
    if (result == TABLE_ABSENT)
        result = network_lookup(node->table, peer->address, check->arena, &answer, &why);
    return conclude(&subject, result, &answer, &why);
}
