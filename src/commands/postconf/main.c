/* SPDX-License-Identifier: Apache-2.0 */
/* postconf - shows and changes the configuration. */

#include "base/memory.h"
#include "config/directory.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/signals.h"
#include "postconf/change.h"
#include "postconf/check.h"
#include "postconf/features.h"
#include "postconf/fields.h"
#include "postconf/options.h"
#include "postconf/parameters.h"
#include "postconf/reference.h"
#include "postconf/services.h"
#include "postconf/show.h"
#include "postconf/templates.h"
#include "table/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct postconf {
    struct arena *arena;
    struct options options;
    struct show show;
};

static void warn_all(const struct postconf *postconf, const struct strlist *texts)
{
    size_t i;

    fflush(stdout);
    for (i = 0; i < texts->count && !postconf->options.is_quiet; i++)
        log_warning("%.*s", STR_ARG(texts->items[i]));
    log_flush();
}

static bool open_main_cf(struct postconf *postconf, struct main_cf **cf_out, struct failure *why)
{
    size_t i;

    /* Defaults do not depend on what main.cf says. */
    if (postconf->show.wants_defaults) {
        if (!main_cf_parse(STR_EMPTY, STR("main.cf"), postconf->options.directory, postconf->arena, cf_out, why))
            return false;
    } else if (!main_cf_load(postconf->options.directory, postconf->arena, cf_out, why)) {
        return false;
    }
    main_cf_set_program(*cf_out, STR("postconf"), STR_EMPTY);
    for (i = 0; i < postconf->options.overrides.count; i++)
        if (!main_cf_override(*cf_out, postconf->options.overrides.items[i], why))
            return false;
    return true;
}

/* Without master.cf the parameters can be shown still. */
static struct services *try_services(const struct postconf *postconf, bool *is_good_out)
{
    struct services *services = NULL;
    struct failure why;

    *is_good_out = services_load(postconf->options.directory, postconf->arena, &services, &why);
    if (*is_good_out)
        return services;
    if (why.error != 0) {
        if (!postconf->options.is_quiet)
            log_warning("%s", why.text);
        *is_good_out = true;
        return NULL;
    }
    log_fail(1, "%s", why.text);
    return NULL;
}

static bool show_named(const struct postconf *postconf, const struct parameters *parameters, struct failure *why)
{
    size_t i;

    for (i = 0; i < postconf->options.words.count; i++) {
        const struct parameter *parameter = parameters_find(parameters, postconf->options.words.items[i]);

        if (parameter == NULL) {
            fflush(stdout);
            log_warning("%.*s: unknown parameter", STR_ARG(postconf->options.words.items[i]));
            continue;
        }
        if (!show_parameter(&postconf->show, parameter, why))
            return false;
    }
    return true;
}

