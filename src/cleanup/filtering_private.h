/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_FILTERING_PRIVATE_H
#define CLEANUP_FILTERING_PRIVATE_H

#include "cleanup/content_edit.h"
#include "cleanup/filtering.h"
#include "cleanup/log_lines.h"
#include "cleanup/message.h"
#include "milter/milter.h"

/* filtering_private - what the files of filtering share. */
struct filtering {
    struct message *message;
    struct milters *milters;
    bool is_borrowed;
    struct content_edit edit;
    const char *hold_stage; /* where a milter first wanted the message held; NULL: nowhere */
    struct arena *arena;    /* one event or change */
    struct str recipient;   /* of the event at hand, for its macros */
    /* The envelope as the milter at hand found it. */
    struct {
        struct str sender, envid, content_filter, redirect;
        enum dsn_return dsn_return;
        struct envelope_recipient *recipients; /* NULL: not changed */
        size_t count;
        size_t copies;
        unsigned flags;
        const char *hold_stage;
    } kept;
};

/* ---- filtering_change.c ---- */

/* Does what a milter asks for; trouble becomes the message's status. */
void filtering_change(struct filtering *filtering, const struct milter_change *change);

/* ---- filtering_events.c ---- */

/* Mail without a session: the milters of main.cf, and what a session would have told them. NULL: there are none. */
struct milters *filtering_connect(struct filtering *filtering);
/* Connect, HELO, MAIL, RCPT, DATA. False: a verdict has ended it. */
bool filtering_simulate(struct filtering *filtering);

/* ---- filtering.c ---- */

/* Before the recipients change. */
void filtering_keep_recipients(struct filtering *filtering);
/* Where the message comes from, for the log. */
struct log_origin filtering_origin(const struct filtering *filtering);
/* Logs a verdict and does what it says; false: the milters have no more to say. recipient: for the log. */
bool filtering_obey(struct filtering *filtering, const struct milter_verdict *verdict, const char *stage,
                    struct str recipient);

#endif
