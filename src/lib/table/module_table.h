/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_MODULE_TABLE_H
#define TABLE_MODULE_TABLE_H

#include "base/arena.h"
#include "base/str.h"
#include "table/module.h"

struct table_type;

/* module_table - a table type whose tables a module opens and asks. */

/* NULL: what stands there is no module, or one of another version. The module must stay loaded. */
const struct table_type *module_table_type(const struct merpati_table_module *module, struct str name,
                                           struct arena *arena);

#endif
