/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_NAME_TABLE_H
#define CONFIG_NAME_TABLE_H

#include "base/arena.h"

/*
 * name_table - parameters by name, kept in an arena and ended with it. Unlike base/map it needs no destroy,
 * so that a configuration has one lifetime.
 */
struct name_table;

struct name_table *name_table_create(struct arena *arena);
/* NULL if the name is not there. */
void *name_table_get(const struct name_table *table, struct str name);
/* Replaces; name must outlive the table. */
void name_table_set(struct name_table *table, struct str name, void *value);

#endif
