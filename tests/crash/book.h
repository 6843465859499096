/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_BOOK_H
#define CRASH_BOOK_H

#include "base/str.h"
#include "base/strbuf.h"
#include "spool/queue_id.h"

/*
 * book - every message that a scenario knows: how many recipients, and what its content must be. A message is
 * recognised by its content alone, all of it, whatever its queue id is now. Recipient number r of a message has an
 * address that begins with "r@".
 */
enum { BOOK_MAXIMUM = 400, BOOK_RECIPIENTS_MAXIMUM = 8 };

struct book_message {
    size_t size;
    unsigned recipients;
    bool may_double; /* goes through maildrop/, where a copy may outlive its having been taken up */
    struct str body; /* what it consists of behind its first line, if not the usual text */
};

struct book {
    struct book_message messages[BOOK_MAXIMUM];
    unsigned count;
    struct queue_id ids[BOOK_MAXIMUM]; /* the last that the message had */
};

/* size: of the content, at least 80. */
unsigned book_add(struct book *book, size_t size, unsigned recipients);
/* Appends the whole content. */
void book_write(const struct book *book, unsigned message, struct strbuf *out);
/* False: no message of the book has exactly this content. */
bool book_recognise(const struct book *book, struct str content, unsigned *message_out);

#endif
