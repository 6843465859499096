/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_OWNER_REPORT_H
#define LOCAL_OWNER_REPORT_H

#include "local/attempt.h"

/*
 * owner_report - returns what the members of a list could not be given to the list's owner: files and commands that
 * failed, for which there is no new message that could come back. One report an owner; none while something else is
 * deferred, since all is tried again then.
 */
void owner_report_all(struct attempt *attempt);

#endif
