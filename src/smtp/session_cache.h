/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SESSION_CACHE_H
#define SMTP_SESSION_CACHE_H

#include "base/str.h"

#include <stdbool.h>

/*
 * session_cache - sessions that have carried a message and may carry the next one for the same next hop.
 *
 * Limits: an unused one is kept for smtp_connection_cache_time_limit, at most connection_cache_ttl_limit; one is used
 * again for smtp_connection_reuse_time_limit and smtp_connection_reuse_count_limit messages.
 */
struct session_cache;
struct smtp;
struct smtp_session;

struct session_cache *session_cache_create(struct smtp *smtp);
/* After session_cache_stop. Leaves *cache NULL; NULL is fine. */
void session_cache_destroy(struct session_cache **cache);

/* key: see session_key. The one used last, still alive as far as can be seen; NULL if there is none. The caller has it
 * from now on. */
struct smtp_session *session_cache_take(struct session_cache *cache, struct str key);
/*
 * Keeps it if the limits allow and it will be of use (more mail waits for its next hop, or that is listed), else closes
 * it. Leaves *session NULL.
 */
void session_cache_put(struct session_cache *cache, struct smtp_session **session, bool has_more);
/* Closes what is in it, and from now on all that is put. In a fiber. */
void session_cache_stop(struct session_cache *cache);

#endif
