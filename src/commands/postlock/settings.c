/* SPDX-License-Identifier: Apache-2.0 */
#include "postlock/settings.h"

#include "config/setting_words.h"

static const struct setting rows[] = {
    SETTING_WORDS(struct postlock_settings, mailbox_delivery_lock, "mailbox_delivery_lock", "fcntl, dotlock",
                  setting_words_locks, "How mailbox files are locked: fcntl, flock, dotlock."),
    SETTING_INTEGER(struct postlock_settings, deliver_lock_attempts, "deliver_lock_attempts", "20", 1, 0,
                    "How often a lock is tried."),
    SETTING_TIME(struct postlock_settings, deliver_lock_delay, "deliver_lock_delay", "1s", 1, 0, 's',
                 "The time between two tries."),
    SETTING_TIME(struct postlock_settings, stale_lock_time, "stale_lock_time", "500s", 1, 0, 's',
                 "After what time a dot lock belongs to nobody any more."),
};

const struct settings_table postlock_settings_table = SETTINGS_TABLE("postlock", struct postlock_settings, rows);