static int show_parameters(struct postconf *postconf)
{
    struct parameters *parameters;
    struct services *services;
    struct main_cf *cf;
    struct failure why;
    bool is_good;

    if (!open_main_cf(postconf, &cf, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, main_cf_warnings(cf));
    services = try_services(postconf, &is_good);
    if (!is_good)
        return 1;
    parameters = parameters_collect(cf, services, postconf->arena);
    if (!postconf->options.wants_defaults)
        warn_all(postconf, &parameters->warnings);
    postconf->show.cf = cf;
    postconf->show.has_directory_option = postconf->options.has_directory || getenv("MAIL_CONFIG") != NULL;
    if (postconf->options.words.count > 0 ? !show_named(postconf, parameters, &why)
                                          : !show_all(&postconf->show, parameters, &why))
        return log_fail(1, "%s", why.text);
    if (postconf->options.wants_defaults)
        return 0;
    warn_all(postconf, &parameters->unused);
    warn_all(postconf, &parameters->unused_in_services);
    return 0;
}

static void warn_of_table(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

/* Without main.cf those that are built in. */
static int list_table_types(struct postconf *postconf)
{
    struct table_set_options options = { .warn = warn_of_table };
    struct main_cf *cf = NULL;
    struct table_set *set;
    struct strlist names;
    struct failure why;

    if (open_main_cf(postconf, &cf, &why))
        options.cf = cf;
    set = table_set_create(&options);
    names = table_type_names(set);
    for (size_t i = 0; i < names.count; i++)
        printf("%.*s\n", STR_ARG(names.items[i]));
    table_set_destroy(&set);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int check(struct postconf *postconf)
{
    struct parameters *parameters;
    struct services *services;
    struct main_cf *cf;
    struct failure why;
    bool is_good;

    if (!open_main_cf(postconf, &cf, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, main_cf_warnings(cf));
    services = try_services(postconf, &is_good);
    if (!is_good)
        return 1;
    parameters = parameters_collect(cf, services, postconf->arena);
    warn_all(postconf, &parameters->warnings);
    warn_all(postconf, &parameters->unused);
    warn_all(postconf, &parameters->unused_in_services);
    is_good = check_parameters(cf, parameters, services, postconf->arena);
    log_flush();
    return is_good ? 0 : 1;
}

static int show_templates(struct postconf *postconf)
{
    struct main_cf *cf;
    struct failure why;

    if (!open_main_cf(postconf, &cf, &why))
        return log_fail(1, "%s", why.text);
    return templates_show(cf, &postconf->options.words, postconf->options.subject == 'b', postconf->arena);
}

static bool matches_any(const struct postconf *postconf, const struct service_entry *entry, bool *matched)
{
    bool is_matched = postconf->options.words.count == 0;
    size_t i;

    for (i = 0; i < postconf->options.words.count; i++) {
        if (service_matches(entry, postconf->options.words.items[i])) {
            matched[i] = true;
            is_matched = true;
        }
    }
    return is_matched;
}

/* {"smtp/inet": "smtp inet n - ..."} */
static bool print_service_as_json(const struct services_print *print, const struct service_entry *entry,
                                  struct arena *arena, struct failure *why)
{
    struct services_print plain = *print;
    char *text = NULL;
    size_t size = 0;
    bool is_good;

    plain.is_plain = true;
    plain.is_exact = true;
    plain.out = open_memstream(&text, &size);
    if (plain.out == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "no memory");
    is_good = service_print(&plain, entry, why);
    fclose(plain.out);
    if (is_good)
        show_json(print->out,
                  arena_printf(arena, "%.*s/%.*s", STR_ARG(entry->fields[MASTER_FIELD_NAME]),
                               STR_ARG(entry->fields[MASTER_FIELD_TYPE])),
                  str_trim_right(str_make(text, size)));
    memory_free(text);
    return is_good;
}

static bool print_services(const struct postconf *postconf, const struct services *services,
                           const struct services_print *print, struct failure *why)
{
    const struct strlist *words = &postconf->options.words;
    bool *matched = arena_new_array(postconf->arena, words->count + 1, bool);
    size_t i;

    for (i = 0; i < services->count; i++)
        if (matches_any(postconf, &services->items[i], matched) &&
            (postconf->options.is_json ? !print_service_as_json(print, &services->items[i], postconf->arena, why)
                                       : !service_print(print, &services->items[i], why)))
            return false;
    fflush(stdout);
    for (i = 0; i < words->count; i++)
        if (!matched[i])
            log_warning("unmatched request: \"%.*s\"", STR_ARG(words->items[i]));
    return true;
}

/* Of master.cf: what each of the forms shows. */
static bool print_master(struct postconf *postconf, const struct services *services,
                         const struct parameters *parameters, struct failure *why)
{
    const struct options *options = &postconf->options;
    struct services_print print = { .out = stdout, .is_folded = options->is_folded };

    if (options->subject == 'F')
        return fields_show(&postconf->show, services, &options->words, why);
    if (options->subject == 'P')
        return fields_show_parameters(&postconf->show, services, &options->words,
                                      options->shows_all ? parameters : NULL, why);
    if (options->expands)
        print.expand_from = postconf->show.cf;
    return print_services(postconf, services, &print, why);
}

static int show_services(struct postconf *postconf)
{
    struct parameters *parameters;
    struct services *services;
    struct main_cf *cf;
    struct failure why;

    if (!services_load(postconf->options.directory, postconf->arena, &services, &why) ||
        !open_main_cf(postconf, &cf, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, main_cf_warnings(cf));
    warn_all(postconf, &services->warnings);
    parameters = parameters_collect(cf, services, postconf->arena);
    warn_all(postconf, &parameters->warnings);
    postconf->show.cf = cf;
    if (!print_master(postconf, services, parameters, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, &parameters->unused_in_services);
    return 0;
}

static int print_features(const struct options *options)
{
    if (options->subject == 'T')
        return features_print_tls(stdout, options->tls_mode);
    if (options->subject == 'R')
        reference_print(stdout);
    else if (options->subject == 'a')
        features_print_server_logins(stdout);
    else if (options->subject == 'A')
        features_print_client_logins(stdout);
    else
        features_print_locks(stdout);
    return 0;
}

static int run(struct postconf *postconf)
{
    const struct options *options = &postconf->options;
    struct failure why;

    if (strchr("aAlTR", options->subject) != NULL)
        return print_features(options);
    /* A directory is shown in messages and as config_directory the way it was given; nothing here runs set-gid. */
    if (!options->has_directory &&
        !config_directory_find(STR_EMPTY, postconf->arena, &postconf->options.directory, &why))
        return log_fail(1, "%s", why.text);
    switch (options->subject) {
    case 'm':
        return list_table_types(postconf);
    case 'W':
        return check(postconf);
    case 'b':
    case 't':
        return show_templates(postconf);
    default:
        break;
    }
    if (options->change != 0)
        return change_configuration(options, postconf->arena);
    return options->subject == 'p' ? show_parameters(postconf) : show_services(postconf);
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct postconf postconf = { .arena = arena };
    const struct log_options options = { .name = "postconf", .facility = "mail", .only_stderr = true };
    struct failure why;
    int status;

    signals_init();
    if (!fd_guard_standard(&why) || !log_open(&options, &why))
        return 1;
    if (!options_parse(argc, argv, arena, &postconf.options, &why))
        return log_fail(1, "%s", why.text);
    postconf.show = (struct show){
        .out = stdout,
        .arena = arena,
        .classes = postconf.options.classes,
        .is_folded = postconf.options.is_folded,
        .hides_names = postconf.options.hides_names,
        .hides_values = postconf.options.hides_values,
        .is_json = postconf.options.is_json,
        .expands = postconf.options.expands,
        .wants_defaults = postconf.options.wants_defaults,
        .only_set = postconf.options.only_set,
    };
    status = run(&postconf);
    if (fflush(stdout) != 0 && status == 0)
        return log_fail(1, "standard output cannot be written");
    return status;
}
