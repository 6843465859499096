/* SPDX-License-Identifier: Apache-2.0 */
#include "config/restriction_names.h"

static const char *const names[RESTRICTION_WORDS] = {
    [RESTRICTION_PERMIT] = "permit",
    [RESTRICTION_REJECT] = "reject",
    [RESTRICTION_DEFER] = "defer",
    [RESTRICTION_DEFER_IF_PERMIT] = "defer_if_permit",
    [RESTRICTION_DEFER_IF_REJECT] = "defer_if_reject",
    [RESTRICTION_WARN_IF_REJECT] = "warn_if_reject",
    [RESTRICTION_PERMIT_MYNETWORKS] = "permit_mynetworks",
    [RESTRICTION_PERMIT_INET_INTERFACES] = "permit_inet_interfaces",
    [RESTRICTION_PERMIT_SASL_AUTHENTICATED] = "permit_sasl_authenticated",
    [RESTRICTION_PERMIT_TLS_CLIENTCERTS] = "permit_tls_clientcerts",
    [RESTRICTION_REJECT_UNAUTH_DESTINATION] = "reject_unauth_destination",
    [RESTRICTION_DEFER_UNAUTH_DESTINATION] = "defer_unauth_destination",
    [RESTRICTION_PERMIT_AUTH_DESTINATION] = "permit_auth_destination",
    [RESTRICTION_CHECK_CLIENT_ACCESS] = "check_client_access",
    [RESTRICTION_CHECK_HELO_ACCESS] = "check_helo_access",
    [RESTRICTION_CHECK_SENDER_ACCESS] = "check_sender_access",
    [RESTRICTION_CHECK_RECIPIENT_ACCESS] = "check_recipient_access",
    [RESTRICTION_CHECK_ETRN_ACCESS] = "check_etrn_access",
    [RESTRICTION_REJECT_UNLISTED_SENDER] = "reject_unlisted_sender",
    [RESTRICTION_REJECT_UNLISTED_RECIPIENT] = "reject_unlisted_recipient",
    [RESTRICTION_REJECT_UNVERIFIED_SENDER] = "reject_unverified_sender",
    [RESTRICTION_REJECT_UNVERIFIED_RECIPIENT] = "reject_unverified_recipient",
    [RESTRICTION_CHECK_RECIPIENT_MAPS] = "check_recipient_maps",
    [RESTRICTION_CHECK_ADDRESS_MAP] = "check_address_map",
    [RESTRICTION_REJECT_INVALID_HELO_HOSTNAME] = "reject_invalid_helo_hostname",
    [RESTRICTION_REJECT_INVALID_HOSTNAME] = "reject_invalid_hostname",
    [RESTRICTION_REJECT_NON_FQDN_HELO_HOSTNAME] = "reject_non_fqdn_helo_hostname",
    [RESTRICTION_REJECT_NON_FQDN_HOSTNAME] = "reject_non_fqdn_hostname",
    [RESTRICTION_REJECT_UNKNOWN_HELO_HOSTNAME] = "reject_unknown_helo_hostname",
    [RESTRICTION_REJECT_UNKNOWN_HOSTNAME] = "reject_unknown_hostname",
    [RESTRICTION_REJECT_UNKNOWN_CLIENT_HOSTNAME] = "reject_unknown_client_hostname",
    [RESTRICTION_REJECT_UNKNOWN_CLIENT] = "reject_unknown_client",
    [RESTRICTION_REJECT_UNKNOWN_REVERSE_CLIENT_HOSTNAME] = "reject_unknown_reverse_client_hostname",
    [RESTRICTION_REJECT_NON_FQDN_SENDER] = "reject_non_fqdn_sender",
    [RESTRICTION_REJECT_NON_FQDN_RECIPIENT] = "reject_non_fqdn_recipient",
    [RESTRICTION_REJECT_UNKNOWN_SENDER_DOMAIN] = "reject_unknown_sender_domain",
    [RESTRICTION_REJECT_UNKNOWN_ADDRESS] = "reject_unknown_address",
    [RESTRICTION_REJECT_UNKNOWN_RECIPIENT_DOMAIN] = "reject_unknown_recipient_domain",
    [RESTRICTION_CHECK_CLIENT_A_ACCESS] = "check_client_a_access",
    [RESTRICTION_CHECK_CLIENT_MX_ACCESS] = "check_client_mx_access",
    [RESTRICTION_CHECK_CLIENT_NS_ACCESS] = "check_client_ns_access",
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_A_ACCESS] = "check_reverse_client_hostname_a_access",
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_MX_ACCESS] = "check_reverse_client_hostname_mx_access",
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_NS_ACCESS] = "check_reverse_client_hostname_ns_access",
    [RESTRICTION_CHECK_HELO_A_ACCESS] = "check_helo_a_access",
    [RESTRICTION_CHECK_HELO_MX_ACCESS] = "check_helo_mx_access",
    [RESTRICTION_CHECK_HELO_NS_ACCESS] = "check_helo_ns_access",
    [RESTRICTION_CHECK_SENDER_A_ACCESS] = "check_sender_a_access",
    [RESTRICTION_CHECK_SENDER_MX_ACCESS] = "check_sender_mx_access",
    [RESTRICTION_CHECK_SENDER_NS_ACCESS] = "check_sender_ns_access",
    [RESTRICTION_CHECK_RECIPIENT_A_ACCESS] = "check_recipient_a_access",
    [RESTRICTION_CHECK_RECIPIENT_MX_ACCESS] = "check_recipient_mx_access",
    [RESTRICTION_CHECK_RECIPIENT_NS_ACCESS] = "check_recipient_ns_access",
    [RESTRICTION_CHECK_REVERSE_CLIENT_HOSTNAME_ACCESS] = "check_reverse_client_hostname_access",
    [RESTRICTION_REJECT_MULTI_RECIPIENT_BOUNCE] = "reject_multi_recipient_bounce",
    [RESTRICTION_REJECT_UNAUTH_PIPELINING] = "reject_unauth_pipelining",
    [RESTRICTION_REJECT_PLAINTEXT_SESSION] = "reject_plaintext_session",
    [RESTRICTION_PERMIT_TLS_ALL_CLIENTCERTS] = "permit_tls_all_clientcerts",
    [RESTRICTION_PERMIT_MX_BACKUP] = "permit_mx_backup",
    [RESTRICTION_CHECK_SASL_ACCESS] = "check_sasl_access",
    [RESTRICTION_CHECK_CCERT_ACCESS] = "check_ccert_access",
    [RESTRICTION_REJECT_SENDER_LOGIN_MISMATCH] = "reject_sender_login_mismatch",
    [RESTRICTION_REJECT_AUTHENTICATED_SENDER_LOGIN_MISMATCH] = "reject_authenticated_sender_login_mismatch",
    [RESTRICTION_REJECT_UNAUTHENTICATED_SENDER_LOGIN_MISMATCH] = "reject_unauthenticated_sender_login_mismatch",
    [RESTRICTION_REJECT_KNOWN_SENDER_LOGIN_MISMATCH] = "reject_known_sender_login_mismatch",
    [RESTRICTION_PERMIT_NAKED_IP_ADDRESS] = "permit_naked_ip_address",
    [RESTRICTION_CHECK_RELAY_DOMAINS] = "check_relay_domains",
    [RESTRICTION_REJECT_MAPS_RBL] = "reject_maps_rbl",
    [RESTRICTION_SLEEP] = "sleep",
    [RESTRICTION_CHECK_POLICY_SERVICE] = "check_policy_service",
    [RESTRICTION_REJECT_RBL_CLIENT] = "reject_rbl_client",
    [RESTRICTION_REJECT_RBL] = "reject_rbl",
    [RESTRICTION_REJECT_RHSBL_CLIENT] = "reject_rhsbl_client",
    [RESTRICTION_REJECT_RHSBL_REVERSE_CLIENT] = "reject_rhsbl_reverse_client",
    [RESTRICTION_REJECT_RHSBL_HELO] = "reject_rhsbl_helo",
    [RESTRICTION_REJECT_RHSBL_SENDER] = "reject_rhsbl_sender",
    [RESTRICTION_REJECT_RHSBL_RECIPIENT] = "reject_rhsbl_recipient",
    [RESTRICTION_PERMIT_DNSWL_CLIENT] = "permit_dnswl_client",
    [RESTRICTION_PERMIT_RHSWL_CLIENT] = "permit_rhswl_client",
};

enum restriction_word restriction_word_find(struct str text)
{
    enum restriction_word word = 0;

    while (word < RESTRICTION_WORDS && !str_equal_nocase(text, str_from_c(names[word])))
        word++;
    return word;
}

struct str restriction_word_name(enum restriction_word word)
{
    return str_from_c(names[word]);
}

bool restriction_word_is_removed(enum restriction_word word)
{
    return word == RESTRICTION_PERMIT_NAKED_IP_ADDRESS || word == RESTRICTION_CHECK_RELAY_DOMAINS ||
           word == RESTRICTION_REJECT_MAPS_RBL;
}

bool restriction_word_stops_relaying(enum restriction_word word)
{
    return word == RESTRICTION_REJECT || word == RESTRICTION_DEFER || word == RESTRICTION_DEFER_IF_PERMIT ||
           word == RESTRICTION_REJECT_UNAUTH_DESTINATION || word == RESTRICTION_DEFER_UNAUTH_DESTINATION;
}
