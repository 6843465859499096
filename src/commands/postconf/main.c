/* SPDX-License-Identifier: Apache-2.0 */
/* postconf - shows and changes the configuration. */

#include "base/memory.h"
#include "config/directory.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/signals.h"
#include "postconf/check.h"
#include "postconf/edit.h"
#include "postconf/parameters.h"
#include "postconf/reference.h"
#include "postconf/services.h"
#include "postconf/show.h"
#include "postconf/templates.h"
#include "table/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAXIMUM = 16 << 20 };

struct postconf {
    struct arena *arena;
    struct str directory;
    bool has_directory_option;
    struct strlist overrides;
    struct strlist words; /* names, patterns or assignments */
    struct show show;
    bool shows_services;    /* -M */
    bool edits;             /* -e, or a word with = */
    bool comments_out;      /* -# */
    bool removes;           /* -X */
    bool checks;            /* -W, for merpati check */
    bool is_reference;      /* -R: all rows, for the reference pages */
    bool is_quiet;          /* -q */
    bool lists_types;       /* -m */
    bool shows_templates;   /* -t: of notifications */
    bool expands_templates; /* -b */
};

static int usage(void)
{
    return log_fail(
        1, "usage: postconf [-b (expanded bounce templates)] [-c config_dir] [-C param_class] [-d (parameter "
           "defaults)] [-e (edit configuration)] "
           "[-f (fold lines)] [-h (no names)] [-H (no values)] [-m (table types)] [-M (master.cf)] [-n (non-default "
           "parameters)] "
           "[-o name=value (override parameter value)] [-q (quiet)] [-t (bounce templates)] [-x (expand parameter "
           "values)] "
           "[-X (exclude)] [-# (comment-out)] [name...]");
}

static void warn_all(const struct postconf *postconf, const struct strlist *texts)
{
    size_t i;

    fflush(stdout);
    for (i = 0; i < texts->count && !postconf->is_quiet; i++)
        log_warning("%.*s", STR_ARG(texts->items[i]));
    log_flush();
}

static bool class_of(const char *text, unsigned *classes_out)
{
    static const struct {
        const char *name;
        unsigned classes;
    } rows[] = { { "builtin", PARAMETER_BUILTIN },
                 { "service", PARAMETER_SERVICE },
                 { "user", PARAMETER_USER },
                 { "all", PARAMETER_ALL } };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(rows); i++) {
        if (strcmp(rows[i].name, text) == 0) {
            *classes_out |= rows[i].classes;
            return true;
        }
    }
    return false;
}

static bool take_option(struct postconf *postconf, int letter)
{
    switch (letter) {
    case 'c':
        postconf->directory = str_from_c(optarg);
        postconf->has_directory_option = true;
        return true;
    case 'C':
        return class_of(optarg, &postconf->show.classes);
    case 'o':
        strlist_add(&postconf->overrides, postconf->arena, str_from_c(optarg));
        return true;
    case 'v':
        return true;
    default:
        break;
    }
    struct {
        char letter;
        bool *flag;
    } flags[] = {
        { 'b', &postconf->expands_templates },
        { 'd', &postconf->show.wants_defaults },
        { 'e', &postconf->edits },
        { 'f', &postconf->show.is_folded },
        { 'h', &postconf->show.hides_names },
        { 'H', &postconf->show.hides_values },
        { 'M', &postconf->shows_services },
        { 'm', &postconf->lists_types },
        { 'n', &postconf->show.only_set },
        { 'q', &postconf->is_quiet },
        { 'R', &postconf->is_reference },
        { 't', &postconf->shows_templates },
        { 'W', &postconf->checks },
        { 'x', &postconf->show.expands },
        { 'X', &postconf->removes },
        { '#', &postconf->comments_out },
    };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(flags); i++) {
        if (flags[i].letter == letter) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static bool parse_arguments(struct postconf *postconf, int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, "bc:C:defhHmMno:qRtvWxX#")) != -1)
        if (!take_option(postconf, letter))
            return false;
    for (; optind < argc; optind++) {
        strlist_add(&postconf->words, postconf->arena, str_from_c(argv[optind]));
        /* "postconf name=value" edits also without -e. */
        if (strchr(argv[optind], '=') != NULL)
            postconf->edits = true;
    }
    if (postconf->show.classes == 0)
        postconf->show.classes = PARAMETER_ALL;
    return true;
}

static bool open_main_cf(struct postconf *postconf, struct main_cf **cf_out, struct failure *why)
{
    size_t i;

    /* Defaults do not depend on what main.cf says. */
    if (postconf->show.wants_defaults) {
        if (!main_cf_parse(STR_EMPTY, STR("main.cf"), postconf->directory, postconf->arena, cf_out, why))
            return false;
    } else if (!main_cf_load(postconf->directory, postconf->arena, cf_out, why)) {
        return false;
    }
    main_cf_set_program(*cf_out, STR("postconf"), STR_EMPTY);
    for (i = 0; i < postconf->overrides.count; i++)
        if (!main_cf_override(*cf_out, postconf->overrides.items[i], why))
            return false;
    return true;
}

