/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/deliver.h"

#include "protocol/cleanup.h"

enum {
    ADDRESS_MAXIMUM = 8192,
    REASON_MAXIMUM = 4096,
    TRANSPORT_MAXIMUM = 1024,
    ATTRIBUTES_MAXIMUM = 64 * 1024,
    IN_HAND_MAXIMUM = 20000,
};

static const struct message_field deliver_census_fields[] = {
    MESSAGE_FIELD(struct deliver_census, qmgr_generation, FIELD_UINT, UINT64_MAX,
                  "start time of the queue manager, microseconds"),
};
MESSAGE_TYPE(deliver_census);

static const struct message_field deliver_in_hand_fields[] = {
    MESSAGE_FIELD(struct deliver_in_hand, queue_id, FIELD_STR, 32, "message"),
    MESSAGE_FIELD(struct deliver_in_hand, attempt, FIELD_UINT, UINT64_MAX, "attempt number"),
    MESSAGE_FIELD(struct deliver_in_hand, transport, FIELD_STR, TRANSPORT_MAXIMUM,
                  "service, if not the one that says it"),
    MESSAGE_FIELD(struct deliver_in_hand, nexthop, FIELD_STR, ADDRESS_MAXIMUM, "where it goes"),
    MESSAGE_FIELD(struct deliver_in_hand, recipient, FIELD_STR, ADDRESS_MAXIMUM, "the first recipient"),
};
MESSAGE_TYPE(deliver_in_hand);

static const struct message_field deliver_result_fields[] = {
    MESSAGE_FIELD(struct deliver_result, index, FIELD_UINT, UINT32_MAX, "recipient's place in the message"),
    MESSAGE_FIELD(struct deliver_result, status, FIELD_UINT, DELIVER_PASSED, "enum deliver_status"),
    MESSAGE_FIELD(struct deliver_result, address, FIELD_STR, 1024, "what the recipient was expanded to"),
    MESSAGE_FIELD(struct deliver_result, dsn, FIELD_STR, 16, "enhanced status code"),
    MESSAGE_FIELD(struct deliver_result, action, FIELD_STR, 16, "action for the report"),
    MESSAGE_FIELD(struct deliver_result, reason, FIELD_STR, REASON_MAXIMUM, "text as logged"),
    MESSAGE_FIELD(struct deliver_result, relay, FIELD_STR, 1024, "relay= as logged"),
    MESSAGE_FIELD(struct deliver_result, remote_mta, FIELD_STR, 1024, "host that answered"),
    MESSAGE_FIELD(struct deliver_result, diagnostic_type, FIELD_STR, 32, "smtp or x-unix"),
    MESSAGE_FIELD(struct deliver_result, diagnostic, FIELD_STR, REASON_MAXIMUM, "reply or output"),
};
MESSAGE_TYPE(deliver_result);

static const struct message_field deliver_outcome_fields[] = {
    MESSAGE_FIELD(struct deliver_outcome, queue_id, FIELD_STR, 32, "message"),
    MESSAGE_FIELD(struct deliver_outcome, attempt, FIELD_UINT, UINT64_MAX, "attempt number"),
    MESSAGE_FIELD(struct deliver_outcome, number, FIELD_UINT, UINT64_MAX, "counts from 1 in the delivery"),
    MESSAGE_RECORDS(struct deliver_outcome, results, &deliver_result_message, DELIVER_RECIPIENTS_MAXIMUM,
                    "by recipient"),
    MESSAGE_RECORDS(struct deliver_outcome, members, &deliver_result_message, DELIVER_MEMBERS_MAXIMUM,
                    "what they were expanded to"),
    MESSAGE_FIELD(struct deliver_outcome, wants_notice, FIELD_BOOL, 1, "the sender is to hear of a success"),
    MESSAGE_FIELD(struct deliver_outcome, is_recorded, FIELD_BOOL, 1, "nothing else is left to do"),
};
MESSAGE_TYPE(deliver_outcome);

static const struct message_field deliver_census_reply_fields[] = {
    MESSAGE_FIELD(struct deliver_census_reply, capacity, FIELD_UINT, UINT32_MAX, "deliveries at one time"),
    MESSAGE_FIELD(struct deliver_census_reply, is_fresh, FIELD_BOOL, 1,
                  "the process is younger than the queue manager"),
    MESSAGE_RECORDS(struct deliver_census_reply, in_hand, &deliver_in_hand_message, IN_HAND_MAXIMUM, "being delivered"),
    MESSAGE_RECORDS(struct deliver_census_reply, unrecorded, &deliver_outcome_message, IN_HAND_MAXIMUM,
                    "outcomes kept"),
};
MESSAGE_TYPE(deliver_census_reply);

