/* SPDX-License-Identifier: Apache-2.0 */
#include "config/sasl_service.h"

enum { NAME_MAXIMUM = 90 };

bool sasl_service_is_application(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!char_is_alnum(c) && c != '-' && c != '_' && (c != '.' || i == 0))
            return false;
    }
    return name.len > 0 && name.len <= NAME_MAXIMUM;
}

struct str sasl_service_usual(const struct main_cf *cf, struct arena *arena)
{
    const struct str usual = STR("smtpd"), parameter = STR("smtpd_sasl_path");
    struct str raw = usual, value;
    struct failure ignored;

    (void) main_cf_default(cf, parameter, &raw);
    for (size_t i = 0; i < main_cf_count(cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(cf, i);

        if (str_equal(entry->name, parameter))
            raw = entry->value;
    }
    if (!main_cf_expand(cf, raw, arena, &value, &ignored) || !sasl_service_is_application(value))
        return usual;
    return value;
}

struct str sasl_service_name(struct str usual, struct str application, struct arena *arena)
{
    if (str_equal(usual, application) || !sasl_service_is_application(application))
        return STR("sasl");
    return arena_printf(arena, "sasl-%.*s", STR_ARG(application));
}

struct str sasl_service_directories(struct str config_path, struct str config_directory, struct arena *arena)
{
    if (config_path.len > 0)
        return arena_str(arena, config_path);
    return arena_printf(arena, "%.*s/sasl:/etc/postfix/sasl:/etc/sasl2:/usr/lib/sasl2", STR_ARG(config_directory));
}
