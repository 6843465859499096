/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_MIME_DOWNGRADE_H
#define SMTP_MIME_DOWNGRADE_H

#include "base/strbuf.h"

/*
 * mime_downgrade - makes 8-bit MIME content fit for a server without 8BITMIME (RFC 6152 section 3): every part that
 * says "Content-Transfer-Encoding: 8bit" or "binary" becomes quoted-printable, what contains such parts becomes 7bit.
 * Text that is not MIME, and headers, are left as they are.
 *
 * A filter from LF lines to LF lines; content comes in pieces cut anywhere. Memory is bounded: a header
 * block or line beyond the limit passes unchanged.
 */
struct mime_downgrade;

struct mime_downgrade *mime_downgrade_create(void);
/* Leaves *downgrade NULL; NULL is fine. */
void mime_downgrade_destroy(struct mime_downgrade **downgrade);

void mime_downgrade_add(struct mime_downgrade *downgrade, struct str piece, struct strbuf *out);
/* What is held back at the end of the content. */
void mime_downgrade_end(struct mime_downgrade *downgrade, struct strbuf *out);

#endif
