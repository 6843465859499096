/* SPDX-License-Identifier: Apache-2.0 */
#include "config/shared_settings.h"

#include "base/strbuf.h"
#include "config/main_cf.h"
#include "config/setting_words.h"
#include "os/environment.h"
#include "os/file.h"
#include "os/known_ports.h"

static const char *const address_formats[] = { "external", "internal", NULL };

static const char *const header_from_formats[] = { "standard", "obsolete", NULL };

/* computed.c knows them by name. */
static const char *const network_styles[] = { "host", "subnet", "class", NULL };

static const char *const permission_names[] = { "0600", "0640", "0644", NULL };

static const struct setting rows[] = {
    SETTING_STRING(struct shared_settings, myhostname, "myhostname", "", 1, 0,
                   "This host's name in the Internet, the source of many other defaults."),
    SETTING_STRING(struct shared_settings, mydomain, "mydomain", "", 1, 0,
                   "The domain of this host: myhostname without its first label."),
    SETTING_STRING(struct shared_settings, myorigin, "myorigin", "$myhostname", 1, 0,
                   "The domain that is put to addresses without one; /file takes the first line of that file."),
    SETTING_STRING(struct shared_settings, mail_name, "mail_name", "Merpati", 1, 0,
                   "The name of the mail system in greetings and Received headers."),
    SETTING_STRING(struct shared_settings, mail_version, "mail_version", MERPATI_VERSION, 1, 0,
                   "The version of the mail system."),
    SETTING_STRING(struct shared_settings, syslog_name, "syslog_name",
                   "${multi_instance_name?{$multi_instance_name}:{merpati}}", 1, 0,
                   "What log lines begin with, before the program's name."),
    SETTING_STRING(struct shared_settings, syslog_facility, "syslog_facility", "mail", 1, 0, "The facility of syslog."),
    SETTING_STRING(struct shared_settings, maillog_file, "maillog_file", "", 0, 0,
                   "Log to this file, or to /dev/stdout, by postlogd; empty: to syslog."),
    SETTING_CHOICE(struct shared_settings, maillog_file_permissions, "maillog_file_permissions", "0600",
                   permission_names, "The mode of maillog_file where it is made."),
    SETTING_STRING(struct shared_settings, multi_instance_name, "multi_instance_name", "", 0, 0,
                   "The name of this instance, if several run on the host."),
    SETTING_STRING(struct shared_settings, compatibility_level, "compatibility_level", "0", 1, 0,
                   "The Postfix version whose defaults the configuration was written for."),
    SETTING_STRING(struct shared_settings, config_directory, "config_directory", "", 1, 0,
                   "Where main.cf and master.cf are."),
    SETTING_STRING(struct shared_settings, queue_directory, "queue_directory", "/var/spool/merpati", 1, 0,
                   "The queue, and the root of the services that run in a chroot."),
    SETTING_STRING(struct shared_settings, data_directory, "data_directory", "/var/lib/merpati", 1, 0,
                   "What programs write and may lose: caches."),
    SETTING_STRING(struct shared_settings, daemon_directory, "daemon_directory", "/usr/lib/merpati/sbin", 1, 0,
                   "Where master finds the programs of master.cf."),
    SETTING_STRING(struct shared_settings, command_directory, "command_directory", "/usr/sbin", 1, 0,
                   "Where the administrative commands are."),
    SETTING_STRING(struct shared_settings, mail_owner, "mail_owner", "merpati", 1, 0, "The user who owns the queue."),
    SETTING_STRING(struct shared_settings, net_owner, "net_owner", "merpati-net", 1, 0,
                   "The user of the services that face the network; it cannot read the queue."),
    SETTING_STRING(struct shared_settings, map_owner, "map_owner", "merpati-map", 1, 0,
                   "The user of proxymap, who looks tables up for other services and owns nothing."),
    SETTING_STRING(struct shared_settings, sasl_owner, "sasl_owner", "merpati-sasl", 1, 0,
                   "The user of sasl, which knows who may log in; its groups are what lets it read sasldb or ask "
                   "saslauthd."),
    SETTING_STRING(struct shared_settings, setgid_group, "setgid_group", "postdrop", 1, 0,
                   "The group of postdrop and postqueue."),
    SETTING_STRING(struct shared_settings, default_privs, "default_privs", "nobody", 1, 0,
                   "Whose rights local(8) uses for commands and files of no one's own."),
    SETTING_STRING(struct shared_settings, inet_interfaces, "inet_interfaces", "all", 1, 0,
                   "The addresses that mail is received on: all, loopback-only, names or addresses."),
    SETTING_STRING(struct shared_settings, inet_protocols, "inet_protocols", "all", 1, 0,
                   "all, ipv4, ipv6 or both, for receiving and sending."),
    SETTING_STRING(struct shared_settings, proxy_interfaces, "proxy_interfaces", "", 0, 0,
                   "Addresses of ours that a proxy or translator holds."),
    SETTING_STRING(struct shared_settings, mynetworks, "mynetworks", "", 0, 0,
                   "The clients that may send to anywhere: networks, names of files, tables."),
    SETTING_CHOICE(struct shared_settings, mynetworks_style, "mynetworks_style",
                   "${{$compatibility_level} <level {2} ? {subnet} : {host}}", network_styles,
                   "What mynetworks is when it is not set: this host, its subnets, or its networks' classes."),
    SETTING_STRING(struct shared_settings, mydestination, "mydestination",
                   "$myhostname, localhost.$mydomain, localhost", 0, 0,
                   "The domains whose mail is delivered to this host's users."),
    SETTING_STRING(struct shared_settings, relay_domains, "relay_domains",
                   "${{$compatibility_level} <level {2} ? {$mydestination} : {}}", 0, 0,
                   "The domains that mail is passed on for."),
    SETTING_STRING(struct shared_settings, virtual_alias_domains, "virtual_alias_domains", "$virtual_alias_maps", 0, 0,
                   "The domains that have aliases only."),
    SETTING_STRING(struct shared_settings, virtual_mailbox_domains, "virtual_mailbox_domains", "$virtual_mailbox_maps",
                   0, 0, "The domains whose mail goes to virtual mailboxes."),
    SETTING_STRING(struct shared_settings, parent_domain_matches_subdomains, "parent_domain_matches_subdomains",
                   "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,"
                   "relay_domains,smtpd_access_maps",
                   0, 0, "The parameters where example.com also means its subdomains."),
    SETTING_STRING(struct shared_settings, recipient_delimiter, "recipient_delimiter", "", 0, 0,
                   "What may stand between a user's name and an extension."),
    SETTING_BOOLEAN(struct shared_settings, owner_request_special, "owner_request_special", "yes",
                    "Whether owner-name and name-request are kept whole when - delimits extensions."),
    SETTING_STRING(struct shared_settings, cleanup_service_name, "cleanup_service_name", "cleanup", 1, 0,
                   "The cleanup service's name in master.cf."),
    SETTING_STRING(struct shared_settings, rewrite_service_name, "rewrite_service_name", "rewrite", 1, 0,
                   "The rewrite service's name in master.cf."),
    SETTING_STRING(struct shared_settings, queue_service_name, "queue_service_name", "qmgr", 1, 0,
                   "The queue service's name in master.cf."),
    SETTING_STRING(struct shared_settings, pickup_service_name, "pickup_service_name", "pickup", 1, 0,
                   "The pickup service's name in master.cf."),
    SETTING_STRING(struct shared_settings, bounce_service_name, "bounce_service_name", "bounce", 1, 0,
                   "The bounce service's name in master.cf."),
    SETTING_STRING(struct shared_settings, defer_service_name, "defer_service_name", "defer", 1, 0,
                   "The defer service's name in master.cf."),
    SETTING_STRING(struct shared_settings, trace_service_name, "trace_service_name", "trace", 1, 0,
                   "The trace service's name in master.cf."),
    SETTING_STRING(struct shared_settings, error_service_name, "error_service_name", "error", 1, 0,
                   "The error service's name in master.cf."),
    SETTING_STRING(struct shared_settings, flush_service_name, "flush_service_name", "flush", 1, 0,
                   "The flush service's name in master.cf."),
    SETTING_STRING(struct shared_settings, showq_service_name, "showq_service_name", "showq", 1, 0,
                   "The showq service's name in master.cf."),
    SETTING_STRING(struct shared_settings, proxymap_service_name, "proxymap_service_name", "proxymap", 1, 0,
                   "The proxymap service's name in master.cf."),
    SETTING_STRING(struct shared_settings, verify_service_name, "address_verify_service_name", "verify", 1, 0,
                   "The address verification service's name in master.cf."),
    SETTING_STRING(struct shared_settings, tlsmgr_service_name, "tlsmgr_service_name", "tlsmgr", 1, 0,
                   "The tlsmgr service's name in master.cf."),
    SETTING_STRING(struct shared_settings, postlog_service_name, "postlog_service_name", "postlog", 1, 0,
                   "The postlog service's name in master.cf."),
    SETTING_SIZE(struct shared_settings, message_size_limit, "message_size_limit", "10240000", 0, 0,
                 "The largest message in bytes, envelope included; 0: no limit."),
    SETTING_SIZE(struct shared_settings, queue_minfree, "queue_minfree", "0", 0, 0,
                 "Free bytes on the queue's disk below which no mail is taken; 0: 1.5 times message_size_limit."),
    SETTING_STRING(struct shared_settings, default_database_type, "default_database_type", "hash", 1, 0,
                   "The table type that postmap and postalias make."),
    SETTING_STRING(struct shared_settings, alias_database, "alias_database", "hash:/etc/aliases", 0, 0,
                   "The alias tables that newaliases makes."),
    SETTING_TIME(struct shared_settings, ipc_timeout, "ipc_timeout", "3600s", 1, 0, 's',
                 "How long one service waits for another."),
    SETTING_TIME(struct shared_settings, max_idle, "max_idle", "100s", 1, 0, 's',
                 "A process without work for so long ends."),
    SETTING_INTEGER(struct shared_settings, max_use, "max_use", "100", 1, 0,
                    "A process ends after so many requests and a new one takes its place."),
    SETTING_TIME(struct shared_settings, daemon_timeout, "daemon_timeout", "18000s", 1, 0, 's',
                 "A process that does not get on for so long ends, and another takes its place."),
    SETTING_INTEGER(struct shared_settings, default_process_limit, "default_process_limit", "100", 1, 0,
                    "Processes, or sessions, of a service whose maxproc is \"-\"."),
    SETTING_INTEGER(struct shared_settings, line_length_limit, "line_length_limit", "2048", 512, 0,
                    "Longer lines are cut in pieces of this size."),
    SETTING_INTEGER(struct shared_settings, header_size_limit, "header_size_limit", "102400", 1, 0,
                    "Of a longer header the rest is cut off."),
    SETTING_INTEGER(struct shared_settings, socketmap_max_reply_size, "socketmap_max_reply_size", "100000", 1, 0,
                    "How long what a socketmap server says may be, in bytes."),
    SETTING_INTEGER(struct shared_settings, mime_nesting_limit, "mime_nesting_limit", "100", 1, 0,
                    "How deep parts of a message may stand in parts."),
    SETTING_INTEGER(struct shared_settings, mime_boundary_length_limit, "mime_boundary_length_limit", "2048", 1, 0,
                    "Bytes of a boundary between parts that are looked at."),
    SETTING_STRING(struct shared_settings, hash_queue_names, "hash_queue_names", "deferred, defer", 0, 0,
                   "The queues whose files are spread over subdirectories."),
    SETTING_INTEGER(struct shared_settings, hash_queue_depth, "hash_queue_depth", "1", 1, 16,
                    "How many levels of subdirectories."),
    SETTING_BOOLEAN(struct shared_settings, enable_long_queue_ids, "enable_long_queue_ids", "no",
                    "Queue ids with the time in them, which never come again on this host."),
    SETTING_BOOLEAN(struct shared_settings, allow_min_user, "allow_min_user", "no",
                    "An address may begin with '-', which a command that gets it could take for an option."),
    SETTING_BOOLEAN(struct shared_settings, smtputf8_enable, "smtputf8_enable",
                    "${{$compatibility_level} <level {1} ? {no} : {yes}}",
                    "Mail with UTF-8 in addresses and headers (RFC 6531)."),
    SETTING_BOOLEAN(struct shared_settings, strict_smtputf8, "strict_smtputf8", "no",
                    "UTF-8 in headers and addresses is refused without SMTPUTF8."),
    SETTING_WORDS(struct shared_settings, internal_mail_filter_classes, "internal_mail_filter_classes", "",
                  setting_words_internal_mail,
                  "Mail made inside that header and body checks and non_smtpd_milters see: bounce, notify."),
    SETTING_WORDS(struct shared_settings, smtputf8_autodetect_classes, "smtputf8_autodetect_classes",
                  "sendmail, verify", setting_words_origins,
                  "Mail by origin (sendmail, smtpd, forward, bounce, notify, verify, all) that is looked through for "
                  "what needs SMTPUTF8."),
    SETTING_CHOICE(struct shared_settings, header_from_format, "header_from_format", "standard", header_from_formats,
                   "Form of a From header that is made: standard is name <address>, obsolete is address (name)."),
    SETTING_CHOICE(struct shared_settings, info_log_address_format, "info_log_address_format", "external",
                   address_formats, "Form of addresses in log lines: external is with quotes where they are needed."),
    SETTING_BOOLEAN(struct shared_settings, soft_bounce, "soft_bounce", "no",
                    "Nothing is returned or refused for good: 5xx become 4xx, while a setup is tried."),
    SETTING_STRING(struct shared_settings, debug_peer_list, "debug_peer_list", "", 0, 0,
                   "The hosts, by domain, address or network, the dialogue with whom is logged."),
    SETTING_INTEGER(struct shared_settings, debug_peer_level, "debug_peer_level", "2", 1, 0,
                    "How often \"-v\" a host in debug_peer_list counts for."),
    SETTING_STRING(
        struct shared_settings, debugger_command, "debugger_command", "", 0, 0,
        "What a program started with \"-D\" runs before it begins; $process_name and $process_id are its own."),
    SETTING_STRING(struct shared_settings, known_tcp_ports, "known_tcp_ports",
                   "lmtp=24, smtp=25, smtps=submissions=465, submission=587", 0, 0,
                   "Names of TCP ports, name=port or name=name=port, that are looked for here before /etc/services."),
    SETTING_BOOLEAN(struct shared_settings, helpful_warnings, "helpful_warnings", "yes",
                    "Log hints about likely mistakes."),
    SETTING_STRING(struct shared_settings, import_environment, "import_environment",
                   "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME "
                   "XDG_RUNTIME_DIR",
                   0, 0, "The environment variables a program takes in."),
    SETTING_STRING(struct shared_settings, export_environment, "export_environment", "TZ MAIL_CONFIG LANG", 0, 0,
                   "The environment variables that commands outside get."),
    SETTING_STRING(struct shared_settings, default_verp_delimiters, "default_verp_delimiters", "+=", 2, 2,
                   "What stands in a sender before and within the recipient, where XVERP does not say."),
    SETTING_STRING(struct shared_settings, verp_delimiter_filter, "verp_delimiter_filter", "-=+", 1, 0,
                   "The characters that may be VERP delimiters."),
    SETTING_STRING(struct shared_settings, double_bounce_sender, "double_bounce_sender", "double-bounce", 1, 0,
                   "The local part of the sender of notices that may not bounce."),
    SETTING_STRING(struct shared_settings, empty_address_recipient, "empty_address_recipient", "MAILER-DAEMON", 1, 0,
                   "Who gets what cannot be returned to the null sender."),
};

