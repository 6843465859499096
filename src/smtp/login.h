/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_LOGIN_H
#define SMTP_LOGIN_H

#include "base/failure.h"
#include "base/str.h"

#include <stdbool.h>

struct arena;
struct daemon;
struct session_purpose;
struct smtp;
struct smtp_session;
struct trouble;

/*
 * login - logging in at the servers that mail is relayed by (RFC 4954): who we are there (smtp_sasl_password_maps),
 * by which of their mechanisms, and what came of it.
 *
 * A server that offers no AUTH, or that the tables do not know, is used without. A login that fails makes the server
 * one that cannot be used: mail waits, or goes to the next one. With smtp_sasl_auth_cache_name a user and password that
 * a server has refused for good are not tried there again for a while; of the password a digest is kept.
 */
struct login;

/* Before the jail, where smtp_sasl_auth_enable says so: plug-ins and tables. NULL: the configuration is wrong. */
struct login *login_open(const struct smtp *smtp, struct daemon *daemon, struct failure *why);
/* In the jail. NULL is fine, here and in login_stop. */
void login_start(struct login *login, struct daemon *daemon);
void login_stop(struct login *login);

/* With smtp_sender_dependent_authentication: who the sender is at a server. Sets key and sender_login of the purpose.
 */
void login_find_sender(struct login *login, struct session_purpose *purpose, struct arena *arena);

/*
 * Whether there may be a password for the server: then what was to be encrypted is not tried in clear. A table that
 * cannot be asked may have one. login NULL: there is none.
 */
MUST_USE bool login_may_have_password(struct login *login, const struct smtp_session *session,
                                      const struct session_purpose *purpose, struct arena *arena);

/* After EHLO. False: this server is not to be used, and why. May wait. */
MUST_USE bool login_run(struct login *login, struct smtp_session *session, const struct session_purpose *purpose,
                        struct arena *arena, struct trouble *trouble_out);

#endif
