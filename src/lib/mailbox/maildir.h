/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_MAILDIR_H
#define MAILBOX_MAILDIR_H

#include "mailbox/mailboxes.h"
#include "mailbox/message_copy.h"

/*
 * maildir - delivers a message as a file of its own: written and synced in tmp/, moved to new/, which is synced too.
 * The directories are made where they are missing. Failures: mailbox_status_of_failure.
 */
MUST_USE bool maildir_deliver(struct mailboxes *mailboxes, const struct message_envelope *envelope,
                              const struct mailbox_place *place, bool has_delivered_to, struct failure *why);

#endif
