/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_PROBE_H
#define VERIFY_PROBE_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"

struct endpoint;
struct shared_settings;

/* probe - a message that goes all the way to an address but is not delivered; the queue manager tells what it met. */

/* Puts one into the queue. Waits. */
MUST_USE bool probe_send(struct endpoint *cleanup, const struct shared_settings *shared, struct str sender,
                         struct str address, struct failure *why);

#endif
