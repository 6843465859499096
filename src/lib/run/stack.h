/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_STACK_H
#define RUN_STACK_H

#include "base/failure.h"
#include "base/list.h"

/*
 * stack - the stacks of fibers: mapped with a guard below, pooled. The struct lives at the stack's own upper
 * end, so that a sleeping fiber touches one page or two. Some stacks of the pool stay warm, and are taken
 * first; those beyond give their deep pages back, and beyond that they are unmapped.
 */
struct stack {
    struct list link;
    char *base; /* of the mapping: the guard */
    size_t size;
    unsigned valgrind_id;
    bool is_warm; /* idle, with all its pages */
};

struct stack_pool {
    struct list idle; /* the warm ones first */
    size_t idle_count;
    size_t warm_count;
};

void stack_pool_init(struct stack_pool *pool);
void stack_pool_done(struct stack_pool *pool);

/* Ends the process when there is no memory. */
struct stack *stack_get(struct stack_pool *pool);
void stack_put(struct stack_pool *pool, struct stack *stack);

/* Where the fiber's frames may be: from low to high, high aligned to 16. */
char *stack_low(const struct stack *stack);
char *stack_high(const struct stack *stack);

/* For the caller's own struct, above the frames; zeroed when the stack is got. */
enum { STACK_OWNER_SIZE = 256 };
void *stack_owner(struct stack *stack);

#endif
