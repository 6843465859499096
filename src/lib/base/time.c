/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <time.h>

static struct instant read_clock(clockid_t id)
{
    struct timespec spec;

    clock_gettime(id, &spec);
    return (struct instant){ (int64_t) spec.tv_sec * 1000000 + spec.tv_nsec / 1000 };
}

struct instant clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

struct instant clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
