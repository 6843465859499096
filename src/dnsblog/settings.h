/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNSBLOG_SETTINGS_H
#define DNSBLOG_SETTINGS_H

#include "config/settings.h"

/* settings - the parameters of dnsblog. */
struct dnsblog_settings {
    struct duration reply_delay;
};

extern const struct settings_table dnsblog_settings_table;

#endif
