/* SPDX-License-Identifier: Apache-2.0 */
#include "config/name_table.h"

enum { BUCKETS = 512 };

struct node {
    struct node *next;
    struct str name;
    void *value;
};

struct name_table {
    struct arena *arena;
    struct node *buckets[BUCKETS];
};

/* FNV-1a: names come from the administrator, so nobody crafts collisions. */
static size_t bucket_of(struct str name)
{
    uint32_t hash = 2166136261u;
    size_t i;

    for (i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char) name.data[i]) * 16777619u;
    return hash % BUCKETS;
}

static struct node *find(const struct name_table *table, struct str name)
{
    struct node *node;

    for (node = table->buckets[bucket_of(name)]; node != NULL; node = node->next)
        if (str_equal(node->name, name))
            return node;
    return NULL;
}

struct name_table *name_table_create(struct arena *arena)
{
    struct name_table *table = arena_new(arena, struct name_table);

    table->arena = arena;
    return table;
}

void *name_table_get(const struct name_table *table, struct str name)
{
    struct node *node = find(table, name);

    return node == NULL ? NULL : node->value;
}

void name_table_set(struct name_table *table, struct str name, void *value)
{
    struct node *node = find(table, name);
    size_t bucket = bucket_of(name);

    if (node == NULL) {
        node = arena_new(table->arena, struct node);
        node->name = name;
        node->next = table->buckets[bucket];
        table->buckets[bucket] = node;
    }
    node->value = value;
}
