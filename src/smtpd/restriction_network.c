/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions on where the client is, and on who it has proved to be. */
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static enum verdict permit_listed(struct check *check, const struct restriction_node *node, struct match_list *list,
                                  struct str title)
{
    const struct peer *peer = &check->session->peer;
    struct failure why;

    switch (match_list_has_host(list, peer->name, peer->address, &why)) {
    case TABLE_FOUND:
        return restriction_permitted(check, TOPIC_CLIENT, node->name, STR_EMPTY);
    case TABLE_UNKNOWN:
        /* The client may be one of ours: a refusal further down must not be final. */
        log_table_trouble(title, why.text);
        restriction_keep(check, &check->defer_if_reject, TOPIC_CLIENT, 451, "4.3.0", STR("Temporary lookup failure"));
        return VERDICT_DUNNO;
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}

bool restriction_client_is_ours(struct check *check)
{
    const struct peer *peer = &check->session->peer;
    struct failure why;

    return match_list_has_host(check->smtpd->mynetworks, peer->name, peer->address, &why) == TABLE_FOUND;
}

enum verdict restriction_permit_mynetworks(struct check *check, const struct restriction_node *node)
{
    return permit_listed(check, node, check->smtpd->mynetworks, STR("mynetworks"));
}

enum verdict restriction_permit_inet_interfaces(struct check *check, const struct restriction_node *node)
{
    if (!own_address_list_has(&check->smtpd->own_addresses, &check->session->peer.ip))
        return VERDICT_DUNNO;
    return restriction_permitted(check, TOPIC_CLIENT, node->name, STR_EMPTY);
}

enum verdict restriction_permit_authenticated(struct check *check, const struct restriction_node *node)
{
    if (!login_proves(&check->session->login))
        return VERDICT_DUNNO;
    return restriction_permitted(check, TOPIC_CLIENT, node->name, STR_EMPTY);
}
