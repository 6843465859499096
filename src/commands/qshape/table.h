/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QSHAPE_TABLE_H
#define QSHAPE_TABLE_H

#include "qshape/shape.h"

#include <stdio.h>

/*
 * table - a shape as Postfix's qshape prints it: names and counts flush right, width columns in all; where a name does
 * not fit, its last bytes behind a '+' (".+" of a parent domain). A name has 18 columns at least, whatever width says.
 */
struct table_settings {
    unsigned width;          /* less than 80 counts as 80 */
    unsigned least_children; /* parent domains with so many below them; 0: none */
    size_t top;              /* so many domains only; 0: all */
    bool is_on_terminal;     /* cleared first */
};

void table_print(FILE *out, const struct table_settings *settings, const struct shape_settings *buckets,
                 const struct shape *shape);

#endif
