/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_RETURNED_H
#define CLEANUP_RETURNED_H

#include "cleanup/message.h"

/*
 * returned - mail that is refused for good and goes back to its sender: each recipient gets its line in the log, as a
 * delivery that failed, and pickup, which has the mail, hears whose it was and for whom.
 */
void returned_tell(const struct message *message, struct arena *arena, struct cleanup_result *result);

#endif
