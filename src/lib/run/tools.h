/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_TOOLS_H
#define RUN_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

/* tools - what AddressSanitizer and valgrind must be told about stacks that are switched. Nothing without them. */

#if defined(__SANITIZE_ADDRESS__)
#define RUN_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RUN_HAS_ASAN 1
#endif
#endif

#ifdef RUN_HAS_ASAN

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Frames are several times larger with red zones. */
enum { TOOLS_STACK_FACTOR = 4 };

static inline void tools_start_switch(void **fake_stack_out, const void *bottom, size_t size)
{
    __sanitizer_start_switch_fiber(fake_stack_out, bottom, size);
}

static inline void tools_finish_switch(void *fake_stack, const void **bottom_out, size_t *size_out)
{
    __sanitizer_finish_switch_fiber(fake_stack, bottom_out, size_out);
}

static inline void tools_stack_is_fresh(void *low, size_t size)
{
    __asan_unpoison_memory_region(low, size);
}

#else

enum { TOOLS_STACK_FACTOR = 1 };

static inline void tools_start_switch(void **fake_stack_out, const void *bottom, size_t size)
{
    (void) fake_stack_out;
    (void) bottom;
    (void) size;
}

static inline void tools_finish_switch(void *fake_stack, const void **bottom_out, size_t *size_out)
{
    (void) fake_stack;
    (void) bottom_out;
    (void) size_out;
}

static inline void tools_stack_is_fresh(void *low, size_t size)
{
    (void) low;
    (void) size;
}

#endif

#if __has_include(<valgrind/valgrind.h>)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <valgrind/valgrind.h>
#pragma GCC diagnostic pop

static inline unsigned tools_register_stack(char *low, char *high)
{
    return VALGRIND_STACK_REGISTER(low, high);
}

static inline void tools_forget_stack(unsigned id)
{
    VALGRIND_STACK_DEREGISTER(id);
}

/* Whether what the process uses is what it would use without such a tool. */
static inline bool tools_are_absent(void)
{
    return TOOLS_STACK_FACTOR == 1 && RUNNING_ON_VALGRIND == 0;
}

#else

static inline unsigned tools_register_stack(char *low, char *high)
{
    (void) low;
    (void) high;
    return 0;
}

static inline void tools_forget_stack(unsigned id)
{
    (void) id;
}

static inline bool tools_are_absent(void)
{
    return TOOLS_STACK_FACTOR == 1;
}

#endif

#endif
