/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_RATES_H
#define SMTPD_RATES_H

#include "base/compiler.h"
#include "protocol/anvil.h"

#include <stdbool.h>

struct session;

/*
 * rates - the limits of what one client may do (smtpd_client_*_limit), by numbers that anvil keeps for all processes.
 * Asked is only for what has a limit, and never for clients in smtpd_client_event_limit_exceptions or that may use
 * XCLIENT. Where anvil does not answer, the log says so once in a while, and there are no limits.
 */
struct rates {
    bool is_limited;      /* the client is none of the exceptions */
    bool is_unknown;      /* anvil did not answer: this session asks no more */
    uint64_t connections; /* of the client, at the beginning; 0: not counted */
    struct call *call;    /* to anvil; NULL: nothing was counted yet */
};

/* False when it was answered that the client has too many connections, or opens them too often. */
MUST_USE bool rates_allow_connection(struct session *session);
/* False when it was answered that there is too much of the kind. */
MUST_USE bool rates_allow(struct session *session, enum anvil_kind kind);
/* False: the client has begun too many TLS sessions already. Nothing is counted, answered or logged. */
MUST_USE bool rates_may_begin_tls(struct session *session);
/* A new TLS session. False when it was answered that there are too many; logged. */
MUST_USE bool rates_count_tls_session(struct session *session);
/* The connection is over, as far as it was counted. */
void rates_end(struct rates *rates);

#endif
