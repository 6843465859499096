/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_CONTENT_TYPE_H
#define MAIL_CONTENT_TYPE_H

#include "base/strbuf.h"

/*
 * content_type - what Content-Type and Content-Transfer-Encoding say of a part (RFC 2045 sections 5 and 6), as far as
 * it decides how the part is read. Values come as they stand in the field, with folds and comments.
 */
enum content_kind {
    CONTENT_TEXT,      /* all that is read as lines, whatever its name */
    CONTENT_MULTIPART, /* parts between boundaries */
    CONTENT_DIGEST,    /* the same, and its parts are messages where they say nothing else */
    CONTENT_MESSAGE,   /* message/rfc822 */
    CONTENT_GLOBAL,    /* message/global: a message that may also be encoded as a whole (RFC 6532 section 3.7) */
    CONTENT_PIECE,     /* message/partial, message/external-body: must be 7bit (RFC 2046 section 5.2) */
};

/*
 * The kind that this field gives to a part that was kind before: names other than text, multipart and message tell
 * nothing, and no name is text.
 */
enum content_kind content_kind_from_field(struct str value, enum content_kind kind);

/*
 * Takes the next parameter named boundary off *rest, which is the field's value at first, and sets *boundary to it,
 * without quotes; false when there is none left. Empty ones are passed over.
 */
bool content_take_boundary(struct str *rest, struct strbuf *boundary);

enum content_encoding {
    CONTENT_7BIT,
    CONTENT_8BIT,
    CONTENT_BINARY,
    CONTENT_QUOTED_PRINTABLE,
    CONTENT_BASE64,
};

/* False if it is none of these: then it tells nothing. */
bool content_encoding_from_field(struct str value, enum content_encoding *encoding_out);
/* "7bit", ... */
struct str content_encoding_name(enum content_encoding encoding);

#endif
