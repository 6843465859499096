/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions on where a recipient leads: what keeps strangers from relaying. */
#include "smtpd/destination.h"
#include "smtpd/recipient_check.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static bool is_ours(uint64_t address_class)
{
    return address_class != RESOLVE_DEFAULT;
}

/* PERMIT: the recipient's domain is ours, or one we relay for. DUNNO: it is not. REJECT: cannot be told now. */
static enum verdict judge_destination(struct check *check)
{
    const struct destination *destination;
    enum verdict verdict = recipient_check_resolve(check, &destination);

    if (verdict != VERDICT_DUNNO)
        return verdict;
    /* user%elsewhere@ours and the like are foreign, unless the administrator trusts them. */
    if (destination->is_routed && !check->smtpd->settings->allow_untrusted_routing)
        return VERDICT_DUNNO;
    return is_ours(destination->address_class) ? VERDICT_PERMIT : VERDICT_DUNNO;
}

bool restriction_destination_is_ours(struct check *check)
{
    return judge_destination(check) == VERDICT_PERMIT;
}

static enum verdict refuse_foreign(struct check *check, int code)
{
    enum verdict verdict;

    if (check->recipient_shown.len == 0)
        return VERDICT_DUNNO;
    verdict = judge_destination(check);
    if (verdict != VERDICT_DUNNO)
        return verdict == VERDICT_PERMIT ? VERDICT_DUNNO : verdict;
    return restriction_reject_plain(
        check, code, "5.7.1", arena_printf(check->arena, "<%.*s>: Relay access denied", STR_ARG(check->recipient)));
}

enum verdict restriction_reject_unauth_destination(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return refuse_foreign(check, check->smtpd->settings->relay_domains_reject_code);
}

/* As reject_unauth_destination with a code that says: later. */
enum verdict restriction_defer_unauth_destination(struct check *check, const struct restriction_node *node)
{
    int code = check->smtpd->settings->relay_domains_reject_code;

    (void) node;
    return refuse_foreign(check, code == 554 ? 454 : 450);
}

enum verdict restriction_permit_auth_destination(struct check *check, const struct restriction_node *node)
{
    enum verdict verdict = check->recipient_shown.len == 0 ? VERDICT_DUNNO : judge_destination(check);

    if (verdict != VERDICT_PERMIT)
        return verdict;
    return restriction_permitted(check, TOPIC_RECIPIENT, node->name, STR_EMPTY);
}
