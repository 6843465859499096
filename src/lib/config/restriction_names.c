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
    [RESTRICTION_SLEEP] = "sleep",
    [RESTRICTION_CHECK_POLICY_SERVICE] = "check_policy_service",
};

enum restriction_word restriction_word_find(struct str text)
{
    enum restriction_word word = 0;

    while (word < RESTRICTION_WORDS && !str_equal_nocase(text, str_from_c(names[word])))
        word++;
    return word;
}

bool restriction_word_stops_relaying(enum restriction_word word)
{
    return word == RESTRICTION_REJECT || word == RESTRICTION_DEFER || word == RESTRICTION_DEFER_IF_PERMIT ||
           word == RESTRICTION_REJECT_UNAUTH_DESTINATION || word == RESTRICTION_DEFER_UNAUTH_DESTINATION;
}
