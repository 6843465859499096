/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_CLOG_H
#define QMGR_CLOG_H

#include "qmgr/scheduler.h"
#include "qmgr/settings.h"

/*
 * clog - says, in Postfix's words, that one destination holds more than a fifth of the active queue's room, and what
 * could be done about it; each qmgr_clog_warn_time again while it lasts.
 */
void clog_look(struct destination *destination, const struct qmgr_settings *settings, size_t active_messages,
               struct instant now);

#endif
