/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_NAMED_H
#define POSTCONF_NAMED_H

#include "base/arena.h"

/* named - values of main.cf that name what stands elsewhere: services of master.cf, a user, hosts. */
struct main_cf;
struct services;

/* Tells as warnings what is not there: mail that needs it waits, and all other mail goes on. services: NULL if unread.
 */
void named_check(const struct main_cf *cf, const struct services *services, struct arena *arena);

#endif
