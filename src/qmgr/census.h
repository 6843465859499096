/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_CENSUS_H
#define QMGR_CENSUS_H

#include "qmgr/keeper.h"

/*
 * census - what agents tell of the time before this process: outcomes that nobody recorded are recorded where the
 * message stands, and what an agent still has in hand is left alone as long as the agent says so.
 *
 * Delivered and failed recipients are finished by that; deferred ones are tried again at once.
 */
bool census_unrecorded(void *context, const struct deliver_outcome *outcomes, size_t count, struct failure *why);
void census_in_hand(void *context, const struct deliver_in_hand *delivery);

#endif