static const struct message_field deliver_recipient_fields[] = {
    MESSAGE_FIELD(struct deliver_recipient, index, FIELD_UINT, UINT32_MAX, "place in the message"),
    MESSAGE_FIELD(struct deliver_recipient, address, FIELD_STR, ADDRESS_MAXIMUM, "recipient"),
    MESSAGE_FIELD(struct deliver_recipient, original, FIELD_STR, ADDRESS_MAXIMUM, "before rewriting"),
    MESSAGE_FIELD(struct deliver_recipient, dsn_orcpt, FIELD_STR, ADDRESS_MAXIMUM, "DSN original recipient"),
    MESSAGE_FIELD(struct deliver_recipient, dsn_notify, FIELD_UINT, 15, "DSN notify flags"),
};
MESSAGE_TYPE(deliver_recipient);

static const struct message_field deliver_request_fields[] = {
    MESSAGE_FIELD(struct deliver_request, queue_id, FIELD_STR, 32, "message"),
    MESSAGE_FIELD(struct deliver_request, queue_name, FIELD_STR, 32, "queue it is in"),
    MESSAGE_FIELD(struct deliver_request, attempt, FIELD_UINT, UINT64_MAX, "attempt number"),
    MESSAGE_FIELD(struct deliver_request, flags, FIELD_UINT, UINT32_MAX, "enum deliver_flag"),
    MESSAGE_FIELD(struct deliver_request, nexthop, FIELD_STR, ADDRESS_MAXIMUM, "next hop"),
    MESSAGE_FIELD(struct deliver_request, sender, FIELD_STR, ADDRESS_MAXIMUM, "envelope sender"),
    MESSAGE_FIELD(struct deliver_request, envid, FIELD_STR, 200, "DSN envelope id"),
    MESSAGE_FIELD(struct deliver_request, dsn_return, FIELD_UINT, 2, "what a bounce returns"),
    MESSAGE_FIELD(struct deliver_request, encoding, FIELD_UINT, BODY_ENCODING_FOUND_7BIT, "what BODY= said"),
    MESSAGE_FIELD(struct deliver_request, size, FIELD_UINT, INT64_MAX / 2, "bytes of content"),
    MESSAGE_FIELD(struct deliver_request, lines, FIELD_UINT, INT64_MAX / 2, "line ends in content"),
    MESSAGE_FIELD(struct deliver_request, arrival, FIELD_TIME, 0, "when the message came"),
    MESSAGE_FIELD(struct deliver_request, activated, FIELD_TIME, 0, "when it became active"),
    MESSAGE_FIELD(struct deliver_request, dispatched, FIELD_TIME, 0, "when it was handed over"),
    MESSAGE_FIELD(struct deliver_request, attributes, FIELD_STRLIST, ATTRIBUTES_MAXIMUM,
                  "name=value, where it came from"),
    MESSAGE_RECORDS(struct deliver_request, recipients, &deliver_recipient_message, DELIVER_RECIPIENTS_MAXIMUM,
                    "to whom"),
    MESSAGE_FIELD(struct deliver_request, content, FIELD_STR, DELIVER_INLINE_MAXIMUM, "header and body, if inline"),
    MESSAGE_FIELD(struct deliver_request, content_fd, FIELD_FD, 0, "the message's own file, if not"),
    MESSAGE_FIELD(struct deliver_request, content_offset, FIELD_UINT, INT64_MAX, "where content starts in the file"),
};
MESSAGE_TYPE(deliver_request);

static const struct message_field deliver_recorded_fields[] = {
    MESSAGE_FIELD(struct deliver_recorded, number, FIELD_UINT, UINT64_MAX, "outcomes up to this one are recorded"),
};
MESSAGE_TYPE(deliver_recorded);

static const struct message_field deliver_done_fields[] = {
    MESSAGE_FIELD(struct deliver_done, hop_dsn, FIELD_STR, 16, "status code when the next hop is dead"),
    MESSAGE_FIELD(struct deliver_done, hop_reason, FIELD_STR, REASON_MAXIMUM, "why the next hop is dead"),
};
MESSAGE_TYPE(deliver_done);

static const struct message_type *const messages[] = {
    &deliver_census_message,
    &deliver_census_reply_message,
    &deliver_request_message,
    &deliver_outcome_message,
    &deliver_recorded_message,
    &deliver_done_message,
    NULL,
};

const struct protocol deliver_protocol = { "deliver", 2, messages };

struct str deliver_attribute(const struct strlist *attributes, struct str name)
{
    for (size_t i = 0; i < attributes->count; i++) {
        struct str found, value;

        if (str_cut(attributes->items[i], '=', &found, &value) && str_equal(found, name))
            return value;
    }
    return STR_EMPTY;
}
