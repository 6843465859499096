/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_KEPT_SESSIONS_H
#define TLS_KEPT_SESSIONS_H

#include "protocol/tlsmgr.h"
#include "tls/sessions.h"

struct loop;

/*
 * kept_sessions - the store of sessions that processes share: tlsmgr's. While it cannot be asked there are none, which
 * is told once, and handshakes are full ones.
 */
struct kept_sessions;

/* The endpoint and the listener live as long as it. */
struct kept_sessions *kept_sessions_create(struct loop *loop, struct endpoint *tlsmgr, enum tlsmgr_cache cache,
                                           const struct tls_listener *listener);
/* In a fiber it waits for what is being kept, for a moment. Leaves *sessions NULL; NULL is fine. */
void kept_sessions_destroy(struct kept_sessions **sessions);
struct tls_session_store kept_sessions_store(struct kept_sessions *sessions);

#endif
