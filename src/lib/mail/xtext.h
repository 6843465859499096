/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_XTEXT_H
#define MAIL_XTEXT_H

#include "base/strbuf.h"

/* xtext - RFC 3461 section 4: printable text in which '+', '=' and all else is "+HH". */

/* Bytes of special, beside + and =, are encoded too. */
bool xtext_encode(struct strbuf *out, struct str text, const char *special);
/* False on a bad escape or a byte that xtext cannot hold; then out keeps what was decoded so far. 8-bit passes. */
MUST_USE bool xtext_decode(struct strbuf *out, struct str text);

#endif
