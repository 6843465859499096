/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_EXTENSIONS_H
#define SMTP_EXTENSIONS_H

#include "base/strlist.h"

#include <stdbool.h>

struct smtp_reply;

/* extensions - what a server offers in its answer to EHLO (RFC 5321 section 4.1.1.1). */
enum smtp_extension {
    SMTP_EXTENSION_PIPELINING = 1 << 0,
    SMTP_EXTENSION_SIZE = 1 << 1,
    SMTP_EXTENSION_8BITMIME = 1 << 2,
    SMTP_EXTENSION_SMTPUTF8 = 1 << 3,
    SMTP_EXTENSION_DSN = 1 << 4,
    SMTP_EXTENSION_STARTTLS = 1 << 5,
};

struct smtp_extensions {
    unsigned offered;    /* enum smtp_extension */
    uint64_t size_limit; /* 0: none, or not told */
    struct str bad_size; /* told, and no number: a view into the reply */
    unsigned xforward;   /* enum xforward_attribute */
    bool has_auth;
    struct strlist mechanisms; /* of AUTH, as offered, each once */
    bool sends_dummy_auth;     /* for MAIL: AUTH=<> is wanted */
    struct str name;           /* the server's name for itself: first word of the first line; a view into the reply */
};

/* discard: keywords to overlook, in any case. The mechanisms are copied to arena. */
void smtp_extensions_parse(struct smtp_extensions *extensions, const struct smtp_reply *reply,
                           const struct strlist *discard, struct arena *arena);

/* What is to be said of that: "PIPELINING SIZE", whether the server offers them or not; empty: nothing. */
struct str smtp_extensions_discarded(const struct strlist *discard, struct arena *arena);

#endif
