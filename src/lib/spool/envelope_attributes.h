/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_ENVELOPE_ATTRIBUTES_H
#define SPOOL_ENVELOPE_ATTRIBUTES_H

#include "base/strlist.h"
#include "spool/envelope.h"

/*
 * envelope_attributes - where a message came from as a list of "name=value" with Postfix's names: what agents and
 * bounce are told, and what a message keeps when postsuper -r sends it round again.
 *
 * ENVELOPE_EXPANDED is the queue manager's alone, and not among them: an alias that cleanup expanded and whose success
 * was to be reported (NOTIFY=SUCCESS); the attribute behind it has the alias's ORCPT, and the next one, if it was
 * another address when it came, that.
 */
#define ENVELOPE_EXPANDED "expanded"
#define ENVELOPE_EXPANDED_ORIGINAL "expanded_original"
#define ENVELOPE_EXPANDED_FROM "expanded_from"

struct strlist envelope_attribute_list(const struct envelope *envelope, struct arena *arena);
/* The expanded aliases, for a message that goes round again before they were told of. */
void envelope_add_expansions(const struct envelope *envelope, struct arena *arena, struct strlist *list);

/* Sets the member that the envelope has for this name, copied into the arena. False: it has none. */
MUST_USE bool envelope_attribute_place(struct envelope *envelope, struct arena *arena, struct str name,
                                       struct str value);

#endif
