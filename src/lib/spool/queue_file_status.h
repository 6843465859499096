/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_FILE_STATUS_H
#define SPOOL_QUEUE_FILE_STATUS_H

#include "base/strbuf.h"
#include "spool/envelope.h"

/*
 * queue_file_status - what a status frame of a queue file says: outcomes of recipients, and flags that the message got.
 * Only bytes here; the frame around them is queue_file's.
 */
enum { QUEUE_FILE_REASON_MAXIMUM = 4096 };

/* What became of a recipient at an attempt; number counts from 0 in the order of the envelope. */
struct queue_file_outcome {
    size_t number;
    enum recipient_status status;
    struct dsn_status dsn;
    struct str reason; /* at most QUEUE_FILE_REASON_MAXIMUM bytes are kept */
};

/* Appends to out; when it does not fit, out->is_overflowed. */
void queue_file_status_encode(const struct queue_file_outcome *outcomes, size_t count, unsigned add_flags,
                              struct strbuf *out);

/* Calls visit with each outcome, whose reason is a view of payload. False: it is no such payload, or visit said so. */
typedef bool queue_file_status_visitor(void *context, const struct queue_file_outcome *outcome);
MUST_USE bool queue_file_status_visit(struct str payload, queue_file_status_visitor *visit, void *context,
                                      unsigned *add_flags_out);
/* Sets in the envelope what the payload says; reasons are copied to arena. False: it is no such payload. */
MUST_USE bool queue_file_status_apply(struct str payload, struct arena *arena, struct envelope *envelope);

#endif