const struct settings_table shared_settings_table = SETTINGS_TABLE("shared", struct shared_settings, rows);

enum { ORIGIN_FILE_MAXIMUM = 4096 };

/* As Debian does: "myorigin = /etc/mailname" means the first line of that file. */
static bool read_origin_file(struct str *myorigin, struct arena *arena, struct failure *why)
{
    struct strbuf text;
    struct str line;
    struct str rest;
    bool is_good;

    strbuf_init(&text, ORIGIN_FILE_MAXIMUM);
    is_good = file_load(arena_c(arena, *myorigin), &text, why);
    str_cut(strbuf_str(&text), '\n', &line, &rest);
    line = str_trim(line);
    if (!is_good) {
        failure_prefix(why, "myorigin");
        why->kind = FAILURE_CONFIGURATION;
    } else if (line.len == 0) {
        is_good = failure_set(why, FAILURE_CONFIGURATION, 0, "myorigin: %.*s: its first line is empty: write a domain",
                              STR_ARG(*myorigin));
    } else {
        *myorigin = arena_str(arena, line);
    }
    strbuf_done(&text);
    return is_good;
}

unsigned shared_settings_maillog_mode(const struct shared_settings *settings)
{
    static const unsigned modes[] = { 0600, 0640, 0644 };

    return modes[settings->maillog_file_permissions];
}

