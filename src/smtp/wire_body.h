/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_WIRE_BODY_H
#define SMTP_WIRE_BODY_H

#include "base/strbuf.h"

/*
 * wire_body - turns content with LF line ends into what goes over the wire after DATA: CR LF, dots doubled at the
 * start of lines, lines no longer than the limit (the rest goes on in the next line after a space), the final dot.
 * Pure; content comes in pieces cut anywhere.
 *
 * A CR that is not part of a line end, and would look like one to a careless server, is sent as a space:
 * what leaves here can never be read as two messages.
 */
struct wire_body {
    size_t line_limit; /* 0: none */
    size_t column;     /* bytes of the current line already out */
    bool has_cr;       /* the last byte was a CR, held back */
    bool has_broken;   /* a line was longer than the limit */
};

void wire_body_init(struct wire_body *body, size_t line_limit);
void wire_body_add(struct wire_body *body, struct str piece, struct strbuf *out);
/* The end of the last line, if missing, and the final dot. */
void wire_body_end(struct wire_body *body, struct strbuf *out);

#endif
