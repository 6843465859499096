/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_NOTIFIER_H
#define BOUNCE_NOTIFIER_H

#include "bounce/settings.h"
#include "config/shared_settings.h"
#include "protocol/bounce.h"

struct endpoint;
struct templates;

/*
 * notifier - decides who is told what, and puts each notification into the queue as a message of its own.
 *
 * The sender is told of failures, delays and successes as NOTIFY asks; mail with the null sender is never answered: the
 * postmaster may hear of it (notify_classes), and what cannot reach the postmaster is dropped. A notification is
 * told only when cleanup has it on disk.
 */
struct notifier {
    const struct bounce_settings *settings;
    const struct shared_settings *shared;
    const struct templates *templates;
    struct endpoint *cleanup;
};

/* reply's strings live in arena. Never fails: what could not be done is told in the reply. */
void notifier_run(const struct notifier *notifier, const struct bounce_request *request, struct arena *arena,
                  struct bounce_reply *reply);

#endif
