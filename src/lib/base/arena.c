/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

/* The first block is of a size that the heap has at hand. */
enum { FIRST_SIZE = 992, BLOCK_SIZE = 2048, LARGEST_SHARED = 512 };

struct block {
    struct block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char data[];
};

/* The first block is the one being filled; a large piece has a block of its own behind it. */
struct arena {
    struct block *blocks;
    size_t size;
};

static struct block *block_create(struct arena *arena, size_t size)
{
    struct block *block = memory_resize(NULL, sizeof *block + size);

    block->next = NULL;
    block->size = size;
    block->used = 0;
    arena->size += sizeof *block + size;
    return block;
}

struct arena *arena_create(void)
{
    return memory_alloc(sizeof(struct arena));
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;

        memory_free(block);
        block = next;
    }
}

void arena_destroy(struct arena **arena)
{
    if (*arena == NULL)
        return;
    free_blocks((*arena)->blocks);
    memory_free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    struct block *first = arena->blocks;

    if (first == NULL)
        return;
    if (first->size > BLOCK_SIZE) {
        free_blocks(first);
        *arena = (struct arena){ 0 };
        return;
    }
    free_blocks(first->next);
    first->next = NULL;
    first->used = 0;
    arena->size = sizeof *first + first->size;
}

size_t arena_size(const struct arena *arena)
{
    return arena->size;
}

static void *take(struct block *block, size_t size)
{
    void *piece = block->data + block->used;

    block->used += size;
    return piece;
}

static void *alloc_apart(struct arena *arena, size_t size)
{
    struct block *block = block_create(arena, size);

    if (arena->blocks == NULL) {
        arena->blocks = block;
    } else {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    }
    return take(block, size);
}

/* Not zeroed. */
static void *alloc_raw(struct arena *arena, size_t size)
{
    size_t rounded;

    CHECK(size < SIZE_MAX / 2);
    rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded > LARGEST_SHARED)
        return alloc_apart(arena, rounded);
    if (arena->blocks == NULL || arena->blocks->size - arena->blocks->used < rounded) {
        struct block *block = block_create(arena, arena->blocks == NULL ? FIRST_SIZE : BLOCK_SIZE);

        block->next = arena->blocks;
        arena->blocks = block;
    }
    return take(arena->blocks, rounded);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *piece = alloc_raw(arena, size);

    memset(piece, 0, size);
    return piece;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    CHECK(!__builtin_mul_overflow(count, size, &total));
    return arena_alloc(arena, total);
}

char *arena_c(struct arena *arena, struct str text)
{
    char *copy = alloc_raw(arena, text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

struct str arena_str(struct arena *arena, struct str text)
{
    return str_make(arena_c(arena, text), text.len);
}

struct str arena_join(struct arena *arena, struct str first, struct str second)
{
    size_t len = first.len + second.len;
    char *text = arena_alloc(arena, len + 1);

    if (first.len > 0)
        memcpy(text, first.data, first.len);
    if (second.len > 0)
        memcpy(text + first.len, second.data, second.len);
    text[len] = '\0';
    return str_make(text, len);
}

struct str arena_lower(struct arena *arena, struct str text)
{
    char *copy = arena_c(arena, text);

    for (size_t i = 0; i < text.len; i++)
        copy[i] = char_to_lower(copy[i]);
    return str_make(copy, text.len);
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    char space[256];
    va_list args;
    char *text;
    int len;

    va_start(args, format);
    len = vsnprintf(space, sizeof space, format, args);
    va_end(args);
    CHECK(len >= 0);
    if ((size_t) len < sizeof space)
        return arena_str(arena, str_make(space, (size_t) len));
    text = alloc_raw(arena, (size_t) len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t) len + 1, format, args);
    va_end(args);
    return str_make(text, (size_t) len);
}
