/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_EHLO_KEYWORD_H
#define SMTPD_EHLO_KEYWORD_H

#include "base/str.h"
#include "base/strbuf.h"

struct auth_mechanisms;
struct session;

/* ehlo_keyword - the extensions that EHLO announces, and those that the administrator takes out. */
enum ehlo_keyword {
    KEYWORD_PIPELINING = 1 << 0,
    KEYWORD_SIZE = 1 << 1,
    KEYWORD_VRFY = 1 << 2,
    KEYWORD_ENHANCEDSTATUSCODES = 1 << 3,
    KEYWORD_8BITMIME = 1 << 4,
    KEYWORD_DSN = 1 << 5,
    KEYWORD_SMTPUTF8 = 1 << 6,
    KEYWORD_CHUNKING = 1 << 7,
    KEYWORD_XVERP = 1 << 9,
    KEYWORD_ETRN = 1 << 10,
    KEYWORD_XCLIENT = 1 << 11,
    KEYWORD_XFORWARD = 1 << 12,
    KEYWORD_AUTH = 1 << 13,
    KEYWORD_STARTTLS = 1 << 14,
    KEYWORD_SILENT = 1 << 8, /* "silent-discard": say nothing of it in the log */
};

/* The bits of the keywords in a list; words that name none (STARTTLS, ...) are ignored. */
unsigned ehlo_keyword_mask(struct str list);

/* What this client may not see, by smtpd_discard_ehlo_keyword_address_maps or smtpd_discard_ehlo_keywords. */
unsigned ehlo_keyword_discarded(struct session *session);

/* Logs which of them are taken out. */
void ehlo_keyword_log(unsigned discarded);

/* The lines after the first of the answer to EHLO, each after LF: "250-SIZE 10240000", the last with a blank. Without
 * mechanisms there is no AUTH. */
void ehlo_keyword_append(const struct session *session, const struct auth_mechanisms *mechanisms, struct strbuf *out);

#endif
