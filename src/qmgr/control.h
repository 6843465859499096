/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_CONTROL_H
#define QMGR_CONTROL_H

#include "daemon/daemon.h"
#include "qmgr/keeper.h"

/* control - the queue protocol (public/qmgr): notices from cleanup, and what administrators ask for. */
bool control_durable(struct daemon_call *call, struct failure *why);
bool control_control(struct daemon_call *call, struct failure *why);
bool control_list(struct daemon_call *call, struct failure *why);

/* Every deferred message is tried now, dead destinations too. */
void control_flush(struct keeper *keeper);

#endif
