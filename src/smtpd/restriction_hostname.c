/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions on names: what the client calls itself, what the DNS calls it, the domains of addresses. */
#include "mail/address.h"
#include "mail/domain.h"
#include "smtpd/destination.h"
#include "smtpd/log_lines.h"
#include "smtpd/names.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* The code of what may be different later, whatever the code for what is wrong. */
enum { TEMPORARY_CODE = 450 };

static bool is_literal(struct str name)
{
    return name.len > 0 && name.data[0] == '[';
}

static struct str without_end_dot(struct str name)
{
    return name.len > 1 && str_ends_with(name, STR(".")) ? str_part(name, 0, name.len - 1) : name;
}

static bool is_fully_qualified(const struct check *check, struct str name)
{
    name = without_end_dot(name);
    return domain_is_valid_hostname(name, check->smtpd->shared->smtputf8_enable) && str_contains_char(name, '.');
}

/* ---- HELO ---- */

static enum verdict judge_helo_literal(struct check *check)
{
    if (domain_is_literal(check->session->helo_name, NULL))
        return VERDICT_DUNNO;
    return restriction_reject(check, TOPIC_HELO, check->smtpd->settings->invalid_hostname_reject_code, "5.5.2",
                              STR("invalid ip address"));
}

enum verdict restriction_reject_invalid_helo_hostname(struct check *check, const struct restriction_node *node)
{
    struct str name = without_end_dot(check->session->helo_name);

    (void) node;
    if (name.len == 0)
        return VERDICT_DUNNO;
    if (is_literal(name))
        return judge_helo_literal(check);
    if (domain_is_valid_hostname(name, check->smtpd->shared->smtputf8_enable) || domain_is_address(name))
        return VERDICT_DUNNO;
    return restriction_reject(check, TOPIC_HELO, check->smtpd->settings->invalid_hostname_reject_code, "5.5.2",
                              STR("Invalid name"));
}

enum verdict restriction_reject_non_fqdn_helo_hostname(struct check *check, const struct restriction_node *node)
{
    struct str name = check->session->helo_name;

    (void) node;
    if (name.len == 0 || is_fully_qualified(check, name))
        return VERDICT_DUNNO;
    if (is_literal(name))
        return judge_helo_literal(check);
    return restriction_reject(check, TOPIC_HELO, check->smtpd->settings->non_fqdn_reject_code, "5.5.2",
                              STR("need fully-qualified hostname"));
}

/* A refusal for now: at once, or, as it may be refused for good by what comes behind, at the end. */
static enum verdict refuse_for_now(struct check *check, enum restriction_topic topic, struct str action,
                                   const char *status, struct str text)
{
    if (!str_equal_nocase(action, STR("defer_if_permit")))
        return restriction_reject(check, topic, TEMPORARY_CODE, status, text);
    restriction_keep(check, &check->defer_if_permit, topic, TEMPORARY_CODE, status, text);
    return VERDICT_DUNNO;
}

void restriction_foresee_helo_hostname(struct check *check, const struct restriction_node *node)
{
    struct str name = check->session->helo_name;

    (void) node;
    if (name.len == 0 || is_literal(name))
        return;
    names_foresee_any_address(check->session, name);
    names_foresee(check->session, name, DNS_TYPE_MX);
}

enum verdict restriction_reject_unknown_helo_hostname(struct check *check, const struct restriction_node *node)
{
    const struct smtpd_settings *settings = check->smtpd->settings;
    struct str name = check->session->helo_name;
    const struct dns_answer *exchangers;
    enum dns_outcome addresses;

    (void) node;
    if (name.len == 0)
        return VERDICT_DUNNO;
    if (is_literal(name))
        return judge_helo_literal(check);
    restriction_foresee_helo_hostname(check, node);
    addresses = names_find_address(check->session, name);
    if (addresses == DNS_FOUND)
        return VERDICT_DUNNO;
    exchangers = names_ask(check->session, name, DNS_TYPE_MX);
    if (exchangers->outcome == DNS_FOUND)
        return VERDICT_DUNNO;
    if (names_were_dropped(check->session, name)) {
        log_dropped_names(name, "address or MX");
        return VERDICT_DUNNO;
    }
    if (addresses == DNS_UNKNOWN || exchangers->outcome == DNS_UNKNOWN)
        return refuse_for_now(check, TOPIC_HELO, settings->unknown_helo_hostname_tempfail_action, "4.7.1",
                              STR("Host not found"));
    return restriction_reject(check, TOPIC_HELO, settings->unknown_hostname_reject_code, "4.7.1",
                              STR("Host not found"));
}

/* ---- the client ---- */

static enum verdict refuse_client(struct check *check, bool is_for_now, const char *status, const char *kind)
{
    int code = is_for_now ? TEMPORARY_CODE : check->smtpd->settings->unknown_client_reject_code;

    return restriction_reject_plain(check, code, status,
                                    arena_printf(check->arena,
                                                 "Client host rejected: cannot find your %shostname, [%.*s]", kind,
                                                 STR_ARG(check->session->peer.address)));
}

enum verdict restriction_reject_unknown_client_hostname(struct check *check, const struct restriction_node *node)
{
    const struct peer *peer = &check->session->peer;

    (void) node;
    if (!str_equal(peer->name, STR("unknown")))
        return VERDICT_DUNNO;
    return refuse_client(check, peer->is_name_unknown, "4.7.25", "");
}

