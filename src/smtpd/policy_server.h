/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_POLICY_SERVER_H
#define SMTPD_POLICY_SERVER_H

#include "base/failure.h"
#include "base/str.h"

struct check;
struct smtpd;

/*
 * policy_server - what check_policy_service asks: a program behind a socket that is told all that is known of the
 * client and its message, as lines of name=value with an empty one at the end, and answers "action=..." the same way.
 *
 *   check_policy_service inet:127.0.0.1:10023
 *   check_policy_service { unix:private/policy, timeout=10s, default_action=DUNNO, policy_context=submission }
 *
 * Connections are kept between questions, as many as there are sessions that ask at once, for max_idle unused, max_ttl
 * in all and request_limit questions. A question is asked try_limit times in all, retry_delay apart; the time limit is
 * for connecting and for each read or write. Where no answer comes the log says why, and the default action is taken.
 */
struct policy_server;

/*
 * Before the jail. text: a place, or a place and settings in braces; what is not set there is as smtpd_policy_service_*
 * says. A text that was parsed before gives the same server. NULL: it cannot be one.
 */
struct policy_server *policy_server_open(struct smtpd *smtpd, struct str text, struct failure *why);
/* "inet:127.0.0.1:10023" */
struct str policy_server_place(const struct policy_server *server);
/* The action to take, of access(5), in the command's arena. Waits. */
struct str policy_server_ask(struct policy_server *server, const struct check *check);

/* Closes connections; no question may be under way. In a fiber. */
void policy_servers_close(struct smtpd *smtpd);

#endif
