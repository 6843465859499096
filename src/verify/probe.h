/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_PROBE_H
#define VERIFY_PROBE_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"

struct endpoint;

/* probe - a message that goes all the way to an address but is not delivered; the queue manager tells what it met. */

/* Puts one into the queue. Waits. */
MUST_USE bool probe_send(struct endpoint *cleanup, struct str sender, struct str address, struct duration timeout,
                         struct failure *why);

#endif
