/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_LOGIN_H
#define SMTPD_LOGIN_H

#include "auth/auth_mechanisms.h"

struct failure;
struct session;
struct smtpd;

/*
 * login - who the client has proved to be, by AUTH or by a trusted one's XCLIENT LOGIN, and whether it may prove it.
 * It lasts until the session ends, or XCLIENT or STARTTLS begins it anew.
 */
struct login {
    struct arena *arena; /* NULL: nobody is logged in */
    struct str username;
    struct str method; /* as the client spelt it: "PLAIN"; or "XCLIENT" */
};

static inline bool login_is_known(const struct login *login)
{
    return login->arena != NULL;
}

/* It says who somebody is: ANONYMOUS does not. */
bool login_proves(const struct login *login);

void login_set(struct login *login, struct str username, struct str method);
void login_forget(struct login *login);

/* Before the jail: the back end, whom it is not offered, which mechanisms are. */
MUST_USE bool login_open(struct smtpd *smtpd, struct failure *why);
void login_close(struct smtpd *smtpd);

/* AUTH is a command here and now: it is set up, not switched off for the client, and TLS is there if it must be. */
bool login_is_possible(const struct session *session);
/* And it is told of: the client is not in smtpd_sasl_exceptions_networks. */
bool login_is_announced(struct session *session);

/*
 * What may be used: what the back end offers, and settings allow. Asks the back end, which may wait. False: it cannot
 * be asked, and was never heard of; logged.
 */
MUST_USE bool login_mechanisms(struct session *session, struct auth_mechanisms *mechanisms_out);

#endif
