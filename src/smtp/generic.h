/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_GENERIC_H
#define SMTP_GENERIC_H

#include "base/arena.h"
#include "base/strlist.h"
#include "table/table.h"

struct daemon;
struct deliver_recipient;
struct deliver_request;

/*
 * generic - smtp_generic_maps: addresses of this site become addresses that the world can answer to, on their way out.
 *
 * An address is mapped once, in the envelope and in headers; the null sender never. Addresses are in internal form.
 * A table or a trivial-rewrite that cannot answer gives TABLE_UNKNOWN: then the message must wait, for with a
 * local address in it it would go out wrong. Calls may wait.
 */
struct generic;

/* Before the jail; belongs to the daemon. NULL without maps: then nothing is to be done. */
struct generic *generic_open(struct daemon *daemon, const char *parameter, struct str maps,
                             const struct strlist *propagated, struct failure *why);
/* In the jail. NULL is fine, here and below. */
void generic_start(struct generic *generic, struct daemon *daemon);
void generic_stop(struct generic *generic);

/* FOUND: *address is another one now, in arena. */
MUST_USE enum table_result generic_map(struct generic *generic, struct arena *arena, struct str *address,
                                       struct failure *why);
/* Sender and recipients as the server shall see them; the request itself, or a copy in arena. */
MUST_USE bool generic_map_envelope(struct generic *generic, struct arena *arena, const struct deliver_request **request,
                                   struct failure *why);

#endif
