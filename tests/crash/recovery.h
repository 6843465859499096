/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_RECOVERY_H
#define CRASH_RECOVERY_H

#include "book.h"
#include "spool/spool.h"
#include "verdict.h"

/*
 * recovery - the mail system starts on the disk in the working directory and lives until all mail is delivered: what is
 * found, what was held, what is submitted, and a new message. The verdict says whether that is what was promised.
 */
struct recovery {
    /* in */
    struct spool_settings spool;
    struct trace *trace; /* its promises; goes on with what is done */
    struct book *book;
    bool clock_is_back;  /* the clock says a day before */
    bool expects_damage; /* the disk is bad: what cannot be read must be in corrupt/ */
    unsigned cuts;       /* how often the power was cut: each may leave a copy more of what goes through maildrop/ */
    /* out */
    struct verdict verdict;
    char complaint[300]; /* the verdict's, or of the way there; empty: none */
};

void recover(struct recovery *recovery);

/* The wall clock of this process is off by so many seconds. */
void house_clock_set_back(int64_t seconds);

#endif
