/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsmgr/shelf.h"

#include "protocol/tlsmgr.h"
#include "table/cache.h"

#include <inttypes.h>
#include <string.h>

/* By so much clocks are corrected; what was put later than that after now has a time that tells nothing. */
enum { CORRECTION_SECONDS = 60 };

struct entry {
    struct instant kept, ends;
    struct str value;
};

static struct str name_of(const struct shelf *shelf, struct str key, struct arena *arena)
{
    return arena_printf(arena, "%c:%.*s", shelf->letter, STR_ARG(key));
}

/* "KEPT ENDS VALUE", the times in seconds. */
static struct str format(const struct entry *entry, struct arena *arena)
{
    struct str head =
        arena_printf(arena, "%" PRId64 " %" PRId64 " ", instant_seconds(entry->kept), instant_seconds(entry->ends));
    char *text = arena_alloc(arena, head.len + entry->value.len + 1);

    memcpy(text, head.data, head.len);
    if (entry->value.len > 0)
        memcpy(text + head.len, entry->value.data, entry->value.len); /* UNSAFE: both fit, by the length above */
    return str_make(text, head.len + entry->value.len);
}

static bool parse(struct str text, struct entry *entry_out)
{
    struct str kept, ends;
    uint64_t kept_s, ends_s;

    if (!str_cut(text, ' ', &kept, &text) || !str_cut(text, ' ', &ends, &entry_out->value) ||
        !str_to_uint64(kept, &kept_s) || !str_to_uint64(ends, &ends_s) || kept_s > INT32_MAX * INT64_C(1000) ||
        ends_s > INT32_MAX * INT64_C(1000))
        return false;
    entry_out->kept = instant_from_seconds((int64_t) kept_s);
    entry_out->ends = instant_from_seconds((int64_t) ends_s);
    return true;
}

static bool counts(const struct entry *entry, struct instant now)
{
    return instant_is_before(now, entry->ends) && instant_since(entry->kept, now).us <= seconds(CORRECTION_SECONDS).us;
}

bool shelf_get(struct shelf *shelf, struct str key, struct instant now, struct arena *arena, struct str *value_out,
               struct instant *kept_out, struct instant *ends_out)
{
    struct entry entry;
    struct str name, text;

    if (shelf->cache == NULL)
        return false;
    name = name_of(shelf, key, arena);
    if (!cache_get(shelf->cache, name, arena, &text))
        return false;
    if (!parse(text, &entry) || !counts(&entry, now) || entry.value.len > TLSMGR_VALUE_MAXIMUM) {
        cache_remove(shelf->cache, name);
        return false;
    }
    *value_out = entry.value;
    *kept_out = entry.kept;
    *ends_out = entry.ends;
    return true;
}

enum shelf_result shelf_put(struct shelf *shelf, struct str key, struct str value, struct instant ends,
                            struct instant now)
{
    const struct entry entry = { now, ends, value };
    struct arena *arena;
    struct str name, text;

    if (shelf->cache == NULL)
        return SHELF_NO_PLACE;
    if (shelf->bytes >= shelf->maximum && instant_is_before(now, ends))
        return SHELF_FULL;
    arena = arena_create();
    name = name_of(shelf, key, arena);
    if (instant_is_before(now, ends)) {
        text = format(&entry, arena);
        cache_put(shelf->cache, name, text);
        shelf->bytes += name.len + text.len;
    } else {
        cache_remove(shelf->cache, name);
    }
    arena_destroy(&arena);
    return SHELF_KEPT;
}

struct cleaning {
    struct shelf *shelf;
    struct instant now;
    size_t bytes;
};

static bool clean_entry(void *context, struct str key, struct str value)
{
    struct cleaning *cleaning = context;
    struct shelf *shelf = cleaning->shelf;
    struct entry entry;

    if (shelf->cache == NULL)
        return false;
    if (key.len < 2 || key.data[0] != shelf->letter || key.data[1] != ':')
        return true;
    if (parse(value, &entry) && counts(&entry, cleaning->now))
        cleaning->bytes += key.len + value.len;
    else
        cache_remove(shelf->cache, key);
    return true;
}

void shelf_clean(struct shelf *shelf, struct instant now)
{
    struct cleaning cleaning = { shelf, now, 0 };

    if (shelf->cache == NULL)
        return;
    cache_walk(shelf->cache, clean_entry, &cleaning);
    if (shelf->cache != NULL)
        shelf->bytes = cleaning.bytes;
}
