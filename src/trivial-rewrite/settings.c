/* SPDX-License-Identifier: Apache-2.0 */
#include "trivial-rewrite/settings.h"

#define OWNER struct trivial_rewrite_settings

static const struct setting rows[] = {
    SETTING_STRING(OWNER, remote_header_rewrite_domain, "remote_header_rewrite_domain", "", 0, 0,
                   "The domain for incomplete addresses in headers from remote clients; empty: they stay as they are."),
    SETTING_BOOLEAN(OWNER, append_at_myorigin, "append_at_myorigin", "yes",
                    "An address without a domain gets @$myorigin."),
    SETTING_BOOLEAN(OWNER, append_dot_mydomain, "append_dot_mydomain",
                    "${{$compatibility_level} <level {1} ? {yes} : {no}}", "A domain without a dot gets .$mydomain."),
    SETTING_BOOLEAN(OWNER, swap_bangpath, "swap_bangpath", "yes", "site!user means user@site."),
    SETTING_BOOLEAN(OWNER, allow_percent_hack, "allow_percent_hack", "yes", "user%domain means user@domain."),
    SETTING_BOOLEAN(OWNER, resolve_dequoted_address, "resolve_dequoted_address", "yes",
                    "@, % and ! in a quoted local part route the mail, too."),
    SETTING_BOOLEAN(OWNER, resolve_null_domain, "resolve_null_domain", "no", "user@ means user at this host."),
    SETTING_BOOLEAN(OWNER, resolve_numeric_domain, "resolve_numeric_domain", "no",
                    "user@192.0.2.1 means user@[192.0.2.1]."),
    SETTING_STRING(OWNER, empty_address_recipient, "empty_address_recipient", "MAILER-DAEMON", 1, 0,
                   "Who gets mail for the null address."),
    SETTING_STRING(OWNER, empty_address_relayhost_key, "empty_address_relayhost_maps_lookup_key", "<>", 1, 0,
                   "What is asked of sender_dependent_relayhost_maps for the null sender."),
    SETTING_STRING(OWNER, empty_address_transport_key, "empty_address_default_transport_maps_lookup_key", "<>", 1, 0,
                   "What is asked of sender_dependent_default_transport_maps for the null sender."),
    SETTING_BOOLEAN(OWNER, show_user_unknown_table_name, "show_user_unknown_table_name", "yes",
                    "Refusals of unknown recipients name the table."),
    SETTING_STRING(OWNER, local_transport, "local_transport", "local:$myhostname", 1, 0,
                   "Transport and next hop for $mydestination."),
    SETTING_STRING(OWNER, virtual_transport, "virtual_transport", "virtual", 1, 0,
                   "Transport and next hop for $virtual_mailbox_domains."),
    SETTING_STRING(OWNER, relay_transport, "relay_transport", "relay", 1, 0,
                   "Transport and next hop for $relay_domains."),
    SETTING_STRING(OWNER, default_transport, "default_transport", "smtp", 1, 0,
                   "Transport and next hop for all other domains."),
    SETTING_STRING(OWNER, relayhost, "relayhost", "", 0, 0, "The next hop of all mail that is not for this host."),
    SETTING_STRING(OWNER, transport_maps, "transport_maps", "", 0, 0,
                   "Tables from address or domain to transport:nexthop."),
    SETTING_STRING(OWNER, sender_dependent_relayhost_maps, "sender_dependent_relayhost_maps", "", 0, 0,
                   "Tables from sender to what stands in for relayhost."),
    SETTING_STRING(OWNER, sender_dependent_default_transport_maps, "sender_dependent_default_transport_maps", "", 0, 0,
                   "Tables from sender to what stands in for default_transport."),
    SETTING_STRING(OWNER, probe_local_transport, "address_verify_local_transport", "$local_transport", 1, 0,
                   "local_transport for address probes."),
    SETTING_STRING(OWNER, probe_virtual_transport, "address_verify_virtual_transport", "$virtual_transport", 1, 0,
                   "virtual_transport for address probes."),
    SETTING_STRING(OWNER, probe_relay_transport, "address_verify_relay_transport", "$relay_transport", 1, 0,
                   "relay_transport for address probes."),
    SETTING_STRING(OWNER, probe_default_transport, "address_verify_default_transport", "$default_transport", 1, 0,
                   "default_transport for address probes."),
    SETTING_STRING(OWNER, probe_relayhost, "address_verify_relayhost", "$relayhost", 0, 0,
                   "relayhost for address probes."),
    SETTING_STRING(OWNER, probe_transport_maps, "address_verify_transport_maps", "$transport_maps", 0, 0,
                   "transport_maps for address probes."),
    SETTING_STRING(OWNER, probe_relayhost_maps, "address_verify_sender_dependent_relayhost_maps",
                   "$sender_dependent_relayhost_maps", 0, 0, "sender_dependent_relayhost_maps for address probes."),
    SETTING_STRING(OWNER, probe_default_transport_maps, "address_verify_sender_dependent_default_transport_maps",
                   "$sender_dependent_default_transport_maps", 0, 0,
                   "sender_dependent_default_transport_maps for address probes."),
    SETTING_STRING(OWNER, relocated_maps, "relocated_maps", "", 0, 0,
                   "Tables from addresses that are no longer here to where they are now, for the refusal."),
    SETTING_BOOLEAN(OWNER, relocated_prefix_enable, "relocated_prefix_enable", "yes",
                    "Whether a refusal puts \"5.1.6 User has moved to\" before what relocated_maps says."),
};

const struct settings_table trivial_rewrite_settings_table =
    SETTINGS_TABLE("trivial-rewrite", struct trivial_rewrite_settings, rows);

struct trivial_rewrite_settings trivial_rewrite_settings_of_probes(const struct trivial_rewrite_settings *settings)
{
    struct trivial_rewrite_settings probes = *settings;

    probes.local_transport = settings->probe_local_transport;
    probes.virtual_transport = settings->probe_virtual_transport;
    probes.relay_transport = settings->probe_relay_transport;
    probes.default_transport = settings->probe_default_transport;
    probes.relayhost = settings->probe_relayhost;
    probes.transport_maps = settings->probe_transport_maps;
    probes.sender_dependent_relayhost_maps = settings->probe_relayhost_maps;
    probes.sender_dependent_default_transport_maps = settings->probe_default_transport_maps;
    return probes;
}
