/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/check.h"

#include "config/known_parameters.h"
#include "config/registry.h"
#include "log/log.h"
#include "table/table.h"
#include "table/table_list.h"

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

/* Parameters that are not in a settings table because they are asked for by a name made at run time. */
static bool is_acted_on_by_transport(struct str name)
{
    static const char *const suffixes[] = {
        "_destination_concurrency_limit", "_destination_recipient_limit", "_initial_destination_concurrency",
        "_destination_rate_delay",        "_transport_rate_delay",        NULL,
    };
    size_t i;

    for (i = 0; suffixes[i] != NULL; i++)
        if (str_ends_with(name, str_from_c(suffixes[i])))
            return true;
    return false;
}

static bool is_acted_on(struct str name)
{
    return registry_find(name) != NULL || is_acted_on_by_service(name) || is_acted_on_by_transport(name);
}

static void warn_not_acted_on(const struct parameters *parameters, const struct main_cf_entry *entry)
{
    const struct parameter *parameter = parameters_find(parameters, entry->name);
    struct str value;

    if (parameter == NULL || parameter->kind == PARAMETER_USER || is_acted_on(entry->name))
        return;
    value = str_part(entry->value, 0, 100);
    log_warning("%.*s, line %u: %.*s = %.*s: this version does not act on the parameter yet",
                STR_ARG(entry->place.file), entry->place.line, STR_ARG(entry->name), STR_ARG(value));
}

static void warn_option_not_acted_on(const struct parameters *parameters, const struct services *services,
                                     const struct service_entry *entry, struct str option)
{
    const struct parameter *parameter;
    struct str name;
    struct str value;

    if (!str_cut(option, '=', &name, &value))
        return;
    parameter = parameters_find(parameters, name);
    if (parameter == NULL || parameter->kind == PARAMETER_USER || is_acted_on(name))
        return;
    log_warning("%.*s: service %.*s/%.*s: -o %.*s: this version does not act on the parameter yet",
                STR_ARG(services->file), STR_ARG(entry->fields[MASTER_FIELD_NAME]),
                STR_ARG(entry->fields[MASTER_FIELD_TYPE]), STR_ARG(str_part(option, 0, 150)));
}

/* A service with an option that cannot be read never starts. */
static bool is_assignment(const struct services *services, const struct service_entry *entry, struct str option)
{
    if (str_find(option, STR("=")) != STR_NOT_FOUND)
        return true;
    log_error("%.*s: service %.*s/%.*s: -o %.*s: write -o name=value, or -o { name = value }", STR_ARG(services->file),
              STR_ARG(entry->fields[MASTER_FIELD_NAME]), STR_ARG(entry->fields[MASTER_FIELD_TYPE]),
              STR_ARG(str_part(option, 0, 150)));
    return false;
}

static bool look_at_services(const struct parameters *parameters, const struct services *services)
{
    bool is_good = true;
    size_t i;
    size_t j;

    for (i = 0; services != NULL && i < services->count; i++) {
        const struct service_entry *entry = &services->items[i];

        for (j = 0; j + 1 < entry->option_count; j++)
            if (str_equal(entry->arguments.items[j], STR("-o"))) {
                is_good = is_assignment(services, entry, entry->arguments.items[j + 1]) && is_good;
                warn_option_not_acted_on(parameters, services, entry, entry->arguments.items[j + 1]);
            }
    }
    return is_good;
}

/* "hash:/etc/aliases", but not the server of a policy check. */
static bool is_table(struct str word)
{
    size_t colon = str_find(word, STR(":"));

    return colon != STR_NOT_FOUND && colon > 0 && str_find(str_part(word, 0, colon), STR("/")) == STR_NOT_FOUND &&
           !str_starts_with(word, STR("inet:")) && !str_starts_with(word, STR("{"));
}

