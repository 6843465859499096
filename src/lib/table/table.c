/* SPDX-License-Identifier: Apache-2.0 */
#include "table/table.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "config/main_cf.h"
#include "mail/casefold.h"
#include "mail/domain.h"
#include "table/database_server.h"
#include "table/module_list.h"
#include "table/table_type.h"

#include <limits.h>
#include <stdlib.h>

enum { WARNING_MAX = 2000 };

struct table_set {
    struct arena *arena;
    struct table_set_options options;
    struct map *tables; /* "flags type:name" to struct table */
    struct strlist files;
    bool has_utf8; /* smtputf8_enable */
    struct database_server *databases;
    struct module_list *modules; /* NULL until a type is wanted that is not built in */
};

/* The registry; in the order of names. */
static const struct table_type *const types[] = {
    &btree_table_type,    &cdb_table_type,       &cidr_table_type,    &debug_table_type,    &environ_table_type,
    &fail_table_type,     &hash_table_type,      &inline_table_type,  &internal_table_type, &lmdb_table_type,
    &memcache_table_type, &pcre_table_type,      &pipemap_table_type, &proxy_table_type,    &randmap_table_type,
    &regexp_table_type,   &socketmap_table_type, &static_table_type,  &tcp_table_type,      &texthash_table_type,
    &unionmap_table_type, &unix_table_type,
};

static const struct table_type *find_type(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_equal(name, str_from_c(types[i]->name)))
            return types[i];
    }
    return NULL;
}

static struct module_list *modules_of(struct table_set *set)
{
    if (set->modules == NULL)
        set->modules = module_list_read(set->options.cf, set->arena, set->options.warn, set->options.warn_context);
    return set->modules;
}

bool table_type_refuse(struct str name, struct failure *why)
{
    static const char *const packaged[] = { "dbm", "ldap", "mysql", "nis", "pgsql", "redis", "sqlite" };

    for (size_t i = 0; i < ARRAY_COUNT(packaged); i++) {
        if (str_equal(name, str_from_c(packaged[i])))
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "unsupported dictionary type: %s: install the package merpati-%s", packaged[i],
                               packaged[i]);
    }
    return failure_set(why, FAILURE_CONFIGURATION, 0, "unsupported dictionary type: %.*s", STR_ARG(name));
}

const struct table_type *table_set_type(struct table_set *set, struct str name, struct failure *why)
{
    const struct table_type *type = find_type(name);
    struct failure module_why = { 0 };

    if (type == NULL)
        type = module_list_type(modules_of(set), name, &module_why);
    if (type != NULL)
        return type;
    if (module_why.text[0] == '\0')
        (void) table_type_refuse(name, why);
    else
        (void) failure_set(why, FAILURE_CONFIGURATION, 0, "unsupported dictionary type: %.*s (%s)", STR_ARG(name),
                           module_why.text);
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *) a, *(const struct str *) b);
}

struct strlist table_type_names(struct table_set *set)
{
    const struct strlist *loadable = module_list_names(modules_of(set));
    struct strlist names = { 0 };

    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        strlist_add(&names, set->arena, str_from_c(types[i]->name));
    for (size_t i = 0; i < loadable->count; i++) {
        if (find_type(loadable->items[i]) == NULL)
            strlist_add(&names, set->arena, loadable->items[i]);
    }
    qsort(names.items, names.count, sizeof(names.items[0]), compare_names);
    return names;
}

static bool has_utf8(const struct main_cf *cf, struct arena *arena)
{
    struct str value;

    return cf != NULL && main_cf_value(cf, STR("smtputf8_enable"), arena, &value, NULL) &&
           str_equal_nocase(value, STR("yes"));
}

struct table_set *table_set_create(const struct table_set_options *options)
{
    struct table_set *set = memory_alloc(sizeof(*set));

    set->arena = arena_create();
    set->options = *options;
    set->tables = map_create();
    set->has_utf8 = has_utf8(options->cf, set->arena);
    return set;
}

void table_set_destroy(struct table_set **set)
{
    if (*set == NULL)
        return;
    if (!database_server_close_all(&(*set)->databases)) {
        *set = NULL;
        return;
    }
    for (struct map_entry *entry = map_first((*set)->tables); entry != NULL; entry = map_next(entry)) {
        struct table *table = map_entry_value(entry);

        if (table->type->close != NULL)
            table->type->close(table);
    }
    map_destroy(&(*set)->tables);
    arena_destroy(&(*set)->arena);
    memory_free(*set);
    *set = NULL;
}

struct arena *table_set_arena(struct table_set *set)
{
    return set->arena;
}

struct database_server **table_set_databases(struct table_set *set)
{
    return &set->databases;
}

const struct table_set_options *table_set_options(const struct table_set *set)
{
    return &set->options;
}

const struct strlist *table_set_files(const struct table_set *set)
{
    return &set->files;
}

void table_set_add_file(struct table_set *set, struct str path)
{
    char absolute[PATH_MAX];

    if (realpath(arena_c(set->arena, path), absolute) != NULL)
        path = str_from_c(absolute);
    if (strlist_contains(&set->files, path))
        return;
    strlist_add(&set->files, set->arena, path);
    if (set->options.opening != NULL)
        set->options.opening(set->options.opening_context, arena_c(set->arena, path));
}

void table_set_warn(const struct table_set *set, const char *format, ...)
{
    struct strbuf text;
    va_list args;

    if (set->options.warn == NULL)
        return;
    strbuf_init(&text, WARNING_MAX);
    va_start(args, format);
    if (!strbuf_vprintf(&text, format, args))
        (void) strbuf_append_c(&text, "warning too long");
    va_end(args);
    set->options.warn(set->options.warn_context, strbuf_c(&text));
    strbuf_done(&text);
}

