/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_XTEXT_H
#define MAIL_XTEXT_H

#include "base/strbuf.h"

/* xtext - RFC 3461 section 4: printable text in which '+', '=' and all else is "+HH". */

/* Bytes of special, beside + and =, are encoded too. */
bool xtext_encode(struct strbuf *out, struct str text, const char *special);
/* False on a bad escape or a byte that xtext cannot hold; then out keeps what was decoded so far. 8-bit passes. */
MUST_USE bool xtext_decode(struct strbuf *out, struct str text);

/*
 * The form of utf-8 addresses in ORCPT (RFC 6533 section 3): '\', '+', '=' and what is not printable ASCII is
 * "\x{HEX}", a character's number. What is no UTF-8 becomes U+FFFD.
 */
bool xtext_encode_utf8(struct strbuf *out, struct str text);
/* Also takes UTF-8 as it is, and '+', '=' and '\' that begin no escape. False on an escape that names no character. */
MUST_USE bool xtext_decode_utf8(struct strbuf *out, struct str text);

#endif
