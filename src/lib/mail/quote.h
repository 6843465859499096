/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_QUOTE_H
#define MAIL_QUOTE_H

#include "base/str.h"
#include "base/strbuf.h"

/*
 * quote - internal (as stored, compared and looked up) to external (as on the wire) form of an
 * address, and back. Only the local part is ever quoted: "a b@x" is "\"a b\"@x" outside.
 *
 * SMTP and headers need quotes for the same bytes but one: 8-bit bytes are left alone (SMTPUTF8 and
 * raw 8-bit mail), control bytes and backslashes are always quoted.
 */

/* Whether a local part is not a dot-string of atoms (RFC 5321 section 4.1.2). "" needs quotes. */
bool quote_is_needed(struct str local);

/* Appends the external form; the null sender stays empty. As struct strbuf's appends. */
bool quote_address(struct strbuf *out, struct str address);
/* Only a local part. */
bool quote_local(struct strbuf *out, struct str local);

/* Appends the internal form of an external address: quotes and backslashes of the local part go. */
bool quote_undo(struct strbuf *out, struct str external);

/* Appends text as the body of a quoted-string with its quotes, as for a display name. */
bool quote_string(struct strbuf *out, struct str text);

#endif
