/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_ENVELOPE_COMMANDS_H
#define SMTP_ENVELOPE_COMMANDS_H

#include "base/strbuf.h"
#include "protocol/deliver.h"

/*
 * envelope_commands - MAIL FROM and RCPT TO with the parameters that the server's extensions allow. Pure.
 * No CR, LF or NUL can come out but the end of the line.
 */
struct smtp_extensions;

/* quotes: smtp_quote_rfc821_envelope. */
void envelope_append_mail(struct strbuf *out, const struct deliver_request *request,
                          const struct smtp_extensions *extensions, bool quotes);
void envelope_append_rcpt(struct strbuf *out, const struct deliver_recipient *recipient,
                          const struct smtp_extensions *extensions, bool quotes);

/* Whether it must not go to a server without SMTPUTF8 (RFC 6531): the envelope has an address that is not ASCII. */
bool envelope_needs_smtputf8(const struct deliver_request *request);

#endif
