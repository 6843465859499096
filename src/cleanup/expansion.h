/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_EXPANSION_H
#define CLEANUP_EXPANSION_H

#include "cleanup/message.h"

/*
 * expansion - recipients whose success the sender wants to hear of, and that a virtual alias turned into others: he
 * hears that they were expanded, and nothing of the others' success (RFC 3461 section 5.2.7.2).
 *
 * The report is asked for when the message is on disk and its client has been told. It is best effort, as every report
 * of success.
 */

/* address was expanded; recipient loses the wish that is met by that. */
void expansion_note(struct message *message, struct str address, struct pending_recipient *recipient);
/* The content so far goes to a file: the header is kept, for the report has it. */
void expansion_keep_header(struct message *message);
/* The message is finished. Waits for the bounce service. */
void expansion_tell(struct message *message);

#endif
