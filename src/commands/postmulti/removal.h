/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMULTI_REMOVAL_H
#define POSTMULTI_REMOVAL_H

#include "postmulti/family.h"

/* removal - taking away what an instance has on disk, once it is certain that it has no mail. */

/* False, with the reason, while it runs, or has a message in any queue, corrupt/ too. */
MUST_USE bool removal_is_allowed(const struct family *family, const struct member *member, struct failure *why);
/*
 * Removes main.cf and master.cf, the folders of the queue and the files of data_directory, and the three directories if
 * nothing else is in them: what others put there stays, with a warning.
 */
MUST_USE bool removal_run(const struct member *member, struct arena *arena, struct failure *why);

#endif
