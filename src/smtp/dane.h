/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_DANE_H
#define SMTP_DANE_H

#include "smtp/encryption_policy.h"

struct smtp;
struct target;
struct tls_client;
struct trouble;

/*
 * dane - what the levels dane and dane-only mean with one host, by what the DNS has proved of it (RFC 7672
 * section 2.2).
 *
 * An answer that is forged, or missing, never makes a level weaker: the host is not used, and the next one is tried.
 */

/*
 * Puts the level that holds with that host, and its TLSA records, in the policy's place; other levels stay as they are.
 * Waits for the DNS. client NULL: there is no TLS. False: the host is not to be used now; logs why.
 */
MUST_USE bool dane_decide(const struct smtp *smtp, const struct tls_client *client, struct str nexthop,
                          const struct target *target, struct arena *arena, struct encryption_policy *policy,
                          struct trouble *trouble_out);

#endif
