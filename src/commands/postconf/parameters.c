/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/parameters.h"

#include "base/cursor.h"
#include "config/computed.h"
#include "config/known_parameters.h"
#include "config/name_table.h"
#include "config/registry.h"
#include "postconf/databases.h"
#include "postconf/deprecated.h"
#include "postconf/stray_comments.h"

#include <stdlib.h>

struct collector {
    struct arena *arena;
    struct main_cf *cf;
    const struct services *services;
    struct parameters *parameters;
    struct name_table *kinds;   /* name -> struct parameter */
    struct name_table *scanned; /* administrator's own names whose value was looked at */
    struct databases databases;
    bool has_deprecated;
    size_t capacity;
};

/* Of a transport "x": x_suffix has the default given. */
static const struct {
    const char *suffix;
    const char *default_text;
} transport_parameters[] = {
    { "_delivery_slot_cost", "$default_delivery_slot_cost" },
    { "_delivery_slot_discount", "$default_delivery_slot_discount" },
    { "_delivery_slot_loan", "$default_delivery_slot_loan" },
    { "_destination_concurrency_failed_cohort_limit", "$default_destination_concurrency_failed_cohort_limit" },
    { "_destination_concurrency_limit", "$default_destination_concurrency_limit" },
    { "_destination_concurrency_negative_feedback", "$default_destination_concurrency_negative_feedback" },
    { "_destination_concurrency_positive_feedback", "$default_destination_concurrency_positive_feedback" },
    { "_destination_rate_delay", "$default_destination_rate_delay" },
    { "_destination_recipient_limit", "$default_destination_recipient_limit" },
    { "_extra_recipient_limit", "$default_extra_recipient_limit" },
    { "_initial_destination_concurrency", "$initial_destination_concurrency" },
    { "_minimum_delivery_slots", "$default_minimum_delivery_slots" },
    { "_recipient_limit", "$default_recipient_limit" },
    { "_recipient_refill_delay", "$default_recipient_refill_delay" },
    { "_recipient_refill_limit", "$default_recipient_refill_limit" },
    { "_transport_rate_delay", "$default_transport_rate_delay" },
};

bool parameter_transport(struct str name, struct str *transport_out)
{
    for (size_t i = 0; i < ARRAY_COUNT(transport_parameters); i++) {
        struct str suffix = str_from_c(transport_parameters[i].suffix);

        if (name.len > suffix.len && str_ends_with(name, suffix)) {
            *transport_out = str_part(name, 0, name.len - suffix.len);
            return true;
        }
    }
    return false;
}

static void add(struct collector *collector, struct str name, enum parameter_class kind)
{
    struct parameters *parameters = collector->parameters;
    struct parameter *known = name_table_get(collector->kinds, name);

    if (known != NULL)
        return;
    if (parameters->count == collector->capacity) {
        size_t capacity = collector->capacity == 0 ? 2048 : collector->capacity * 2;
        struct parameter *items = arena_new_array(collector->arena, capacity, struct parameter);

        if (parameters->count > 0)
            memcpy(items, parameters->items, parameters->count * sizeof *items);
        parameters->items = items;
        collector->capacity = capacity;
    }
    known = arena_new(collector->arena, struct parameter);
    *known = (struct parameter){ arena_str(collector->arena, name), kind };
    parameters->items[parameters->count++] = *known;
    name_table_set(collector->kinds, known->name, known);
}

static void add_builtins(struct collector *collector)
{
    size_t i;
    size_t j;

    for (i = 0; i < known_parameter_count(); i++) {
        const struct known_parameter *known = known_parameter_at(i);

        /* A name of old is shown only where it is still set. */
        if (known->default_text != NULL || main_cf_find(collector->cf, str_from_c(known->name)) != NULL)
            add(collector, str_from_c(known->name), PARAMETER_BUILTIN);
    }
    for (i = 0; registry_tables[i] != NULL; i++) {
        settings_announce(registry_tables[i], collector->cf);
        for (j = 0; j < registry_tables[i]->count; j++)
            if (registry_tables[i]->rows[j].name[0] != '*')
                add(collector, str_from_c(registry_tables[i]->rows[j].name), PARAMETER_BUILTIN);
    }
}

