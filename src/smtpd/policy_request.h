/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_POLICY_REQUEST_H
#define SMTPD_POLICY_REQUEST_H

#include "base/str.h"

struct arena;
struct check;

/*
 * policy_request - what a policy server is told, in the form that is sent: "request=smtpd_access_policy", then every
 * attribute that Postfix has, in its order, empty where nothing is known; an empty line at the end.
 *
 * context: policy_context. Addresses are in internal form; no value holds a line end.
 */
struct str policy_request_make(const struct check *check, struct str context, struct arena *arena);

#endif
