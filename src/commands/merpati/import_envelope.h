/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_ENVELOPE_H
#define MERPATI_IMPORT_ENVELOPE_H

#include "spool/envelope.h"

/*
 * import_envelope - what Postfix's own postcat prints of a message's envelope ("-e"), and its notes on deferred and
 * failed recipients, as an envelope of ours. Pure; all is copied into the arena.
 */

struct import_envelope {
    struct envelope envelope;
    struct str full_name; /* of who submitted it */
    struct str redirect;  /* where all of it goes, or empty: done already */
};

/* Recipients that are done are left out. Times are of this process's zone. FAILURE_PERMANENT for an envelope that has
 * no end. */
MUST_USE bool import_envelope_parse(struct str text, struct arena *arena, struct import_envelope *out,
                                    struct failure *why);
/*
 * Takes the text of defer/ID or bounce/ID: why a recipient was deferred; a recipient that failed, of whom the sender
 * was not told yet, is added.
 */
void import_envelope_note(struct str text, struct arena *arena, struct envelope *envelope);

#endif
