/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_REQUEUE_H
#define QMGR_REQUEUE_H

#include "qmgr/keeper.h"

/*
 * requeue - postsuper -r: a message goes back to maildrop/ with the recipients that are left, to be rewritten again
 * under a new id. The message must be a file that nobody else has in hand; it stays. In a fiber.
 */
MUST_USE bool requeue_to_maildrop(struct keeper *keeper, struct queued_message *message, struct failure *why);

#endif
