/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_ORDERS_H
#define SMTPD_ORDERS_H

#include "base/failure.h"
#include "base/strlist.h"
#include "protocol/cleanup.h"

struct session;

/*
 * orders - what access tables and policy servers want done with the message of this transaction (access(5)): they hold
 * for all of its recipients, also when the recipient that brought them was refused. Texts are copied into the arena,
 * the transaction's.
 */
struct orders {
    struct cleanup_orders for_cleanup;
    struct strlist headers; /* in front of the message, in this order */
    bool is_unsent;         /* cleanup does not know all of it */
};

/* flag: CLEANUP_FLAG_HOLD, CLEANUP_FLAG_DISCARD. */
void orders_add_flag(struct orders *orders, enum cleanup_flag flag);
/* "transport:nexthop"; the last one holds. */
void orders_set_filter(struct orders *orders, struct arena *arena, struct str filter);
/* The address takes the place of all recipients; the last one holds. */
void orders_set_redirect(struct orders *orders, struct arena *arena, struct str address);
void orders_add_copy(struct orders *orders, struct arena *arena, struct str address);
void orders_add_header(struct orders *orders, struct arena *arena, struct str header);

/* Tells cleanup what it does not know yet. */
MUST_USE bool orders_send(struct session *session, struct failure *why);

#endif
