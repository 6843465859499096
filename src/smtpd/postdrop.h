/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_POSTDROP_H
#define SMTPD_POSTDROP_H

#include "base/arena.h"
#include "base/failure.h"
#include "protocol/submission.h"

#include <sys/types.h>

/*
 * postdrop - the way of a message when smtpd was started by a user (sendmail -bs): not to cleanup, which the user
 * may not reach, but to the set-gid postdrop's standard input. Its calls block: there is one session only.
 */
struct shared_settings;

struct postdrop {
    pid_t pid; /* 0: not started */
    int pipe;
};

MUST_USE bool postdrop_start(struct postdrop *postdrop, const struct shared_settings *shared,
                             const struct submission *submission, struct arena *arena, struct failure *why);
MUST_USE bool postdrop_write(struct postdrop *postdrop, struct str bytes, struct failure *why);
/* The message is whole; true when postdrop has it. */
MUST_USE bool postdrop_finish(struct postdrop *postdrop, struct failure *why);
/* Throws the message away. Fine when not started. */
void postdrop_abandon(struct postdrop *postdrop);

#endif
