/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_NOTIFIER_H
#define CLEANUP_NOTIFIER_H

#include "spool/journal_writer.h"

/*
 * notifier - tells the queue manager how far each journal segment is durable.
 *
 * One call to public/qmgr stays open; notices are merged while it is busy, and all of them are repeated whenever it
 * opens again, so none can be lost. When the queue manager is away nothing else waits: it finds the messages when it
 * starts.
 */
struct endpoint;
struct loop;
struct notifier;

/* Starts its fibers. */
struct notifier *notifier_start(struct loop *loop, struct endpoint *qmgr, struct duration timeout);
/* For journal_events; may be called outside of fibers. */
void notifier_segment(struct notifier *notifier, const struct journal_notice *notice);
void notifier_file(struct notifier *notifier, struct queue_id id);
/* Sends what is waiting if it can, and ends the fibers. In a fiber. */
void notifier_stop(struct notifier **notifier);

#endif
