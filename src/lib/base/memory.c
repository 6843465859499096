/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include "base/compiler.h"
#include "base/last_words.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* What the heap keeps at hand for the thread (its tcache); calloc takes nothing from there. */
enum { SMALL = 1032 };

NO_RETURN static void out_of_memory(void)
{
    last_words("fatal: out of memory");
    _exit(EX_TEMPFAIL);
}

void *memory_alloc(size_t size)
{
    return memory_alloc_array(1, size);
}

void *memory_alloc_array(size_t count, size_t size)
{
    size_t total;
    void *block;

    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory();
    if (total > SMALL) {
        block = calloc(1, total);
    } else {
        block = malloc(total > 0 ? total : 1);
        if (block != NULL)
            memset(block, 0, total);
    }
    if (block == NULL)
        out_of_memory();
    return block;
}

void *memory_resize(void *block, size_t size)
{
    void *moved = realloc(block, size > 0 ? size : 1);

    if (moved == NULL)
        out_of_memory();
    return moved;
}

void memory_free(void *block)
{
    free(block);
}
