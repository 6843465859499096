/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_SMTP_REPLY_H
#define MAIL_SMTP_REPLY_H

#include "base/strbuf.h"
#include "mail/dsn.h"

/*
 * reply - what a server answers, put together from its lines. Pure: the bytes come from anywhere.
 *
 * Lines are kept as they came, with their codes, joined by LF. A server that does not stop talking, or talks
 * nonsense, is found out here: whatever it does, the text stays under SMTP_REPLY_MAX.
 */
struct smtp_reply {
    int code; /* 200 to 599; 0 before the first line */
    struct dsn_status dsn;
    struct strbuf text;
    unsigned line_count;
};

enum {
    SMTP_REPLY_LINE_MAX = 2048, /* what is longer is cut */
    SMTP_REPLY_MAX = 16 * 1024,
    SMTP_REPLY_LINES_MAX = 200,
};

enum smtp_reply_progress {
    SMTP_REPLY_MORE,
    SMTP_REPLY_COMPLETE,
    SMTP_REPLY_BROKEN, /* no code, codes that differ in class, or no end in sight; text holds what came */
};

void smtp_reply_init(struct smtp_reply *reply);
void smtp_reply_done(struct smtp_reply *reply);
/* Ready for the next reply. */
void smtp_reply_clear(struct smtp_reply *reply);
/* line without its CR LF. */
enum smtp_reply_progress smtp_reply_add_line(struct smtp_reply *reply, struct str line);

/* 2 for 2xx and so on; 0 when there is none. */
int smtp_reply_class(const struct smtp_reply *reply);

/* The next line without code and separator; false at the end. *place begins at 0. */
bool smtp_reply_next_line(const struct smtp_reply *reply, size_t *place, struct str *text_out);

/* The text on one line: LF becomes a space. In the arena. */
struct str smtp_reply_on_one_line(const struct smtp_reply *reply, struct arena *arena);

#endif
