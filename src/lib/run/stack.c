/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stack.h"

#include "base/check.h"
#include "run/tools.h"

#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    STACK_SIZE = 64 * 1024 * TOOLS_STACK_FACTOR,
    GUARD_SIZE = 16 * 1024, /* more than a page: a frame may be larger than one */
    WARM_SIZE = 8 * 1024,   /* what an idle fiber touches: kept when deep pages go */
    WARM_STACKS = 96,       /* 6 MB at most, kept as they are */
    IDLE_STACKS = 1024,
};

NO_RETURN static void no_memory(void)
{
    static const char text[] = "fatal: no memory for another stack (see vm.max_map_count)\n";

    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(EX_TEMPFAIL);
    _exit(EX_TEMPFAIL);
}

static struct stack *stack_map(void)
{
    size_t size = GUARD_SIZE + STACK_SIZE;
    char *base =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    struct stack *stack;

    if (base == MAP_FAILED || mprotect(base, GUARD_SIZE, PROT_NONE) != 0)
        no_memory();
    stack = (struct stack *) (void *) (base + size - (sizeof *stack + 63) / 64 * 64);
    stack->base = base;
    stack->size = size;
    list_init(&stack->link);
    stack->valgrind_id = tools_register_stack(stack_low(stack), stack_high(stack));
    return stack;
}

static void stack_unmap(struct stack *stack)
{
    tools_forget_stack(stack->valgrind_id);
    munmap(stack->base, stack->size);
}

void stack_pool_init(struct stack_pool *pool)
{
    list_init(&pool->idle);
    pool->idle_count = 0;
    pool->warm_count = 0;
}

static struct stack *take_idle(struct stack_pool *pool)
{
    struct stack *stack = CONTAINER_OF(pool->idle.next, struct stack, link);

    list_remove(&stack->link);
    pool->idle_count--;
    if (stack->is_warm)
        pool->warm_count--;
    stack->is_warm = false;
    return stack;
}

void stack_pool_done(struct stack_pool *pool)
{
    while (pool->idle_count > 0)
        stack_unmap(take_idle(pool));
}

struct stack *stack_get(struct stack_pool *pool)
{
    struct stack *stack = pool->idle_count > 0 ? take_idle(pool) : stack_map();

    tools_stack_is_fresh(stack_low(stack), (size_t) (stack_high(stack) - stack_low(stack)));
    memset(stack_owner(stack), 0, STACK_OWNER_SIZE);
    return stack;
}

void stack_put(struct stack_pool *pool, struct stack *stack)
{
    if (pool->idle_count >= IDLE_STACKS) {
        stack_unmap(stack);
        return;
    }
    pool->idle_count++;
    stack->is_warm = pool->warm_count < WARM_STACKS;
    if (stack->is_warm) {
        pool->warm_count++;
        list_prepend(&pool->idle, &stack->link);
        return;
    }
    madvise(stack_low(stack), (size_t) (stack->base + stack->size - WARM_SIZE - stack_low(stack)), MADV_DONTNEED);
    list_append(&pool->idle, &stack->link);
}

char *stack_low(const struct stack *stack)
{
    return stack->base + GUARD_SIZE;
}

void *stack_owner(struct stack *stack)
{
    return (char *) stack - STACK_OWNER_SIZE;
}

char *stack_high(const struct stack *stack)
{
    return (char *) stack - STACK_OWNER_SIZE;
}
