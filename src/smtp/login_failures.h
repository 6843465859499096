/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_LOGIN_FAILURES_H
#define SMTP_LOGIN_FAILURES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"

struct daemon;

/*
 * login_failures - logins that a server has refused for good, in a table that all processes share by proxywrite
 * (smtp_sasl_auth_cache_name). An entry is of server and user, with when, the password's digest and the reply. A table
 * that cannot be asked or changed is told of in the log, and the login tried.
 */
struct login_failures;

struct login_failures_options {
    struct str name; /* "proxy:type:path" */
    struct duration lifetime;
    const char *parameter; /* for messages */
};

/* Before the jail. False: no proxy: in front. *failures_out stays NULL with an empty name. */
MUST_USE bool login_failures_open(const struct login_failures_options *options, struct daemon *daemon,
                                  struct login_failures **failures_out, struct failure *why);
/* In the jail; NULL is fine. */
void login_failures_start(struct login_failures *failures, struct daemon *daemon);

/* Whether this password was refused not long ago; reply_out is what the server said. Waits. NULL is fine: false. */
bool login_failures_has(struct login_failures *failures, struct str host, struct str username, struct str password,
                        struct arena *arena, struct str *reply_out);
void login_failures_add(struct login_failures *failures, struct str host, struct str username, struct str password,
                        struct str reply);

/* One entry's text, for the above and its tests. */
struct str login_failure_format(struct arena *arena, struct instant when, struct str password, struct str reply);
bool login_failure_fits(struct str text, struct instant now, struct duration lifetime, struct str password,
                        struct str *reply_out);

#endif