enum verdict restriction_reject_unknown_reverse_client_hostname(struct check *check,
                                                                const struct restriction_node *node)
{
    const struct peer *peer = &check->session->peer;

    (void) node;
    if (!str_equal(peer->reverse_name, STR("unknown")))
        return VERDICT_DUNNO;
    return refuse_client(check, peer->is_reverse_name_unknown, "4.7.1", "reverse ");
}

/* ---- addresses ---- */

static enum verdict judge_qualification(struct check *check, enum restriction_topic topic, struct str address)
{
    struct str domain = address_domain(address);

    if (domain.len > 0 && (domain_is_literal(domain, NULL) || is_fully_qualified(check, domain)))
        return VERDICT_DUNNO;
    return restriction_reject(check, topic, check->smtpd->settings->non_fqdn_reject_code, "5.5.2",
                              STR("need fully-qualified address"));
}

static struct str sender_of(const struct check *check)
{
    const struct transaction *transaction = &check->session->transaction;

    return transaction_is_open(transaction) ? transaction->sender : STR_EMPTY;
}

enum verdict restriction_reject_non_fqdn_sender(struct check *check, const struct restriction_node *node)
{
    struct str sender = sender_of(check);

    (void) node;
    return sender.len == 0 ? VERDICT_DUNNO : judge_qualification(check, TOPIC_SENDER, sender);
}

enum verdict restriction_reject_non_fqdn_recipient(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return check->recipient_shown.len == 0 ? VERDICT_DUNNO
                                           : judge_qualification(check, TOPIC_RECIPIENT, check->recipient);
}

static void foresee_mail_domain(struct check *check, struct str address)
{
    struct str domain = without_end_dot(address_domain(address));

    if (domain.len == 0 || is_literal(domain))
        return;
    names_foresee(check->session, domain, DNS_TYPE_MX);
    names_foresee_any_address(check->session, domain);
}

void restriction_foresee_sender_domain(struct check *check, const struct restriction_node *node)
{
    (void) node;
    foresee_mail_domain(check, sender_of(check));
}

void restriction_foresee_recipient_domain(struct check *check, const struct restriction_node *node)
{
    (void) node;
    foresee_mail_domain(check, check->recipient);
}

static enum verdict refuse_null_mx(struct check *check, enum restriction_topic topic, struct str domain)
{
    struct str text = arena_printf(check->arena, "Domain %.*s does not accept mail (nullMX)", STR_ARG(domain));

    if (topic == TOPIC_SENDER)
        return restriction_reject(check, topic, 550, "5.7.27", text);
    return restriction_reject(check, topic, 556, "5.1.10", text);
}

/* Mail for the domain could be delivered: it has an MX, or an address. */
static enum verdict judge_mail_domain(struct check *check, enum restriction_topic topic, struct str domain)
{
    const struct smtpd_settings *settings = check->smtpd->settings;
    const char *status = topic == TOPIC_SENDER ? "4.1.8" : "4.1.2";
    const struct dns_answer *exchangers;
    enum dns_outcome addresses = DNS_UNKNOWN;

    exchangers = names_ask(check->session, domain, DNS_TYPE_MX);
    if (names_has_null_mx(exchangers))
        return refuse_null_mx(check, topic, domain);
    if (exchangers->outcome == DNS_FOUND)
        return VERDICT_DUNNO;
    if (exchangers->outcome != DNS_UNKNOWN)
        addresses = names_find_address(check->session, domain);
    if (addresses == DNS_FOUND)
        return VERDICT_DUNNO;
    if (names_were_dropped(check->session, domain)) {
        log_dropped_names(domain, "MX or address");
        return VERDICT_DUNNO;
    }
    if (addresses == DNS_UNKNOWN)
        return refuse_for_now(check, topic, settings->unknown_address_tempfail_action, status, STR("Domain not found"));
    return restriction_reject(check, topic, settings->unknown_address_reject_code, status, STR("Domain not found"));
}

/* What we deliver ourselves need not be known to the DNS. */
static enum verdict judge_destination(struct check *check, enum restriction_topic topic,
                                      const struct destination *destination)
{
    struct str domain = without_end_dot(address_domain(destination->recipient));

    if (destination->address_class == RESOLVE_LOCAL || destination->address_class == RESOLVE_VIRTUAL_ALIAS ||
        destination->address_class == RESOLVE_VIRTUAL_MAILBOX || domain.len == 0 || is_literal(domain))
        return VERDICT_DUNNO;
    return judge_mail_domain(check, topic, domain);
}

enum verdict restriction_reject_unknown_sender_domain(struct check *check, const struct restriction_node *node)
{
    struct str sender = sender_of(check);
    const struct destination *destination;
    struct failure why;

    (void) node;
    if (sender.len == 0)
        return VERDICT_DUNNO;
    if (!destination_look_up(check->smtpd, STR_EMPTY, sender, check->arena, &destination, &why))
        return restriction_unanswered(check, TOPIC_SENDER, STR("rewrite service"), &why);
    return judge_destination(check, TOPIC_SENDER, destination);
}

enum verdict restriction_reject_unknown_recipient_domain(struct check *check, const struct restriction_node *node)
{
    const struct destination *destination;
    enum verdict verdict;

    (void) node;
    if (!recipient_check_is_due(check, &destination, &verdict))
        return verdict;
    return judge_destination(check, TOPIC_RECIPIENT, destination);
}
