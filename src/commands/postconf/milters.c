/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/milters.h"

#include "config/main_cf.h"
#include "log/log.h"
#include "milter/service.h"
#include "milter/settings.h"

void milters_check(struct main_cf *cf, struct str name, struct str place, struct arena *arena)
{
    struct milter_services services;
    struct failure why;
    struct str value;
    void *settings;

    if (!str_equal(name, STR("smtpd_milters")) && !str_equal(name, STR("non_smtpd_milters")))
        return;
    /* What is wrong with the values by themselves is told elsewhere. */
    if (!main_cf_value(cf, name, arena, &value, &why) ||
        !settings_load(&milter_settings_table, cf, STR_EMPTY, arena, &settings, &why))
        return;
    services = milter_services_parse(value, settings, arena);
    for (size_t i = 0; i < services.count; i++) {
        if (services.items[i].trouble.len > 0)
            log_warning("%.*s %.*s: %.*s: mail is deferred until this is put right", STR_ARG(place), STR_ARG(name),
                        STR_ARG(services.items[i].trouble));
    }
}
