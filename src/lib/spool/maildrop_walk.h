/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_MAILDROP_WALK_H
#define SPOOL_MAILDROP_WALK_H

#include "spool/maildrop_file.h"

/*
 * maildrop_walk - the messages that wait in maildrop/, for who lists them. One that is being written, that was just
 * taken up, or that is damaged, is passed over.
 */

/* The message's texts are in arena, which is emptied for each. give returns false to end the walk. */
MUST_USE bool maildrop_walk(struct arena *arena,
                            bool (*give)(void *context, struct str name, const struct maildrop_message *message,
                                         uint64_t size),
                            void *context, struct failure *why);

#endif
