/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsproxy/settings.h"

#define OWNER struct tlsproxy_settings
#define AS_SMTPD(member, name, purpose)                                                                                \
    SETTING_STRING(OWNER, member, "tlsproxy_tls_" name, "$smtpd_tls_" name, 0, 0, purpose)

static const char *const levels[] = { "", "none", "may", "encrypt", NULL }; /* as enum tlsproxy_level */

static const struct setting rows[] = {
    SETTING_CHOICE(OWNER, security_level, "tlsproxy_tls_security_level", "$smtpd_tls_security_level", levels,
                   "Whether there is TLS for clients, and whether they must use it."),
    SETTING_BOOLEAN(OWNER, use, "tlsproxy_use_tls", "$smtpd_use_tls",
                    "Without tlsproxy_tls_security_level: the same as may."),
    SETTING_BOOLEAN(OWNER, enforce, "tlsproxy_enforce_tls", "$smtpd_enforce_tls",
                    "Without tlsproxy_tls_security_level: the same as encrypt."),
    AS_SMTPD(chain_files, "chain_files",
             "The files of private keys, each followed by its certificate and those above it."),
    AS_SMTPD(certificate_file, "cert_file", "The file of the (RSA) certificate and those above it."),
    AS_SMTPD(key_file, "key_file", "The file of its private key."),
    AS_SMTPD(dsa_certificate_file, "dcert_file", "The file of the DSA certificate."),
    AS_SMTPD(dsa_key_file, "dkey_file", "The file of its private key."),
    AS_SMTPD(ec_certificate_file, "eccert_file", "The file of the ECDSA certificate."),
    AS_SMTPD(ec_key_file, "eckey_file", "The file of its private key."),
    AS_SMTPD(ca_file, "CAfile", "The file of authorities that clients' certificates are judged by."),
    AS_SMTPD(ca_path, "CApath", "The directory of the same."),
    AS_SMTPD(fingerprint_digest, "fingerprint_digest", "What fingerprints of certificates are made with."),
    AS_SMTPD(protocols, "protocols", "Versions of TLS where it is not required."),
    AS_SMTPD(mandatory_protocols, "mandatory_protocols", "Versions of TLS where it is required."),
    AS_SMTPD(ciphers, "ciphers", "The grade of ciphers where TLS is not required."),
    AS_SMTPD(mandatory_ciphers, "mandatory_ciphers", "The grade of ciphers where TLS is required."),
    AS_SMTPD(exclude_ciphers, "exclude_ciphers", "Ciphers that are never used."),
    AS_SMTPD(mandatory_exclude_ciphers, "mandatory_exclude_ciphers", "More that are not used where TLS is required."),
    AS_SMTPD(dh_file, "dh1024_param_file",
             "The file of Diffie-Hellman parameters; empty, none or auto: OpenSSL's own."),
    SETTING_BOOLEAN(OWNER, ask_certificate, "tlsproxy_tls_ask_ccert", "$smtpd_tls_ask_ccert",
                    "Ask clients for a certificate."),
    SETTING_BOOLEAN(OWNER, require_certificate, "tlsproxy_tls_req_ccert", "$smtpd_tls_req_ccert",
                    "Where TLS is required: ask clients for a certificate, and say when it is not trusted."),
    SETTING_INTEGER(OWNER, verify_depth, "tlsproxy_tls_ccert_verifydepth", "$smtpd_tls_ccert_verifydepth", 0, 0,
                    "How many authorities may stand above a client's certificate."),
    SETTING_INTEGER(OWNER, log_level, "tlsproxy_tls_loglevel", "$smtpd_tls_loglevel", 0, 0,
                    "0: failed handshakes only, 1: a line for each handshake, 2: and its steps."),
    SETTING_TIME(OWNER, session_lifetime, "smtpd_tls_session_cache_timeout", "3600s", 0, 0, 's',
                 "How long a client may resume its TLS session; 0: not at all."),
    SETTING_TIME(OWNER, watchdog_timeout, "tlsproxy_watchdog_timeout", "10s", 1, 0, 's',
                 "A process that does not get on for so long is ended."),
};

const struct settings_table tlsproxy_settings_table = SETTINGS_TABLE("tlsproxy", struct tlsproxy_settings, rows);
