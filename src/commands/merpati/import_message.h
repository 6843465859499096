/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_MESSAGE_H
#define MERPATI_IMPORT_MESSAGE_H

#include "base/map.h"
#include "config/layout.h"
#include "merpati/import_queue.h"
#include "spool/id_reserve.h"
#include "spool/queue_id.h"
#include "spool/spool.h"

/* import_message - one message of a Postfix becomes a queue file of ours. The record notes it before it is one; whether
 * it came to be is for the caller to tell there. */
enum import_kind {
    IMPORT_DEFERRED,
    IMPORT_HELD,
    IMPORT_SUBMITTED, /* of maildrop: it has not been through cleanup, and goes to our maildrop */
};

enum import_result {
    IMPORT_TAKEN,
    IMPORT_KNOWN,    /* it was taken before */
    IMPORT_FINISHED, /* all recipients have it, or were told of */
    IMPORT_LEFT,     /* it cannot be taken: why tells */
};

/* How a message is known again, in whatever folder it is by then: a queue id alone may come again. */
struct import_name {
    char there[80];             /* "queue-id arrival-time" */
    char here[SPOOL_PATH_SIZE]; /* of IMPORT_TAKEN: our queue id, or "maildrop/NAME" */
};

struct import_messages {
    const struct import_source *source;
    const struct instance *instance;
    struct import_record *record;
    struct layout_identity identity;
    struct spool_settings spool;
    struct id_reserve reserve;
    struct queue_id_source ids;
    bool is_open;
};

/* In the queue directory. */
MUST_USE bool import_messages_begin(struct import_messages *messages, const struct instance *instance,
                                    const struct layout_identity *identity, struct failure *why);
void import_messages_end(struct import_messages *messages);
/* path: the queue file. name_out is not set for IMPORT_LEFT. */
MUST_USE enum import_result import_message(struct import_messages *messages, const char *path, enum import_kind kind,
                                           struct import_name *name_out, struct failure *why);

#endif
