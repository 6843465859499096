/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_REMEMBERED_H
#define QMGR_REMEMBERED_H

#include "protocol/bounce.h"

/*
 * remembered - of a delivery that failed in an earlier activation the queue keeps the reason alone. Those that our
 * agents write tell who has said it and in which words ("host H[A] said: 450 later (in reply to RCPT TO command)",
 * "temporary failure. Command output: text"): remote_mta, diagnostic_type and diagnostic are set from out->reason,
 * views into it. Any other reason leaves them as they are.
 */
void remembered_fill(struct bounce_recipient *out);

#endif
