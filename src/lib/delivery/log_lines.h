/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_LOG_LINES_H
#define DELIVERY_LOG_LINES_H

#include "base/strbuf.h"
#include "base/time.h"
#include "mail/dsn.h"

/*
 * log_lines - the one line that every delivery agent writes for every recipient, as Postfix does:
 *
 *   98AC3161ABF: to=<u@example.com>, orig_to=<alias>, relay=mx.example.com[192.0.2.1]:25, conn_use=2, delay=0.31,
 *   delays=0.01/0/0.2/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)
 */
struct delivery_line {
    struct str queue_id;
    struct str recipient; /* internal form */
    struct str original;  /* empty or the same: no orig_to= */
    struct str relay;
    unsigned connection_use;
    struct instant arrival, activated, dispatched, connected, done; /* connected may be zero */
    struct dsn_status dsn;
    struct str status; /* sent, deferred, bounced, SOFTBOUNCE */
    struct str text;
};

/* resolution: delay_logging_resolution_limit. */
void delivery_log_recipient(const struct delivery_line *line, int resolution);
/* As above, into out. */
void delivery_line_format(const struct delivery_line *line, int resolution, struct strbuf *out);

/*
 * Appends a delay: whole seconds from 100 on, else at most two significant digits and at most resolution digits
 * after the point, without trailing zeros. Negative is 0.
 */
void delivery_delay_append(struct strbuf *out, struct duration delay, int resolution);

#endif
