/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions that look at nothing. */
#include "run/fiber.h"
#include "smtpd/restriction.h"
#include "smtpd/smtpd.h"

enum verdict restriction_permit(struct check *check, const struct restriction_node *node)
{
    return restriction_permitted(check, check->topic, node->name, STR_EMPTY);
}

enum verdict restriction_reject_all(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return restriction_reject(check, check->topic, check->smtpd->settings->reject_code, "5.7.1", STR("Access denied"));
}

enum verdict restriction_defer_all(struct check *check, const struct restriction_node *node)
{
    (void) node;
    return restriction_reject(check, check->topic, check->smtpd->settings->defer_code, "4.3.2", STR("Try again later"));
}

enum verdict restriction_defer_if_permit(struct check *check, const struct restriction_node *node)
{
    (void) node;
    restriction_keep(check, &check->defer_if_permit, check->topic, 450, "4.7.0", STR("defer_if_permit requested"));
    return VERDICT_DUNNO;
}

enum verdict restriction_defer_if_reject(struct check *check, const struct restriction_node *node)
{
    (void) node;
    restriction_keep(check, &check->defer_if_reject, check->topic, 450, "4.7.0", STR("defer_if_reject requested"));
    return VERDICT_DUNNO;
}

enum verdict restriction_sleep(struct check *check, const struct restriction_node *node)
{
    if (node->number > 0)
        fiber_sleep(check->smtpd->loop, seconds((int64_t) node->number));
    return VERDICT_DUNNO;
}
