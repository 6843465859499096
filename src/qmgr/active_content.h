/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_ACTIVE_CONTENT_H
#define QMGR_ACTIVE_CONTENT_H

#include "qmgr/keeper.h"

/*
 * active_content - the content of an active message, for agents and notifications: the bytes of a frame or of a small
 * file, the descriptor of a large one. A small file that many dispatches need is read once.
 */

/* hooks.content */
bool active_content_get(void *context, struct active_message *active, struct arena *arena, struct str *content_out,
                        int *fd_out, uint64_t *offset_out, struct failure *why);

#endif
