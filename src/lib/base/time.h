/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * time - spans and points of time, in microseconds inside so that they cannot be mistaken for counts.
 * An instant is wall-clock time since 1970; for deadlines use clock_monotonic, whose instants only
 * compare among themselves.
 */
struct duration {
    int64_t us;
};

struct instant {
    int64_t us;
};

#define DURATION_FOREVER ((struct duration){ INT64_MAX })

static inline struct duration seconds(int64_t n)
{
    return (struct duration){ n * 1000000 };
}

static inline struct duration milliseconds(int64_t n)
{
    return (struct duration){ n * 1000 };
}

static inline int64_t duration_seconds(struct duration d)
{
    return d.us / 1000000;
}

static inline struct instant instant_from_seconds(int64_t n)
{
    return (struct instant){ n * 1000000 };
}

static inline int64_t instant_seconds(struct instant t)
{
    return t.us / 1000000;
}

/* Saturates, so that adding DURATION_FOREVER is fine. */
static inline struct instant instant_add(struct instant t, struct duration d)
{
    struct instant sum;

    if (__builtin_add_overflow(t.us, d.us, &sum.us))
        sum.us = INT64_MAX;
    return sum;
}

static inline struct duration instant_since(struct instant later, struct instant earlier)
{
    return (struct duration){ later.us - earlier.us };
}

static inline bool instant_is_before(struct instant a, struct instant b)
{
    return a.us < b.us;
}

struct instant clock_now(void);
struct instant clock_monotonic(void);

#endif
