/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/failure.h"
#include "base/str.h"

#include <sys/types.h>

/*
 * process - starting programs without a shell and without a loop (fibers use run/child.h).
 *
 * The child inherits exactly the descriptors that are named; everything else is closed. Signals are
 * back at their defaults and unblocked there.
 */
struct process_fd {
    int ours;   /* a descriptor of this process */
    int theirs; /* its number in the child */
};

struct process_start {
    const char *path;             /* searched in PATH when it has no slash */
    char *const *arguments;       /* argv, NULL-terminated */
    char *const *environment;     /* NULL-terminated; NULL: ours */
    const struct process_fd *fds; /* 0, 1, 2 that are not named become /dev/null */
    size_t fd_count;
    const char *directory; /* to change to; NULL: stay */
    bool has_own_group;    /* leads a process group of its own */
    bool dies_with_parent; /* gets SIGTERM when this process dies */
};

/* A child whose exec fails ends with status 127; the failure is reported here, with its errno. */
MUST_USE bool process_start(const struct process_start *start, pid_t *pid_out, struct failure *why);

/* Waits for one child; *status_out as waitpid's. */
MUST_USE bool process_wait(pid_t pid, int *status_out, struct failure *why);
/*
 * Runs function in a child process that may die of it, or be killed after so many seconds: then, as when function
 * returns false, *is_done_out is false. Blocks.
 */
MUST_USE bool process_try(bool (*function)(void *context), void *context, unsigned seconds, bool *is_done_out,
                          struct failure *why);
/* A child that ended, without waiting; false when none has. */
bool process_reap(pid_t *pid_out, int *status_out);
/* "exit status 1", "killed by signal 11" for a status of wait; into text. */
void process_status_text(int status, char *text, size_t size);

/* Goes on in a child with a session of its own while the parent ends with 0. */
MUST_USE bool process_detach(struct failure *why);
bool process_is_alive(pid_t pid);
/* "smtpd" from the path that this process was started as. */
const char *process_name(void);

#endif
