/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/str.h"
#include "base/strbuf.h"

/*
 * header - header fields of a message (RFC 5322 section 2.2): finding them, knowing them by name,
 * folding them. Lines end with LF inside the system; a CR before it is taken for content.
 */

/* What the system does with a header by its name. */
enum header_flags {
    HEADER_SENDER = 1 << 0,    /* holds the sender's addresses: From, Sender, Reply-To, ... */
    HEADER_RECIPIENT = 1 << 1, /* holds recipients' addresses: To, Cc, Bcc, ... */
    HEADER_RESENT = 1 << 2,    /* one of the Resent- family */
    HEADER_EXTRACT = 1 << 3,   /* sendmail -t takes recipients from it */
    HEADER_DROP = 1 << 4,      /* never passed on: Return-Path, Bcc, Content-Length, ... unless configured */
    HEADER_ONCE = 1 << 5,      /* its first appearance counts for "missing" checks */
    HEADER_TRACE = 1 << 6,     /* Received */
};

enum header_type {
    HEADER_OTHER,
    HEADER_BCC,
    HEADER_CC,
    HEADER_CONTENT_LENGTH,
    HEADER_CONTENT_TRANSFER_ENCODING,
    HEADER_CONTENT_TYPE,
    HEADER_DATE,
    HEADER_DELIVERED_TO,
    HEADER_DISPOSITION_NOTIFICATION_TO,
    HEADER_ERRORS_TO,
    HEADER_FROM,
    HEADER_MAIL_FOLLOWUP_TO,
    HEADER_MESSAGE_ID,
    HEADER_MIME_VERSION,
    HEADER_RECEIVED,
    HEADER_REPLY_TO,
    HEADER_RETURN_PATH,
    HEADER_RETURN_RECEIPT_TO,
    HEADER_SENDER_NAME,
    HEADER_SUBJECT,
    HEADER_TO,
    HEADER_RESENT_BCC,
    HEADER_RESENT_CC,
    HEADER_RESENT_DATE,
    HEADER_RESENT_FROM,
    HEADER_RESENT_MESSAGE_ID,
    HEADER_RESENT_REPLY_TO,
    HEADER_RESENT_SENDER,
    HEADER_RESENT_TO,
    HEADER_TYPE_COUNT,
};

struct header_kind {
    struct str name; /* canonical spelling */
    enum header_type type;
    unsigned flags; /* enum header_flags */
};

/* Never NULL: an unknown name gives the kind with type HEADER_OTHER and an empty name. */
const struct header_kind *header_kind_find(struct str name);

/*
 * The length of the field name that starts this line, 0 if the line is no header. Blanks between
 * name and colon are allowed (obsolete syntax) and not counted; a name of printable bytes only.
 */
size_t header_name_length(struct str line);

struct header_field {
    struct str name;
    struct str value; /* after the colon and blanks, folds as they are, without the last LF */
    struct str whole; /* all of its lines, with the last LF if there is one */
};

/* Takes the next field with its continuation lines off *rest; false at the empty line, at what is no header, at the
 * end. */
bool header_take_field(struct str *rest, struct header_field *field_out);
/* The first field of that name in a header block. */
bool header_find_field(struct str block, struct str name, struct header_field *field_out);

/* Appends value on one line: each fold (LF and the blanks after it) becomes one space. */
bool header_unfold(struct strbuf *out, struct str value);

/*
 * Appends "name: value" + LF, lines broken before words (or after commas) so that they stay within 78 bytes
 * where the value has blanks to break at, continued with a tab.
 */
bool header_fold(struct strbuf *out, struct str name, struct str value);

#endif
