/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_ENCRYPTION_SETTINGS_H
#define SMTP_ENCRYPTION_SETTINGS_H

#include "config/settings.h"

/* encryption_settings - the parameters of the clients' TLS: member tls of struct smtp_settings. */
struct encryption_settings {
    int security_level; /* of encryption_level_words: enum encryption_level + 1; 0: not said */
    bool use;           /* this and the next two count without a level */
    bool enforce;
    bool enforce_peername;
    struct str policy_maps;
    struct str per_site;    /* older than policies, and without effect beside them */
    int insecure_mx_policy; /* enum dane_insecure_policy */
    bool force_insecure_host_tlsa_lookup;
    bool sts_enable; /* this and the next of SMTP alone */
    struct duration sts_timeout;
    bool enforce_sts_patterns;
    bool wrapper_mode;
    bool note_starttls_offer;
    struct duration starttls_timeout;
    int log_level;
    struct str session_cache; /* tlsmgr keeps it; empty: each handshake is a full one */
    struct duration session_lifetime;

    struct str protocols;
    struct str mandatory_protocols;
    struct str ciphers;
    struct str mandatory_ciphers;
    struct str exclude_ciphers;
    struct str mandatory_exclude_ciphers;

    struct str ca_file;
    struct str ca_path;
    struct str trust_anchor_file; /* files; whom to believe instead, at verify and secure */
    int verify_depth;
    struct str verify_match; /* as policies' match=: names, or nexthop, dot-nexthop, hostname */
    struct str secure_match;
    struct str fingerprint_match;
    struct str fingerprint_digest;
    struct str server_name;

    struct str chain_files;
    struct str cert_file;
    struct str key_file;
    struct str dcert_file;
    struct str dkey_file;
    struct str eccert_file;
    struct str eckey_file;
};

/* Of smtp_tls_dane_insecure_mx_policy. */
enum dane_insecure_policy { DANE_INSECURE_MAY, DANE_INSECURE_ENCRYPT, DANE_INSECURE_DANE };

/* "", and the names of enum encryption_level in its order; ends with NULL. */
extern const char *const encryption_level_words[];

#define ENCRYPTION_TEXT(member, name, value, purpose)                                                                  \
    SETTING_STRING(struct smtp_settings, tls.member, name, value, 0, 0, purpose)
#define ENCRYPTION_FLAG(member, name, value, purpose)                                                                  \
    SETTING_BOOLEAN(struct smtp_settings, tls.member, name, value, purpose)

