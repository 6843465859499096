/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PICKUP_COLLECTOR_H
#define PICKUP_COLLECTOR_H

#include "pickup/submission.h"

/*
 * collector - walks maildrop/ when it is woken, and again a few seconds later while something had to stay. Several
 * files are under way at one time, since each waits for the disk.
 */
struct collector;

/* Starts with a walk. */
struct collector *collector_start(const struct submission_ways *ways);
/* May be called outside of fibers. */
void collector_wake(struct collector *collector);
/* Finishes what is in hand. In a fiber. */
void collector_stop(struct collector **collector);

#endif
