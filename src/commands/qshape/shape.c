/* SPDX-License-Identifier: Apache-2.0 */
#include "qshape/shape.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"

#include <stdlib.h>

struct shape {
    struct shape_settings settings;
    struct arena *arena;
    struct map *domains; /* to struct shape_row */
    struct shape_row total;
};

struct shape *shape_create(const struct shape_settings *settings)
{
    struct shape *shape = memory_alloc(sizeof *shape);

    shape->settings = *settings;
    shape->arena = arena_create();
    shape->domains = map_create();
    shape->total.name = STR("TOTAL");
    return shape;
}

void shape_destroy(struct shape **shape)
{
    if (*shape == NULL)
        return;
    map_destroy(&(*shape)->domains);
    arena_destroy(&(*shape)->arena);
    memory_free(*shape);
    *shape = NULL;
}

/* ---- ages ---- */

uint64_t shape_bucket_end(const struct shape_settings *settings, unsigned bucket)
{
    unsigned last = bucket + 1 < settings->buckets ? bucket + 1 : settings->buckets - 1;

    if (last == 0)
        return 0;
    return settings->is_linear ? settings->first_minutes * last : settings->first_minutes << (last - 1);
}

static unsigned bucket_of(const struct shape_settings *settings, int64_t arrival_seconds)
{
    int64_t age = settings->now_seconds - arrival_seconds;
    unsigned bucket = 0;

    while (bucket + 1 < settings->buckets && age > 0 && (uint64_t) age >= shape_bucket_end(settings, bucket) * 60)
        bucket++;
    return bucket;
}

/* ---- counting ---- */

static struct str domain_of(struct str address)
{
    size_t at = str_find_last_char(address, '@');

    return at < address.len && at + 1 < address.len ? str_from(address, at + 1) : address;
}

static struct shape_row *row_of(struct map *rows, struct str name, struct arena *arena)
{
    struct shape_row *row = map_get(rows, name);

    if (row == NULL) {
        row = arena_new(arena, struct shape_row);
        row->name = arena_str(arena, name);
        map_set(rows, name, row);
    }
    return row;
}

void shape_add(struct shape *shape, struct str address, int64_t arrival_seconds)
{
    unsigned bucket = bucket_of(&shape->settings, arrival_seconds);
    struct str domain = domain_of(address);
    struct shape_row *row;
    struct strbuf lower;

    strbuf_init(&lower, STRBUF_UNLIMITED);
    for (size_t i = 0; i < domain.len; i++)
        strbuf_append_char(&lower, domain.len == address.len ? domain.data[i] : char_to_lower(domain.data[i]));
    row = row_of(shape->domains, strbuf_str(&lower), shape->arena);
    strbuf_done(&lower);
    row->total++;
    row->counts[bucket]++;
    shape->total.total++;
    shape->total.counts[bucket]++;
}

const struct shape_row *shape_total(const struct shape *shape)
{
    return &shape->total;
}

/* ---- parents ---- */

struct parent {
    struct shape_row row;
    unsigned children;
};

static struct parent *parent_of(struct map *parents, struct str name, struct arena *arena, bool *is_new_out)
{
    struct parent *parent = map_get(parents, name);

    *is_new_out = parent == NULL;
    if (parent == NULL) {
        parent = arena_new(arena, struct parent);
        parent->row.name = arena_printf(arena, ".%.*s", STR_ARG(name));
        map_set(parents, name, parent);
    }
    return parent;
}

/* The domain is a child of its parent, and that, when it is new, one of the next. */
static void add_to_parents(struct map *parents, const struct shape_row *row, struct arena *arena)
{
    bool is_child = true;
    struct str rest = row->name;
    struct str label;

    if (str_starts_with(rest, STR("[")))
        return;
    while (str_cut(rest, '.', &label, &rest) && str_contains_char(rest, '.')) {
        bool is_new;
        struct parent *parent = parent_of(parents, rest, arena, &is_new);

        parent->children += is_child;
        is_child = is_new;
        parent->row.total += row->total;
        for (size_t i = 0; i < SHAPE_BUCKETS_MAXIMUM; i++)
            parent->row.counts[i] += row->counts[i];
    }
}

/* ---- rows ---- */

static int compare_rows(const void *left, const void *right)
{
    const struct shape_row *a = *(struct shape_row *const *) left;
    const struct shape_row *b = *(struct shape_row *const *) right;

    if (a->total != b->total)
        return a->total > b->total ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return str_compare(a->name, b->name);
}

struct shape_row **shape_rows(const struct shape *shape, unsigned least_children, struct arena *arena,
                              size_t *count_out)
{
    struct map *parents = map_create();
    struct shape_row **rows;
    struct map_entry *entry;
    size_t count = 0;

    for (entry = map_first(shape->domains); least_children > 0 && entry != NULL; entry = map_next(entry))
        add_to_parents(parents, map_entry_value(entry), arena);
    rows = arena_new_array(arena, map_count(shape->domains) + map_count(parents) + 1, struct shape_row *);
    for (entry = map_first(shape->domains); entry != NULL; entry = map_next(entry))
        rows[count++] = map_entry_value(entry);
    for (entry = map_first(parents); entry != NULL; entry = map_next(entry)) {
        struct parent *parent = map_entry_value(entry);

        if (parent->children >= least_children)
            rows[count++] = &parent->row;
    }
    qsort(rows, count, sizeof *rows, compare_rows);
    map_destroy(&parents);
    *count_out = count;
    return rows;
}
