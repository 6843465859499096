/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_EXPANSION_H
#define CLEANUP_EXPANSION_H

#include "cleanup/message.h"

/*
 * expansion - recipients whose success the sender wants to hear of, and that a virtual alias turned into others: he
 * hears that they were expanded, and nothing of the others' success (RFC 3461 section 5.2.7.2). The queue manager tells
 * it after the first attempt, in one report with what was delivered then; until then the envelope keeps it.
 */

/* address was expanded; recipient loses the wish that is met by that. */
void expansion_note(struct message *message, struct str address, struct pending_recipient *recipient);

#endif