static void add_of_service(struct collector *collector, struct str service, const char *suffix,
                           const char *default_text)
{
    struct str name = arena_printf(collector->arena, "%.*s%s", STR_ARG(service), suffix);

    if (name_table_get(collector->kinds, name) == NULL)
        main_cf_announce(collector->cf, name, str_from_c(default_text));
    add(collector, name, PARAMETER_SERVICE);
}

static bool is_word_of(struct str word, const char *const *words)
{
    size_t i;

    for (i = 0; words[i] != NULL; i++)
        if (str_equal(word, str_from_c(words[i])))
            return true;
    return false;
}

static void add_service(struct collector *collector, const struct service_entry *entry)
{
    static const char *const timed[] = { "pipe", "spawn", NULL };
    static const char *const transports[] = { "pipe", "smtp", "lmtp", "local", "virtual", "error", NULL };
    struct str service = entry->fields[MASTER_FIELD_NAME];
    struct str command = entry->fields[MASTER_FIELD_COMMAND];
    size_t i;

    if (is_word_of(command, timed))
        add_of_service(collector, service, "_time_limit", "$command_time_limit");
    if (!str_equal(entry->fields[MASTER_FIELD_TYPE], STR("unix")) || !is_word_of(command, transports))
        return;
    for (i = 0; i < ARRAY_COUNT(transport_parameters); i++)
        add_of_service(collector, service, transport_parameters[i].suffix, transport_parameters[i].default_text);
}

static void warn(struct collector *collector, struct str file, const char *what, struct str name)
{
    strlist_add(&collector->parameters->warnings, collector->arena,
                arena_printf(collector->arena, "%.*s: %s: %.*s", STR_ARG(file), what, STR_ARG(name)));
}

static bool is_option_somewhere(const struct collector *collector, struct str name, struct str *value_out)
{
    size_t i;

    for (i = 0; collector->services != NULL && i < collector->services->count; i++)
        if (service_option(&collector->services->items[i], name, value_out))
            return true;
    return false;
}

static void scan(struct collector *collector, struct str text, struct str file, const struct service_entry *entry);

/* A name that a value refers to: known, or the administrator's own and now in use, or undefined. */
static void use_name(struct collector *collector, struct str name, struct str file, const struct service_entry *entry)
{
    const struct parameter *known = name_table_get(collector->kinds, name);
    const struct main_cf_entry *set = main_cf_find(collector->cf, name);
    struct str value;

    if (known != NULL && known->kind != PARAMETER_USER)
        return;
    if (set == NULL &&
        (entry != NULL ? !service_option(entry, name, &value) : !is_option_somewhere(collector, name, &value))) {
        warn(collector, file, "undefined parameter", name);
        return;
    }
    if (name_table_get(collector->scanned, name) != NULL)
        return;
    name = arena_str(collector->arena, name);
    name_table_set(collector->scanned, name, collector);
    if (set != NULL)
        add(collector, name, PARAMETER_USER);
}

static bool is_name_char(char c)
{
    return char_is_alnum(c) || c == '_';
}

/* Every $name, ${name...}, $(name...) of a text, also in branches that would not be taken. */
static void scan(struct collector *collector, struct str text, struct str file, const struct service_entry *entry)
{
    struct cursor cursor = cursor_over(text);

    for (;;) {
        bool is_form;
        struct str name;

        cursor_take_until(&cursor, "$");
        if (!cursor_skip_char(&cursor, '$'))
            return;
        if (cursor_skip_char(&cursor, '$'))
            continue;
        is_form = cursor_skip_char(&cursor, '{') || cursor_skip_char(&cursor, '(');
        if (is_form)
            cursor_skip_any(&cursor, " \t");
        name = cursor_take_while(&cursor, is_name_char);
        if (is_form)
            cursor_skip_any(&cursor, " \t");
        /* ${function{argument}} is no parameter. */
        if (name.len > 0 && !(is_form && cursor_peek(&cursor) == '{'))
            use_name(collector, name, file, entry);
    }
}

/* What its owner expands later has names of its own. */
static bool is_raw(struct str name)
{
    static const char *const raw_names[] = {
        "command_execution_directory", "default_rbl_reply", "forward_path", "mailbox_command", "rbl_reply_maps", NULL
    };
    const struct setting *row = registry_find(name);

    return row != NULL ? row->type == SETTING_TYPE_RAW : is_word_of(name, raw_names);
}

