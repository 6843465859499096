/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_PROXY_WIRE_H
#define SMTPD_PROXY_WIRE_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/strlist.h"

#include <stdbool.h>

/*
 * proxy_wire - what goes over the wire between smtpd and a proxy filter: content on its way there, replies on their
 * way back. Pure, and fuzzed.
 */

/* ---- content ---- */

/*
 * Lines that end in LF become lines that end in CR LF, the first dot of each doubled, so that CR LF . CR LF comes once:
 * at the end. A CR in them ends no line, and becomes a space where that is wanted, lest somebody take it for an end.
 * All zero but replaces_returns before the first piece.
 */
struct proxy_content {
    bool replaces_returns;
    bool is_within_line;
};

/* piece: of any cut. */
void proxy_content_append(struct proxy_content *content, struct str piece, struct strbuf *out);
/* Ends a last line that has no end. The dot is the caller's. */
void proxy_content_complete(struct proxy_content *content, struct strbuf *out);

/* Whether a client's command may be passed on as it came: nothing in it could be taken for the end of a line. */
bool proxy_command_is_clean(struct str line);

/* ---- replies ---- */

/*
 * A line longer than this is cut. All lines of a reply have one code; a reply of more lines than this, or with a line
 * that is endless, is none.
 */
enum { PROXY_REPLY_LINE_MAXIMUM = 2048, PROXY_REPLY_LINES_MAXIMUM = 100, PROXY_REPLY_PIECES_MAXIMUM = 500 };

enum proxy_reply_state {
    PROXY_REPLY_OPEN,     /* more lines belong to it */
    PROXY_REPLY_COMPLETE, /* code and lines are good */
    PROXY_REPLY_BROKEN,   /* it is none; lines are what was said so far */
};

/* All zero before the first line. */
struct proxy_reply {
    int code;             /* 200 to 599 */
    struct strlist lines; /* each with its code, without its line end; control characters are '?' */
    unsigned pieces;
    bool is_cut; /* a line was too long */
    bool is_within_line;
};

/* line: with its LF, or without: a piece of PROXY_REPLY_LINE_MAXIMUM bytes of a longer one. Memory from arena. */
enum proxy_reply_state proxy_reply_take(struct proxy_reply *reply, struct str line, struct arena *arena);

/* All lines in one, as the log has them: "??" where they end. */
struct str proxy_reply_shown(const struct proxy_reply *reply, struct arena *arena);
/* LF between the lines. */
struct str proxy_reply_text(const struct proxy_reply *reply, struct arena *arena);

#endif
