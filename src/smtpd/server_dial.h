/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_SERVER_DIAL_H
#define SMTPD_SERVER_DIAL_H

#include "base/arena.h"
#include "base/time.h"
#include "config/server_place.h"

struct smtpd;

/*
 * server_dial - a connection to a program that main.cf names, from within the jail: addresses of a host are tried in
 * order, timeout is for each; a Unix socket is looked for below the queue directory. The descriptor is the caller's.
 * Waits.
 */
MUST_USE bool server_dial(struct smtpd *smtpd, const struct server_place *place, struct duration timeout,
                          struct arena *arena, int *fd_out, struct failure *why);

/* The system's words for it where there are some: "Connection refused". In why, or constant. */
const char *server_dial_reason(const struct failure *why);

#endif
