/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"

#include <sys/types.h>

/*
 * child - runs another program from a fiber and waits for its end.
 *
 * The child leads a process group of its own, which is killed when the time is over. It gets standard input,
 * output and error and no other descriptor, default signal dispositions, and exactly the environment given.
 */
struct loop;

struct child_identity {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary */
    size_t group_count;
};

struct child_command {
    const char *program;            /* looked up in the environment's PATH unless it has a slash; NULL: argv[0] */
    const char *const *argv;        /* ends with NULL */
    const char *const *environment; /* "name=value", ends with NULL; NULL: empty */
    const char *root;               /* becomes the root directory, and the working one, while still root; NULL: stay */
    const char *directory;          /* changed to with the identity's rights, inside the root; NULL: stay */
    const struct child_identity *identity; /* changed to before exec; NULL: stay */
    int input_fd;                          /* becomes standard input if input_is_fd; stays the caller's */
    bool input_is_fd;
    int output_fd; /* becomes standard output and error if output_is_fd, and nothing is captured; stays the caller's */
    bool output_is_fd;
    struct str input;  /* else this is written to it, then it is closed */
    size_t output_max; /* of standard output and error together; more is read and dropped */
    struct duration timeout;
    pid_t *pid; /* NULL, or where its process id is while it runs, and 0 before and after: for who must kill it */
};

enum child_end {
    CHILD_EXITED,   /* status is the exit status */
    CHILD_SIGNALED, /* status is the signal */
    CHILD_TIMED_OUT,
};

struct child_result {
    enum child_end end;
    int status;
    struct str output; /* in the arena */
    bool is_output_cut;
};

/*
 * False only if the program could not be started (no such file, no permission, no process): the failure has
 * the errno. Its text names the program; but FAILURE_CONFIGURATION, and a text of their own, for a root or directory
 * that cannot be changed to. A child that stops reading its input is not a failure.
 */
MUST_USE bool child_run(struct loop *loop, const struct child_command *command, struct arena *arena,
                        struct child_result *result_out, struct failure *why);

#endif
