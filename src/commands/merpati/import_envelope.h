/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_ENVELOPE_H
#define MERPATI_IMPORT_ENVELOPE_H

#include "spool/envelope.h"

/*
 * import_envelope - what Postfix's own postcat prints of a message's envelope ("-e"), and its notes on deferred and
 * failed recipients, as an envelope of ours. Pure; all is copied into the arena.
 */

/*
 * Recipients that are done are left out. FAILURE_PERMANENT for what cannot be told in our words (a redirection) and for
 * an envelope that has no end.
 */
MUST_USE bool import_envelope_parse(struct str text, struct arena *arena, struct envelope *envelope_out,
                                    struct failure *why);
/*
 * Takes the text of defer/ID or bounce/ID: why a recipient was deferred; a recipient that failed, of whom the sender
 * was not told yet, is added.
 */
void import_envelope_note(struct str text, struct arena *arena, struct envelope *envelope);

#endif
