/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/arena.h"
#include "base/str.h"
#include "base/strbuf.h"

/*
 * dsn - enhanced status codes (RFC 3463) and what a sender asks of notifications (RFC 3461).
 * A status is three numbers, class 2, 4 or 5; class 0 stands for "none".
 */
struct dsn_status {
    unsigned char class;
    unsigned short subject;
    unsigned short detail;
};

#define DSN_STATUS(c, s, d) ((struct dsn_status){ (c), (s), (d) })
/* Room for "5.999.999" and a NUL. */
#define DSN_STATUS_SIZE 12

/* The whole text as a status. */
MUST_USE bool dsn_status_parse(struct str text, struct dsn_status *status_out);
/* Writes "5.1.1" and returns it as a view of buffer. */
struct str dsn_status_format(struct dsn_status status, char buffer[DSN_STATUS_SIZE]);
bool dsn_status_is_set(struct dsn_status status);

/*
 * Splits text that may begin with a status ("5.7.1 No", as in access tables and transports) into the two;
 * without one, fallback and all of the text. A status of another class than fallback's is moved into
 * fallback's class when keep_class says so.
 */
struct dsn_status dsn_split_text(struct str text, struct dsn_status fallback, bool keep_class, struct str *detail_out);

/*
 * The status of an SMTP reply: its own when the text holds one of the reply's class, else class.0.0.
 * text is what follows the three digits and the separator.
 */
struct dsn_status dsn_status_of_reply(int code, struct str text);

enum dsn_notify {
    DSN_NOTIFY_NEVER = 1 << 0,
    DSN_NOTIFY_SUCCESS = 1 << 1,
    DSN_NOTIFY_FAILURE = 1 << 2,
    DSN_NOTIFY_DELAY = 1 << 3,
};

enum dsn_return {
    DSN_RETURN_UNSET,
    DSN_RETURN_FULL,
    DSN_RETURN_HEADERS,
};

/* "SUCCESS,DELAY"; NEVER stands alone. 0 (nothing asked) is never a result. */
MUST_USE bool dsn_notify_parse(struct str text, unsigned *notify_out);
bool dsn_notify_append(struct strbuf *out, unsigned notify);
/* FULL or HDRS. */
MUST_USE bool dsn_return_parse(struct str text, enum dsn_return *return_out);
/* "FULL", "HDRS" or "". */
struct str dsn_return_name(enum dsn_return what);

/*
 * ORCPT "rfc822;user+2Btag@x": a type that is an atom and an address, decoded: of type utf-8 (RFC 6533) from "\x{FC}",
 * of others from xtext. No control bytes, may be 8-bit.
 */
MUST_USE bool dsn_orcpt_parse(struct arena *arena, struct str text, struct str *type_out, struct str *address_out);
/* "type;address" with the address encoded. */
bool dsn_orcpt_append(struct strbuf *out, struct str type, struct str address);
/*
 * The original recipient of one that was given none: "type;address", not encoded. address is in internal form; its type
 * is utf-8 where that may be and is needed.
 */
struct str dsn_orcpt_default(struct arena *arena, struct str address, bool may_be_utf8);

#endif
