/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTQUEUE_SETTINGS_H
#define POSTQUEUE_SETTINGS_H

#include "config/settings.h"

/* settings - what postqueue acts on, beside the shared ones. */
struct postqueue_settings {
    struct str authorized_mailq_users;
    struct str authorized_flush_users;
};

extern const struct settings_table postqueue_settings_table;

#endif
