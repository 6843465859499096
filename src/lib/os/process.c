/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process.h"

#include "base/check.h"
#include "os/fd.h"
#include "os/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_NO_EXEC = 127, FD_MAX = 64 };

/* Between fork and exec: async-signal-safe calls only. Never returns to the caller's code. */
NO_RETURN static void tell_and_exit(int report)
{
    int error = errno;

    (void) !write(report, &error, sizeof error);
    _exit(STATUS_NO_EXEC);
}

/* Moves all sources above the highest target first, so that no move overwrites a source still needed. */
static bool arrange_fds(const struct process_start *start, int *report)
{
    int moved[FD_MAX];
    int above = 3;

    for (size_t i = 0; i < start->fd_count; i++) {
        if (start->fds[i].theirs >= above)
            above = start->fds[i].theirs + 1;
    }
    for (size_t i = 0; i < start->fd_count; i++) {
        moved[i] = fcntl(start->fds[i].ours, F_DUPFD_CLOEXEC, above);
        if (moved[i] < 0)
            return false;
    }
    *report = fcntl(*report, F_DUPFD_CLOEXEC, above);
    if (*report < 0)
        return false;
    if (close_range(0, (unsigned) above - 1, 0) < 0)
        return false;
    for (int fd = 0; fd <= 2; fd++) {
        if (open("/dev/null", O_RDWR) != fd)
            return false;
    }
    for (size_t i = 0; i < start->fd_count; i++) {
        if (dup2(moved[i], start->fds[i].theirs) < 0)
            return false;
    }
    /* The copies and all else above are close-on-exec from now on, whoever opened it. */
    return close_range((unsigned) above, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

NO_RETURN static void become_child(const struct process_start *start, int report, pid_t parent)
{
    if (start->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        tell_and_exit(report);
    if (start->dies_with_parent && getppid() != parent)
        _exit(STATUS_NO_EXEC);
    if (start->has_own_group && setpgid(0, 0) < 0)
        tell_and_exit(report);
    if (start->directory != NULL && chdir(start->directory) < 0)
        tell_and_exit(report);
    if (!arrange_fds(start, &report))
        tell_and_exit(report);
    signals_reset();
    if (start->environment == NULL)
        execvp(start->path, start->arguments);
    else
        execvpe(start->path, start->arguments, start->environment);
    tell_and_exit(report);
}

/* The pipe closes at exec; bytes on it are the child's errno. */
static bool read_report(int report, pid_t pid, const char *path, struct failure *why)
{
    int error;
    ssize_t count;

    do {
        count = read(report, &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    if (count != (ssize_t) sizeof error)
        return true;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return failure_system(why, error, "start %s", path);
}

bool process_start(const struct process_start *start, pid_t *pid_out, struct failure *why)
{
    CLEANUP(fd_close) int reader = -1;
    CLEANUP(fd_close) int writer = -1;
    pid_t parent = getpid(), pid;
    int ends[2];

    CHECK(start->fd_count <= FD_MAX);
    if (!fd_pipe(ends, why))
        return false;
    reader = ends[0];
    writer = ends[1];
    pid = fork();
    if (pid < 0)
        return failure_system(why, errno, "start %s", start->path);
    if (pid == 0)
        become_child(start, writer, parent);
    fd_close(&writer);
    if (!read_report(reader, pid, start->path, why))
        return false;
    *pid_out = pid;
    return true;
}

bool process_wait(pid_t pid, int *status_out, struct failure *why)
{
    while (waitpid(pid, status_out, 0) < 0) {
        if (errno != EINTR)
            return failure_system(why, errno, "wait for process %d", (int) pid);
    }
    return true;
}

bool process_try(bool (*function)(void *context), void *context, unsigned seconds, bool *is_done_out,
                 struct failure *why)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return failure_system(why, errno, "start a child process");
    if (pid == 0) {
        signals_reset();
        (void) alarm(seconds);
        _exit(function(context) ? 0 : 1);
    }
    if (!process_wait(pid, &status, why))
        return false;
    *is_done_out = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}

bool process_reap(pid_t *pid_out, int *status_out)
{
    int status;
    pid_t pid;

    do {
        pid = waitpid(-1, &status, WNOHANG);
    } while (pid < 0 && errno == EINTR);
    if (pid <= 0)
        return false;
    *pid_out = pid;
    *status_out = status;
    return true;
}

void process_status_text(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "killed by signal %d", WTERMSIG(status));
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
}

bool process_detach(struct failure *why)
{
    pid_t pid = fork();

    if (pid < 0)
        return failure_system(why, errno, "go to the background");
    if (pid > 0)
        _exit(0);
    if (setsid() < 0)
        return failure_system(why, errno, "begin a session");
    return true;
}

bool process_is_alive(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

const char *process_name(void)
{
    return program_invocation_short_name;
}
