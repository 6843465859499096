/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_SHOW_H
#define POSTCONF_SHOW_H

#include "postconf/parameters.h"

#include <stdio.h>

/* show - prints "name = value" lines as postconf's readers expect them, or objects of JSON, one a line. */
struct show {
    FILE *out;
    const struct main_cf *cf;
    struct arena *arena;
    bool is_folded;
    bool hides_names;
    bool hides_values;
    bool is_json;
    bool expands;
    bool wants_defaults;
    bool only_set; /* -n */
    unsigned classes;
    bool has_directory_option; /* config_directory counts as set */
};

/* False when the value's $ forms are broken. */
MUST_USE bool show_parameter(const struct show *show, const struct parameter *parameter, struct failure *why);
MUST_USE bool show_all(const struct show *show, const struct parameters *parameters, struct failure *why);

/* One line; white space in the value becomes one space, or a new line where lines are folded. */
void show_value(const struct show *show, struct str name, struct str value);
/* {"name": "value"}, as it is. */
void show_json(FILE *out, struct str name, struct str value);

#endif
