/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_MEMBERS_H
#define QMGR_MEMBERS_H

#include "protocol/bounce.h"
#include "qmgr/active.h"

/*
 * members - those that local expanded a recipient to, of whom a report tells one by one. The queue knows the recipient
 * alone: what is not reported before the queue manager ends is told of the recipient as a whole.
 */

/* Copies into the arena. */
void members_add(struct arena *arena, struct active_result *recipient, const struct deliver_result *member);
/* The first from member on that a report of this kind lists in the stead of the recipient; NULL when there is none. */
const struct member *members_listed(const struct active_result *recipient, const struct member *member,
                                    enum bounce_kind kind);

#endif
