/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_RETURNING_H
#define QMGR_RETURNING_H

#include "protocol/bounce.h"
#include "qmgr/keeper.h"

/*
 * returning - asks the bounce services to tell the sender. True when that is durable, or nobody is to be told. In a
 * fiber. Sent are the recipients of the active message for which wanted() holds.
 */
typedef bool returning_wanted(const struct active_message *active, size_t place);

MUST_USE bool returning_tell(struct keeper *keeper, struct active_message *active, enum bounce_kind kind,
                             returning_wanted *wanted, struct failure *why);

/* Whether cleanup expanded an alias of which the sender wants to hear: told with the success of the first attempt. */
bool returning_has_expansions(const struct active_message *active);

/* Whether a first attempt was reported already, with all that is told of it alone: those aliases, sendmail -v. */
bool returning_has_told_first(const struct active_message *active);

#endif
