/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

/*
 * arena - memory with one named lifetime (process, session, transaction, request), ended by one call.
 *
 * What it gives is zeroed, aligned for anything, and never freed alone. Never returns NULL.
 */
struct arena;

struct arena *arena_create(void);
/* Leaves *arena NULL; a NULL arena is fine. Fits CLEANUP(). */
void arena_destroy(struct arena **arena);
/* Ends all that was given and keeps the first block for what comes. */
void arena_reset(struct arena *arena);
/* Bytes taken from the heap, for limits. */
size_t arena_size(const struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
#define arena_new(arena, type) ((type *) arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, count, type) ((type *) arena_alloc_array((arena), (count), sizeof(type)))

/* A copy; a NUL that is not counted follows it. */
struct str arena_str(struct arena *arena, struct str text);
char *arena_c(struct arena *arena, struct str text);
/* Lower-cased copy (ASCII). */
struct str arena_lower(struct arena *arena, struct str text);
/* Both, one behind the other, as arena_str. */
struct str arena_join(struct arena *arena, struct str first, struct str second);
PRINTF_LIKE(2, 3) struct str arena_printf(struct arena *arena, const char *format, ...);

#endif
