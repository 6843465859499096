/* SPDX-License-Identifier: Apache-2.0 */
#include "master/throttle.h"

static const struct duration window = { 10 * 1000000 };
static const struct duration first_pause = { 1000000 };

static void remember(struct throttle *throttle, struct instant now)
{
    for (int i = THROTTLE_DEATHS - 1; i > 0; i--)
        throttle->deaths[i] = throttle->deaths[i - 1];
    throttle->deaths[0] = now;
}

static bool dies_often(const struct throttle *throttle, struct instant now)
{
    struct instant oldest = throttle->deaths[THROTTLE_DEATHS - 1];

    return oldest.us != 0 && instant_since(now, oldest).us <= window.us;
}

struct duration throttle_add_death(struct throttle *throttle, struct instant started, struct instant now,
                                   struct duration limit)
{
    bool was_paused = throttle->pause.us > 0;

    if (instant_is_before(started, throttle->deaths[0]))
        return (struct duration){ 0 };
    remember(throttle, now);
    if (was_paused && instant_since(now, throttle->until).us <= window.us)
        throttle->pause.us *= 2;
    else if (dies_often(throttle, now))
        throttle->pause = first_pause;
    else
        throttle->pause.us = 0;
    if (throttle->pause.us > limit.us)
        throttle->pause = limit;
    throttle->until = instant_add(now, throttle->pause);
    return throttle->pause;
}

bool throttle_is_paused(const struct throttle *throttle, struct instant now)
{
    return throttle->pause.us > 0 && instant_is_before(now, throttle->until);
}

void throttle_reset(struct throttle *throttle)
{
    *throttle = (struct throttle){ 0 };
}
