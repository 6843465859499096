/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_POLICY_SERVICE_H
#define CONFIG_POLICY_SERVICE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"

/*
 * policy_service - what stands behind check_policy_service, read without asking anybody: smtpd opens it, and the checks
 * of a configuration judge it.
 *
 *   inet:127.0.0.1:10023
 *   { unix:private/policy, timeout=10s, default_action=DUNNO, policy_context=submission }
 */
struct policy_settings {
    struct duration timeout;
    struct duration max_idle;
    struct duration max_ttl;
    struct duration retry_delay;
    int try_limit;     /* from 1 */
    int request_limit; /* 0: none */
    struct str default_action;
    struct str context;
};

struct policy_service {
    struct str place; /* as written: "inet:127.0.0.1:10023" */
    struct str name;  /* of the place, in log lines: "127.0.0.1:10023", "private/policy"; a Unix socket's path */
    struct str host;  /* empty: a Unix socket */
    unsigned port;
    struct policy_settings settings;
};

/*
 * text: a place, or a place and settings in braces; what is not set there is as in defaults. All memory is the arena's.
 * The failure says what is wrong with the text.
 */
MUST_USE bool policy_service_parse(struct str text, const struct policy_settings *defaults, struct arena *arena,
                                   struct policy_service *service_out, struct failure *why);

#endif
