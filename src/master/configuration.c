/* SPDX-License-Identifier: Apache-2.0 */
#include "master/configuration.h"

#include "config/sasl_service.h"
#include "config/service_lines.h"

/* What Merpati needs beyond a master.cf that Postfix has. */
static const char spill_line[] = "spill unix - - n - 1 spill\n";

static bool has_service(const struct configuration *configuration, struct str name)
{
    for (size_t i = 0; i < configuration->service_count; i++) {
        if (str_equal(configuration->services[i].fields[MASTER_FIELD_NAME], name))
            return true;
    }
    return false;
}

static bool add_line(struct configuration *configuration, const char *line, struct failure *why)
{
    struct master_cf *extra;

    if (!master_cf_parse(str_from_c(line), STR("built-in master.cf"), configuration->arena, &extra, why))
        return false;
    configuration->services[configuration->service_count++] = extra->services[0];
    return true;
}

/* What a service's -o says, or else main.cf; empty if neither can be understood. */
static struct str value_for(const struct configuration *configuration, const struct master_service *service,
                            const char *parameter)
{
    struct strlist overrides = master_service_overrides(service, configuration->arena);
    struct str name, raw, value;
    struct failure ignored;

    for (size_t i = overrides.count; i > 0; i--) {
        if (main_cf_split_assignment(overrides.items[i - 1], &name, &raw) && str_equal(name, str_from_c(parameter)))
            return main_cf_expand(configuration->main_cf, raw, configuration->arena, &value, &ignored) ? value
                                                                                                       : STR_EMPTY;
    }
    return main_cf_value(configuration->main_cf, str_from_c(parameter), configuration->arena, &value, &ignored)
               ? value
               : STR_EMPTY;
}

/* Each application of Cyrus SASL that a service has to itself needs a process that reads its file. */
static bool add_sasl(struct configuration *configuration, const struct master_service *service, struct failure *why)
{
    struct arena *arena = configuration->arena;
    struct str application, name;

    if (!str_equal(service->fields[MASTER_FIELD_COMMAND], STR("smtpd")) ||
        str_equal_nocase(value_for(configuration, service, "smtpd_sasl_type"), STR("dovecot")))
        return true;
    application = value_for(configuration, service, "smtpd_sasl_path");
    name = sasl_service_name(sasl_service_usual(configuration->main_cf, arena), application, arena);
    return has_service(configuration, name) ||
           add_line(configuration,
                    arena_printf(arena, "%.*s unix - - n - - sasl -o smtpd_sasl_path=%.*s\n", STR_ARG(name),
                                 STR_ARG(application))
                        .data,
                    why);
}

static bool add_needed(struct configuration *configuration, struct failure *why)
{
    size_t count = configuration->service_count;
    struct str postlog = configuration->shared->postlog_service_name;

    if (!has_service(configuration, STR("spill")) && !add_line(configuration, spill_line, why))
        return false;
    /* Who brings a master.cf has smtpd ask the library itself. */
    if (!has_service(configuration, STR("sasl")) && !add_line(configuration, "sasl unix - - n - - sasl\n", why))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!add_sasl(configuration, &configuration->services[i], why))
            return false;
    }
    return configuration->shared->maillog_file.len == 0 || has_service(configuration, postlog) ||
           add_line(configuration,
                    arena_printf(configuration->arena, "%.*s unix-dgram n - n - 1 postlogd\n", STR_ARG(postlog)).data,
                    why);
}

/*
 * Files from before Postfix 2.11 have "qmgr fifo" and "pickup fifo". A FIFO carries wakeups, which is all that pickup
 * gets; whoever is asked and answers listens on a socket, and its wakeups come there.
 */
static void replace_fifo(struct master_service *service)
{
    if (service->type == MASTER_SERVICE_FIFO && !str_equal(service->fields[MASTER_FIELD_COMMAND], STR("pickup")))
        service->type = MASTER_SERVICE_UNIX;
}

static bool take_services(struct configuration *configuration, const struct master_cf *file, struct failure *why)
{
    configuration->services = arena_new_array(configuration->arena, 2 * file->count + 3, struct master_service);
    for (size_t i = 0; i < file->count; i++) {
        const struct master_service *entry = &file->services[i];

        if (!master_service_is_disabled(entry, &configuration->settings->master_service_disable))
            configuration->services[configuration->service_count++] = *entry;
    }
    for (size_t i = 0; i < configuration->service_count; i++)
        replace_fifo(&configuration->services[i]);
    for (size_t i = 0; i < file->warnings.count; i++)
        strlist_add(&configuration->warnings, configuration->arena, file->warnings.items[i]);
    return add_needed(configuration, why);
}

static bool load(struct configuration *configuration, struct str directory, struct failure *why)
{
    struct arena *arena = configuration->arena;
    struct master_cf *file;
    void *settings;

    if (!main_cf_load(directory, arena, &configuration->main_cf, why))
        return false;
    main_cf_set_program(configuration->main_cf, STR("master"), STR("master"));
    if (!shared_settings_load(configuration->main_cf, arena, &configuration->shared, why) ||
        !settings_load(&master_settings_table, configuration->main_cf, STR("master"), arena, &settings, why))
        return false;
    configuration->settings = settings;
    return layout_identity_find(configuration->shared, &configuration->identity, why) &&
           master_cf_load(directory, arena, &file, why) && take_services(configuration, file, why) &&
           service_lines_are_sound(configuration->shared, configuration->services, configuration->service_count, why);
}

bool configuration_load(struct str directory, struct configuration **configuration_out, struct failure *why)
{
    struct arena *arena = arena_create();
    struct configuration *configuration = arena_new(arena, struct configuration);

    configuration->arena = arena;
    if (!load(configuration, directory, why)) {
        arena_destroy(&arena);
        return false;
    }
    *configuration_out = configuration;
    return true;
}

void configuration_destroy(struct configuration **configuration)
{
    if (*configuration != NULL) {
        struct arena *arena = (*configuration)->arena;

        arena_destroy(&arena);
    }
    *configuration = NULL;
}
