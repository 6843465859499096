/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsblog/settings.h"

static const struct setting rows[] = {
    SETTING_TIME(struct dnsblog_settings, reply_delay, "dnsblog_reply_delay", "0s", 0, 0, 's',
                 "How long each answer is held back: for tests of what waits for it."),
};

const struct settings_table dnsblog_settings_table = SETTINGS_TABLE("dnsblog", struct dnsblog_settings, rows);
