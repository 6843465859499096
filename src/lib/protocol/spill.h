/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_SPILL_H
#define PROTOCOL_SPILL_H

#include "base/time.h"
#include "ipc/channel.h"

/*
 * spill - the queue manager has frames of the journal written to files of their own (private/spill). The reply comes
 * when all that it calls done is durable; what it does not, still stands in the journal and only there.
 */
struct spill_outcome {
    uint64_t index;  /* of the recipient in the envelope */
    uint64_t status; /* enum recipient_status of spool/envelope.h */
    struct str dsn;
    struct str reason;
};

struct spill_item {
    struct str queue_id;
    uint64_t segment;
    uint64_t offset; /* of the frame */
    uint64_t length; /* of the frame, header included */
    struct str queue_name;
    struct instant next_attempt;
    uint64_t add_flags;      /* enum envelope_flag */
    struct records outcomes; /* struct spill_outcome */
};

struct spill_request {
    struct records items; /* struct spill_item */
};

struct spill_result {
    bool is_done;
    bool is_damaged;   /* the frame cannot be read: trying again will not help */
    struct str reason; /* why not */
};

struct spill_reply {
    struct records results; /* struct spill_result, one an item, in order */
};

extern const struct message_type spill_outcome_message;
extern const struct message_type spill_item_message;
extern const struct message_type spill_request_message;
extern const struct message_type spill_result_message;
extern const struct message_type spill_reply_message;
extern const struct protocol spill_protocol;

enum {
    SPILL_BATCH_MAXIMUM = 256,
    SPILL_OUTCOMES_MAXIMUM = 10000,
    SPILL_REASON_MAXIMUM = 4096,
};

#endif
