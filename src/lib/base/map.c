/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/check.h"
#include "base/memory.h"

#define uthash_malloc(size) memory_alloc(size)
#define uthash_free(block, size) memory_free(block)
#include <uthash.h>

struct map_entry {
    UT_hash_handle hh;
    void *value;
    size_t key_len;
    char key[];
};

struct map {
    struct map_entry *entries;
};

struct map *map_create(void)
{
    return memory_alloc(sizeof(struct map));
}

static void delete_entry(struct map *map, struct map_entry *entry)
{
    HASH_DEL(map->entries, entry);
    memory_free(entry);
}

void map_destroy(struct map **map)
{
    if (*map == NULL)
        return;
    while ((*map)->entries != NULL)
        delete_entry(*map, (*map)->entries);
    memory_free(*map);
    *map = NULL;
}

static struct map_entry *find(const struct map *map, struct str key)
{
    struct map_entry *entry = NULL;
    const char *data = key.data == NULL ? "" : key.data;

    HASH_FIND(hh, map->entries, data, key.len, entry);
    return entry;
}

void *map_get(const struct map *map, struct str key)
{
    struct map_entry *entry = find(map, key);

    return entry == NULL ? NULL : entry->value;
}

void *map_set(struct map *map, struct str key, void *value)
{
    struct map_entry *entry = find(map, key);
    void *old;

    CHECK(value != NULL);
    if (entry != NULL) {
        old = entry->value;
        entry->value = value;
        return old;
    }
    entry = memory_alloc(sizeof *entry + key.len + 1);
    entry->value = value;
    entry->key_len = key.len;
    if (key.len > 0)
        memcpy(entry->key, key.data, key.len);
    HASH_ADD_KEYPTR(hh, map->entries, entry->key, entry->key_len, entry);
    return NULL;
}

void *map_remove(struct map *map, struct str key)
{
    struct map_entry *entry = find(map, key);
    void *value;

    if (entry == NULL)
        return NULL;
    value = entry->value;
    delete_entry(map, entry);
    return value;
}

size_t map_count(const struct map *map)
{
    return HASH_COUNT(map->entries);
}

struct map_entry *map_first(const struct map *map)
{
    return map->entries;
}

struct map_entry *map_next(struct map_entry *entry)
{
    return entry->hh.next;
}

struct str map_entry_key(const struct map_entry *entry)
{
    return str_make(entry->key, entry->key_len);
}

void *map_entry_value(const struct map_entry *entry)
{
    return entry->value;
}
