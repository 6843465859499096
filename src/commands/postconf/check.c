/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/check.h"

#include "config/known_parameters.h"
#include "config/moot_parameters.h"
#include "config/own_addresses.h"
#include "config/programs.h"
#include "config/registry.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "postconf/advice.h"
#include "postconf/databases.h"
#include "postconf/lists.h"
#include "postconf/log_lines.h"
#include "postconf/milters.h"
#include "postconf/named.h"
#include "postconf/restrictions.h"
#include "postconf/templates.h"
#include "spool/journal_writer.h"
#include "table/table.h"
#include "table/table_list.h"

extern const struct settings_table delivery_settings_table;
extern const struct settings_table milter_settings_table;

/* "slow_time_limit" is acted on where a table has a row "*_time_limit". */
static bool is_acted_on_by_service(struct str name)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++) {
        for (j = 0; j < registry_tables[i]->count; j++) {
            const char *row = registry_tables[i]->rows[j].name;

            if (row[0] == '*' && str_ends_with(name, str_from(str_from_c(row), 1)))
                return true;
        }
    }
    return false;
}

/* "$name", "${name", "$(name": an older name that another parameter's default asks for. */
static bool refers_to(struct str text, struct str name)
{
    size_t dollar;

    while ((dollar = str_find_char(text, '$')) != STR_NOT_FOUND) {
        text = str_from(text, dollar + 1);
        if (str_starts_with(text, STR("{")) || str_starts_with(text, STR("(")))
            text = str_from(text, 1);
        if (str_starts_with(text, name) &&
            (text.len == name.len || (!char_is_alnum(text.data[name.len]) && text.data[name.len] != '_')))
            return true;
    }
    return false;
}

/* Its default is a list of other parameters, of which nothing is known by that. */
static bool only_names(struct str name)
{
    return str_equal(name, STR("proxy_read_maps")) || str_equal(name, STR("proxy_write_maps"));
}

static bool is_asked_for_by_default(struct str name)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++)
        for (j = 0; j < registry_tables[i]->count; j++)
            if (!only_names(str_from_c(registry_tables[i]->rows[j].name)) &&
                refers_to(str_from_c(registry_tables[i]->rows[j].default_text), name))
                return true;
    return false;
}

/* Asked for before there are settings. */
static bool is_acted_on_by_libraries(struct str name)
{
    static const char *const names[] = { "alternate_config_directories", "meta_directory", "multi_instance_directories",
                                         "shlib_directory", NULL };

    for (size_t i = 0; names[i] != NULL; i++)
        if (str_equal(name, str_from_c(names[i])))
            return true;
    return false;
}

static bool is_acted_on(const struct parameter *parameter)
{
    struct str name = parameter->name;
    struct str transport;

    /* A transport's is asked for by a name made at run time, and in no table. */
    return registry_find(name) != NULL || parameter_transport(name, &transport) || is_asked_for_by_default(name) ||
           is_acted_on_by_libraries(name) || (parameter->kind == PARAMETER_SERVICE && is_acted_on_by_service(name));
}

/* place: "main.cf, line 3:", or the service and " -o". What is moot is no mistake, but who sets it shall know. */
static void tell_not_acted_on(const struct parameters *parameters, struct str place, struct str name, struct str value)
{
    const struct parameter *parameter = parameters_find(parameters, name);
    const struct moot_parameter *moot = moot_parameter_find(name);
    struct str shown = str_part(value, 0, 100);

    if (parameter == NULL || parameter->kind == PARAMETER_USER || is_acted_on(parameter))
        return;
    if (moot != NULL)
        log_moot_parameter(place, name, shown, moot->reason);
    else
        log_warning("%.*s %.*s = %.*s: this version does not act on the parameter yet", STR_ARG(place), STR_ARG(name),
                    STR_ARG(shown));
}

static struct str service_name(const struct service_entry *entry, struct arena *arena)
{
    return arena_printf(arena, "%.*s: service %.*s/%.*s", STR_ARG(entry->file),
                        STR_ARG(entry->fields[MASTER_FIELD_NAME]), STR_ARG(entry->fields[MASTER_FIELD_TYPE]));
}

static const struct settings_table *table_of_program(struct str program)
{
    const struct program *known = program_find(program);
    size_t i;

    if (known != NULL)
        program = str_from_c(known->name);
    for (i = 0; registry_tables[i] != NULL; i++)
        if (str_equal(program, str_from_c(registry_tables[i]->owner)))
            return registry_tables[i];
    return NULL;
}

