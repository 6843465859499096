/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "base/failure.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * body - a message's content on its way to the server, from the request to the final dot.
 *
 * It passes, in this order: smtp_generic_maps on the header (generic_headers), 8-bit MIME as quoted-printable where the
 * server takes 7 bits only (mime_downgrade), line ends, dots and smtp_line_length_limit (wire_body). It is never whole
 * in memory.
 */
struct attempt;
struct smtp_session;

/*
 * After 354. head: header lines before the message, with LF. Whether the server took it shows at its reply. False when
 * the message cannot be read, or an address in it cannot be mapped now: then the connection must go without the final
 * dot.
 */
MUST_USE bool body_send(struct smtp_session *session, const struct attempt *attempt, struct str head,
                        struct failure *why);

#endif
