/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_ADVICE_H
#define POSTCONF_ADVICE_H

#include "postconf/parameters.h"

/*
 * advice - what merpati check tells of a configuration that could be loaded and is still not what anybody means: names
 * with a slip of the pen, indexes older than their source, a door that is open to all. Nothing of it stops a start.
 */
void advice_on_names(const struct main_cf *cf, const struct parameters *parameters, const struct services *services,
                     struct arena *arena);
void advice_on_relaying(struct main_cf *cf, struct str service, struct arena *arena);
/* table: "hash:/etc/x", of the parameter. place is for the message. */
void advice_on_index(struct str table, struct str parameter, struct str place, bool tells_missing, struct arena *arena);

/* The one of count names that is meant by a misspelt one: few letters more, less, other or swapped. NULL: none. */
const struct str *advice_nearest(struct str name, const struct str *names, size_t count);

#endif
