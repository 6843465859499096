/* SPDX-License-Identifier: Apache-2.0 */
/* postmap and postalias - make, change and ask lookup tables. Under the name postalias, sources are aliases(5). */
#include "base/arena.h"
#include "config/directory.h"
#include "config/in_force.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "os/process.h"
#include "os/signals.h"
#include "postmap/build.h"
#include "postmap/query.h"

#include <stdio.h>
#include <sys/stat.h>

struct postmap {
    struct arena *arena;
    struct postmap_options options;
    const struct shared_settings *settings;
    struct table_set *set;
};

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static bool prepare(struct postmap *postmap, struct failure *why)
{
    struct table_set_options options = { .warn = warn, .takes_any_value = true };
    struct log_options log = { .to_stderr = true };
    struct main_cf *cf;
    struct str directory;
    struct str proxywrite;

    if (!config_directory_find(postmap->options.config_directory, postmap->arena, &directory, why) ||
        !main_cf_load(directory, postmap->arena, &cf, why))
        return false;
    main_cf_set_program(cf, str_from_c(process_name()), STR_EMPTY);
    if (!shared_settings_load(cf, postmap->arena, &postmap->settings, why))
        return false;
    postmap->options.checks_utf8 = postmap->settings->smtputf8_enable && !postmap->options.has_no_utf8;
    postmap->options.host_name = postmap->settings->myhostname;
    options.cf = cf;
    options.proxymap_path =
        arena_printf(postmap->arena, "%.*s/private/%.*s", STR_ARG(postmap->settings->queue_directory),
                     STR_ARG(postmap->settings->proxymap_service_name))
            .data;
    if (!main_cf_value(cf, STR("proxywrite_service_name"), postmap->arena, &proxywrite, why))
        return false;
    postmap->options.proxywrite_path =
        arena_printf(postmap->arena, "%.*s/private/%.*s", STR_ARG(postmap->settings->queue_directory),
                     STR_ARG(str_is_empty(proxywrite) ? STR("proxywrite") : proxywrite))
            .data;
    postmap->set = table_set_create(&options);
    log.name = arena_printf(postmap->arena, "%.*s/%s", STR_ARG(postmap->settings->syslog_name), process_name()).data;
    log.facility = arena_c(postmap->arena, postmap->settings->syslog_facility);
    if (!str_is_empty(postmap->settings->maillog_file)) {
        log.postlog_path =
            arena_printf(postmap->arena, "%.*s/public/postlog", STR_ARG(postmap->settings->queue_directory)).data;
    }
    return log_open(&log, why);
}

/* A name without type has the default one. */
static struct str full_name(const struct postmap *postmap, const char *name)
{
    struct str text = str_from_c(name);

    if (str_contains_char(text, ':'))
        return text;
    return arena_printf(postmap->arena, "%.*s:%s", STR_ARG(postmap->settings->default_database_type), name);
}

static bool query(struct postmap *postmap, bool *found_out, struct failure *why)
{
    const struct postmap_options *options = &postmap->options;
    char **names = arena_new_array(postmap->arena, options->table_count, char *);

    for (size_t i = 0; i < options->table_count; i++)
        names[i] = arena_c(postmap->arena, full_name(postmap, options->tables[i]));
    return query_key(options, postmap->set, names, options->table_count, found_out, why);
}

static bool list(struct postmap *postmap, struct str name, struct failure *why)
{
    struct table *table;

    return table_open(postmap->set, name, postmap->options.keeps_case ? 0 : TABLE_FOLD, &table, why) &&
           query_list(&postmap->options, table, why);
}

static bool work_on(struct postmap *postmap, const char *name, bool *found_out, struct failure *why)
{
    struct str full = full_name(postmap, name);
    struct str type;
    struct str path;
    struct strlist names;
    bool was_found;

    (void) str_cut(full, ':', &type, &path);
    names = table_type_names(postmap->set);
    postmap->options.is_type_known = strlist_contains(&names, type);
    switch (postmap->options.action) {
    case POSTMAP_LIST:
        *found_out = true;
        return list(postmap, full, why);
    case POSTMAP_REMOVE:
        if (!build_remove(&postmap->options, type, path, &was_found, why))
            return false;
        *found_out = *found_out || was_found;
        return true;
    default:
        *found_out = true;
        return build_table(&postmap->options, type, path, why);
    }
}

static bool run(struct postmap *postmap, bool *found_out, struct failure *why)
{
    *found_out = false;
    if (!prepare(postmap, why))
        return false;
    if (postmap->options.action == POSTMAP_QUERY)
        return query(postmap, found_out, why);
    for (size_t i = 0; i < postmap->options.table_count; i++) {
        if (!work_on(postmap, postmap->options.tables[i], found_out, why))
            return false;
    }
    if (postmap->options.action != POSTMAP_LIST &&
        !in_force_wait(postmap->settings->queue_directory, postmap->arena, NULL))
        log_warning("some services could not take up the change yet; the log tells why");
    return true;
}

int main(int argc, char **argv)
{
    struct postmap postmap = { 0 };
    struct failure why;
    bool is_found;
    bool is_done;

    signals_init();
    umask(022);
    if (!postmap_options_parse(argc, argv, &postmap.options))
        return 1;
    log_set_verbose(postmap.options.verbose);
    postmap.arena = arena_create();
    is_done = run(&postmap, &is_found, &why);
    if (!is_done)
        log_fatal("%s", why.text);
    else if (fflush(stdout) != 0) {
        log_fatal("write error: standard output");
        is_done = false;
    }
    table_set_destroy(&postmap.set);
    arena_destroy(&postmap.arena);
    log_close();
    return is_done && is_found ? 0 : 1;
}