/* Lets the options into cf; one that cannot be read is told, for the service never starts so. */
static bool take_options(const struct service_entry *entry, struct str service, struct main_cf *cf)
{
    bool is_good = true;
    struct failure why;
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++) {
        if (!str_equal(entry->arguments.items[i], STR("-o")))
            continue;
        if (main_cf_override(cf, entry->arguments.items[i + 1], &why))
            continue;
        log_error("%.*s: %s", STR_ARG(service), why.text);
        is_good = false;
    }
    return is_good;
}

/* The settings that the program would load with them; what main.cf alone has wrong is told with main.cf. */
static bool try_options(const struct service_entry *entry, struct str service, struct main_cf *cf,
                        const struct strlist *told, struct arena *arena)
{
    const struct settings_table *own = table_of_program(entry->fields[MASTER_FIELD_COMMAND]);
    struct strlist faults = { 0 };
    bool is_good = true;
    struct failure why;
    size_t i;

    main_cf_set_program(cf, entry->fields[MASTER_FIELD_COMMAND], entry->fields[MASTER_FIELD_NAME]);
    if (own != NULL)
        settings_announce(own, cf);
    settings_find_faults(&shared_settings_table, cf, STR_EMPTY, arena, &faults);
    settings_find_faults(&delivery_settings_table, cf, STR_EMPTY, arena, &faults);
    settings_find_faults(&milter_settings_table, cf, STR_EMPTY, arena, &faults);
    if (own != NULL)
        settings_find_faults(own, cf, entry->fields[MASTER_FIELD_NAME], arena, &faults);
    for (i = 0; i < faults.count; i++) {
        if (strlist_contains(told, faults.items[i]))
            continue;
        log_error("%.*s: %.*s", STR_ARG(service), STR_ARG(faults.items[i]));
        is_good = false;
    }
    if (!shared_settings_check_environment(cf, arena, &why) && !strlist_contains(told, str_from_c(why.text))) {
        log_error("%.*s: %s", STR_ARG(service), why.text);
        is_good = false;
    }
    return lists_check(cf, service, arena) && is_good;
}

static bool has_option(const struct service_entry *entry)
{
    size_t i;

    for (i = 0; i < entry->option_count; i++)
        if (str_equal(entry->arguments.items[i], STR("-o")))
            return true;
    return false;
}

/* A table that cannot be opened makes every lookup fail: mail waits, or is refused for the time being. */
static void try_tables_of(struct main_cf *cf, const struct main_cf_entry *entry, struct str place,
                          struct table_set *set, struct arena *arena)
{
    struct str rest;
    struct str word;
    struct failure why;

    if (!main_cf_value(cf, entry->name, arena, &rest, &why))
        return;
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        struct table *table;

        if (!table_open(set, word, TABLE_FOLD | TABLE_NO_PROXY, &table, &why))
            log_warning("%.*s %.*s: %.*s: %s: mail is deferred until this is put right", STR_ARG(place),
                        STR_ARG(entry->name), STR_ARG(word), why.text);
        advice_on_index(word, entry->name, place, true, arena);
        databases_check_secret(word, str_ends_with(entry->name, STR("_password_maps")),
                               arena_printf(arena, "%.*s %.*s:", STR_ARG(place), STR_ARG(entry->name)), arena);
    }
}

static bool has_table_suffix(struct str name)
{
    static const char *const suffixes[] = {
        "_maps", "_checks", "_command_filter", "_dns_reply_filter", "_reply_filter", "_status_filter", NULL
    };

    for (size_t i = 0; suffixes[i] != NULL; i++)
        if (str_ends_with(name, str_from_c(suffixes[i])))
            return true;
    return false;
}

/* Of what is acted on. proxy_read_maps only names tables that others may have. */
static bool names_tables(struct str name)
{
    return has_table_suffix(name) && registry_find(name) != NULL && !only_names(name);
}

/* Of tables among other words: in restrictions, in mynetworks, within other tables. */
static void look_at_indexes(struct main_cf *cf, const struct main_cf_entry *entry, struct str place,
                            struct arena *arena)
{
    struct failure ignored;
    struct str rest, word;

    if (only_names(entry->name) || !main_cf_value(cf, entry->name, arena, &rest, &ignored))
        return;
    while (str_next_word(&rest, "!, \t\r\n{}", &word))
        advice_on_index(word, entry->name, place, false, arena);
}

