/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_DIAL_H
#define MERPATI_DIAL_H

#include "base/failure.h"
#include "base/str.h"

/*
 * dial - whether somebody listens at a host's port now: looks the host up as services do, and connects. Waits, some
 * seconds at most. why->error: the last address's errno; 0 where there is no address.
 */
MUST_USE bool dial_host(struct str host, unsigned port, struct failure *why);

#endif
