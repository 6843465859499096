/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SUCCESS_H
#define QMGR_SUCCESS_H

#include "qmgr/keeper.h"

/*
 * success - who asked for it (NOTIFY=SUCCESS) is told of the recipients that were reached. What fails is logged; it is
 * not tried again. In a fiber.
 */

/* This recipient was reached in this activation, its sender wants to know, and nobody else will say it. */
bool success_is_wanted(const struct active_message *active, size_t place);

/* What this activation reached. */
void success_tell(struct keeper *keeper, struct active_message *active);

/*
 * What agents reached for an earlier queue manager. The message is read for it, and may be gone, moved or changed when
 * this returns.
 */
void success_tell_outcome(struct keeper *keeper, struct queue_id id, const struct deliver_outcome *outcome);

#endif