static void look_at_entry(struct main_cf *cf, const struct main_cf_entry *entry, struct str place,
                          struct table_set *set, struct arena *arena)
{
    if (names_tables(entry->name))
        try_tables_of(cf, entry, place, set, arena);
    else
        look_at_indexes(cf, entry, place, arena);
    restrictions_check(cf, entry->name, place, set, arena);
    milters_check(cf, entry->name, place, arena);
}

static void tell_of_table(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static void look_at_tables(struct main_cf *cf, struct arena *arena)
{
    const struct table_set_options options = { .cf = cf, .warn = tell_of_table };
    struct table_set *set = table_set_create(&options);
    size_t i;

    for (i = 0; i < main_cf_count(cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(cf, i);
        const struct str place = arena_printf(arena, "%.*s, line %u:", STR_ARG(entry->place.file), entry->place.line);

        look_at_entry(cf, entry, place, set, arena);
    }
    table_set_destroy(&set);
}

static void look_at_tables_of_options(struct main_cf *cf, const struct service_entry *service, struct str name,
                                      struct arena *arena)
{
    const struct table_set_options options = { .cf = cf };
    struct table_set *set = table_set_create(&options);
    const struct str place = arena_printf(arena, "%.*s: -o", STR_ARG(name));
    struct main_cf_entry entry;
    size_t i;

    for (i = 0; i + 1 < service->option_count; i++)
        if (str_equal(service->arguments.items[i], STR("-o")) &&
            main_cf_split_assignment(service->arguments.items[i + 1], &entry.name, &entry.value))
            look_at_entry(cf, &entry, place, set, arena);
    table_set_destroy(&set);
}

static bool look_at_service(const struct parameters *parameters, const struct service_entry *entry,
                            struct str config_directory, const struct strlist *told, struct arena *arena)
{
    struct str service = service_name(entry, arena);
    struct main_cf *cf;
    struct str name;
    struct str value;
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++)
        if (str_equal(entry->arguments.items[i], STR("-o")) &&
            str_cut(entry->arguments.items[i + 1], '=', &name, &value))
            tell_not_acted_on(parameters, arena_printf(arena, "%.*s: -o", STR_ARG(service)), str_trim(name),
                              str_trim(value));
    if (!has_option(entry) || !main_cf_load(config_directory, arena, &cf, NULL))
        return true;
    if (!take_options(entry, service, cf))
        return false;
    look_at_tables_of_options(cf, entry, service, arena);
    if (str_equal(entry->fields[MASTER_FIELD_COMMAND], STR("smtpd")))
        advice_on_relaying(cf, service, arena);
    return try_options(entry, service, cf, told, arena);
}

static bool look_at_services(const struct parameters *parameters, const struct services *services,
                             struct str config_directory, const struct strlist *told, struct arena *arena)
{
    bool is_good = true;
    size_t i;

    for (i = 0; services != NULL && i < services->count; i++)
        is_good = look_at_service(parameters, &services->items[i], config_directory, told, arena) && is_good;
    return is_good;
}

/* As postlogd does: it writes nowhere else. */
static bool look_at_log(struct main_cf *cf, struct arena *arena)
{
    struct str path;
    struct str rest;
    struct str prefix;
    struct failure why;

    if (!main_cf_value(cf, STR("maillog_file"), arena, &path, &why) || str_is_empty(path) ||
        !main_cf_value(cf, STR("maillog_file_prefixes"), arena, &rest, &why))
        return true;
    while (table_list_next_word(&rest, ", \t\r\n", &prefix))
        if (str_starts_with(path, prefix))
            return true;
    log_error("maillog_file = %.*s does not begin with one of maillog_file_prefixes", STR_ARG(path));
    return false;
}

/* Nothing would listen, and nothing would be sent. */
static bool look_at_protocols(struct main_cf *cf, struct arena *arena)
{
    const struct main_cf_entry *entry = main_cf_find(cf, STR("inet_protocols"));
    struct inet_protocols ignored;
    struct str text;
    struct failure why;

    if (entry == NULL || !main_cf_value(cf, STR("inet_protocols"), arena, &text, &why) ||
        inet_protocols_parse(text, &ignored, &why))
        return true;
    log_error("%.*s, line %u: %s", STR_ARG(entry->place.file), entry->place.line, why.text);
    return false;
}

/* cleanup would not open a journal whose limits do not fit together. */
static bool look_at_journal(struct main_cf *cf)
{
    int64_t segment;
    int64_t limit;
    int64_t reserve;
    struct failure why;

    /* One that is bad by itself was told by itself. */
    if (!settings_get_size(cf, STR("spool_segment_size"), "", 0, 0, &segment, &why) ||
        !settings_get_size(cf, STR("spool_journal_limit"), "", 0, 0, &limit, &why) ||
        !settings_get_size(cf, STR("spool_journal_reserve"), "", 0, 0, &reserve, &why) ||
        journal_limits_fit((uint64_t) segment, (uint64_t) limit, (uint64_t) reserve, &why))
        return true;
    log_error("%s", why.text);
    return false;
}

/* An agent whose limit is below what is taken defers all its mail; that stops no start. */
static void look_at_mailbox_limit(struct main_cf *cf, struct str name)
{
    int64_t limit;
    int64_t message_limit;
    struct failure why;

    if (settings_get_size(cf, name, "51200000", 0, 0, &limit, &why) &&
        settings_get_size(cf, STR("message_size_limit"), "10240000", 0, 0, &message_limit, &why) && limit != 0 &&
        (message_limit == 0 || limit < message_limit))
        log_warning("%.*s is smaller than message_size_limit: mail waits until this is put right", STR_ARG(name));
}

/* Many a default depends on it: one line stands for all that cannot be told without it. */
static bool has_level(const struct main_cf *cf, struct arena *arena)
{
    const struct main_cf_entry *entry = main_cf_find(cf, STR("compatibility_level"));
    struct failure ignored;
    struct str level;
    int order;

    if (entry == NULL || !main_cf_value(cf, entry->name, arena, &level, &ignored) ||
        main_cf_compare_levels(level, level, &order))
        return true;
    log_error("%.*s, line %u: compatibility_level = %.*s: write it as 2 or 3.6", STR_ARG(entry->place.file),
              entry->place.line, STR_ARG(level));
    return false;
}

/* What each program would refuse. A value that two of them have is told once. */
static bool try_tables(struct main_cf *cf, struct strlist *told, struct arena *arena)
{
    struct failure why;
    size_t i;

    for (i = 0; registry_tables[i] != NULL; i++)
        settings_announce(registry_tables[i], cf);
    for (i = 0; registry_tables[i] != NULL; i++)
        settings_find_faults(registry_tables[i], cf, STR("service"), arena, told);
    if (!shared_settings_check_environment(cf, arena, &why))
        strlist_add(told, arena, arena_str(arena, str_from_c(why.text)));
    if (!shared_settings_check_origin(cf, arena, &why) && !strlist_contains(told, str_from_c(why.text)))
        strlist_add(told, arena, arena_str(arena, str_from_c(why.text)));
    for (i = 0; i < told->count; i++)
        log_error("%.*s", STR_ARG(told->items[i]));
    return told->count == 0;
}

bool check_parameters(struct main_cf *cf, const struct parameters *parameters, const struct services *services,
                      struct arena *arena)
{
    struct strlist told = { 0 };
    bool is_good;
    size_t i;

    if (!has_level(cf, arena))
        return false;
    for (i = 0; i < main_cf_count(cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(cf, i);
        struct str place = arena_printf(arena, "%.*s, line %u:", STR_ARG(entry->place.file), entry->place.line);

        tell_not_acted_on(parameters, place, entry->name, entry->value);
    }
    look_at_tables(cf, arena);
    templates_check(cf, arena);
    named_check(cf, services, arena);
    advice_on_names(cf, parameters, services, arena);
    restrictions_check_relaying(cf, arena);
    advice_on_relaying(cf, STR_EMPTY, arena);
    lists_check_domains(cf, services, arena);
    look_at_mailbox_limit(cf, STR("mailbox_size_limit"));
    look_at_mailbox_limit(cf, STR("virtual_mailbox_limit"));
    is_good = try_tables(cf, &told, arena);
    is_good = lists_check(cf, STR_EMPTY, arena) && is_good;
    is_good = look_at_protocols(cf, arena) && is_good;
    is_good = look_at_journal(cf) && is_good;
    is_good = look_at_services(parameters, services, main_cf_directory(cf), &told, arena) && is_good;
    return look_at_log(cf, arena) && is_good;
}
