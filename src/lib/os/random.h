/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* random - the kernel's random bytes. Cannot fail on the systems we run on; a kernel without ends the process. */
void random_bytes(void *data, size_t size);
uint64_t random_uint64(void);
/* Evenly from 0 to below - 1; below must not be 0. */
uint64_t random_below(uint64_t below);

#endif