bool shared_settings_check_environment(const struct main_cf *cf, struct arena *arena, struct failure *why)
{
    static const char *const names[] = { "import_environment", "export_environment" };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct main_cf_entry *entry = main_cf_find(cf, str_from_c(names[i]));
        struct strlist rules;
        struct str value;

        if (!main_cf_value(cf, str_from_c(names[i]), arena, &value, why))
            return false;
        rules = main_cf_words(value, arena);
        if (environment_check(&rules, why))
            continue;
        if (entry != NULL && entry->place.line > 0)
            return failure_prefix(why, "%.*s, line %u: %s", STR_ARG(entry->place.file), entry->place.line, names[i]);
        return failure_prefix(why, "%s", names[i]);
    }
    return true;
}

bool shared_settings_check_origin(const struct main_cf *cf, struct arena *arena, struct failure *why)
{
    const struct main_cf_entry *entry = main_cf_find(cf, STR("myorigin"));
    struct str value;

    if (!main_cf_value(cf, STR("myorigin"), arena, &value, why))
        return false;
    if (!str_starts_with(value, STR("/")) || read_origin_file(&value, arena, why))
        return true;
    if (entry != NULL && entry->place.line > 0)
        return failure_prefix(why, "%.*s, line %u", STR_ARG(entry->place.file), entry->place.line);
    return false;
}

bool shared_settings_load(struct main_cf *cf, struct arena *arena, const struct shared_settings **settings_out,
                          struct failure *why)
{
    struct shared_settings *settings;
    void *loaded;

    if (!settings_load(&shared_settings_table, cf, STR_EMPTY, arena, &loaded, why))
        return false;
    settings = loaded;
    if (settings->myorigin.data[0] == '/' && !read_origin_file(&settings->myorigin, arena, why))
        return false;
    if (!shared_settings_check_environment(cf, arena, why) || !known_ports_set(settings->known_tcp_ports, why))
        return false;
    *settings_out = settings;
    return true;
}
