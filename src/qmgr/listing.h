/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_LISTING_H
#define QMGR_LISTING_H

#include "daemon/daemon.h"

/* listing - every message of the queue with its recipients, oldest first, for showq (queue_list). */
bool listing_list(struct daemon_call *call, struct failure *why);

#endif
