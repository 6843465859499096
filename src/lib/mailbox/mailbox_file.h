/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_MAILBOX_FILE_H
#define MAILBOX_MAILBOX_FILE_H

#include "mailbox/mailboxes.h"
#include "mailbox/message_copy.h"

/*
 * mailbox_file - appends the message to a file in mbox form: locked, synced before it is called delivered, and cut back
 * to what it was when something fails. Failures: mailbox_status_of_failure. *start_out: where in the file it begins.
 */
MUST_USE bool mailbox_file_deliver(struct mailboxes *mailboxes, const struct message_envelope *envelope,
                                   const struct mailbox_place *place, bool has_delivered_to, uint64_t *start_out,
                                   struct failure *why);

#endif
