/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/spill.h"

static const struct message_field spill_outcome_fields[] = {
    MESSAGE_FIELD(struct spill_outcome, index, FIELD_UINT, UINT32_MAX, "place of the recipient"),
    MESSAGE_FIELD(struct spill_outcome, status, FIELD_UINT, 255, "enum recipient_status"),
    MESSAGE_FIELD(struct spill_outcome, dsn, FIELD_STR, 16, "enhanced status code"),
    MESSAGE_FIELD(struct spill_outcome, reason, FIELD_STR, SPILL_REASON_MAXIMUM, "of the last attempt"),
};
MESSAGE_TYPE(spill_outcome);

static const struct message_field spill_item_fields[] = {
    MESSAGE_FIELD(struct spill_item, queue_id, FIELD_STR, 32, "message"),
    MESSAGE_FIELD(struct spill_item, segment, FIELD_UINT, UINT32_MAX, "number of the segment"),
    MESSAGE_FIELD(struct spill_item, offset, FIELD_UINT, INT64_MAX, "where its frame begins"),
    MESSAGE_FIELD(struct spill_item, length, FIELD_UINT, 64 * 1024 * 1024, "bytes of the frame with its header"),
    MESSAGE_FIELD(struct spill_item, queue_name, FIELD_STR, 32, "incoming, active, deferred or hold"),
    MESSAGE_FIELD(struct spill_item, next_attempt, FIELD_TIME, 0, "time of the next attempt"),
    MESSAGE_FIELD(struct spill_item, add_flags, FIELD_UINT, UINT32_MAX, "enum envelope_flag to add"),
    MESSAGE_RECORDS(struct spill_item, outcomes, &spill_outcome_message, SPILL_OUTCOMES_MAXIMUM,
                    "what became of recipients"),
};
MESSAGE_TYPE(spill_item);

static const struct message_field spill_request_fields[] = {
    MESSAGE_RECORDS(struct spill_request, items, &spill_item_message, SPILL_BATCH_MAXIMUM, "messages to write"),
};
MESSAGE_TYPE(spill_request);

static const struct message_field spill_result_fields[] = {
    MESSAGE_FIELD(struct spill_result, is_done, FIELD_BOOL, 1, "a durable file stands in its queue"),
    MESSAGE_FIELD(struct spill_result, is_damaged, FIELD_BOOL, 1, "the frame cannot be read"),
    MESSAGE_FIELD(struct spill_result, reason, FIELD_STR, 500, "why not"),
};
MESSAGE_TYPE(spill_result);

static const struct message_field spill_reply_fields[] = {
    MESSAGE_RECORDS(struct spill_reply, results, &spill_result_message, SPILL_BATCH_MAXIMUM, "one an item"),
};
MESSAGE_TYPE(spill_reply);

static const struct message_type *const messages[] = {
    &spill_request_message,
    &spill_reply_message,
    NULL,
};
const struct protocol spill_protocol = { "spill", 1, messages };