/* Without master.cf the parameters can be shown still. */
static struct services *try_services(const struct postconf *postconf, bool *is_good_out)
{
    struct services *services = NULL;
    struct failure why;

    *is_good_out = services_load(postconf->directory, postconf->arena, &services, &why);
    if (*is_good_out)
        return services;
    if (why.error != 0) {
        if (!postconf->is_quiet)
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

    for (i = 0; i < postconf->words.count; i++) {
        const struct parameter *parameter = parameters_find(parameters, postconf->words.items[i]);

        if (parameter == NULL) {
            fflush(stdout);
            log_warning("%.*s: unknown parameter", STR_ARG(postconf->words.items[i]));
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
    struct services *services = NULL;
    struct main_cf *cf;
    struct failure why;
    bool is_good = true;

    if (!open_main_cf(postconf, &cf, &why))
        return log_fail(1, "%s", why.text);
    if (!postconf->show.wants_defaults) {
        warn_all(postconf, main_cf_warnings(cf));
        services = try_services(postconf, &is_good);
    }
    if (!is_good)
        return 1;
    parameters = parameters_collect(cf, services, postconf->arena);
    warn_all(postconf, &parameters->warnings);
    postconf->show.cf = cf;
    postconf->show.has_directory_option = postconf->has_directory_option || getenv("MAIL_CONFIG") != NULL;
    if (postconf->words.count > 0 ? !show_named(postconf, parameters, &why)
                                  : !show_all(&postconf->show, parameters, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, &parameters->unused);
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
    is_good = check_parameters(cf, parameters, services, postconf->arena);
    log_flush();
    return is_good ? 0 : 1;
}

static int show_templates(struct postconf *postconf)
{
    struct main_cf *cf;
    struct failure why;

    if (postconf->shows_templates && postconf->expands_templates)
        return log_fail(1, "specify one of -b and -t");
    if (postconf->overrides.count > 0)
        return log_fail(1, "with option -%c, do not specify -o", postconf->shows_templates ? 't' : 'b');
    if (!open_main_cf(postconf, &cf, &why))
        return log_fail(1, "%s", why.text);
    return templates_show(cf, &postconf->words, postconf->expands_templates, postconf->arena);
}

static bool matches_any(const struct postconf *postconf, const struct service_entry *entry, bool *matched)
{
    bool is_matched = postconf->words.count == 0;
    size_t i;

    for (i = 0; i < postconf->words.count; i++) {
        if (service_matches(entry, postconf->words.items[i])) {
            matched[i] = true;
            is_matched = true;
        }
    }
    return is_matched;
}

static bool print_services(const struct postconf *postconf, const struct services *services,
                           const struct services_print *print, struct failure *why)
{
    bool *matched = arena_new_array(postconf->arena, postconf->words.count + 1, bool);
    size_t i;

    for (i = 0; i < services->count; i++)
        if (matches_any(postconf, &services->items[i], matched) && !service_print(print, &services->items[i], why))
            return false;
    fflush(stdout);
    for (i = 0; i < postconf->words.count; i++)
        if (!matched[i])
            log_warning("unmatched request: \"%.*s\"", STR_ARG(postconf->words.items[i]));
    return true;
}

static int show_services(struct postconf *postconf)
{
    struct services_print print = { .out = stdout, .is_folded = postconf->show.is_folded };
    struct parameters *parameters;
    struct services *services;
    struct main_cf *cf;
    struct failure why;

    if (!open_main_cf(postconf, &cf, &why) || !services_load(postconf->directory, postconf->arena, &services, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, main_cf_warnings(cf));
    warn_all(postconf, &services->warnings);
    parameters = parameters_collect(cf, services, postconf->arena);
    warn_all(postconf, &parameters->warnings);
    if (postconf->show.expands)
        print.expand_from = cf;
    if (!print_services(postconf, services, &print, &why))
        return log_fail(1, "%s", why.text);
    warn_all(postconf, &parameters->unused);
    return 0;
}

/* The new entry in the form that -Mf shows. */
static bool service_text(const struct postconf *postconf, struct str text, struct edit *edit, struct failure *why)
{
    struct services_print print = { .is_folded = true };
    struct strlist warnings = { 0 };
    struct service_entry entry;
    char *buffer = NULL;
    size_t size = 0;
    bool is_good;

    if (!services_parse_entry(text, postconf->arena, &entry, &warnings, why))
        return false;
    print.out = open_memstream(&buffer, &size);
    if (print.out == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "no memory");
    is_good = service_print(&print, &entry, why);
    fclose(print.out);
    edit->text = arena_str(postconf->arena, str_trim_right(str_make(buffer, size)));
    edit->other_key = arena_printf(postconf->arena, "%.*s/%.*s", STR_ARG(entry.fields[MASTER_FIELD_NAME]),
                                   STR_ARG(entry.fields[MASTER_FIELD_TYPE]));
    memory_free(buffer);
    return is_good;
}

static bool make_edit(const struct postconf *postconf, struct str word, struct edit *edit, struct failure *why)
{
    struct str value;

    if (postconf->removes || postconf->comments_out) {
        edit->action = postconf->removes ? EDIT_REMOVE : EDIT_COMMENT_OUT;
        edit->key = word;
        if (!postconf->shows_services && str_contains_char(word, '='))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "-%c does not accept name=value, but got \"%.*s\"",
                               postconf->removes ? 'X' : '#', STR_ARG(word));
        return true;
    }
    edit->action = EDIT_SET;
    if (!str_cut(word, '=', &edit->key, &value))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "missing '=' after attribute name: \"%.*s\"", STR_ARG(word));
    edit->key = str_trim(edit->key);
    if (edit->key.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "missing attribute name: \"%.*s\"", STR_ARG(word));
    if (postconf->shows_services)
        return service_text(postconf, str_trim(value), edit, why);
    if (str_find_any(edit->key, " \t\n") != STR_NOT_FOUND || str_find_any(value, "\n\r") != STR_NOT_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": write name=value on one line", STR_ARG(word));
    edit->text = arena_printf(postconf->arena, "%.*s = %.*s", STR_ARG(edit->key), STR_ARG(str_trim(value)));
    if (str_trim(value).len == 0)
        edit->text = arena_printf(postconf->arena, "%.*s =", STR_ARG(edit->key));
    return true;
}

static bool write_edits(const struct postconf *postconf, struct edit *edits, size_t count, struct failure *why)
{
    struct str path = arena_printf(postconf->arena, "%.*s/%s", STR_ARG(postconf->directory),
                                   postconf->shows_services ? "master.cf" : "main.cf");
    struct strbuf text;
    struct strbuf out;
    bool is_good;
    size_t i;

    strbuf_init(&text, FILE_MAXIMUM);
    strbuf_init(&out, FILE_MAXIMUM);
    is_good = file_load(path.data, &text, why);
    if (is_good) {
        edit_apply(strbuf_str(&text), postconf->shows_services, edits, count, &out);
        is_good = !out.is_overflowed && file_replace(path.data, strbuf_str(&out), 0644, why);
    }
    for (i = 0; is_good && !postconf->shows_services && i < count; i++)
        if (edits[i].matches > 1)
            log_warning("%.*s: multiple entries for \"%.*s\"", STR_ARG(path), STR_ARG(edits[i].key));
    strbuf_done(&text);
    strbuf_done(&out);
    return is_good;
}

static int edit(struct postconf *postconf)
{
    struct edit *edits = arena_new_array(postconf->arena, postconf->words.count + 1, struct edit);
    struct failure why;
    size_t i;

    if (postconf->words.count == 0)
        return log_fail(1, "%s",
                        postconf->edits ? "-e requires name=value argument" : "missing parameter or service argument");
    for (i = 0; i < postconf->words.count; i++)
        if (!make_edit(postconf, postconf->words.items[i], &edits[i], &why))
            return log_fail(1, "%s", why.text);
    if (!write_edits(postconf, edits, postconf->words.count, &why))
        return log_fail(1, "%s", why.text);
    return 0;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct postconf postconf = { .arena = arena, .show = { .out = stdout, .arena = arena } };
    const struct log_options options = { .name = "postconf", .facility = "mail", .only_stderr = true };
    struct failure why;

    signals_init();
    if (!fd_guard_standard(&why) || !log_open(&options, &why))
        return 1;
    if (!parse_arguments(&postconf, argc, argv))
        return usage();
    if (postconf.is_reference) {
        reference_print(stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if ((postconf.removes + postconf.comments_out + postconf.edits) > 1)
        return log_fail(1, "specify one of -e -X -#");
    /* A directory is shown in messages and as config_directory the way it was given; nothing here runs set-gid. */
    if (!postconf.has_directory_option && !config_directory_find(STR_EMPTY, arena, &postconf.directory, &why))
        return log_fail(1, "%s", why.text);
    if (postconf.lists_types)
        return list_table_types(&postconf);
    if (postconf.checks)
        return check(&postconf);
    if (postconf.shows_templates || postconf.expands_templates)
        return show_templates(&postconf);
    if (postconf.edits || postconf.removes || postconf.comments_out)
        return edit(&postconf);
    return postconf.shows_services ? show_services(&postconf) : show_parameters(&postconf);
}
