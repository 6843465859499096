/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_TRIAL_H
#define QMGR_TRIAL_H

#include "qmgr/keeper.h"

/*
 * trial - the end of a message that was delivered to nobody: verify hears what became of a probe, and the message is
 * removed, whatever that was. Nobody gets it back and it is not tried again. In a fiber.
 */
void trial_end(struct keeper *keeper, struct queued_message *message);

#endif
