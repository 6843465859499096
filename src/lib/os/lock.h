/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_LOCK_H
#define OS_LOCK_H

#include "base/failure.h"
#include "base/time.h"

/*
 * lock - locks on whole open files, and dot locks.
 *
 * LOCK_STYLE_DESCRIPTION (OFD locks) belongs to the open file: other opens of the same process
 * conflict, a duplicate or a child shares it, closing the last duplicate frees it. It is what our own
 * files use, and it conflicts with the POSIX locks of other programs. LOCK_STYLE_FLOCK is flock(2).
 * Neither outlives the process, so none is ever stale.
 */
enum lock_style {
    LOCK_STYLE_DESCRIPTION,
    LOCK_STYLE_FLOCK,
};

enum lock_mode {
    LOCK_SHARED,
    LOCK_EXCLUSIVE,
};

/* Does not wait: false with FAILURE_RETRY and why->error EAGAIN when another holds it. */
MUST_USE bool lock_try(int fd, const char *name, enum lock_style style, enum lock_mode mode, struct failure *why);
/* Tries until the deadline passes: FAILURE_TIMEOUT. Blocks the thread. */
MUST_USE bool lock_wait(int fd, const char *name, enum lock_style style, enum lock_mode mode, struct duration limit,
                        struct failure *why);
void lock_release(int fd, enum lock_style style);
/* The process that holds a lock that conflicts with an exclusive one: its id, 0 if unknown, -1 if none. */
int lock_holder(int fd);

/*
 * The file "path.lock" holds our process id. Tries count times with delay between; one older than
 * stale is taken away, and so is at once one whose maker was a process of ours on this system that has died. Blocks the
 * thread. FAILURE_RETRY when it stays taken, or with the reason why it could not be made (EACCES: the directory does
 * not let us).
 */
MUST_USE bool lock_dot_acquire(const char *path, unsigned count, struct duration delay, struct duration stale,
                               struct failure *why);
void lock_dot_release(const char *path);

#endif
