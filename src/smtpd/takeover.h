/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_TAKEOVER_H
#define SMTPD_TAKEOVER_H

#include "base/compiler.h"

#include <stdbool.h>

struct session;

/*
 * takeover - sessions that postscreen hands over (protocol/handed_session.h): who the client is, and, where postscreen
 * has spoken with it already, what was said.
 *
 * Such a session goes on with the client's RCPT. All before it, from the connection on, is judged here as if it came
 * now, but the client has had its answers: they are kept back. Where one would have been a refusal, RCPT gets it.
 */

/* False: what was handed over is not what it should be, which is logged, and the session is over. */
MUST_USE bool takeover_receive(struct session *session);

/* Instead of the greeting, where the session goes on. */
void takeover_go_on(struct session *session);

#endif
