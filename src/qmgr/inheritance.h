/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_INHERITANCE_H
#define QMGR_INHERITANCE_H

#include "qmgr/deliveries.h"

/*
 * inheritance - deliveries that an earlier queue manager started and that are still under way count in the windows of
 * their destinations, as long as the one who tells of them (an agent's census, a courier) says so.
 *
 * One for each teller. What is left at the end goes with the deliveries.
 */
struct inheritance;
struct transport;

struct inheritance *inheritance_create(struct deliveries *deliveries);
/* Leaves *inheritance NULL; NULL is fine. What it held is free for others, who are dispatched. */
void inheritance_destroy(struct inheritance **inheritance);

/*
 * What the teller has in hand now (struct deliver_in_hand), in place of what it said before. transport: of those that
 * name none; may be NULL, then these do not count.
 */
void inheritance_set(struct inheritance *inheritance, struct transport *transport, const struct records *in_hand);

/* All at once, when nothing is dispatched any more. */
void inheritance_end_all(struct deliveries *deliveries);

#endif
