/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_SETTINGS_H
#define LOCAL_SETTINGS_H

#include "config/settings.h"

struct local_settings {
    struct str alias_maps;
    struct str forward_path; /* raw: $home and its like are replaced for each recipient */
    struct str forward_expansion_filter;
    struct str luser_relay; /* raw */
    struct str mailbox_transport;
    struct str mailbox_transport_maps;
    struct str fallback_transport;
    struct str fallback_transport_maps;
    struct str mailbox_command; /* raw: the shell replaces what it names */
    struct str mailbox_command_maps;
    struct str home_mailbox;
    struct str mail_spool_directory;
    struct strlist mailbox_delivery_lock;
    bool has_mailtool; /* sun_mailtool_compatibility */
    struct strlist allow_mail_to_commands;
    struct strlist allow_mail_to_files;
    struct strlist prepend_delivered_header;
    struct strlist propagate_unmatched_extensions;
    struct strlist export_environment;
    struct str command_expansion_filter;
    struct str command_execution_directory; /* raw */
    struct str execution_directory_expansion_filter;
    struct str local_command_shell;
    int64_t mailbox_size_limit; /* 0: none */
    int deliver_lock_attempts;
    struct duration deliver_lock_delay;
    struct duration stale_lock_time;
    struct duration command_time_limit;
    int duplicate_filter_limit; /* 0: none */
    bool has_biff;              /* users' terminals are told, where comsat is */
    bool strict_mailbox_ownership;
    bool require_home_directory;
    bool owner_request_special;
    bool expand_owner_alias;
    bool reset_owner_alias;
    bool is_delivered_to_frozen;
    bool enable_original_recipient;
};

extern const struct settings_table local_settings_table;

#endif
