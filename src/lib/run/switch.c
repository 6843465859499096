/* SPDX-License-Identifier: Apache-2.0 */
#include "run/switch.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* RUN_GENERIC_SWITCH: the way of other machines, to try it on these. */
#if defined(__x86_64__) && !defined(RUN_GENERIC_SWITCH)

void switch_begin(void);

/* The frame that switch_stacks takes off: control words, r15 to r12, rbx, rbp, return address. */
void *switch_prepare(char *low, char *high, void (*entry)(void *argument), void *argument)
{
    enum { WORDS = 8 };
    uint64_t *frame = (uint64_t *) (void *) (high - WORDS * sizeof(uint64_t));
    uint32_t control[2] = { 0x1f80, 0x037f }; /* the defaults of MXCSR and the x87 control word */

    (void) low;
    memset(frame, 0, WORDS * sizeof(uint64_t));
    memcpy(&frame[0], control, sizeof control);
    frame[4] = (uint64_t) (uintptr_t) argument;
    frame[5] = (uint64_t) (uintptr_t) entry;
    frame[7] = (uint64_t) (uintptr_t) switch_begin;
    return frame;
}

#elif defined(__aarch64__) && !defined(RUN_GENERIC_SWITCH)

void switch_begin(void);

void *switch_prepare(char *low, char *high, void (*entry)(void *argument), void *argument)
{
    enum { WORDS = 20 };
    uint64_t *frame = (uint64_t *) (void *) (high - WORDS * sizeof(uint64_t));

    (void) low;
    memset(frame, 0, WORDS * sizeof(uint64_t));
    frame[0] = (uint64_t) (uintptr_t) entry;
    frame[1] = (uint64_t) (uintptr_t) argument;
    frame[11] = (uint64_t) (uintptr_t) switch_begin;
    return frame;
}

#else

#include "base/check.h"

#include <ucontext.h>

/* The context lies on the stack that it leaves, so it lives exactly as long as it is needed. */
void switch_stacks(void **from_out, void *to)
{
    ucontext_t here;

    *from_out = &here;
    CHECK(swapcontext(&here, to) == 0);
}

struct beginning {
    void (*entry)(void *argument);
    void *argument;
};

/* makecontext passes ints only. */
static void begin(int high_half, int low_half)
{
    uintptr_t address = ((uintptr_t) (unsigned) high_half << 16 << 16) | (unsigned) low_half;
    struct beginning *beginning = (struct beginning *) address;

    beginning->entry(beginning->argument);
}

void *switch_prepare(char *low, char *high, void (*entry)(void *argument), void *argument)
{
    struct beginning *beginning = (struct beginning *) (void *) (high - 64);
    ucontext_t *context = (ucontext_t *) (void *) (high - 64 - (sizeof *context + 15) / 16 * 16);

    *beginning = (struct beginning){ entry, argument };
    CHECK(getcontext(context) == 0);
    context->uc_stack.ss_sp = low;
    context->uc_stack.ss_size = (size_t) ((char *) context - low);
    context->uc_link = NULL;
    makecontext(context, (void (*)(void)) begin, 2, (int) ((uintptr_t) beginning >> 16 >> 16),
                (int) (uintptr_t) beginning);
    return context;
}

#endif
