/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_INSPECTION_H
#define CLEANUP_INSPECTION_H

#include "checks/checks.h"
#include "cleanup/log_lines.h"
#include "cleanup/message.h"
#include "mail/mime_parser.h"

struct table_set;

/*
 * inspection - what header and body checks, strict_* and message_reject_characters make of a message
 * (header_checks(5)): the rules are asked, what they order is done and logged.
 *
 * A rule that refuses a message fails it at once, with no look at the rest; mail that goes back to its sender
 * (CLEANUP_FLAG_BOUNCE) is read to its end all the same, with no more rules asked. Bad MIME refuses at the end, unless
 * a rule did before or threw the message away. A table that cannot answer defers the message.
 */

/* What the configuration says of content: opens the tables, before the jail. */
void inspection_open(struct service *service, struct table_set *tables, struct arena *arena);

/* Whether rules apply to this message: it came from outside, and no rule has passed it. */
static inline bool inspection_is_on(const struct message *message)
{
    return (message->flags & CLEANUP_FLAG_FILTER) != 0 && message->late.dsn.len == 0;
}

/*
 * A header field, whole, or a line of the body. True: it goes on, as *text says then, in the message's scratch; what a
 * rule puts before it is written. False: it was removed, or the message is not taken.
 */
MUST_USE bool inspection_field(struct message *message, enum checks_class class, struct str *text);
MUST_USE bool inspection_line(struct message *message, struct str *text, uint64_t offset);
/* Where the message comes from, for the log. */
struct log_origin inspection_origin(const struct message *message);
/* At the end of the message: what refuses it although it was read to its end. */
void inspection_conclude(struct message *message);
/* What strict_* and the limits found. */
void inspection_finding(struct message *message, enum mime_finding finding, struct str text);
/* A line with a character of message_reject_characters; begun is as much of it as has come. */
void inspection_bad_character(struct message *message, struct str begun);

#endif
