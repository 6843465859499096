/* SPDX-License-Identifier: Apache-2.0 */
/* permit_mx_backup: mail for a domain that names us as one of its mail exchangers, but not as the best. */
#include "mail/address.h"
#include "smtpd/destination.h"
#include "smtpd/names.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* Where the DNS does not answer, a refusal further down must not be final. */
static enum verdict put_off(struct check *check, struct str text)
{
    restriction_keep(check, &check->defer_if_reject, TOPIC_RECIPIENT, 450, "4.4.4", text);
    return VERDICT_DUNNO;
}

static const char *reason_of(const struct host_addresses *addresses)
{
    return addresses->outcome == DNS_ABSENT_NAME     ? "Name or service not known"
           : addresses->outcome == DNS_ABSENT_RECORD ? "No address associated with hostname"
                                                     : "Temporary failure in name resolution";
}

/* False: there are none, and a refusal further down has been put off. */
static bool look_up(struct check *check, struct str host, struct host_addresses *addresses_out)
{
    names_addresses(check->session, host, check->arena, addresses_out);
    if (addresses_out->outcome == DNS_FOUND)
        return true;
    put_off(check, arena_printf(check->arena, "Unable to look up mail exchanger host %.*s: %s", STR_ARG(host),
                                reason_of(addresses_out)));
    return false;
}

static unsigned best_preference(const struct dns_answer *answer)
{
    unsigned best = UINT16_MAX;

    for (size_t i = 0; i < answer->count; i++)
        best = answer->records[i].preference < best ? answer->records[i].preference : best;
    return best;
}

/* What one exchanger is to us. */
struct standing {
    bool is_backup;  /* one of ours is among them */
    bool is_primary; /* and it is the best */
    bool is_outside; /* a best one is outside of permit_mx_backup_networks */
};

static bool is_in_networks(struct check *check, const struct ip_address *address)
{
    char text[IP_ADDRESS_TEXT_MAX];
    struct failure why;

    return match_list_has_host(check->smtpd->mx_backup_networks, STR("unknown"),
                               str_from_c(ip_address_format(address, text)), &why) == TABLE_FOUND;
}

static void weigh(struct check *check, const struct host_addresses *addresses, bool is_best, struct standing *standing)
{
    for (size_t i = 0; i < addresses->count; i++) {
        bool is_ours = own_address_list_has(&check->smtpd->own_addresses, &addresses->items[i]);

        standing->is_backup |= is_ours;
        standing->is_primary |= is_ours && is_best;
        standing->is_outside |= is_best && !match_list_is_empty(check->smtpd->mx_backup_networks) &&
                                !is_in_networks(check, &addresses->items[i]);
    }
}

static enum verdict judge_exchangers(struct check *check, const struct restriction_node *node,
                                     const struct dns_answer *answer)
{
    unsigned best = best_preference(answer);
    struct standing standing = { .is_backup = false };
    struct host_addresses addresses;

    /* Who permits must have seen them all. */
    if (answer->count > NAMES_HOSTS_MAXIMUM)
        return VERDICT_DUNNO;
    names_foresee_hosts(check->session, answer);
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->records[i].name.len == 0 || !look_up(check, answer->records[i].name, &addresses))
            return VERDICT_DUNNO;
        weigh(check, &addresses, answer->records[i].preference == best, &standing);
    }
    if (!standing.is_backup || standing.is_primary || standing.is_outside)
        return VERDICT_DUNNO;
    return restriction_permitted(check, TOPIC_RECIPIENT, node->name, STR_EMPTY);
}

static struct str domain_of(const struct destination *destination)
{
    struct str domain = address_domain(destination->recipient);

    return str_ends_with(domain, STR(".")) ? str_part(domain, 0, domain.len - 1) : domain;
}

static enum verdict judge_domain(struct check *check, const struct restriction_node *node, struct str domain)
{
    const struct dns_answer *answer;

    if (domain.len == 0 || domain.data[0] == '[')
        return VERDICT_DUNNO;
    answer = names_ask(check->session, domain, DNS_TYPE_MX);
    if (answer->outcome == DNS_UNKNOWN)
        return put_off(check,
                       arena_printf(check->arena, "Unable to look up mail exchanger information: %s", answer->reason));
    return answer->outcome == DNS_FOUND ? judge_exchangers(check, node, answer) : VERDICT_DUNNO;
}

enum verdict restriction_permit_mx_backup(struct check *check, const struct restriction_node *node)
{
    const struct destination *destination;
    enum verdict verdict;

    if (!recipient_check_is_due(check, &destination, &verdict))
        return verdict;
    if (destination->is_routed)
        return VERDICT_DUNNO;
    if (destination->address_class != RESOLVE_DEFAULT)
        return restriction_permitted(check, TOPIC_RECIPIENT, node->name, STR_EMPTY);
    return judge_domain(check, node, domain_of(destination));
}

void restriction_foresee_mx_backup(struct check *check, const struct restriction_node *node)
{
    struct str domain = address_domain(check->recipient);

    (void) node;
    if (domain.len > 0 && domain.data[0] != '[')
        names_foresee(check->session, domain, DNS_TYPE_MX);
}