/* For SMTP and LMTP: prefix is "smtp" or "lmtp". */
#define ENCRYPTION_ROWS(prefix)                                                                                        \
    ENCRYPTION_FLAG(use, prefix "_use_tls", "no", "Without a level: may."),                                            \
        ENCRYPTION_FLAG(enforce, prefix "_enforce_tls", "no", "Without a level: verify."),                             \
        ENCRYPTION_FLAG(enforce_peername, prefix "_tls_enforce_peername", "yes",                                       \
                        "With " prefix "_enforce_tls the server's name counts; no: encrypt is enough."),               \
        ENCRYPTION_TEXT(policy_maps, prefix "_tls_policy_maps", "",                                                    \
                        "Tables by next hop of a level and attributes: match, protocols, ciphers, exclude, "           \
                        "servername."),                                                                                \
        ENCRYPTION_TEXT(per_site, prefix "_tls_per_site", "",                                                          \
                        "Without " prefix "_tls_policy_maps: tables of NONE, MAY, MUST, MUST_NOPEERMATCH by next "     \
                        "hop and by host."),                                                                           \
        ENCRYPTION_FLAG(force_insecure_host_tlsa_lookup, prefix "_tls_force_insecure_host_tlsa_lookup", "no",          \
                        "At dane and dane-only, look for TLSA records of hosts whose address is not signed, too."),    \
        ENCRYPTION_FLAG(enforce_sts_patterns, prefix "_tls_enforce_sts_mx_patterns", "yes",                            \
                        "With policy_type=sts and mx_host_pattern= in " prefix                                         \
                        "_tls_policy_maps, only such hosts count, and by their own names."),                           \
        ENCRYPTION_FLAG(wrapper_mode, prefix "_tls_wrappermode", "no",                                                 \
                        "TLS begins with the connection, without STARTTLS."),                                          \
        ENCRYPTION_FLAG(note_starttls_offer, prefix "_tls_note_starttls_offer", "no",                                  \
                        "Log servers that offer STARTTLS where it is not used."),                                      \
        SETTING_TIME(struct smtp_settings, tls.starttls_timeout, prefix "_starttls_timeout", "300s", 1, 0, 's',        \
                     "For the answer to STARTTLS, and for the handshake."),                                            \
        SETTING_INTEGER(struct smtp_settings, tls.log_level, prefix "_tls_loglevel", "0", 0, 4,                        \
                        "0: troubles; 1: a line a session; 2: each handshake in detail."),                             \
        ENCRYPTION_TEXT(protocols, prefix "_tls_protocols", ">=TLSv1", "Versions of TLS at the level may."),           \
        ENCRYPTION_TEXT(mandatory_protocols, prefix "_tls_mandatory_protocols", ">=TLSv1",                             \
                        "Versions of TLS at encrypt and above."),                                                      \
        ENCRYPTION_TEXT(ciphers, prefix "_tls_ciphers", "medium", "The grade of ciphers at the level may."),           \
        ENCRYPTION_TEXT(mandatory_ciphers, prefix "_tls_mandatory_ciphers", "medium",                                  \
                        "The grade of ciphers at encrypt and above."),                                                 \
        ENCRYPTION_TEXT(exclude_ciphers, prefix "_tls_exclude_ciphers", "", "Ciphers not to use at any level."),       \
        ENCRYPTION_TEXT(mandatory_exclude_ciphers, prefix "_tls_mandatory_exclude_ciphers", "",                        \
                        "And those not to use at encrypt and above."),                                                 \
        ENCRYPTION_TEXT(session_cache, prefix "_tls_session_cache_database", "",                                       \
                        "Where TLS sessions with servers are kept for the next connection; empty: nowhere."),          \
        SETTING_TIME(struct smtp_settings, tls.session_lifetime, prefix "_tls_session_cache_timeout", "3600s", 0, 0,   \
                     's', "How long such a session is used again."),                                                   \
        ENCRYPTION_TEXT(ca_file, prefix "_tls_CAfile", "", "A file of authorities whom to believe."),                  \
        ENCRYPTION_TEXT(ca_path, prefix "_tls_CApath", "", "A directory of authorities whom to believe."),             \
        ENCRYPTION_TEXT(trust_anchor_file, prefix "_tls_trust_anchor_file", "",                                        \
                        "Files of certificates and public keys: whom to believe at verify and secure, instead of "     \
                        "all others."),                                                                                \
        SETTING_INTEGER(struct smtp_settings, tls.verify_depth, prefix "_tls_scert_verifydepth", "9", 0, 0,            \
                        "How many certificates may stand between a server's and one that is believed."),               \
        ENCRYPTION_TEXT(verify_match, prefix "_tls_verify_cert_match", "hostname",                                     \
                        "The names, one of which a server's certificate must have at verify."),                        \
        ENCRYPTION_TEXT(fingerprint_match, prefix "_tls_fingerprint_cert_match", "",                                   \
                        "The certificates or keys, one of which a server must have at fingerprint."),                  \
        ENCRYPTION_TEXT(fingerprint_digest, prefix "_tls_fingerprint_digest",                                          \
                        "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}",                                   \
                        "What fingerprints are made by."),                                                             \
        ENCRYPTION_TEXT(server_name, prefix "_tls_servername", "",                                                     \
                        "The name that servers are asked for (SNI): one, or nexthop or hostname."),                    \
        ENCRYPTION_TEXT(chain_files, prefix "_tls_chain_files", "",                                                    \
                        "Files of keys, each followed by its certificate and those above it, to show to servers."),    \
        ENCRYPTION_TEXT(cert_file, prefix "_tls_cert_file", "", "The certificate to show to servers."),                \
        ENCRYPTION_TEXT(key_file, prefix "_tls_key_file", "$" prefix "_tls_cert_file",                                 \
                        "The key of that certificate."),                                                               \
        ENCRYPTION_TEXT(dcert_file, prefix "_tls_dcert_file", "", "An older name: a certificate with a DSA key."),     \
        ENCRYPTION_TEXT(dkey_file, prefix "_tls_dkey_file", "$" prefix "_tls_dcert_file",                              \
                        "The key of that certificate."),                                                               \
        ENCRYPTION_TEXT(eccert_file, prefix "_tls_eccert_file", "", "An older name: a certificate with an EC key."),   \
        ENCRYPTION_TEXT(eckey_file, prefix "_tls_eckey_file", "$" prefix "_tls_eccert_file",                           \
                        "The key of that certificate.")

#endif
