/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/settings.h"

#define OWNER struct tls_settings
#define TEXT(member, name, default_text, purpose) SETTING_STRING(OWNER, member, name, default_text, 0, 0, purpose)

static const struct setting rows[] = {
    TEXT(high_cipherlist, "tls_high_cipherlist",
         "aNULL:-aNULL:HIGH:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:@STRENGTH",
         "OpenSSL's words for the ciphers of the grade \"high\"."),
    TEXT(medium_cipherlist, "tls_medium_cipherlist",
         "aNULL:-aNULL:HIGH:MEDIUM:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:+RC4:@STRENGTH",
         "OpenSSL's words for the ciphers of the grade \"medium\" and better."),
    TEXT(null_cipherlist, "tls_null_cipherlist", "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL",
         "OpenSSL's words for ciphers that authenticate and do not encrypt: the grade \"null\"."),
    SETTING_BOOLEAN(OWNER, preempt_cipherlist, "tls_preempt_cipherlist", "no",
                    "The server's order of ciphers counts, not the client's."),
    TEXT(ssl_options, "tls_ssl_options", "", "Options of OpenSSL to switch on, by name or as 0x and a bit mask."),
    TEXT(disable_workarounds, "tls_disable_workarounds", "",
         "OpenSSL's workarounds of others' bugs to switch off, by name or as 0x and a bit mask."),
    TEXT(eecdh_auto_curves, "tls_eecdh_auto_curves", "X25519 X448 prime256v1 secp521r1 secp384r1",
         "The elliptic curves for key exchange, the best first; those that OpenSSL does not have are left out."),
    TEXT(ffdhe_auto_groups, "tls_ffdhe_auto_groups", "ffdhe2048 ffdhe3072",
         "The finite-field groups of TLS 1.3 that stand behind these curves."),
    SETTING_BOOLEAN(OWNER, append_default_ca, "tls_append_default_CA", "no",
                    "Trust the system's authorities besides those in CAfile and CApath."),
    SETTING_BOOLEAN(OWNER, legacy_public_key_fingerprints, "tls_legacy_public_key_fingerprints", "no",
                    "Make fingerprints of public keys as Postfix before 2.9.6 did."),
    SETTING_BOOLEAN(OWNER, wildcard_matches_multiple_labels, "tls_wildcard_matches_multiple_labels", "yes",
                    "\"*.example.com\" in a certificate stands for a.b.example.com, too."),
    TEXT(config_file, "tls_config_file", "default",
         "OpenSSL's configuration: \"default\", \"none\", or a file's absolute name."),
    TEXT(config_name, "tls_config_name", "", "The application whose section of that file counts."),
    TEXT(session_ticket_cipher, "tls_session_ticket_cipher", "aes-256-cbc",
         "What session tickets are encrypted with; empty: there are none."),
    TEXT(server_sni_maps, "tls_server_sni_maps", "",
         "Tables by name that clients ask for (SNI) of files with keys and certificates, made by postmap -F."),
    TEXT(dane_digests, "tls_dane_digests", "sha512 sha256",
         "The digests in TLSA records that count, the best first; \"name=number\" gives a matching type to another "
         "one."),
};

const struct settings_table tls_settings_table = SETTINGS_TABLE("tls", struct tls_settings, rows);
