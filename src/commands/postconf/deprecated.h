/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_DEPRECATED_H
#define POSTCONF_DEPRECATED_H

#include "base/arena.h"
#include "base/str.h"

/* deprecated - parameters that Postfix means to drop, and what takes their place. They work here as long as there. */

/* What is to be said of a name that is set; false: nothing. file is the one it stands in. */
bool deprecated_warning(struct str file, struct str name, struct arena *arena, struct str *text_out);
/* The last line, said once after the warnings. */
extern const char deprecated_where_to_read[];

#endif
