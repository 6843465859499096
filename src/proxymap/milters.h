/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXYMAP_MILTERS_H
#define PROXYMAP_MILTERS_H

#include "protocol/proxymap.h"

struct daemon;

/*
 * milters - connections to the milters of mail that did not come by SMTP: for cleanup, which holds the queue and makes
 * none itself. Only places that non_smtpd_milters names, in main.cf or for a service in master.cf, are connected to.
 */
struct milter_ways;

/* Before the jail. */
MUST_USE bool milter_ways_open(struct daemon *daemon, struct milter_ways **ways_out, struct failure *why);
void milter_ways_close(struct milter_ways **ways);

/* Waits. The descriptor of the answer is the caller's to close; its reason is in arena. */
void milter_ways_connect(struct milter_ways *ways, const struct proxymap_connect *request, struct arena *arena,
                         struct proxymap_connected *answer_out);

#endif
