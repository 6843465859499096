/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_COMMAND_END_H
#define DELIVERY_COMMAND_END_H

#include "mail/dsn.h"

/*
 * command_end - what the end of a command that took a message means for its recipients: the exit status is read as
 * sysexits.h has it, an enhanced status code (4.x.x or 5.x.x) at the start of the output of one that failed outranks
 * it, a signal defers, and a command whose time was over has failed for good.
 */
struct child_result;

struct command_end {
    struct dsn_status dsn;
    struct str text;       /* why; empty with 2.0.0, where who ran it says what that means */
    struct str output;     /* on one line */
    struct str diagnostic; /* for the report's Diagnostic-Code, x-unix; may be empty */
};

/* command: as the texts name it. All in arena. */
struct command_end command_end_judge(struct arena *arena, const struct child_result *result, struct str command);

#endif
