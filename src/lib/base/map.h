/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

/*
 * map - from byte strings to pointers. Keys are copied; values belong to the caller and may not be NULL.
 * Iteration is in order of insertion; removing the entry just visited is allowed.
 */
struct map;
struct map_entry;

struct map *map_create(void);
/* Leaves *map NULL; a NULL map is fine. Values are not touched. */
void map_destroy(struct map **map);

/* NULL if the key is not there. */
void *map_get(const struct map *map, struct str key);
/* Returns the value that was replaced, or NULL. */
void *map_set(struct map *map, struct str key, void *value);
/* Returns the value that was removed, or NULL. */
void *map_remove(struct map *map, struct str key);
size_t map_count(const struct map *map);

/* NULL at the end. */
struct map_entry *map_first(const struct map *map);
struct map_entry *map_next(struct map_entry *entry);
struct str map_entry_key(const struct map_entry *entry);
void *map_entry_value(const struct map_entry *entry);

#endif
