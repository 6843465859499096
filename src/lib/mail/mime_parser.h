/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_MIME_PARSER_H
#define MAIL_MIME_PARSER_H

#include "base/str.h"

/*
 * mime_parser - reads a message that arrives in pieces as MIME has it (RFC 2045, RFC 2046): its header, the headers of
 * its parts and of the messages in it, and the lines of its body; on the way it can make 8-bit parts quoted-printable.
 *
 * Pure: it takes bytes and gives events. Written one after the other, the texts of FIELD (and a LF), HEADER_END and
 * BODY (and a LF where ends_line says so) are the message again, but for what is made fit: fields beyond
 * header_size_limit are cut, blanks before a colon go, an empty line stands between a header and a body that follows at
 * once, parts are encoded. Memory is bounded by the limits, however the message looks: one field, one line, a boundary
 * for each level.
 */
struct mime_parser;

/* Whose header a field stands in. */
enum mime_place {
    MIME_PRIMARY, /* the message's own */
    MIME_PART,    /* a part of a multipart */
    MIME_NESTED,  /* a message inside: message/rfc822, message/global */
};

/* What strict_* and the limits ask about, as bits. */
enum mime_finding {
    MIME_FINDING_NONE = 0,
    MIME_FINDING_NESTING = 1 << 0,         /* deeper than nesting_limit: what is deeper is read as text */
    MIME_FINDING_8BIT_HEADER = 1 << 1,     /* bytes beyond ASCII in a field */
    MIME_FINDING_8BIT_BODY = 1 << 2,       /* bytes beyond ASCII in a part that does not say 8bit or binary */
    MIME_FINDING_ENCODING_DOMAIN = 1 << 3, /* a multipart or message part says an encoding but 7bit, 8bit, binary */
};

enum mime_event_type {
    MIME_MORE,       /* nothing left to say before more input; at the last, nothing at all */
    MIME_FIELD,      /* a field with its folds, without its last LF */
    MIME_HEADER_END, /* of any header. text: what is due before the body: "\n", or nothing where none follows */
    MIME_BODY,       /* a line without its LF, or line_limit bytes of a long one; boundaries among them */
    MIME_FINDING,    /* once each kind and message, before the FIELD or BODY it is about; behind its HEADER_END */
};

struct mime_event {
    enum mime_event_type type;
    enum mime_place place; /* FIELD, HEADER_END: whose header; BODY: whose header was last */
    bool is_mime_field;    /* FIELD: Content-Type and its like, MIME-Version; not for the encoding that is new */
    bool may_be_encoded;   /* FIELD: it is inside a message/global that says 8bit, which can be encoded whole */
    bool ends_line;        /* BODY: a LF follows it */
    enum mime_finding finding;
    struct str text; /* FINDING: the field, the line, the encoding; valid until the next call */
    /* BODY: bytes of the part's body before it, with the empty line and LFs, for body_checks_size_limit. A boundary
     * belongs to what it ends, but the last one to what follows. */
    uint64_t offset;
};

struct mime_options {
    size_t header_size_limit; /* bytes of a field */
    size_t line_limit;        /* bytes of a line before it comes in pieces */
    size_t boundary_limit;    /* bytes of a boundary that are looked at */
    size_t nesting_limit;     /* parts in parts in a part of the message, as mime_nesting_limit has it */
    bool ignores_mime;        /* only the first header is told from the body (disable_mime_input_processing) */
    /* Parts that say 8bit or binary become quoted-printable, what they are in becomes 7bit (RFC 6152 section 3). The
     * events tell of the result: the old Content-Transfer-Encoding is not given, the new one is the header's last. */
    bool encodes_8bit;
    /* Nobody looks at the lines of the body: a BODY may then be many of them with their LFs in it, cut anywhere. */
    bool needs_no_lines;
    unsigned findings; /* enum mime_finding: what to look for */
};

struct mime_parser *mime_parser_create(const struct mime_options *options);
/* Leaves *parser NULL; NULL is fine. */
void mime_parser_destroy(struct mime_parser **parser);

/*
 * Takes from *input what it needs and gives one event. Call it until it says MORE, and leave the bytes where they are
 * as long. is_last: no more input will come; then what is unfinished is given too, a last line without LF with
 * ends_line false.
 */
enum mime_event_type mime_parser_next(struct mime_parser *parser, struct str *input, bool is_last,
                                      struct mime_event *event_out);

/* "improper use of 8-bit data in message body", ...: Postfix's words for the log and the peer. */
struct str mime_finding_text(enum mime_finding finding);

#endif
