/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_SWITCH_H
#define RUN_SWITCH_H

/*
 * switch - from one stack to another. Assembly for x86-64 and aarch64, swapcontext elsewhere: longjmp between
 * stacks aborts under _FORTIFY_SOURCE, and swapcontext makes a system call each time.
 */

/* Saves the running context, puts what leads back to it in *from_out, and goes on where to was saved. */
void switch_stacks(void **from_out, void *to);

/* A context that calls entry(argument), which never returns, on the stack from low to high; to be switched to once. */
void *switch_prepare(char *low, char *high, void (*entry)(void *argument), void *argument);

#endif
