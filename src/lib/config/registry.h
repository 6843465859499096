/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_REGISTRY_H
#define CONFIG_REGISTRY_H

#include "config/settings.h"

/*
 * registry - the settings tables of all programs and libraries: what this version acts on.
 * The list is in src/commands/postconf/registry.c; a new settings.c is added there.
 */
extern const struct settings_table *const registry_tables[]; /* ends with NULL */

/* The row with this name in any table; NULL if no program acts on it. */
const struct setting *registry_find(struct str name);

#endif
