/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_SOCKETMAP_REPLY_H
#define TABLE_SOCKETMAP_REPLY_H

#include "base/failure.h"
#include "base/str.h"

struct arena;
struct stream;

/*
 * socketmap_reply - what a socketmap server says, as socketmap_table(5): a netstring
 * (http://cr.yp.to/proto/netstrings.txt) of a status and a text.
 */
enum socketmap_status {
    SOCKETMAP_OK, /* text is the value, which may be empty */
    SOCKETMAP_NOTFOUND,
    SOCKETMAP_TEMP,
    SOCKETMAP_TIMEOUT,
    SOCKETMAP_PERM,
    SOCKETMAP_NONSENSE, /* another status */
};

/* Reads one netstring, which lives in arena. FAILURE_PERMANENT: that is none, or it is longer than maximum. */
MUST_USE bool socketmap_reply_read(struct stream *stream, size_t maximum, struct arena *arena, struct str *reply_out,
                                   struct failure *why);

/* text_out is a view of reply: what follows the status and one space. "OK" without a space is NOTFOUND, as in Postfix.
 */
enum socketmap_status socketmap_reply_parse(struct str reply, struct str *text_out);

#endif
