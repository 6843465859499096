/* SPDX-License-Identifier: Apache-2.0 */
#include "table/module_list.h"

#include "config/main_cf.h"
#include "os/directory.h"
#include "os/file.h"
#include "table/database_table.h"
#include "table/module_table.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024 };

struct module_entry {
    struct str path;
    struct str symbol;
    const struct table_type *type; /* NULL until it is wanted */
};

struct module_list {
    struct arena *arena;
    struct str directory; /* of modules */
    uid_t owner;          /* of files beside root: the user who runs an installation of his own, else root */
    struct strlist names;
    struct module_entry *entries; /* one a name */
    size_t room;
    void (*warn)(void *context, const char *text);
    void *context;
};

static void tell(const struct module_list *list, struct str text)
{
    if (list->warn != NULL)
        list->warn(list->context, arena_c(list->arena, text));
}

/* What becomes part of every service must be nobody's but root's. */
static bool is_trusted(const struct module_list *list, const char *path, struct failure *why)
{
    struct stat status;

    if (!file_stat(path, &status, why))
        return false;
    if ((status.st_uid != 0 && status.st_uid != list->owner) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: file is owned or writable by non-root users", path);
    return true;
}

static void add_entry(struct module_list *list, struct str name, struct str file, struct str symbol, const char *path)
{
    struct module_entry *entry;

    if (strlist_contains(&list->names, name)) {
        tell(list, arena_printf(list->arena, "%s: ignoring duplicate entry for \"%.*s\"", path, STR_ARG(name)));
        return;
    }
    if (list->names.count == list->room) {
        size_t room = list->room == 0 ? 16 : 2 * list->room;
        struct module_entry *entries = arena_new_array(list->arena, room, struct module_entry);

        for (size_t i = 0; i < list->room; i++)
            entries[i] = list->entries[i];
        list->entries = entries;
        list->room = room;
    }
    entry = &list->entries[list->names.count];
    strlist_add(&list->names, list->arena, name);
    entry->path = str_contains_char(file, '/')
                      ? arena_str(list->arena, file)
                      : arena_printf(list->arena, "%.*s/%.*s", STR_ARG(list->directory), STR_ARG(file));
    entry->symbol = arena_str(list->arena, symbol);
}

static void read_lines(struct module_list *list, const char *path, struct str text)
{
    struct str line;

    for (unsigned number = 1; !str_is_empty(text); number++) {
        struct str words[5];
        size_t count = 0;

        (void) str_cut(text, '\n', &line, &text);
        if (str_starts_with(str_trim(line), STR("#")))
            continue;
        while (count < ARRAY_COUNT(words) && str_next_word(&line, " \t\r", &words[count]))
            count++;
        if (count == 0)
            continue;
        if (count < 3 || count > 4) {
            tell(list, arena_printf(list->arena, "%s, line %u: expected \"type file symbol\": the rest is skipped",
                                    path, number));
            return;
        }
        add_entry(list, words[0], words[1], words[2], path);
    }
}

static void read_file(struct module_list *list, const char *path)
{
    struct strbuf text;
    struct failure why;

    strbuf_init(&text, FILE_MAX);
    if (!is_trusted(list, path, &why)) {
        if (why.error != ENOENT)
            tell(list, arena_printf(list->arena, "%s -- skipping this file", why.text));
    } else if (!file_load(path, &text, &why)) {
        tell(list, str_from_c(why.text));
    } else {
        read_lines(list, path, strbuf_str(&text));
    }
    strbuf_done(&text);
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *) a, *(const struct str *) b);
}

static void read_folder(struct module_list *list, const char *path)
{
    struct directory *directory;
    struct failure ignored;
    struct strlist names = { 0 };
    unsigned char type;
    const char *name;

    if (!directory_open(AT_FDCWD, path, &directory, &ignored))
        return;
    while (directory_next(directory, &name, &type)) {
        if (name[0] != '.')
            strlist_add(&names, list->arena, str_from_c(name));
    }
    directory_discard(&directory);
    qsort(names.items, names.count, sizeof(names.items[0]), compare_names);
    for (size_t i = 0; i < names.count; i++)
        read_file(list, arena_printf(list->arena, "%s/%.*s", path, STR_ARG(names.items[i])).data);
}

static struct str value_of(const struct main_cf *cf, const char *name, struct arena *arena)
{
    struct failure ignored;
    struct str value;

    return cf != NULL && main_cf_value(cf, str_from_c(name), arena, &value, &ignored) ? value : STR_EMPTY;
}

/* A worker that gave root up is not its installation's owner: what belongs to the mail system's user is not trusted. */
static uid_t owner_of(struct arena *arena, struct str directory)
{
    struct failure ignored;
    struct stat status;

    return file_stat(arena_c(arena, directory), &status, &ignored) && status.st_uid == geteuid() ? status.st_uid : 0;
}

struct module_list *module_list_read(const struct main_cf *cf, struct arena *arena,
                                     void (*warn)(void *context, const char *text), void *context)
{
    struct module_list *list = arena_new(arena, struct module_list);
    struct str directory = value_of(cf, "meta_directory", arena);

    list->arena = arena;
    list->directory = value_of(cf, "shlib_directory", arena);
    list->warn = warn;
    list->context = context;
    if (!str_is_empty(directory)) {
        list->owner = owner_of(arena, directory);
        read_file(list, arena_printf(arena, "%.*s/dynamicmaps.cf", STR_ARG(directory)).data);
        read_folder(list, arena_printf(arena, "%.*s/dynamicmaps.cf.d", STR_ARG(directory)).data);
    }
    return list;
}

static bool load(struct module_list *list, struct module_entry *entry, struct str name, struct failure *why)
{
    const char *path = arena_c(list->arena, entry->path);
    const void *module;
    void *object;

    if (!is_trusted(list, path, why))
        return false;
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s", dlerror());
    module = dlsym(object, arena_c(list->arena, entry->symbol));
    if (module == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s has no \"%.*s\"", path, STR_ARG(entry->symbol));
    entry->type = module_table_type(module, name, list->arena);
    if (entry->type == NULL)
        entry->type = database_table_type(module, name, list->arena);
    return entry->type != NULL ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "%s: \"%.*s\" is no table module of version %d", path,
                       STR_ARG(entry->symbol), MERPATI_TABLE_VERSION);
}

const struct table_type *module_list_type(struct module_list *list, struct str name, struct failure *why)
{
    for (size_t i = 0; i < list->names.count; i++) {
        struct module_entry *entry = &list->entries[i];

        if (!str_equal(list->names.items[i], name))
            continue;
        if (entry->type == NULL && !load(list, entry, list->names.items[i], why))
            return NULL;
        return entry->type;
    }
    return NULL;
}

const struct strlist *module_list_names(const struct module_list *list)
{
    return &list->names;
}
