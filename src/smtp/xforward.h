/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_XFORWARD_H
#define SMTP_XFORWARD_H

#include "base/strlist.h"

/*
 * xforward - tells a server behind us, as a content filter, where the message came from: "XFORWARD NAME=... ADDR=...".
 * Only what the server said it knows is told. Pure.
 */
struct deliver_request;

enum xforward_attribute {
    XFORWARD_NAME = 1 << 0,
    XFORWARD_ADDR = 1 << 1,
    XFORWARD_PORT = 1 << 2,
    XFORWARD_PROTO = 1 << 3,
    XFORWARD_HELO = 1 << 4,
    XFORWARD_IDENT = 1 << 5,
    XFORWARD_SOURCE = 1 << 6,
};

/* The attributes named behind XFORWARD in the answer to EHLO. */
unsigned xforward_parse(struct str words);

/*
 * The commands with their CR LF: one for name and address, one for the rest; without what is not known of the message.
 * In the arena.
 */
struct strlist xforward_commands(struct arena *arena, const struct deliver_request *request, unsigned known);
/* Which of the two it is, for the log: "XFORWARD name/address command". */
const char *xforward_command_name(struct str command);
/* The same for a connection that was lost there. */
const char *xforward_doing(struct str command);

#endif
