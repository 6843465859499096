/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_SETTINGS_H
#define DELIVERY_SETTINGS_H

#include "config/settings.h"

/* settings - what every delivery agent reads. */
struct delivery_settings {
    int delay_logging_resolution_limit;
    struct str default_filter;
    struct str lmtp_filter;
    struct str local_filter;
    struct str pipe_filter;
    struct str smtp_filter;
    struct str virtual_filter;
};

extern const struct settings_table delivery_settings_table;

/* program_delivery_status_filter; empty for a program that has none. */
struct str delivery_settings_filter(const struct delivery_settings *settings, struct str program);

#endif
