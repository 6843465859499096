/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "mail/dsn.h"

/*
 * reply - SMTP replies: composing them, reading them, and the one place that says which reply a
 * failure becomes.
 */
struct reply {
    int code; /* 200..599 */
    struct dsn_status status;
    struct str text; /* without code and status */
};

/*
 * Appends "code[sp|-][status sp]text" CR LF, a line each for text split at LF. The status is left out when
 * not set. Control bytes become '?'.
 */
bool reply_append(struct strbuf *out, int code, struct dsn_status status, struct str text);

/*
 * Reads a line "550 5.1.1 No" or "550-More" (without its line end); is_last_out is false after '-'. text is what
 * follows code and separator. False if it does not start with a code of 200 to 599.
 */
MUST_USE bool reply_parse_line(struct str line, int *code_out, bool *is_last_out, struct str *text_out);

/*
 * The kind of failure as a reply: RETRY 451 4.3.0, NO_SPACE 452 4.3.1, CONFIGURATION 451 4.3.5,
 * TIMEOUT 451 4.4.2, STOPPED 421 4.3.2, PROTOCOL 554 5.5.0, PERMANENT 554 5.3.0. text is a sentence that tells a
 * stranger no more than the kind.
 */
struct reply reply_of_failure(const struct failure *why);

#endif
