/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_PROXY_XFORWARD_H
#define SMTPD_PROXY_XFORWARD_H

#include "base/strlist.h"

struct session;

/*
 * proxy_xforward - XFORWARD for a proxy filter: where the message comes from, which is who XFORWARD said that it is, or
 * the client.
 */

/* Bits of 1 << enum client_attribute that the reply to EHLO names behind XFORWARD. Lines with their code. */
unsigned proxy_xforward_parse(const struct strlist *lines);

/*
 * The commands, without line ends, in arena: as many as it takes to keep each within what a server must take (RFC 5321
 * section 4.5.3.1.4). What is not known is "[UNAVAILABLE]".
 */
struct strlist proxy_xforward_commands(const struct session *session, unsigned known, struct arena *arena);

#endif
