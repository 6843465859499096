/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_LOGIN_H
#define AUTH_AUTH_LOGIN_H

#include "auth/auth_mechanisms.h"
#include "base/failure.h"
#include "base/time.h"

struct loop;
struct offload;

/*
 * auth_login - logging in at a server of somebody else's: the client's side of SASL (RFC 4422), by libsasl2 and its
 * plug-ins.
 *
 * An exchange is one struct auth_login. What a plug-in computes, however much a server makes it compute, is done in a
 * thread while the calling fiber waits, with a limit of time and of threads. Base64 as on the wire goes in and out.
 * The library's remarks are kept for the caller to log.
 */
struct auth_login;

struct auth_login_options {
    const char *service; /* registered name: "smtp", "lmtp" */
    struct str host;     /* the server's name, for mechanisms that prove it */
    struct str username, password;
    bool names_itself; /* the user is also who is acted for (authorization identity): send_cyrus_sasl_authzid */
    struct auth_security security;
};

struct auth_step {
    struct str mechanism; /* of the start: "PLAIN" */
    bool has_response;    /* of the start: there is an initial response, perhaps an empty one */
    struct str response;  /* base64 */
};

/* Loads the plug-ins, once, before the jail. */
MUST_USE bool auth_login_load(struct failure *why);
/* For all exchanges of a process: at most some compute at one time. offload_destroy ends it. */
struct offload *auth_login_threads(struct loop *loop);

/* Copies what options has. */
struct auth_login *auth_login_create(const struct auth_login_options *options);
/* Leaves *login NULL; NULL is fine. The password is wiped. */
void auth_login_destroy(struct auth_login **login);

/*
 * Chooses among the mechanisms, names with blanks between them. The step's texts live until the next call. False: why
 * has the library's words ("no mechanism available"). Both may have left *login NULL after a failure: time ran out.
 */
MUST_USE bool auth_login_start(struct auth_login **login, struct offload *threads, struct str mechanisms,
                               struct duration timeout, struct auth_step *step_out, struct failure *why);
/* challenge: what stood behind 334. */
MUST_USE bool auth_login_continue(struct auth_login **login, struct offload *threads, struct str challenge,
                                  struct duration timeout, struct auth_step *step_out, struct failure *why);

/* What the library has complained of since the start: "SASL authentication failure: No worthy mechs found"; or empty.
 */
struct str auth_login_remark(const struct auth_login *login);

#endif
