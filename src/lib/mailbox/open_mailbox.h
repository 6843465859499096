/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_OPEN_MAILBOX_H
#define MAILBOX_OPEN_MAILBOX_H

#include "mailbox/mailboxes.h"

/*
 * open_mailbox - a file in mbox form, open and locked, that deliveries of this process share.
 *
 * The first that wants it takes the locks and opens it; those that come while it is open write behind one another and
 * wait for the same syncs; the last to leave closes it and gives the locks back. After a second it takes no more, so
 * that others get the lock, too. When a sync fails the file is cut back to what was durable, and all that followed
 * has failed.
 */
struct open_mailbox;

/* Waits for locks as long as the rules say. Each success wants one open_mailbox_leave. */
MUST_USE bool open_mailbox_enter(struct mailboxes *mailboxes, const struct mailbox_place *place,
                                 struct open_mailbox **mailbox_out, struct failure *why);
/* Leaves *mailbox NULL. */
void open_mailbox_leave(struct open_mailbox **mailbox);

/* Between these two the caller alone may write, at the end of *fd_out; *size_out is the size before, 0 of a device. */
MUST_USE bool open_mailbox_begin(struct open_mailbox *mailbox, int *fd_out, uint64_t *size_out, struct failure *why);
/* Without success what was written is cut off. */
MUST_USE bool open_mailbox_end(struct open_mailbox *mailbox, bool is_written, struct failure *why);
/* Waits until what this delivery wrote is durable. */
MUST_USE bool open_mailbox_sync(struct open_mailbox *mailbox, struct failure *why);

/* With which the file is written. */
const struct rights *open_mailbox_rights(const struct open_mailbox *mailbox);

#endif
