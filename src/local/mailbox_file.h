/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_MAILBOX_FILE_H
#define LOCAL_MAILBOX_FILE_H

#include "local/scene.h"

/*
 * mailbox_file - appends the message to a file in mbox form: locked, synced before it is called delivered, and cut back
 * to what it was when something fails.
 */
struct mailbox_file {
    struct str path;
    bool is_in_spool;   /* a user's mailbox below mail_spool_directory, with the rules for its rights */
    bool is_user_named; /* an alias or .forward named it: "delivered to file: ..."; else it is a mailbox */
};

struct result mailbox_file_deliver(const struct scene *scene, const struct mailbox_file *mailbox);

#endif
