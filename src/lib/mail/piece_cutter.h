/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_PIECE_CUTTER_H
#define MAIL_PIECE_CUTTER_H

#include "base/strbuf.h"

/*
 * piece_cutter - lines out of text that comes cut anywhere: whole ones, and long ones in pieces of the limit, so that
 * no line needs more memory. Pure.
 */
struct piece {
    struct str text; /* without the LF */
    bool starts_line;
    bool ends_line;
};

struct piece_cutter {
    struct strbuf gathered; /* of a piece that is not whole yet, or that is in use */
    bool is_in_use;
    bool starts_line; /* what comes next does */
};

void piece_cutter_init(struct piece_cutter *cutter, size_t limit);
void piece_cutter_done(struct piece_cutter *cutter);

/*
 * Takes the next piece off *input; its text is valid until the next call, as long as the input is. False: more input is
 * needed, and what there was is kept. is_last: no more will come; then the rest is a piece, too.
 */
bool piece_cutter_take(struct piece_cutter *cutter, struct str *input, bool is_last, struct piece *piece_out);

/* Whether nothing is kept: then text may be taken off the input without the cutter, if that is told to it. */
bool piece_cutter_is_empty(struct piece_cutter *cutter);
void piece_cutter_pass(struct piece_cutter *cutter, struct str text);

#endif
