/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_RECORDING_H
#define QMGR_RECORDING_H

#include "qmgr/keeper.h"
#include "spool/queue_file.h"

/*
 * recording - what became of recipients is written down while their message is still in delivery: in the ledger of its
 * segment, or at the end of its file. Outcomes of one message that come while others are being appended to its file
 * go there together, in one status frame.
 */

/* What is known of the recipient: what the envelope says, or the result of this activation if that is newer. */
struct queue_file_outcome recording_outcome(const struct active_message *active, size_t place);

/* hooks.record */
bool recording_record(void *context, struct active_message *active, const size_t *places, size_t count,
                      struct failure *why);

/* Appends to the message's file; the outcomes have the message's numbers, and live until it returns. */
MUST_USE bool recording_append(struct keeper *keeper, struct active_message *active,
                               const struct queue_file_outcome *outcomes, size_t count, struct failure *why);

#endif
