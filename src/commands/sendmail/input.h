/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SENDMAIL_INPUT_H
#define SENDMAIL_INPUT_H

#include "base/failure.h"
#include "base/strbuf.h"

/*
 * input - the message on standard input as content: lines that end with LF.
 *
 * CRs before a LF are dropped (unless sendmail_fix_line_endings says otherwise), mailbox "From " lines at the top are
 * dropped, and, unless dots are read, a line with a single dot ends it, also a last one without LF. Lines may be of any
 * length; memory is one buffer.
 */
enum input_line_endings {
    INPUT_FIX_ALWAYS,
    INPUT_FIX_STRICT, /* when the first line ends with CR LF */
    INPUT_FIX_NEVER,
};

struct input {
    int fd;
    bool reads_dots;
    bool is_ended;
    bool is_begun;
    bool is_at_top;        /* only From_ lines so far */
    bool is_at_line_start; /* the last piece ended a line */
    enum input_line_endings line_endings;
    bool fixes_line_endings; /* known from the first line on */
    size_t held_crs;         /* that may belong to a line end */
    struct strbuf raw;
    size_t used;
};

void input_init(struct input *input, int fd, bool reads_dots, enum input_line_endings line_endings);
void input_done(struct input *input);

/* Appends the next piece of content to out; adds nothing at the end. */
MUST_USE bool input_read(struct input *input, struct strbuf *out, struct failure *why);

#endif
