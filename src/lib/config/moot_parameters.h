/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_MOOT_PARAMETERS_H
#define CONFIG_MOOT_PARAMETERS_H

#include "base/str.h"

/*
 * moot_parameters - Postfix's parameters that nothing of ours can act on, because what they adjust is not there.
 * The checks say so, with the reason, instead of calling them not acted on yet.
 */
struct moot_parameter {
    const char *name;
    const char *reason; /* how it is here, and what to use instead if there is something */
};

/* NULL if the name is not among them. */
const struct moot_parameter *moot_parameter_find(struct str name);
size_t moot_parameter_count(void);
/* In order of name. */
const struct moot_parameter *moot_parameter_at(size_t index);

#endif
