/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "base/failure.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * body - a message's content on its way to the server, from the request to the final dot.
 *
 * It passes, in this order: 8-bit MIME as quoted-printable where the server takes 7 bits only (mime_downgrade),
 * smtp_generic_maps on the header (generic_headers), line ends, dots and smtp_line_length_limit (wire_body). It is
 * never whole in memory.
 *
 * Not there yet are smtp_header_checks and its kin. Their place is between the first two, as in Postfix: they see whole
 * fields, unfolded, with the encoding that the server will see, and addresses as they are inside; what they put in a
 * field's place is not mapped. Body lines they see before dots are doubled and long lines broken.
 */
struct attempt;
struct deliver_request;
struct smtp_session;

/* Whether it is 8-bit MIME, and the server takes 7 bits only: then its size is not known before. */
bool body_needs_conversion(const struct smtp_session *session, const struct deliver_request *request);

/*
 * After 354. head: header lines before the message, with LF. Whether the server took it shows at its reply. False when
 * the message cannot be read, or an address in it cannot be mapped now: then the connection must go without the final
 * dot.
 */
MUST_USE bool body_send(struct smtp_session *session, const struct attempt *attempt, struct str head,
                        struct failure *why);

#endif
