/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_OUTGOING_H
#define SMTP_OUTGOING_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "mail/mime_parser.h"
#include "smtp/generic_headers.h"

/*
 * outgoing - what becomes of a message's fields and lines before they go over the wire, in this order: 8-bit MIME as
 * quoted-printable, smtp_header_checks and its kin, smtp_generic_maps on the message's own header.
 *
 * The checks see whole fields, and lines before dots are doubled and long ones broken, with the encoding that the
 * server will see. What they prepend is not mapped; what they put in a field's place is, as an address list only if the
 * field was one. A filter from LF lines to LF lines; content comes in pieces cut anywhere. Calls may wait.
 */
struct outgoing;
struct checks;
struct loop;

struct outgoing_options {
    struct loop *loop;   /* others have their turn while rules take long; NULL: none wait */
    struct str queue_id; /* for the log */
    const struct checks *checks;
    bool encodes_8bit;
    size_t line_limit;     /* a longer line is checked in pieces */
    size_t boundary_limit; /* as struct mime_options */
    size_t nesting_limit;
    generic_mapper *map; /* NULL: none */
    void *map_context;
    size_t address_limit; /* as generic_headers */
};

enum outgoing_result {
    OUTGOING_GOOD,
    OUTGOING_NOT_CHECKED, /* a table of the checks cannot answer now; logged */
    OUTGOING_NOT_MAPPED,  /* an address cannot be mapped now; why says more */
};

/* NULL where content goes out as it is. */
struct outgoing *outgoing_create(const struct outgoing_options *options);
/* Leaves *outgoing NULL; NULL is fine. */
void outgoing_destroy(struct outgoing **outgoing);

/* is_last: nothing comes after this piece. After anything but GOOD the message must not go on. */
enum outgoing_result outgoing_add(struct outgoing *outgoing, struct str piece, bool is_last, struct strbuf *out,
                                  struct failure *why);

#endif
