/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_RECEIVED_H
#define SMTPD_RECEIVED_H

#include "base/strbuf.h"

struct session;

/* received - the trace header that every message gets in front (RFC 5321 section 4.4, RFC 3848, RFC 6531), with LF. */
void received_append(const struct session *session, struct strbuf *out);

#endif
