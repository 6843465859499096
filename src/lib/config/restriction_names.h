/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_RESTRICTION_NAMES_H
#define CONFIG_RESTRICTION_NAMES_H

#include "base/str.h"

/*
 * restriction_names - the words that smtpd_*_restrictions may hold besides classes and tables: smtpd has a function
 * for each, and the checks of a configuration know them. A new restriction begins with a row here.
 */
enum restriction_word {
    RESTRICTION_PERMIT,
    RESTRICTION_REJECT,
    RESTRICTION_DEFER,
    RESTRICTION_DEFER_IF_PERMIT,
    RESTRICTION_DEFER_IF_REJECT,
    RESTRICTION_WARN_IF_REJECT, /* is no restriction: it softens the one behind it */
    RESTRICTION_PERMIT_MYNETWORKS,
    RESTRICTION_PERMIT_INET_INTERFACES,
    RESTRICTION_PERMIT_SASL_AUTHENTICATED,
    RESTRICTION_PERMIT_TLS_CLIENTCERTS,
    RESTRICTION_REJECT_UNAUTH_DESTINATION,
    RESTRICTION_DEFER_UNAUTH_DESTINATION,
    RESTRICTION_PERMIT_AUTH_DESTINATION,
    RESTRICTION_CHECK_CLIENT_ACCESS,
    RESTRICTION_CHECK_HELO_ACCESS,
    RESTRICTION_CHECK_SENDER_ACCESS,
    RESTRICTION_CHECK_RECIPIENT_ACCESS,
    RESTRICTION_CHECK_ETRN_ACCESS,
    RESTRICTION_REJECT_UNLISTED_SENDER,
    RESTRICTION_REJECT_UNLISTED_RECIPIENT,
    RESTRICTION_REJECT_UNVERIFIED_SENDER,
    RESTRICTION_REJECT_UNVERIFIED_RECIPIENT,
    RESTRICTION_CHECK_RECIPIENT_MAPS,
    RESTRICTION_CHECK_ADDRESS_MAP, /* of local_header_rewrite_clients */
    RESTRICTION_SLEEP,
    RESTRICTION_CHECK_POLICY_SERVICE,
    RESTRICTION_WORDS,
};

/* Without regard to case; RESTRICTION_WORDS if it is none. */
enum restriction_word restriction_word_find(struct str text);

/* One of those of which the relay or recipient restrictions must have one, or every stranger could relay. */
bool restriction_word_stops_relaying(enum restriction_word word);

#endif
