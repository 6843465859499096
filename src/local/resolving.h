/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_RESOLVING_H
#define LOCAL_RESOLVING_H

#include "local/attempt.h"
#include "protocol/rewrite.h"

/* resolving - what trivial-rewrite makes of an address that stands in an alias, a .forward or an :include: file. */

/* Completed as a sender on this host would have it; internal form in and out, in the attempt's arena. */
bool resolving_complete(struct attempt *attempt, struct str address, struct str *address_out, struct failure *why);

/* Completed, and where it leads for that sender. */
bool resolving_find(struct attempt *attempt, struct str sender, struct str address,
                    const struct resolved_address **resolved_out, struct failure *why);

#endif
