/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_STORAGE_H
#define SMTPD_STORAGE_H

#include <stdbool.h>

struct session;

/*
 * storage - whether the queue's filesystem has room for another message: queue_minfree, and 1.5 times
 * message_size_limit. False when it has not, and the client has been told to come later.
 */
bool storage_has_room(struct session *session);

#endif
