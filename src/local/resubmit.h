/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_RESUBMIT_H
#define LOCAL_RESUBMIT_H

#include "local/attempt.h"

/*
 * resubmit - sends the message on as new ones, one for each sender, to the addresses that the attempt has gathered, and
 * logs "forwarded as ID". Nothing is sent if something else was deferred: all is tried again together.
 */
void resubmit_all(struct attempt *attempt);

#endif
