/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_COMPUTED_H
#define CONFIG_COMPUTED_H

#include "config/main_cf.h"

/*
 * computed - the defaults that no text can give, because they come from this host or this process: myhostname,
 * mydomain, mynetworks, process_name and the like. Each is worked out when first asked for.
 */

bool computed_is(struct str name);
/* The text, in arena; empty for a name that is not one of them. */
struct str computed_default(const struct main_cf *cf, struct str name, struct arena *arena);
/* What may not be set in main.cf because each process has its own: process_id, process_name, service_name. */
bool computed_is_read_only(struct str name);

#endif
