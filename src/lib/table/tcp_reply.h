/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_TCP_REPLY_H
#define TABLE_TCP_REPLY_H

#include "base/failure.h"
#include "base/str.h"

struct arena;
struct stream;

/* tcp_reply - the words of tcp_table(5): a line each way, %XX for what is no plain character. */
enum { TCP_REPLY_MAX = 4096 /* with the newline */ };

enum tcp_status {
    TCP_REPLY_FOUND,      /* 200 */
    TCP_REPLY_TRY_LATER,  /* 400 */
    TCP_REPLY_ABSENT,     /* 500 */
    TCP_REPLY_BAD_STATUS, /* another number */
    TCP_REPLY_MALFORMED,
};

/* "get KEY\n" */
struct str tcp_reply_request(struct str key, struct arena *arena);

/* One line without its end, which lives in arena. FAILURE_PERMANENT: it is too long. */
MUST_USE bool tcp_reply_read(struct stream *stream, struct arena *arena, struct str *line_out, struct failure *why);

/* text_out is decoded, in arena, unless MALFORMED. */
enum tcp_status tcp_reply_parse(struct str line, struct arena *arena, struct str *text_out);

#endif
