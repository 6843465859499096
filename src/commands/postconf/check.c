/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/check.h"

#include "config/known_parameters.h"
#include "config/registry.h"
#include "log/log.h"

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

static void look_at_services(const struct parameters *parameters, const struct services *services)
{
    size_t i;
    size_t j;

    for (i = 0; services != NULL && i < services->count; i++) {
        const struct service_entry *entry = &services->items[i];

        for (j = 0; j + 1 < entry->option_count; j++)
            if (str_equal(entry->arguments.items[j], STR("-o")))
                warn_option_not_acted_on(parameters, services, entry, entry->arguments.items[j + 1]);
    }
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
    size_t i;

    for (i = 0; i < main_cf_count(cf); i++)
        warn_not_acted_on(parameters, main_cf_at(cf, i));
    look_at_services(parameters, services);
    return try_tables(cf, arena);
}
