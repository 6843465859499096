/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_POLICY_ANSWER_H
#define SMTPD_POLICY_ANSWER_H

#include "base/str.h"

#include <stdbool.h>

struct arena;

/*
 * policy_answer - the answer of a policy server, line by line as it comes: lines of name=value, an empty one at the
 * end. The first "action" counts; what else is said means nothing to us. A line without LF is one that the server has
 * not ended, or a piece of one that is too long.
 */
enum { POLICY_ANSWER_LINE_MAXIMUM = 32 * 1024, POLICY_ANSWER_LINES_MAXIMUM = 100 };

enum policy_answer_state {
    POLICY_ANSWER_OPEN,     /* more lines belong to it */
    POLICY_ANSWER_COMPLETE, /* with an action */
    POLICY_ANSWER_CUT_OFF,  /* within a line */
    POLICY_ANSWER_EMPTY,    /* it has ended, or goes on without end, and there is no action */
    POLICY_ANSWER_ENDLESS,  /* there is one, but no end */
};

/* All zero before the first line. */
struct policy_answer {
    struct str action; /* as it was said, in the arena */
    bool has_action;
    unsigned lines;
};

/* The next line, with its LF. After anything but POLICY_ANSWER_OPEN no more may come. */
enum policy_answer_state policy_answer_take(struct policy_answer *answer, struct str line, struct arena *arena);

#endif
