/* SPDX-License-Identifier: Apache-2.0 */
#include "table/database_settings.h"

#include "base/strbuf.h"
#include "config/lines.h"
#include "config/main_cf.h"
#include "os/file.h"

#include <limits.h>
#include <string.h>

enum { FILE_MAX = 1024 * 1024 };

struct entry {
    struct entry *next;
    const char *name;
    const char *value;
    unsigned line;
};

struct database_settings {
    struct merpati_driver_settings public;
    struct table_set *set;
    struct str prefix; /* of names in main.cf; empty: a file */
    struct entry *entries;
};

static const char *from_file(const struct database_settings *settings, const char *name)
{
    for (const struct entry *entry = settings->entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->name, name) == 0)
            return entry->value;
    }
    return NULL;
}

static const char *from_main_cf(const struct database_settings *settings, const char *name)
{
    struct arena *arena = table_set_arena(settings->set);
    const struct main_cf *cf = table_set_options(settings->set)->cf;
    struct str full = arena_printf(arena, "%.*s_%s", STR_ARG(settings->prefix), name);
    struct failure ignored;
    struct str value;

    if (cf == NULL || main_cf_find(cf, full) == NULL || !main_cf_value(cf, full, arena, &value, &ignored))
        return NULL;
    return arena_c(arena, value);
}

static const char *get(const struct merpati_driver_settings *public, const char *name)
{
    const struct database_settings *settings = CONTAINER_OF(public, struct database_settings, public);

    return str_is_empty(settings->prefix) ? from_file(settings, name) : from_main_cf(settings, name);
}

/* The last one of a name counts, as in main.cf. */
static bool add_line(struct database_settings *settings, const struct logical_line *line, struct failure *why)
{
    struct arena *arena = table_set_arena(settings->set);
    struct str name;
    struct str value;
    struct entry *entry;

    if (line->is_without_start) {
        table_set_warn(settings->set, "%s, line %u: logical line must not start with whitespace: \"%.*s\"",
                       settings->public.origin, line->number, STR_ARG(str_part(line->text, 0, 100)));
        return true;
    }
    if (!main_cf_split_assignment(line->text, &name, &value))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s, line %u: expected \"name = value\"",
                           settings->public.origin, line->number);
    entry = arena_new(arena, struct entry);
    *entry = (struct entry){ settings->entries, arena_c(arena, name), arena_c(arena, value), line->number };
    settings->entries = entry;
    return true;
}

static bool read_file(struct database_settings *settings, struct str path, struct failure *why)
{
    struct logical_lines lines;
    struct logical_line line;
    struct strbuf text;
    struct strbuf buffer;
    bool is_good;

    table_set_add_file(settings->set, path);
    strbuf_init(&text, FILE_MAX);
    strbuf_init(&buffer, FILE_MAX);
    is_good = file_load(settings->public.origin, &text, why);
    lines = logical_lines_over(strbuf_str(&text));
    while (is_good && logical_lines_next(&lines, &buffer, &line))
        is_good = add_line(settings, &line, why);
    strbuf_done(&text);
    strbuf_done(&buffer);
    return is_good;
}

bool database_settings_read(struct table_set *set, struct str name, struct database_settings **settings_out,
                            struct failure *why)
{
    struct arena *arena = table_set_arena(set);
    struct database_settings *settings = arena_new(arena, struct database_settings);
    bool is_file = str_starts_with(name, STR("/")) || str_starts_with(name, STR("."));

    *settings = (struct database_settings){ .public = { .get = get }, .set = set };
    settings->public.origin = is_file ? arena_c(arena, name) : "main.cf";
    if (!is_file)
        settings->prefix = arena_str(arena, name);
    *settings_out = settings;
    return !is_file || read_file(settings, name, why);
}

const struct merpati_driver_settings *database_settings_public(struct database_settings *settings)
{
    return &settings->public;
}

const char *database_settings_get(struct database_settings *settings, const char *name)
{
    return get(&settings->public, name);
}

bool database_settings_number(struct database_settings *settings, const char *name, unsigned fallback,
                              unsigned *number_out, struct failure *why)
{
    const char *text = get(&settings->public, name);
    uint64_t number = fallback;

    if (text != NULL && (!str_to_uint64(str_from_c(text), &number) || number > INT_MAX))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: bad numerical configuration: %s = %s: expected a number from 0 on",
                           settings->public.origin, name, text);
    *number_out = (unsigned) number;
    return true;
}

static bool is_known(const char *name, const char *const *const *lists, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (const char *const *known = lists[i]; *known != NULL; known++) {
            if (strcmp(name, *known) == 0)
                return true;
        }
    }
    return false;
}

void database_settings_warn_unknown(struct database_settings *settings, const char *const *const *lists, size_t count)
{
    for (const struct entry *entry = settings->entries; entry != NULL; entry = entry->next) {
        if (!is_known(entry->name, lists, count))
            table_set_warn(settings->set, "%s, line %u: unused parameter: %s=%s", settings->public.origin, entry->line,
                           entry->name, entry->value);
    }
}
