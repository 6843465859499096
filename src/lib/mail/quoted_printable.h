/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_QUOTED_PRINTABLE_H
#define MAIL_QUOTED_PRINTABLE_H

#include "base/strbuf.h"

/*
 * quoted_printable - text as quoted-printable (RFC 2045 section 6.7), line by line. Pure.
 */
enum { QUOTED_PRINTABLE_LINE = 76 };

/*
 * Encodes from *text onto *line until that is full: true, it has its soft line break and goes out as a line, and what
 * was not encoded stays in *text. False when *text is used up and the line may go on. ends_line: a LF follows *text, so
 * that a blank at its end is encoded. *line has room for QUOTED_PRINTABLE_LINE bytes, and is empty at the start of a
 * line.
 */
bool quoted_printable_add(struct strbuf *line, struct str *text, bool ends_line);

#endif
