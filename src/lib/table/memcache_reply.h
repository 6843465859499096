/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_MEMCACHE_REPLY_H
#define TABLE_MEMCACHE_REPLY_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

struct stream;

/* memcache_reply - the words of memcached's text protocol: "get" and "set", and what a server says to them. */

struct memcache_limits {
    size_t line; /* with its end */
    size_t data;
};

/* No key that memcached takes: empty, longer than 250 bytes, or with blanks or control characters. */
bool memcache_key_is_valid(struct str key);

struct str memcache_get_request(struct str key, struct arena *arena);
struct str memcache_set_request(struct str key, struct str value, unsigned flags, unsigned ttl, struct arena *arena);

/*
 * The whole answer to a get of key: *is_there_out, and the value, which lives in arena. FAILURE_PERMANENT: it makes no
 * sense, is an error of the server's, or beyond the limits. Other failures are the stream's.
 */
MUST_USE bool memcache_read_value(struct stream *stream, struct str key, const struct memcache_limits *limits,
                                  struct arena *arena, bool *is_there_out, struct str *value_out, struct failure *why);
/* The answer to a set: it is stored, or a failure as above. */
MUST_USE bool memcache_read_stored(struct stream *stream, const struct memcache_limits *limits, struct failure *why);

#endif