/* What a table in a database is told in main.cf is in use where a parameter of ours has the table. */
static void use_database_names(struct collector *collector, struct str place, struct str parameter, struct str value)
{
    const struct parameter *known = name_table_get(collector->kinds, parameter);
    const size_t before = collector->databases.names.count;
    struct failure ignored;

    if (known == NULL || known->kind == PARAMETER_USER ||
        !main_cf_expand(collector->cf, value, collector->arena, &value, &ignored))
        return;
    databases_scan(&collector->databases, place, value);
    for (size_t i = before; i < collector->databases.names.count; i++)
        if (main_cf_find(collector->cf, collector->databases.names.items[i]) != NULL)
            add(collector, collector->databases.names.items[i], PARAMETER_USER);
}

/* Where "#" may well be meant: texts that people read, and commands. */
static bool may_have_hash(struct str name)
{
    static const char *const suffixes[] = { "_banner", "_command", "_footer", "_reason", "_text", "_reply", NULL };

    for (size_t i = 0; suffixes[i] != NULL; i++)
        if (str_ends_with(name, str_from_c(suffixes[i])))
            return true;
    return is_raw(name);
}

static void find_stray_comments(struct collector *collector, struct str file, struct str name, struct str value)
{
    const struct parameter *known = name_table_get(collector->kinds, name);
    struct strlist found = { 0 };

    if (known == NULL || known->kind == PARAMETER_USER || may_have_hash(name) || str_starts_with(value, STR("#")))
        return;
    stray_comments_find(value, collector->arena, &found);
    for (size_t i = 0; i < found.count; i++)
        strlist_add_view(&collector->parameters->warnings, collector->arena,
                         arena_printf(collector->arena, "%.*s: #comment after other text is not allowed: %.*s ...",
                                      STR_ARG(file), STR_ARG(found.items[i])));
}

static void find_deprecated(struct collector *collector, struct strlist *unused, struct str file, struct str name)
{
    struct str text;

    if (!deprecated_warning(file, name, collector->arena, &text))
        return;
    strlist_add_view(unused, collector->arena, text);
    collector->has_deprecated = true;
}

static void scan_main(struct collector *collector)
{
    size_t i;

    for (i = 0; i < main_cf_count(collector->cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(collector->cf, i);

        use_database_names(collector, STR("main.cf"), entry->name, entry->value);
        find_stray_comments(collector, entry->place.file, entry->name, entry->value);
        if (!is_raw(entry->name))
            scan(collector, entry->value, entry->place.file, NULL);
    }
}

static void use_class_names(struct collector *collector, struct str value, struct str file,
                            const struct service_entry *entry)
{
    struct strlist names = main_cf_words(value, collector->arena);
    size_t i;

    for (i = 0; i < names.count; i++)
        use_name(collector, names.items[i], file, entry);
}

static void scan_service(struct collector *collector, const struct service_entry *entry)
{
    const struct str place =
        arena_printf(collector->arena, "master.cf:%.*s/%.*s", STR_ARG(entry->fields[MASTER_FIELD_NAME]),
                     STR_ARG(entry->fields[MASTER_FIELD_TYPE]));
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++) {
        struct str name;
        struct str value;

        if (!str_equal(entry->arguments.items[i], STR("-o")) ||
            !str_cut(entry->arguments.items[i + 1], '=', &name, &value))
            continue;
        if (str_equal(name, STR("smtpd_restriction_classes")))
            use_class_names(collector, value, entry->file, entry);
        use_database_names(collector, place, name, value);
        find_stray_comments(collector, entry->file, name, value);
        if (!is_raw(name))
            scan(collector, value, entry->file, entry);
    }
}

static void scan_services(struct collector *collector)
{
    size_t i;

    for (i = 0; collector->services != NULL && i < collector->services->count; i++)
        scan_service(collector, &collector->services->items[i]);
}

