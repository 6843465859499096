/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTUAL_SETTINGS_H
#define VIRTUAL_SETTINGS_H

#include "config/settings.h"

struct virtual_settings {
    struct str mailbox_base;
    struct str mailbox_maps;
    struct str uid_maps;
    struct str gid_maps;
    int minimum_uid;
    int64_t mailbox_limit; /* 0: none */
    struct strlist mailbox_lock;
    int deliver_lock_attempts;
    struct duration deliver_lock_delay;
    struct duration stale_lock_time;
    bool strict_mailbox_ownership;
    bool enable_original_recipient;
};

extern const struct settings_table virtual_settings_table;

#endif
