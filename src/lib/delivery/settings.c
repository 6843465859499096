/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/settings.h"

#define OWNER struct delivery_settings
#define FILTER(agent)                                                                                                  \
    SETTING_STRING(OWNER, agent##_filter, #agent "_delivery_status_filter", "$default_delivery_status_filter", 0, 0,   \
                   "Tables that change the status and the text of what " #agent " reports.")

static const struct setting rows[] = {
    SETTING_INTEGER(OWNER, delay_logging_resolution_limit, "delay_logging_resolution_limit", "2", 0, 6,
                    "The largest number of digits after the point in logged delays."),
    SETTING_STRING(OWNER, default_filter, "default_delivery_status_filter", "", 0, 0,
                   "Tables that change the status and the text of what delivery agents report."),
    FILTER(lmtp),
    FILTER(local),
    FILTER(pipe),
    FILTER(smtp),
    FILTER(virtual),
};

const struct settings_table delivery_settings_table = SETTINGS_TABLE("delivery", struct delivery_settings, rows);

struct str delivery_settings_filter(const struct delivery_settings *settings, struct str program)
{
    const struct {
        const char *program;
        struct str value;
    } filters[] = {
        { "lmtp", settings->lmtp_filter }, { "local", settings->local_filter },     { "pipe", settings->pipe_filter },
        { "smtp", settings->smtp_filter }, { "virtual", settings->virtual_filter },
    };

    for (size_t i = 0; i < ARRAY_COUNT(filters); i++) {
        if (str_equal(program, str_from_c(filters[i].program)))
            return filters[i].value;
    }
    return STR_EMPTY;
}
