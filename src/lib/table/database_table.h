/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DATABASE_TABLE_H
#define TABLE_DATABASE_TABLE_H

#include "base/arena.h"
#include "table/driver.h"

struct table_type;

/*
 * database_table - the table type that a database driver brings. What is the same for all databases is here: queries
 * and results made of templates, domain, expansion_limit; several values are joined by commas.
 */

/* NULL: what stands there is no driver, or one of another version. The driver must stay loaded. */
const struct table_type *database_table_type(const struct merpati_driver *driver, struct str name, struct arena *arena);

#endif
