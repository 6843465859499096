/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_MILTERS_H
#define POSTCONF_MILTERS_H

#include "base/arena.h"

/* milters - parameters that list mail filters: what of them cannot be. */
struct main_cf;

/* Warns of what keeps a filter of this parameter from being asked; place: "file, line 3:". Other parameters are fine.
 */
void milters_check(struct main_cf *cf, struct str name, struct str place, struct arena *arena);

#endif
