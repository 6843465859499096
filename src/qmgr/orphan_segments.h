/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_ORPHAN_SEGMENTS_H
#define QMGR_ORPHAN_SEGMENTS_H

#include "qmgr/keeper.h"

/*
 * orphan_segments - finds the segments whose writer is gone, told by a lock that is free, and hands them to
 * live_segments. A segment that nothing can be read of is kept in corrupt/.
 */

/* Tries the locks of all segments, known or not; starts a fiber. keeper->is_looking_for_segments until it is done. */
void orphan_segments_look(struct keeper *keeper);

#endif
