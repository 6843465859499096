/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_WAKEUP_H
#define MASTER_WAKEUP_H

#include "master/service.h"

/* wakeup - the trigger that master.cf's wakeup column asks for: a byte on the service's own socket. */

/* What a service reads then, as with Postfix. */
#define WAKEUP_BYTE "W"

/* The first one is due at once; one that is planned already stays. */
void wakeup_plan(struct service *service, struct instant now);
bool wakeup_is_planned(const struct service *service);
/* Never waits: a service that does not take connections misses one. */
void wakeup_if_due(struct service *service, struct instant now);

#endif
