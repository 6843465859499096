/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXYMAP_TABLES_H
#define PROXYMAP_TABLES_H

#include "base/strlist.h"
#include "table/table.h"

/*
 * tables - the tables that proxymap may look into. A table is opened when it is first asked for and stays open; one
 * that is not in proxy_read_maps is never opened, unless it is a server's (socketmap:, tcp:) and the configuration
 * names it anywhere: services that make no connections of their own have those asked here, with proxy: before them or
 * without.
 */
struct proxymap_tables;

/* words: the parameter's elements; those that begin with proxy: count. They and set must outlive it. */
struct proxymap_tables *proxymap_tables_create(struct arena *arena, struct table_set *set, const struct strlist *words);

/* All tables of servers that text, a parameter's value, names; also those in pipemap:{ } and the like. Copies them. */
void proxymap_tables_add_remote(struct proxymap_tables *tables, struct str text);

/* name is without proxy:. */
bool proxymap_tables_allow(const struct proxymap_tables *tables, struct str name);

/* NULL if it is not allowed. */
struct table *proxymap_tables_find(struct proxymap_tables *tables, struct str name, unsigned flags);

#endif
