/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_UPCOMING_H
#define SMTPD_UPCOMING_H

#include "base/arena.h"
#include "base/strlist.h"

/*
 * upcoming - recipients that the client has sent already, behind the command in hand (RFC 2920). Where each leads can
 * be asked for at once. It is a guess: their commands are read again, and judged, in their turn.
 */
enum { UPCOMING_MAXIMUM = 500 };

/*
 * The addresses, in internal form, of the whole lines "RCPT TO:..." that input begins with; up to the first that is
 * anything else. path_flags as for smtp_path_take. They live in arena.
 */
struct strlist upcoming_recipients(struct str input, unsigned path_flags, struct arena *arena);

#endif
