/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_CACHE_H
#define TABLE_CACHE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"

#include <sys/types.h>

/*
 * cache - what a service has learned and would have to ask for again: kept in an LMDB file beside the process, or, with
 * an empty name, in memory.
 *
 * A put is seen at once and written within a second, together with others, by a thread of its own: after a crash the
 * last second is missing, and nothing else. A file that is damaged all the same is thrown away, with a warning, and
 * begun anew: cache_prepare looks through it in a child process, which may die of what it reads. Whoever keeps a
 * cache must be able to live without it. One process at a time.
 */
struct cache;
struct loop;

enum { CACHE_KEY_MAX = 500 };

/*
 * Before the jail. name: "lmdb:/path" (the file is /path.lmdb) or empty. hash: and btree: mean an lmdb: file of that
 * name, and memcache: the file that is its backup, or none; warn is told of that, and of damage. Looks at an existing
 * file as uid and gid.
 */
MUST_USE bool cache_prepare(struct loop *loop, struct str name, uid_t uid, gid_t gid, void (*warn)(const char *text),
                            struct cache **cache_out, struct failure *why);
/*
 * Before the jail, as the owner: for a process whose jail does not have the file. What is damaged later is then kept in
 * memory, and begun anew by the next process.
 */
MUST_USE bool cache_open_early(struct cache *cache, uid_t uid, gid_t gid, struct failure *why);
/* In the jail: opens the file, or makes it, unless it is open. On failure the cache works in memory. */
MUST_USE bool cache_open(struct cache *cache, struct failure *why);
/* In a fiber, writes what is not written, and waits for that. Leaves *cache NULL. */
void cache_close(struct cache **cache);

/* "lmdb:/path", or empty; for messages. */
struct str cache_name(const struct cache *cache);

/* False if there is no such entry. The value lives in arena. A key longer than CACHE_KEY_MAX is never there. */
bool cache_get(struct cache *cache, struct str key, struct arena *arena, struct str *value_out);
void cache_put(struct cache *cache, struct str key, struct str value);
void cache_remove(struct cache *cache, struct str key);

/* Each entry once, those that come meanwhile perhaps. Others run in between; visit itself must not wait. */
void cache_walk(struct cache *cache, bool (*visit)(void *context, struct str key, struct str value), void *context);
/* What is put is written now, not in a second. Waits. */
void cache_flush(struct cache *cache);

#endif
