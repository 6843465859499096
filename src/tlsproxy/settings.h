/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSPROXY_SETTINGS_H
#define TLSPROXY_SETTINGS_H

#include "config/settings.h"

/* settings - tlsproxy_tls_*, each by default what smtpd has: clients are to see the same server. */
struct tlsproxy_settings {
    int security_level; /* enum tlsproxy_level + 1; 0: not said */
    bool use, enforce;  /* the older way to say it */
    struct str chain_files;
    struct str certificate_file;
    struct str key_file;
    struct str dsa_certificate_file;
    struct str dsa_key_file;
    struct str ec_certificate_file;
    struct str ec_key_file;
    struct str ca_file;
    struct str ca_path;
    struct str fingerprint_digest;
    struct str protocols;
    struct str mandatory_protocols;
    struct str ciphers;
    struct str mandatory_ciphers;
    struct str exclude_ciphers;
    struct str mandatory_exclude_ciphers;
    struct str dh_file;
    bool ask_certificate;
    bool require_certificate;
    int verify_depth;
    int log_level;
    struct duration session_lifetime;
    struct duration watchdog_timeout;
};

enum tlsproxy_level {
    TLSPROXY_NONE,
    TLSPROXY_MAY,
    TLSPROXY_REQUIRED,
};

extern const struct settings_table tlsproxy_settings_table;

#endif
