/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include "master/supervisor.h"

/* stop - the ordered end: config/programs.h says who is told when, and whose end each step waits for. */

void stop_begin(struct supervisor *supervisor);
/* A process that has just been started hears that the system stops. */
void stop_tell_new(const struct supervisor *supervisor, const struct child *child);
/* Goes to the next step when all that it waits for is gone, kills what stays too long. */
void stop_go_on(struct supervisor *supervisor, struct instant now);
/* A service that was not told yet may be started still when those before it call it. */
bool stop_still_needs(const struct supervisor *supervisor, const struct service *service);

#endif
