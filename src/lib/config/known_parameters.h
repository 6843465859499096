/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_KNOWN_PARAMETERS_H
#define CONFIG_KNOWN_PARAMETERS_H

#include "base/str.h"

/*
 * known_parameters - every parameter name that Postfix 3.11 has, with its default where one is known.
 * A name stands here whether or not a program of ours acts on it; settings tables say which ones are acted on.
 */
struct known_parameter {
    const char *name;
    const char *default_text; /* in the main.cf language; "" is a default too */
};

/* NULL if the name is not known. */
const struct known_parameter *known_parameter_find(struct str name);
size_t known_parameter_count(void);
/* In order of name. */
const struct known_parameter *known_parameter_at(size_t index);

#endif
