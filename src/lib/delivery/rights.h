/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_RIGHTS_H
#define DELIVERY_RIGHTS_H

#include "base/failure.h"
#include "os/user.h"

/*
 * rights - as whom files are opened and commands run.
 *
 * Between rights_take and rights_return the process acts as that user: nothing may wait there, since whatever else
 * ran meanwhile would act as that user too. As an ordinary user the process has its own rights only, and taking
 * another's fails.
 */
struct rights {
    uid_t uid;
    gid_t gid;
};

struct rights rights_of(const struct user_account *account);
bool rights_are_roots(const struct rights *rights);

/* FAILURE_CONFIGURATION if this process may not act as that user. */
MUST_USE bool rights_check(const struct rights *rights, struct failure *why);
MUST_USE bool rights_take(const struct rights *rights, struct failure *why);
/* Ends the process if the old rights cannot be had back: nothing right could be done then. */
void rights_return(const struct rights *rights);

#endif