static void find_unused_in_main(struct collector *collector)
{
    size_t i;

    for (i = 0; i < main_cf_count(collector->cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(collector->cf, i);

        find_deprecated(collector, &collector->parameters->unused, entry->place.file, entry->name);
        if (name_table_get(collector->kinds, entry->name) == NULL)
            strlist_add(&collector->parameters->unused, collector->arena,
                        arena_printf(collector->arena, "%.*s: unused parameter: %.*s=%.*s", STR_ARG(entry->place.file),
                                     STR_ARG(entry->name), STR_ARG(entry->value)));
        else if (computed_is_read_only(entry->name))
            strlist_add(&collector->parameters->warnings, collector->arena,
                        arena_printf(collector->arena, "%.*s: read-only parameter assignment: %.*s=%.*s",
                                     STR_ARG(entry->place.file), STR_ARG(entry->name), STR_ARG(entry->value)));
    }
}

static void judge_option(struct collector *collector, struct str file, struct str name, struct str value)
{
    struct parameters *parameters = collector->parameters;

    find_deprecated(collector, &parameters->unused_in_services, file, name);
    if (computed_is_read_only(name))
        strlist_add(&parameters->warnings, collector->arena,
                    arena_printf(collector->arena, "%.*s: read-only parameter assignment: %.*s=%.*s", STR_ARG(file),
                                 STR_ARG(name), STR_ARG(value)));
    else if (name_table_get(collector->kinds, name) == NULL && name_table_get(collector->scanned, name) == NULL)
        strlist_add(&parameters->unused_in_services, collector->arena,
                    arena_printf(collector->arena, "%.*s: unused parameter: %.*s=%.*s", STR_ARG(file), STR_ARG(name),
                                 STR_ARG(value)));
}

/* Of a name given twice the last one is meant. */
static void judge_options(struct collector *collector, const struct service_entry *entry)
{
    struct strlist seen = { 0 };
    struct str name;
    struct str value;
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++) {
        if (!str_equal(entry->arguments.items[i], STR("-o")) ||
            !str_cut(entry->arguments.items[i + 1], '=', &name, &value) || strlist_contains(&seen, name))
            continue;
        strlist_add_view(&seen, collector->arena, name);
        if (service_option(entry, name, &value))
            judge_option(collector, entry->file, name, value);
    }
}

static void find_unused_in_services(struct collector *collector)
{
    size_t i;

    for (i = 0; collector->services != NULL && i < collector->services->count; i++)
        judge_options(collector, &collector->services->items[i]);
}

static int compare(const void *left, const void *right)
{
    const struct parameter *a = left;
    const struct parameter *b = right;

    return str_compare(a->name, b->name);
}

struct parameters *parameters_collect(struct main_cf *cf, const struct services *services, struct arena *arena)
{
    struct collector collector = {
        .arena = arena,
        .cf = cf,
        .services = services,
        .parameters = arena_new(arena, struct parameters),
        .kinds = name_table_create(arena),
        .scanned = name_table_create(arena),
        .databases = { .arena = arena },
    };
    const struct main_cf_entry *classes = main_cf_find(cf, STR("smtpd_restriction_classes"));
    size_t i;

    add_builtins(&collector);
    add(&collector, STR("process_name"), PARAMETER_BUILTIN);
    add(&collector, STR("service_name"), PARAMETER_BUILTIN);
    for (i = 0; services != NULL && i < services->count; i++)
        add_service(&collector, &services->items[i]);
    if (classes != NULL)
        use_class_names(&collector, classes->value, classes->place.file, NULL);
    scan_services(&collector);
    scan_main(&collector);
    find_unused_in_main(&collector);
    find_unused_in_services(&collector);
    if (collector.has_deprecated)
        strlist_add_view(&collector.parameters->unused_in_services, arena, str_from_c(deprecated_where_to_read));
    for (i = 0; i < collector.databases.warnings.count; i++)
        strlist_add_view(&collector.parameters->warnings, arena, collector.databases.warnings.items[i]);
    qsort(collector.parameters->items, collector.parameters->count, sizeof *collector.parameters->items, compare);
    return collector.parameters;
}

const struct parameter *parameters_find(const struct parameters *parameters, struct str name)
{
    const struct parameter key = { .name = name };

    return bsearch(&key, parameters->items, parameters->count, sizeof *parameters->items, compare);
}
