/* SPDX-License-Identifier: Apache-2.0 */
#include "postqueue/settings.h"

static const struct setting rows[] = {
    SETTING_STRING(struct postqueue_settings, authorized_mailq_users, "authorized_mailq_users", "static:anyone", 0, 0,
                   "The users who may see the queue; root and mail_owner always may."),
    SETTING_STRING(struct postqueue_settings, authorized_flush_users, "authorized_flush_users", "static:anyone", 0, 0,
                   "The users who may have the queue delivered now; root and mail_owner always may."),
};

const struct settings_table postqueue_settings_table = SETTINGS_TABLE("postqueue", struct postqueue_settings, rows);
