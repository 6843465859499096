/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_SETTINGS_H
#define TLS_SETTINGS_H

#include "config/settings.h"

/* settings - the parameters of TLS that servers and clients share. */
struct tls_settings {
    struct str high_cipherlist;
    struct str medium_cipherlist;
    struct str null_cipherlist;
    bool preempt_cipherlist;
    struct str ssl_options;
    struct str disable_workarounds;
    struct str eecdh_auto_curves;
    struct str ffdhe_auto_groups;
    bool append_default_ca;
    bool legacy_public_key_fingerprints;
    bool wildcard_matches_multiple_labels;
    struct str config_file;
    struct str config_name;
    struct str session_ticket_cipher;
    struct str server_sni_maps;
    struct str dane_digests;
};

extern const struct settings_table tls_settings_table;

#endif
