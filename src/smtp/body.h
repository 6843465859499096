/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * body - a message's content on its way to the server, from the request to the final dot.
 *
 * It passes what changes fields and lines (outgoing), then line ends, dots and smtp_line_length_limit (wire_body). It
 * is never whole in memory.
 */
struct attempt;
struct deliver_request;
struct smtp_session;
struct trouble;

/* Whether it is 8-bit MIME, and the server takes 7 bits only: then its size is not known before. */
bool body_needs_conversion(const struct smtp_session *session, const struct deliver_request *request);

/*
 * After 354. head: header lines before the message, with LF, which are not checked. Whether the server took it shows at
 * its reply. False when the message cannot be read, checked or mapped now, with what was logged as trouble: then the
 * connection must go without the final dot.
 */
MUST_USE bool body_send(struct smtp_session *session, const struct attempt *attempt, struct str head,
                        struct trouble *trouble_out);

#endif
