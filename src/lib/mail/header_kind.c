/* SPDX-License-Identifier: Apache-2.0 */
/* header_kind - the header names that mean something to the system. */

#include "mail/header.h"

#define ROW(text, type, flags)                                                                                         \
    {                                                                                                                  \
        { text, sizeof(text) - 1 }, (type), (flags)                                                                    \
    }

/* In the order of their names, for the search. */
static const struct header_kind kinds[] = {
    ROW("Apparently-To", HEADER_OTHER, HEADER_RECIPIENT),
    ROW("Bcc", HEADER_BCC, HEADER_RECIPIENT | HEADER_EXTRACT | HEADER_DROP),
    ROW("Cc", HEADER_CC, HEADER_RECIPIENT | HEADER_EXTRACT),
    ROW("Content-Length", HEADER_CONTENT_LENGTH, HEADER_DROP),
    ROW("Content-Transfer-Encoding", HEADER_CONTENT_TRANSFER_ENCODING, 0),
    ROW("Content-Type", HEADER_CONTENT_TYPE, 0),
    ROW("Date", HEADER_DATE, HEADER_ONCE),
    ROW("Delivered-To", HEADER_DELIVERED_TO, 0),
    ROW("Disposition-Notification-To", HEADER_DISPOSITION_NOTIFICATION_TO, HEADER_SENDER),
    ROW("Errors-To", HEADER_ERRORS_TO, HEADER_SENDER),
    ROW("From", HEADER_FROM, HEADER_SENDER | HEADER_ONCE),
    ROW("Mail-Followup-To", HEADER_MAIL_FOLLOWUP_TO, HEADER_SENDER),
    ROW("Message-Id", HEADER_MESSAGE_ID, HEADER_ONCE),
    ROW("MIME-Version", HEADER_MIME_VERSION, 0),
    ROW("Received", HEADER_RECEIVED, HEADER_TRACE),
    ROW("Reply-To", HEADER_REPLY_TO, HEADER_SENDER),
    ROW("Resent-Bcc", HEADER_RESENT_BCC, HEADER_RECIPIENT | HEADER_EXTRACT | HEADER_DROP | HEADER_RESENT),
    ROW("Resent-Cc", HEADER_RESENT_CC, HEADER_RECIPIENT | HEADER_EXTRACT | HEADER_RESENT),
    ROW("Resent-Date", HEADER_RESENT_DATE, HEADER_ONCE | HEADER_RESENT),
    ROW("Resent-From", HEADER_RESENT_FROM, HEADER_SENDER | HEADER_ONCE | HEADER_RESENT),
    ROW("Resent-Message-Id", HEADER_RESENT_MESSAGE_ID, HEADER_ONCE | HEADER_RESENT),
    ROW("Resent-Reply-To", HEADER_RESENT_REPLY_TO, HEADER_SENDER | HEADER_RESENT),
    ROW("Resent-Sender", HEADER_RESENT_SENDER, HEADER_SENDER | HEADER_RESENT),
    ROW("Resent-To", HEADER_RESENT_TO, HEADER_RECIPIENT | HEADER_EXTRACT | HEADER_RESENT),
    ROW("Return-Path", HEADER_RETURN_PATH, HEADER_DROP | HEADER_SENDER),
    ROW("Return-Receipt-To", HEADER_RETURN_RECEIPT_TO, HEADER_SENDER),
    ROW("Sender", HEADER_SENDER_NAME, HEADER_SENDER),
    ROW("Subject", HEADER_SUBJECT, 0),
    ROW("To", HEADER_TO, HEADER_RECIPIENT | HEADER_EXTRACT),
};

static const struct header_kind unknown_kind = ROW("", HEADER_OTHER, 0);

const struct header_kind *header_kind_find(struct str name)
{
    size_t low = 0;
    size_t high = ARRAY_COUNT(kinds);

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare_nocase(name, kinds[middle].name);

        if (order == 0)
            return &kinds[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return &unknown_kind;
}
