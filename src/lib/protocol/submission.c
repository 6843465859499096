/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/submission.h"

enum { ADDRESS_MAXIMUM = 4096 };

static const struct message_field submission_fields[] = {
    MESSAGE_FIELD(struct submission, sender, FIELD_STR, ADDRESS_MAXIMUM, "envelope sender, empty for the null sender"),
    MESSAGE_FIELD(struct submission, full_name, FIELD_STR, ADDRESS_MAXIMUM, "full name of the sender"),
    MESSAGE_FIELD(struct submission, envid, FIELD_STR, 200, "DSN envelope id, decoded"),
    MESSAGE_FIELD(struct submission, dsn_return, FIELD_STR, 8, "FULL, HDRS or empty"),
    MESSAGE_FIELD(struct submission, dsn_notify, FIELD_STR, 64, "NOTIFY for all recipients, or empty"),
    MESSAGE_FIELD(struct submission, verp_delimiters, FIELD_STR, 2, "of a sender for each recipient, or empty"),
    MESSAGE_FIELD(struct submission, encoding, FIELD_STR, 8, "7bit, 8bit or empty"),
    MESSAGE_FIELD(struct submission, wants_extraction, FIELD_BOOL, 1, "recipients are in the header too"),
    MESSAGE_FIELD(struct submission, wants_verify_report, FIELD_BOOL, 1, "report on addresses, deliver nothing"),
    MESSAGE_FIELD(struct submission, wants_delivery_report, FIELD_BOOL, 1, "report on the delivery by mail"),
    MESSAGE_FIELD(struct submission, wants_smtputf8, FIELD_BOOL, 1, "SMTPUTF8 is asked for"),
    MESSAGE_FIELD(struct submission, is_relayed, FIELD_BOOL, 1, "mail of another system: the header is left alone"),
    MESSAGE_FIELD(struct submission, recipients, FIELD_STRLIST, SUBMISSION_WISHES_MAXIMUM - 65536,
                  "envelope recipients"),
};
MESSAGE_TYPE(submission);

void submission_put_length(unsigned char bytes[4], size_t len)
{
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (unsigned char) (len >> (24 - 8 * i));
}

size_t submission_get_length(const unsigned char bytes[4])
{
    size_t len = 0;

    for (size_t i = 0; i < 4; i++)
        len = len << 8 | bytes[i];
    return len;
}
