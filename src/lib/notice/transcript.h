/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NOTICE_TRANSCRIPT_H
#define NOTICE_TRANSCRIPT_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "base/strlist.h"

/*
 * transcript - what was said in an SMTP session, and of which kinds its errors were; for the postmaster, when
 * notify_classes has one of them.
 *
 * It is bounded: of a long session the end is kept, with a mark where the beginning was. A transcript that nobody
 * wants (no class) costs nothing.
 */
struct endpoint;
struct shared_settings;

/* The words of notify_classes. */
enum notice_class {
    NOTICE_BOUNCE = 1 << 0,
    NOTICE_DOUBLE_BOUNCE = 1 << 1, /* "2bounce"; bounce means it too */
    NOTICE_DATA = 1 << 2,
    NOTICE_DELAY = 1 << 3,
    NOTICE_POLICY = 1 << 4,
    NOTICE_PROTOCOL = 1 << 5,
    NOTICE_RESOURCE = 1 << 6,
    NOTICE_SOFTWARE = 1 << 7,
};

/* Bits of the words; others are left out. */
unsigned notice_classes(const struct strlist *words);

struct transcript {
    struct strbuf text; /* lines "In:  ..." and "Out: ..." */
    size_t lines;
    unsigned wanted; /* classes that the postmaster wants to see */
    unsigned seen;   /* classes of the errors so far */
    bool is_cut;
};

void transcript_init(struct transcript *transcript, unsigned wanted);
void transcript_done(struct transcript *transcript);
/* Forgets lines and errors. */
void transcript_clear(struct transcript *transcript);
/* Each line of text on a line of its own. */
void transcript_add_in(struct transcript *transcript, struct str text);
void transcript_add_out(struct transcript *transcript, struct str text);
bool transcript_is_wanted(const struct transcript *transcript);

struct transcript_mail {
    const struct shared_settings *shared;
    struct endpoint *cleanup;
    struct str recipient; /* internal form */
    struct str subject;   /* behind the mail system's name: "SMTP server: errors from ..." */
    struct str opening;   /* of a client's: the first line of the text */
    struct str reason;    /* why the session was aborted, or empty */
};

/* Puts it into the queue. Waits. */
MUST_USE bool transcript_send(const struct transcript *transcript, const struct transcript_mail *mail,
                              struct failure *why);
/* The text of the mail behind its header. */
void transcript_write_body(const struct transcript *transcript, const struct transcript_mail *mail, struct strbuf *out);

#endif