/* A table that could not be opened stays in the set in this form, so that it is reported once. */
struct broken {
    struct failure why;
};

static enum table_result broken_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                       struct failure *why)
{
    const struct broken *broken = table->state;

    (void) key;
    (void) arena;
    (void) value_out;
    if (why != NULL)
        *why = broken->why;
    return TABLE_UNKNOWN;
}

/* FIXED and asked first with the whole key, so that every search meets it. */
static const struct table_type broken_table_type = {
    .name = "broken",
    .kind = TABLE_FIXED,
    .lookup = broken_lookup,
};

static struct str key_of(struct table_set *set, struct str name, unsigned flags)
{
    return arena_printf(set->arena, "%u %.*s", flags, STR_ARG(name));
}

static bool open_new(struct table_set *set, struct str name, unsigned flags, struct table **table_out,
                     struct failure *why)
{
    struct str type_name;
    struct str argument;
    struct table *table;

    if (!str_cut(name, ':', &type_name, &argument) || str_is_empty(type_name) || str_is_empty(argument))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "open dictionary: expecting \"type:name\" form instead of \"%.*s\"", STR_ARG(name));
    table = arena_new(set->arena, struct table);
    table->type = table_set_type(set, type_name, why);
    if (table->type == NULL)
        return false;
    if (table->type->is_unvouched && (flags & TABLE_NO_UNVOUCHED) != 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s map is not allowed for security-sensitive data",
                           STR_ARG(name));
    table->set = set;
    table->name = arena_str(set->arena, name);
    table->flags = flags;
    table->kind = table->type->kind;
    if (!table->type->open(table, str_from(table->name, type_name.len + 1), why))
        return false;
    *table_out = table;
    return true;
}

bool table_is_remote(struct table_set *set, struct str name)
{
    const struct table_type *type;
    struct str type_name;
    struct str argument;

    if (!str_cut(name, ':', &type_name, &argument))
        return false;
    type = table_set_type(set, type_name, NULL);
    return type != NULL && type->is_remote;
}

/* Where this process makes no connections of its own, proxymap makes them. */
static struct str name_within_reach(struct table_set *set, struct str name, unsigned flags)
{
    if (set->options.is_confined && (flags & TABLE_NO_PROXY) == 0 && table_is_remote(set, name))
        return arena_printf(set->arena, "proxy:%.*s", STR_ARG(name));
    return name;
}

bool table_open(struct table_set *set, struct str name, unsigned flags, struct table **table_out, struct failure *why)
{
    struct str key;
    struct table *table;

    /* A table from outside of the process cannot shape what is trusted, but the one behind proxy: can stand here. */
    while ((flags & TABLE_NO_PROXY) != 0 && str_starts_with(name, STR("proxy:")))
        name = str_from(name, strlen("proxy:"));
    name = name_within_reach(set, name, flags);
    key = key_of(set, name, flags);
    table = map_get(set->tables, key);
    if (table != NULL && table->type == &broken_table_type) {
        *why = ((const struct broken *) table->state)->why;
        return false;
    }
    if (table == NULL) {
        if (!open_new(set, name, flags, &table, why))
            return false;
        map_set(set->tables, key, table);
    }
    *table_out = table;
    return true;
}

struct table *table_open_or_defer(struct table_set *set, struct str name, unsigned flags)
{
    struct failure why;
    struct table *table;
    struct broken *broken;
    struct str key = key_of(set, name, flags);

    table = map_get(set->tables, key);
    if (table != NULL)
        return table;
    if (table_open(set, name, flags, &table, &why))
        return table;
    (void) failure_prefix(&why, "%.*s is unavailable", STR_ARG(name));
    table_set_warn(set, "%s", why.text);
    broken = arena_new(set->arena, struct broken);
    broken->why = why;
    broken->why.kind = FAILURE_CONFIGURATION;
    table = arena_new(set->arena, struct table);
    table->type = &broken_table_type;
    table->set = set;
    table->name = arena_str(set->arena, name);
    table->flags = flags;
    table->kind = TABLE_FIXED;
    table->state = broken;
    map_set(set->tables, key, table);
    return table;
}

bool table_wants_utf8(const struct table *table)
{
    return table->set->has_utf8 && (table->flags & TABLE_FOLD) != 0;
}

enum table_result table_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                               struct failure *why)
{
    enum table_result result;
    unsigned fold = table->kind == TABLE_FIXED ? TABLE_FOLD : TABLE_FOLD_PATTERN;

    if ((table->flags & fold) != 0)
        key = casefold(arena, key);
    result = table->type->lookup(table, key, arena, value_out, why);
    if (result == TABLE_FOUND && !table->set->options.takes_any_value && table_wants_utf8(table) &&
        !domain_is_utf8(*value_out)) {
        (void) failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s: key \"%.*s\": non-UTF-8 value \"%.*s\": malformed UTF-8 or invalid codepoint",
                           STR_ARG(table->name), STR_ARG(key), STR_ARG(*value_out));
        return TABLE_UNKNOWN;
    }
    return result;
}

enum table_kind table_kind_of(const struct table *table)
{
    return table->kind;
}

struct str table_name(const struct table *table)
{
    return table->name;
}

bool table_walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                struct failure *why)
{
    if (table->type->walk == NULL)
        return failure_set(why, FAILURE_PERMANENT, 0, "table %.*s: sequence operation is not supported",
                           STR_ARG(table->name));
    return table->type->walk(table, visit, context, why);
}
