/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include "base/str.h"

struct session;

/*
 * command - the table of SMTP verbs: name, function, and what is special about it. The order is that of the
 * counts in the disconnect line.
 */
enum command_id {
    COMMAND_HELO,
    COMMAND_EHLO,
    COMMAND_XCLIENT,
    COMMAND_XFORWARD,
    COMMAND_STARTTLS,
    COMMAND_AUTH,
    COMMAND_MAIL,
    COMMAND_RCPT,
    COMMAND_DATA,
    COMMAND_BDAT,
    COMMAND_RSET,
    COMMAND_NOOP,
    COMMAND_VRFY,
    COMMAND_ETRN,
    COMMAND_HELP,
    COMMAND_QUIT,
    COMMAND_UNKNOWN,
    COMMAND_COUNT,
};

enum command_trait {
    COMMAND_IS_JUNK = 1 << 0,         /* counts against smtpd_junk_command_limit */
    COMMAND_ENDS_PIPELINE = 1 << 1,   /* the client must wait for the reply (RFC 2920 section 3.1) */
    COMMAND_IS_ALWAYS_TAKEN = 1 << 2, /* also from a client that was refused at connect, or sends too early */
    COMMAND_BRINGS_CONTENT = 1 << 3,  /* bytes that are no command follow it */
    COMMAND_NEEDS_TLS = 1 << 4,       /* where TLS is required */
};

struct command {
    const char *name;
    /* argument: what follows the verb, without blanks around it. Replies itself. */
    void (*run)(struct session *session, struct str argument);
    unsigned traits;
};

struct command_count {
    unsigned tried;
    unsigned done; /* without an error reply */
};

/* By name, without regard to case; COMMAND_UNKNOWN's row if there is no such command. */
const struct command *command_find(struct str verb);
const struct command *command_by_id(enum command_id id);
enum command_id command_id_of(const struct command *command);

/* Executes one line from the client, without its line end. */
void command_execute(struct session *session, struct str line);

#endif
