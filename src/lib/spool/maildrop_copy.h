/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_MAILDROP_COPY_H
#define SPOOL_MAILDROP_COPY_H

#include "base/failure.h"
#include "spool/envelope.h"
#include "spool/maildrop_file.h"

/*
 * maildrop_copy - a message of the queue submitted anew ("postsuper -r"): its unfinished recipients and its content
 * go to maildrop/, so that pickup and cleanup treat it by the rules of now. The queue file stays; the caller removes it
 * afterwards. Blocks; durable when it returns true.
 */
MUST_USE bool maildrop_copy_message(const char *path, struct failure *why);
/* What the head of such a submission says; text of the envelope stays where it is. */
void maildrop_describe(const struct envelope *envelope, struct arena *arena, struct maildrop_message *message_out);

#endif
