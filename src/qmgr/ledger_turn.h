/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_LEDGER_TURN_H
#define QMGR_LEDGER_TURN_H

#include "qmgr/keeper.h"

/*
 * ledger_turn - outcomes of messages in the journal go into the ledger. Those that have been heard of in one turn of
 * the loop are written at once: whoever has some waits until the fibers that are ready have told theirs.
 */
enum ledger_turn_end {
    LEDGER_TURN_RECORDED,
    LEDGER_TURN_ELSEWHERE, /* the message is on its way to a file, or gone: look again */
    LEDGER_TURN_FAILED,    /* why says it */
};

/* Outcomes of recipients (places in the envelope) of a message that has a segment. Waits. */
enum ledger_turn_end ledger_turn_record(struct keeper *keeper, struct active_message *active, const size_t *places,
                                        size_t count, struct failure *why);

#endif
