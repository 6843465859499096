/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/*
 * memory - the heap. No call returns NULL: when memory is short the process ends with status 75
 * and a line on standard error, and master starts it again (the queue is the memory that counts).
 * Use an arena where a lifetime has a name; plain heap only in containers that shrink while alive.
 */

/* Zeroed. A size of 0 gives a pointer that may be freed. */
void *memory_alloc(size_t size);

/* Zeroed; the product is checked. */
void *memory_alloc_array(size_t count, size_t size);

/* What lies beyond the old size is not set. */
void *memory_resize(void *block, size_t size);

/* NULL is fine. */
void memory_free(void *block);

#endif
