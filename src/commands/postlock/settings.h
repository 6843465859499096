/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTLOCK_SETTINGS_H
#define POSTLOCK_SETTINGS_H

#include "config/settings.h"

/* settings - how long postlock tries, and how mailboxes are locked. */
struct postlock_settings {
    struct strlist mailbox_delivery_lock;
    int deliver_lock_attempts;
    struct duration deliver_lock_delay;
    struct duration stale_lock_time;
};

extern const struct settings_table postlock_settings_table;

#endif
