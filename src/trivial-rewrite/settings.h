/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRIVIAL_REWRITE_SETTINGS_H
#define TRIVIAL_REWRITE_SETTINGS_H

#include "config/settings.h"

/* settings - what trivial-rewrite acts on, beside the shared ones. */
struct trivial_rewrite_settings {
    /* the standard form */
    struct str remote_header_rewrite_domain;
    bool append_at_myorigin;
    bool append_dot_mydomain;
    bool swap_bangpath;
    bool allow_percent_hack;

    /* which addresses stand for this host, or for nothing */
    bool resolve_dequoted_address;
    bool resolve_null_domain;
    bool resolve_numeric_domain;
    struct str empty_address_recipient;
    struct str empty_address_relayhost_key;
    struct str empty_address_transport_key;
    bool show_user_unknown_table_name;

    /* where they go */
    struct str local_transport;
    struct str virtual_transport;
    struct str relay_transport;
    struct str default_transport;
    struct str relayhost;
    struct str transport_maps;
    struct str sender_dependent_relayhost_maps;
    struct str sender_dependent_default_transport_maps;

    /* the same, where address probes go */
    struct str probe_local_transport;
    struct str probe_virtual_transport;
    struct str probe_relay_transport;
    struct str probe_default_transport;
    struct str probe_relayhost;
    struct str probe_transport_maps;
    struct str probe_relayhost_maps;
    struct str probe_default_transport_maps;
    struct str relocated_maps;
    bool relocated_prefix_enable;
};

/* As those for mail, with the ways of probes in the place of mail's. */
struct trivial_rewrite_settings trivial_rewrite_settings_of_probes(const struct trivial_rewrite_settings *settings);

extern const struct settings_table trivial_rewrite_settings_table;

#endif
