/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_EXPANSION_H
#define CLEANUP_EXPANSION_H

#include "cleanup/message.h"

/*
 * expansion - recipients whose success the sender wants to hear of, and that a virtual alias turned into others: he
 * hears that they were expanded, and nothing of the others' success (RFC 3461 section 5.2.7.2). The queue manager tells
 * it after the first attempt, in one report with what was delivered then; until then the envelope keeps it, two
 * or three attributes for each. The envelope's head is in memory as a whole, so there is a maximum: beyond it the
 * sender hears instead what becomes of those that they were expanded into.
 */
enum { EXPANSION_ATTRIBUTES_MAXIMUM = 2000 };

/* recipient was expanded, and loses the wish that is met by that, if there is room to keep it. */
void expansion_note(struct message *message, struct pending_recipient *recipient);

#endif
