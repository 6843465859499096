/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_RECEIVE_OVERRIDE_H
#define CONFIG_RECEIVE_OVERRIDE_H

#include "base/failure.h"
#include "base/strlist.h"

/*
 * receive_override - receive_override_options: what a service that receives mail leaves to another, as the services
 * before and after a content filter share the work.
 */
enum receive_override {
    RECEIVE_NO_UNKNOWN_RECIPIENT_CHECKS = 1 << 0, /* smtpd takes recipients that no table knows */
    RECEIVE_NO_ADDRESS_MAPPINGS = 1 << 1,         /* no canonical, virtual, masquerading, automatic copies */
    RECEIVE_NO_HEADER_BODY_CHECKS = 1 << 2,
    RECEIVE_NO_MILTERS = 1 << 3,
};

/* A word that is none of them is a mistake: mail would be checked twice, or not at all. */
MUST_USE bool receive_override_parse(const struct strlist *words, unsigned *overrides_out, struct failure *why);

#endif
