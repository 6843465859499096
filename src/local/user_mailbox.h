/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_USER_MAILBOX_H
#define LOCAL_USER_MAILBOX_H

#include "local/scene.h"

/*
 * user_mailbox - where a user's mail ends: mailbox_command_maps, mailbox_command, home_mailbox, or the mailbox in
 * mail_spool_directory. scene->account is set. A user gets one copy of a message, whatever lists name them.
 */
void user_mailbox_deliver(const struct scene *scene);

#endif
