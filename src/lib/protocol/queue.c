/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/queue.h"

#include "protocol/deliver.h"

enum { ADDRESS_MAXIMUM = 8192, IDS_MAXIMUM = 4 * 1024 * 1024 };

static const struct message_field queue_durable_fields[] = {
    MESSAGE_FIELD(struct queue_durable, segment, FIELD_UINT, UINT32_MAX, "number of the journal segment"),
    MESSAGE_FIELD(struct queue_durable, use, FIELD_UINT, INT64_MAX, "when this use of it began"),
    MESSAGE_FIELD(struct queue_durable, offset, FIELD_UINT, INT64_MAX, "durable up to here"),
    MESSAGE_FIELD(struct queue_durable, queue_id, FIELD_STR, 32, "a message complete in incoming/, or empty"),
};
MESSAGE_TYPE(queue_durable);

static const struct message_field queue_control_fields[] = {
    MESSAGE_FIELD(struct queue_control, operation, FIELD_UINT, QUEUE_EXPIRE, "enum queue_operation"),
    MESSAGE_FIELD(struct queue_control, is_all, FIELD_BOOL, 1, "every message of queue_name"),
    MESSAGE_FIELD(struct queue_control, queue_name, FIELD_STR, 32, "which queue, empty for any"),
    MESSAGE_FIELD(struct queue_control, queue_ids, FIELD_STRLIST, IDS_MAXIMUM, "which messages"),
    MESSAGE_FIELD(struct queue_control, site, FIELD_STR, QUEUE_SITE_MAXIMUM, "mail domain to flush"),
};
MESSAGE_TYPE(queue_control);

static const struct message_field queue_controlled_fields[] = {
    MESSAGE_FIELD(struct queue_controlled, count, FIELD_UINT, UINT64_MAX, "messages acted on"),
    MESSAGE_FIELD(struct queue_controlled, missing, FIELD_STRLIST, IDS_MAXIMUM, "not in the queue"),
    MESSAGE_FIELD(struct queue_controlled, done, FIELD_STRLIST, IDS_MAXIMUM, "acted on"),
    MESSAGE_FIELD(struct queue_controlled, failure, FIELD_STR, 2048, "why it stopped half-way"),
    MESSAGE_FIELD(struct queue_controlled, is_denied, FIELD_BOOL, 1, "the site may not be flushed"),
};
MESSAGE_TYPE(queue_controlled);

static const struct message_field queue_list_fields[] = {
    MESSAGE_FIELD(struct queue_list, with_recipients, FIELD_BOOL, 1, "recipients and reasons too"),
};
MESSAGE_TYPE(queue_list);

static const struct message_field queue_entry_recipient_fields[] = {
    MESSAGE_FIELD(struct queue_entry_recipient, address, FIELD_STR, ADDRESS_MAXIMUM, "recipient"),
    MESSAGE_FIELD(struct queue_entry_recipient, original, FIELD_STR, ADDRESS_MAXIMUM, "before rewriting"),
    MESSAGE_FIELD(struct queue_entry_recipient, reason, FIELD_STR, 4096, "why it waits"),
};
MESSAGE_TYPE(queue_entry_recipient);

static const struct message_field queue_entry_fields[] = {
    MESSAGE_FIELD(struct queue_entry, queue_name, FIELD_STR, 32, "queue"),
    MESSAGE_FIELD(struct queue_entry, queue_id, FIELD_STR, 32, "message"),
    MESSAGE_FIELD(struct queue_entry, arrival, FIELD_TIME, 0, "when it came"),
    MESSAGE_FIELD(struct queue_entry, size, FIELD_UINT, INT64_MAX, "bytes of content"),
    MESSAGE_FIELD(struct queue_entry, is_forced_expire, FIELD_BOOL, 1, "to be returned at the next attempt"),
    MESSAGE_FIELD(struct queue_entry, sender, FIELD_STR, ADDRESS_MAXIMUM, "envelope sender"),
    MESSAGE_RECORDS(struct queue_entry, recipients, &queue_entry_recipient_message, QUEUE_ENTRY_RECIPIENTS_MAXIMUM,
                    "those not finished"),
    MESSAGE_FIELD(struct queue_entry, is_continued, FIELD_BOOL, 1, "more recipients follow"),
};
MESSAGE_TYPE(queue_entry);

static const struct message_field queue_list_end_fields[] = {
    MESSAGE_FIELD(struct queue_list_end, count, FIELD_UINT, UINT64_MAX, "messages listed"),
};
MESSAGE_TYPE(queue_list_end);

static const struct message_type *const messages[] = {
    &queue_durable_message,        &queue_control_message,    &queue_controlled_message,
    &queue_list_message,           &queue_entry_message,      &queue_list_end_message,
    &deliver_census_reply_message, &deliver_recorded_message, NULL,
};

const struct protocol queue_protocol = { "queue", 1, messages };
