/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_MAILBOXES_H
#define MAILBOX_MAILBOXES_H

#include "base/map.h"
#include "base/strlist.h"
#include "base/time.h"
#include "delivery/rights.h"
#include "mail/dsn.h"

/*
 * mailboxes - what a process that delivers into files has for its whole life: its rules, the threads that make files
 * durable, and the mailboxes that are open just now.
 */
struct group_sync;
struct loop;

struct mailbox_rules {
    const struct strlist *locks; /* of mbox files: "fcntl", "flock", "dotlock" */
    int lock_attempts;
    struct duration lock_delay;
    struct duration stale_lock_time;
    int64_t size_limit; /* of an mbox file, and of a message in a maildir; 0: none */
    bool is_ownership_strict;
    struct str host; /* in names of files in maildirs */
};

struct mailboxes {
    struct loop *loop;
    struct mailbox_rules rules;
    struct group_sync *syncs; /* NULL: each file is synced in place */
    struct map *open;         /* struct open_mailbox, while there are any */
    unsigned copies;          /* for names of files */
};

/* Where a message goes. */
struct mailbox_place {
    struct str path; /* of a maildir: with a slash at its end */
    struct rights owner;
    bool is_in_spool;   /* a user's mailbox below mail_spool_directory, with the rules for its rights */
    bool is_user_named; /* an alias or .forward named it: it may be a device, and somebody else's */
};

/* Starts the threads. rules are copied, what they point to is not. */
void mailboxes_start(struct mailboxes *mailboxes, struct loop *loop, const struct mailbox_rules *rules);
/* Nobody may be delivering. */
void mailboxes_stop(struct mailboxes *mailboxes);

/* Of a delivery that failed: 5.2.2 for a full mailbox or quota, 5.2.0 for what no administrator mends, else 4.2.0. */
struct dsn_status mailbox_status_of_failure(const struct failure *why);

#endif
