/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_STRESS_H
#define MASTER_STRESS_H

#include "base/time.h"

struct child;
struct configuration;
struct service;

/*
 * stress - a service of the network all of whose processes are full: they hear of it, and treat new clients as under
 * "-o stress=yes". It holds until there has been room for STRESS_SECONDS. Nothing is started anew for it.
 */
enum { STRESS_SECONDS = 60 };

/* A process has become full, or has room again. */
void stress_look(struct service *service, const struct configuration *configuration, struct instant now);
/* A process that has just been started. */
void stress_tell_new(struct child *child);
/* Now and then: ends it. */
void stress_tick(struct service *service, const struct configuration *configuration, struct instant now);

#endif
