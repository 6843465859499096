/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_SHARED_SETTINGS_H
#define CONFIG_SHARED_SETTINGS_H

#include "config/settings.h"

/*
 * shared_settings - the parameters that many programs act on. Every daemon and command may load this table
 * beside its own. Computed defaults (myhostname, mydomain, mynetworks) are Postfix's.
 */
enum header_from_format {
    HEADER_FROM_STANDARD,
    HEADER_FROM_OBSOLETE,
};

struct shared_settings {
    /* who we are */
    struct str myhostname;
    struct str mydomain;
    struct str myorigin; /* if main.cf says /file, the first line of that file */
    struct str mail_name;
    struct str mail_version;
    struct str syslog_name;
    struct str syslog_facility;
    struct str maillog_file;      /* empty: syslog */
    int maillog_file_permissions; /* see shared_settings_maillog_mode */
    struct str multi_instance_name;
    struct str compatibility_level;

    /* where things are */
    struct str config_directory;
    struct str queue_directory;
    struct str data_directory;
    struct str daemon_directory;
    struct str command_directory;

    /* users */
    struct str mail_owner;
    struct str net_owner;
    struct str map_owner;
    struct str sasl_owner;
    struct str setgid_group;
    struct str default_privs;

    /* what is ours; lists are given as expanded text, for table/match_list.h and for inet_interfaces */
    struct str inet_interfaces;
    struct str inet_protocols; /* all, ipv4, ipv6, or a list */
    struct str proxy_interfaces;
    struct str mynetworks;
    int mynetworks_style; /* computed.c asks for its word, when mynetworks is not set */
    struct str mydestination;
    struct str relay_domains;
    struct str virtual_alias_domains;
    struct str virtual_mailbox_domains;
    struct str parent_domain_matches_subdomains;
    struct str recipient_delimiter;

    /* names of services, as in master.cf */
    bool owner_request_special;
    struct str cleanup_service_name;
    struct str rewrite_service_name;
    struct str queue_service_name;
    struct str pickup_service_name;
    struct str bounce_service_name;
    struct str defer_service_name;
    struct str trace_service_name;
    struct str error_service_name;
    struct str flush_service_name;
    struct str showq_service_name;
    struct str proxymap_service_name;
    struct str verify_service_name;
    struct str tlsmgr_service_name;
    struct str postlog_service_name;

    /* sizes and times that all use */
    struct str known_tcp_ports;
    int64_t message_size_limit; /* 0: none */
    int64_t queue_minfree;
    struct str default_database_type;
    struct str alias_database; /* what newaliases makes */
    struct duration ipc_timeout;
    struct duration max_idle;
    int max_use;
    struct duration daemon_timeout;
    int default_process_limit;
    int line_length_limit;
    int header_size_limit;
    int mime_nesting_limit;
    int socketmap_max_reply_size; /* read where the table is opened */
    int mime_boundary_length_limit;
    struct str hash_queue_names;
    int hash_queue_depth;
    bool enable_long_queue_ids;
    bool allow_min_user;
    bool smtputf8_enable;
    int header_from_format; /* enum header_from_format */
    bool strict_smtputf8;
    struct strlist smtputf8_autodetect_classes;
    struct strlist internal_mail_filter_classes;
    bool soft_bounce;
    struct str debug_peer_list;
    int debug_peer_level;
    struct str debugger_command;
    int info_log_address_format; /* enum info_log_address_format */
    bool helpful_warnings;
    struct str import_environment;
    struct str export_environment;
    struct str default_verp_delimiters;
    struct str verp_delimiter_filter;
    struct str double_bounce_sender;
    struct str empty_address_recipient;
};

enum info_log_address_format {
    INFO_LOG_ADDRESS_EXTERNAL,
    INFO_LOG_ADDRESS_INTERNAL,
};

extern const struct settings_table shared_settings_table;

/* settings_load of that table, with myorigin's file read. */
MUST_USE bool shared_settings_load(struct main_cf *cf, struct arena *arena, const struct shared_settings **settings_out,
                                   struct failure *why);
/* What maillog_file is made with. */
unsigned shared_settings_maillog_mode(const struct shared_settings *settings);
/* That the file which myorigin names can be read, and has a domain in its first line; part of the load. */
MUST_USE bool shared_settings_check_origin(const struct main_cf *cf, struct arena *arena, struct failure *why);
/* That each variable of import_environment and export_environment has a name; part of the load. */
MUST_USE bool shared_settings_check_environment(const struct main_cf *cf, struct arena *arena, struct failure *why);

#endif
