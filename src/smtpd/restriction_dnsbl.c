/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions by DNS lists: of addresses (RFC 5782) and of names. */
#include "dns/dnsbl_filter.h"
#include "dns/dnsbl_name.h"
#include "mail/address.h"
#include "mail/domain.h"
#include "smtpd/dnsbl_reply.h"
#include "smtpd/log_lines.h"
#include "smtpd/names.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum listing { LISTED, NOT_LISTED, LISTING_UNKNOWN };

/* What is looked for in which list. */
struct question {
    struct str domain; /* the list */
    struct str filter; /* empty: any answer counts */
    struct dnsbl_filter accepted;
    struct str what; /* as it is shown */
    struct str name; /* what is asked of the DNS; empty: nothing can be */
};

static void set_list(struct question *question, const struct restriction_node *node)
{
    if (!str_cut(node->argument, '=', &question->domain, &question->filter))
        question->domain = node->argument;
}

static struct question ask_about_address(const struct check *check, const struct restriction_node *node)
{
    const struct peer *peer = &check->session->peer;
    struct question question = { .what = peer->address };

    set_list(&question, node);
    question.name = dnsbl_name(check->arena, &peer->ip, question.domain);
    return question;
}

/* The name that the topic is about; empty: it has none. */
static struct str name_of(const struct check *check, enum restriction_topic topic, struct str *what_out)
{
    const struct session *session = check->session;

    switch (topic) {
    case TOPIC_REVERSE_CLIENT:
        return *what_out = session->peer.reverse_name;
    case TOPIC_HELO:
        return *what_out = session->helo_name;
    case TOPIC_SENDER:
        return address_domain(*what_out = session->transaction.sender);
    case TOPIC_RECIPIENT:
        return address_domain(*what_out = check->recipient);
    default:
        return *what_out = session->peer.name;
    }
}

/* A name that a list could have: neither an address nor "unknown". */
static bool may_be_listed(const struct check *check, struct str name)
{
    return domain_is_valid_hostname(name, check->smtpd->shared->smtputf8_enable) &&
           !str_equal_nocase(name, STR("unknown"));
}

static struct question ask_about_name(const struct check *check, const struct restriction_node *node)
{
    struct question question = { 0 };
    struct str name = name_of(check, node->restriction->topic, &question.what);

    set_list(&question, node);
    if (may_be_listed(check, name) && domain_to_ascii(check->arena, name, false, &name, NULL))
        question.name = arena_printf(check->arena, "%.*s.%.*s", STR_ARG(name), STR_ARG(question.domain));
    return question;
}

static bool counts(const struct question *question, const struct dns_answer *answer)
{
    bool has_one = question->filter.len == 0;

    for (size_t i = 0; i < answer->count && !has_one; i++)
        has_one = dnsbl_filter_has(&question->accepted, &answer->records[i].address);
    return has_one;
}

static enum listing find(struct check *check, const struct question *question)
{
    const struct dns_answer *answer;

    if (question->name.len == 0)
        return NOT_LISTED;
    answer = names_ask(check->session, question->name, DNS_TYPE_A);
    if (answer->outcome == DNS_FOUND)
        return counts(question, answer) ? LISTED : NOT_LISTED;
    if (answer->outcome != DNS_UNKNOWN)
        return NOT_LISTED;
    if (names_tell_once(check->session, question->name, DNS_TYPE_A))
        log_rbl_lookup_error(question->name, answer->reason, names_is_filters_fault(answer));
    return LISTING_UNKNOWN;
}

/* What the list says for people: its TXT records. */
static struct str reason_of(struct check *check, const struct question *question)
{
    const struct dns_answer *answer = names_ask(check->session, question->name, DNS_TYPE_TXT);
    struct str reason = STR_EMPTY;

    if (names_is_filters_fault(answer) && names_tell_once(check->session, question->name, DNS_TYPE_TXT))
        log_rbl_text_error(question->name, answer->reason);
    for (size_t i = 0; i < answer->count; i++)
        reason = arena_printf(check->arena, "%.*s%s%.*s", STR_ARG(reason), i > 0 ? " / " : "",
                              STR_ARG(answer->records[i].data));
    return reason;
}

static bool read_filter(struct question *question)
{
    struct failure why;

    if (question->filter.len == 0 || dnsbl_filter_parse(question->filter, &question->accepted, &why))
        return true;
    log_bad_rbl_filter(question->domain, why.text);
    return false;
}

static enum verdict reject_listed(struct check *check, enum restriction_topic topic, struct question *question)
{
    struct dnsbl_finding finding;

    if (!read_filter(question))
        return restriction_misconfigured(check);
    if (find(check, question) != LISTED)
        return VERDICT_DUNNO;
    finding = (struct dnsbl_finding){
        .class = restriction_topic_name(topic),
        .what = question->what,
        .domain = question->domain,
        .reason = reason_of(check, question),
    };
    return restriction_reject_reply(check, dnsbl_reply_make(check, &finding));
}

/*
 * A list of the welcome is overlooked where it would let a stranger relay; one that cannot be asked turns what is
 * refused further down into "later".
 */
static enum verdict permit_listed(struct check *check, const struct restriction_node *node, struct question *question)
{
    if (!read_filter(question))
        return restriction_misconfigured(check);
    if (check->recipient_shown.len > 0 && !restriction_destination_is_ours(check))
        return VERDICT_DUNNO;
    switch (find(check, question)) {
    case LISTED:
        return restriction_permitted(check, TOPIC_CLIENT, node->name, question->domain);
    case LISTING_UNKNOWN:
        restriction_keep_reply(check, &check->defer_if_reject,
                               arena_printf(check->arena, "450 4.7.1 <%.*s>: %s rejected: Service unavailable",
                                            STR_ARG(question->what), restriction_topic_name(TOPIC_CLIENT)));
        break;
    case NOT_LISTED:
        break;
    }
    return VERDICT_DUNNO;
}

static void foresee(struct check *check, const struct question *question)
{
    if (question->name.len > 0)
        names_foresee(check->session, question->name, DNS_TYPE_A);
}

void restriction_foresee_listed_address(struct check *check, const struct restriction_node *node)
{
    const struct question question = ask_about_address(check, node);

    foresee(check, &question);
}

void restriction_foresee_listed_name(struct check *check, const struct restriction_node *node)
{
    const struct question question = ask_about_name(check, node);

    foresee(check, &question);
}

enum verdict restriction_reject_listed_address(struct check *check, const struct restriction_node *node)
{
    struct question question = ask_about_address(check, node);

    return reject_listed(check, TOPIC_CLIENT, &question);
}

enum verdict restriction_reject_listed_name(struct check *check, const struct restriction_node *node)
{
    struct question question = ask_about_name(check, node);

    return reject_listed(check, node->restriction->topic, &question);
}

enum verdict restriction_permit_listed_address(struct check *check, const struct restriction_node *node)
{
    struct question question = ask_about_address(check, node);

    return permit_listed(check, node, &question);
}

enum verdict restriction_permit_listed_name(struct check *check, const struct restriction_node *node)
{
    struct question question = ask_about_name(check, node);

    return permit_listed(check, node, &question);
}
