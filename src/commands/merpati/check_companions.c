/* SPDX-License-Identifier: Apache-2.0 */
/* The services that postscreen needs beside itself. Without them it sends clients away, or tests less. */
#include "log/log.h"
#include "merpati/check.h"

struct companion {
    const char *name_parameter;
    enum master_service_type type;
    const char *columns; /* what follows its name and type in master.cf */
    const char *loss;
};

static const struct companion smtpd = { "smtpd_service_name", MASTER_SERVICE_PASS,
                                        "-       -       y       -       -       smtpd",
                                        "every client that passes its tests is sent away (421)" };
static const struct companion dnsblog = { "dnsblog_service_name", MASTER_SERVICE_UNIX,
                                          "-       -       y       -       0       dnsblog",
                                          "postscreen_dnsbl_sites is asked nothing" };
static const struct companion tlsproxy = { "tlsproxy_service_name", MASTER_SERVICE_UNIX,
                                           "-       -       y       -       0       tlsproxy",
                                           "clients that are tested hear 454 to STARTTLS" };

static struct str value_of(const struct main_cf *cf, const char *name, struct arena *arena)
{
    struct failure ignored;
    struct str value;

    return main_cf_value(cf, str_from_c(name), arena, &value, &ignored) ? str_trim(value) : STR_EMPTY;
}

static bool is_yes(const struct main_cf *cf, const char *name, struct arena *arena)
{
    return str_equal_nocase(value_of(cf, name, arena), STR("yes"));
}

static bool has_tls(const struct main_cf *cf, struct arena *arena)
{
    struct str level = value_of(cf, "postscreen_tls_security_level", arena);

    if (level.len > 0)
        return !str_equal_nocase(level, STR("none"));
    return is_yes(cf, "postscreen_use_tls", arena) || is_yes(cf, "postscreen_enforce_tls", arena);
}

static void look_for(const struct instance *instance, const struct master_cf *file,
                     const struct master_service *service, const struct main_cf *cf, const struct companion *companion)
{
    struct str name = value_of(cf, companion->name_parameter, instance->arena);
    const struct master_service *found = master_cf_find(file, name, companion->type);

    if (found != NULL && !check_is_disabled(instance, found))
        return;
    log_warning("%.*s, line %u: service %.*s/%s: there is no service %.*s/%s: %s: add the line "
                "\"%-9.*s %-5s %s\"",
                STR_ARG(service->file), service->line, STR_ARG(service->fields[MASTER_FIELD_NAME]),
                master_service_type_name(service->type), STR_ARG(name), master_service_type_name(companion->type),
                companion->loss, STR_ARG(name), master_service_type_name(companion->type), companion->columns);
}

bool check_load_for(const struct instance *instance, const struct master_service *service, struct main_cf **cf_out)
{
    struct strlist overrides = master_service_overrides(service, instance->arena);
    struct failure ignored;

    if (!main_cf_load(instance->directory, instance->arena, cf_out, &ignored))
        return false;
    for (size_t i = 0; i < overrides.count; i++) {
        if (!main_cf_override(*cf_out, overrides.items[i], &ignored))
            return false;
    }
    return true;
}

void check_companions(const struct instance *instance, const struct master_cf *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct master_service *service = &file->services[i];
        struct main_cf *cf;

        if (!str_equal(service->fields[MASTER_FIELD_COMMAND], STR("postscreen")) ||
            check_is_disabled(instance, service) || !check_load_for(instance, service, &cf))
            continue;
        look_for(instance, file, service, cf, &smtpd);
        if (value_of(cf, "postscreen_dnsbl_sites", instance->arena).len > 0)
            look_for(instance, file, service, cf, &dnsblog);
        if (has_tls(cf, instance->arena))
            look_for(instance, file, service, cf, &tlsproxy);
    }
}