/* Those of smtpd/restriction.c: a name that it does not know ends the session's command with 451. */
static bool is_restriction(struct str word)
{
    static const char *const names[] = {
        "permit_mynetworks",        "permit_inet_interfaces",  "permit_sasl_authenticated",
        "permit_tls_clientcerts",   "permit_auth_destination", "reject_unauth_destination",
        "defer_unauth_destination", "reject_unlisted_sender",  "reject_unlisted_recipient",
        "check_client_access",      "check_helo_access",       "check_sender_access",
        "check_recipient_access",   "check_recipient_maps",    "defer_if_permit",
        "defer_if_reject",          "warn_if_reject",          NULL,
    };
    size_t i;

    for (i = 0; names[i] != NULL; i++)
        if (str_equal_nocase(word, str_from_c(names[i])))
            return true;
    return false;
}

static bool is_class(struct str word, struct str classes)
{
    struct str name;

    while (table_list_next_word(&classes, ", \t\r\n", &name))
        if (str_equal_nocase(word, name))
            return true;
    return false;
}

static void look_at_restrictions(struct main_cf *cf, const struct main_cf_entry *entry, struct arena *arena)
{
    struct str rest;
    struct str classes;
    struct str word;
    struct failure why;

    if (!main_cf_value(cf, entry->name, arena, &rest, &why) ||
        !main_cf_value(cf, STR("smtpd_restriction_classes"), arena, &classes, &why))
        return;
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        const bool is_name = str_find(word, STR("_")) != STR_NOT_FOUND && str_find(word, STR(":")) == STR_NOT_FOUND &&
                             str_find(word, STR(".")) == STR_NOT_FOUND && !str_starts_with(word, STR("{"));

        if (is_name && !is_restriction(word) && !is_class(word, classes))
            log_warning("%.*s, line %u: %.*s: this version has no restriction %.*s: mail that comes to it is deferred",
                        STR_ARG(entry->place.file), entry->place.line, STR_ARG(entry->name), STR_ARG(word));
    }
}

/* A table that cannot be opened makes every lookup fail: mail waits, or is refused for the time being. */
static void try_tables_of(struct main_cf *cf, const struct main_cf_entry *entry, struct table_set *set,
                          struct arena *arena)
{
    struct str rest;
    struct str word;
    struct failure why;

    if (!main_cf_value(cf, entry->name, arena, &rest, &why))
        return;
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        struct table *table;

        if (is_table(word) && !table_open(set, word, TABLE_FOLD | TABLE_NO_PROXY, &table, &why))
            log_warning("%.*s, line %u: %.*s: %.*s: %s: mail is deferred until this is put right",
                        STR_ARG(entry->place.file), entry->place.line, STR_ARG(entry->name), STR_ARG(word), why.text);
    }
}

static void look_at_tables(struct main_cf *cf, struct arena *arena)
{
    const struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    size_t i;

    for (i = 0; i < main_cf_count(cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(cf, i);

        if (str_ends_with(entry->name, STR("_maps")) || str_ends_with(entry->name, STR("_restrictions")))
            try_tables_of(cf, entry, set, arena);
        if (str_starts_with(entry->name, STR("smtpd_")) && str_ends_with(entry->name, STR("_restrictions")))
            look_at_restrictions(cf, entry, arena);
    }
    table_set_destroy(&set);
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

/* Loads each program's settings as the program would. */
static bool try_tables(struct main_cf *cf, struct arena *arena)
{
    bool is_good = true;
    size_t i;

    for (i = 0; registry_tables[i] != NULL; i++) {
        struct failure why;
        void *loaded;

        if (!settings_load(registry_tables[i], cf, STR("service"), arena, &loaded, &why)) {
            log_error("%s", why.text);
            is_good = false;
        }
    }
    return is_good;
}

bool check_parameters(struct main_cf *cf, const struct parameters *parameters, const struct services *services,
                      struct arena *arena)
{
    bool is_good;
    size_t i;

    for (i = 0; i < main_cf_count(cf); i++)
        warn_not_acted_on(parameters, main_cf_at(cf, i));
    look_at_tables(cf, arena);
    is_good = look_at_services(parameters, services);
    is_good = look_at_log(cf, arena) && is_good;
    return try_tables(cf, arena) && is_good;
}
