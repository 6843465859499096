/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_SMTP_PATH_H
#define MAIL_SMTP_PATH_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/*
 * smtp_path - the address of MAIL FROM: and RCPT TO: (RFC 5321 section 4.1.2, RFC 6531).
 *
 * Strict takes <path> only. Lenient, as Postfix without strict_rfc821_envelopes, also takes a bare
 * address, blanks around it, a display name or comments beside it; a domain literal or comment that is not
 * closed ends with the address. A source route is dropped.
 */
enum smtp_path_flags {
    SMTP_PATH_STRICT = 1 << 0,       /* angle brackets needed, nothing beside them */
    SMTP_PATH_MAY_BE_EMPTY = 1 << 1, /* <> is a sender */
    SMTP_PATH_MAY_BE_UTF8 =
        1 << 2, /* SMTPUTF8 was asked for: check that 8-bit is UTF-8; without it 8-bit passes as it is */
    SMTP_PATH_MAY_BEGIN_WITH_DASH = 1 << 3, /* without it, -user@example.com is refused */
    SMTP_PATH_MAY_BE_NUMERIC = 1 << 4,      /* user@192.0.2.1 */
    SMTP_PATH_MAY_LACK_DOMAIN = 1 << 5,     /* user@ */
};

struct smtp_path {
    struct str address;  /* internal form, "" for <> */
    struct str external; /* quoted where it must be */
    struct str written;  /* a view of what stood in the brackets, route and all */
    bool has_utf8;       /* some byte is not ASCII */
    bool is_domain_literal;
};

/*
 * Takes the path off *rest, which begins right after the colon of "FROM:" and is left at the ESMTP
 * parameters. FAILURE_PROTOCOL if it is no address ("Bad recipient address syntax").
 */
MUST_USE bool smtp_path_take(struct str *rest, unsigned flags, struct arena *arena, struct smtp_path *path_out,
                             struct failure *why);

/* Takes the next " NAME=value" or " NAME" off *rest; false at the end. value is empty without "=". */
bool smtp_path_take_parameter(struct str *rest, struct str *name_out, struct str *value_out);

#endif
