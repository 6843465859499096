/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_TRANSPORT_SETTINGS_H
#define QMGR_TRANSPORT_SETTINGS_H

#include "qmgr/scheduler.h"

/*
 * transport_settings - what main.cf says of one transport: each parameter TRANSPORT_name, with default_name (or
 * initial_destination_concurrency) for those that say nothing of their own. A value that cannot be used is reported
 * and the default stands.
 */
struct main_cf;

struct transport_settings {
    struct scheduler_limits limits;
    /* recipients in memory */
    unsigned recipient_limit;
    unsigned extra_recipient_limit;
    unsigned refill_limit;
    struct duration refill_delay;
};

void transport_settings_load(const struct main_cf *cf, struct str transport, struct transport_settings *settings_out);

#endif
