/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/orders.h"

#include "smtpd/session.h"
#include "smtpd/smtpd.h"

void orders_add_flag(struct orders *orders, enum cleanup_flag flag)
{
    orders->for_cleanup.flags |= flag;
    orders->is_unsent = true;
}

void orders_set_filter(struct orders *orders, struct arena *arena, struct str filter)
{
    orders->for_cleanup.content_filter = arena_str(arena, filter);
    orders->is_unsent = true;
}

void orders_set_redirect(struct orders *orders, struct arena *arena, struct str address)
{
    orders->for_cleanup.redirect = arena_str(arena, address);
    orders->is_unsent = true;
}

void orders_add_copy(struct orders *orders, struct arena *arena, struct str address)
{
    strlist_add(&orders->for_cleanup.copies, arena, address);
    orders->is_unsent = true;
}

void orders_add_header(struct orders *orders, struct arena *arena, struct str header)
{
    strlist_add(&orders->headers, arena, header);
}

bool orders_send(struct session *session, struct failure *why)
{
    struct transaction *transaction = &session->transaction;
    struct orders *orders = &transaction->orders;

    if (!orders->is_unsent)
        return true;
    if (!call_send(transaction->call, &cleanup_orders_message, &orders->for_cleanup,
                   session->smtpd->shared->ipc_timeout, why))
        return false;
    /* Copies are added to those that cleanup has; the rest takes the place of what was said before. */
    orders->for_cleanup.copies = (struct strlist){ 0 };
    orders->is_unsent = false;
    return true;
}
