/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_KEYWORDS_H
#define POSTSCREEN_KEYWORDS_H

#include "base/strbuf.h"

struct client;

/* keywords - the extensions that postscreen's EHLO announces: those of smtpd but PIPELINING and AUTH. */
enum {
    KEYWORD_SIZE = 1 << 0,
    KEYWORD_VRFY = 1 << 1,
    KEYWORD_ETRN = 1 << 2,
    KEYWORD_STARTTLS = 1 << 3,
    KEYWORD_ENHANCEDSTATUSCODES = 1 << 4,
    KEYWORD_8BITMIME = 1 << 5,
    KEYWORD_DSN = 1 << 6,
    KEYWORD_SMTPUTF8 = 1 << 7,
    KEYWORD_CHUNKING = 1 << 8,
};

/* client->discarded_keywords: what this client may not see. */
void keywords_find(struct client *client);
/* The answer to EHLO, LF between its lines. */
void keywords_append(const struct client *client, struct strbuf *out);

#endif
