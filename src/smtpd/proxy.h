/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_PROXY_H
#define SMTPD_PROXY_H

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>

struct session;

/*
 * proxy - with smtpd_upstream_proxy_protocol = haproxy, hosts in smtpd_upstream_proxy_networks send a PROXY header in
 * front of each connection that they pass on, and the peer is who it names. All others are plain clients, and one that
 * sends a header all the same is sent away: nobody shall be somebody else because he says so.
 */

/* Before the greeting: waits for the header, where one is due. False, logged, when none comes that can be used. */
MUST_USE bool proxy_receive(struct session *session);

/* A client's first line. True, logged, for a header from one that may send none: it is to be dropped. */
bool proxy_is_forged(struct session *session, struct str line);

#endif
