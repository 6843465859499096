/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual/settings.h"

#include "config/setting_words.h"

#define OWNER struct virtual_settings

static const struct setting rows[] = {
    SETTING_STRING(OWNER, mailbox_base, "virtual_mailbox_base", "", 0, 0,
                   "The directory below which all mailboxes of virtual_mailbox_maps are."),
    SETTING_STRING(OWNER, mailbox_maps, "virtual_mailbox_maps", "", 0, 0,
                   "Tables of all addresses in virtual_mailbox_domains; empty: every address is taken."),
    SETTING_STRING(OWNER, uid_maps, "virtual_uid_maps", "", 0, 0,
                   "Tables with the number of the user as whom a recipient's mailbox is written."),
    SETTING_STRING(OWNER, gid_maps, "virtual_gid_maps", "", 0, 0,
                   "Tables with the number of the group as which a recipient's mailbox is written."),
    SETTING_INTEGER(OWNER, minimum_uid, "virtual_minimum_uid", "100", 1, 0,
                    "The lowest user number that virtual_uid_maps may give."),
    SETTING_SIZE(OWNER, mailbox_limit, "virtual_mailbox_limit", "51200000", 0, 0,
                 "The largest mailbox or maildir file, no smaller than message_size_limit; 0: no limit."),
    SETTING_WORDS(OWNER, mailbox_lock, "virtual_mailbox_lock", "fcntl, dotlock", setting_words_locks,
                  "How a mailbox is locked: flock, fcntl, dotlock."),
    SETTING_INTEGER(OWNER, deliver_lock_attempts, "deliver_lock_attempts", "20", 1, 0,
                    "How often a mailbox's lock is tried."),
    SETTING_TIME(OWNER, deliver_lock_delay, "deliver_lock_delay", "1s", 1, 0, 's', "The time between two tries."),
    SETTING_TIME(OWNER, stale_lock_time, "stale_lock_time", "500s", 1, 0, 's',
                 "The age at which a lock file is taken away."),
    SETTING_BOOLEAN(OWNER, strict_mailbox_ownership, "strict_mailbox_ownership", "yes",
                    "Defer delivery to a mailbox that another user owns."),
    SETTING_BOOLEAN(OWNER, enable_original_recipient, "enable_original_recipient", "yes",
                    "Add X-Original-To, and tell duplicate recipients by their original address too."),
};

const struct settings_table virtual_settings_table = SETTINGS_TABLE("virtual", struct virtual_settings, rows);
