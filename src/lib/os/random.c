/* SPDX-License-Identifier: Apache-2.0 */
#include "os/random.h"

#include "base/check.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t count = getrandom((char *) data + done, size - done, 0);

        CHECK(count > 0 || errno == EINTR);
        done += count > 0 ? (size_t) count : 0;
    }
}

uint64_t random_uint64(void)
{
    uint64_t value;

    random_bytes(&value, sizeof value);
    return value;
}

uint64_t random_below(uint64_t below)
{
    uint64_t value, first_uneven;

    CHECK(below > 0);
    /* What lies above the last whole multiple would favour small numbers. */
    first_uneven = UINT64_MAX - UINT64_MAX % below;
    do {
        value = random_uint64();
    } while (value >= first_uneven);
    return value % below;
}
