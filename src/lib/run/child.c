/* SPDX-License-Identifier: Apache-2.0 */
#include "run/child.h"

#include "base/strbuf.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/poller.h"
#include "run/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_CANNOT_START = 127 };

/* How far the child came that cannot become the program. */
enum stage {
    STAGE_IDENTITY,
    STAGE_ROOT,
    STAGE_DIRECTORY,
    STAGE_PROGRAM,
};

struct stage_report {
    int error;
    enum stage stage;
};

/* The parent's ends stand in the struct, the child's are closed after the fork. -1: not open. */
struct pipes {
    int input[2];
    int output[2];
    int report[2]; /* the child writes a stage_report there if it cannot become the program */
};

struct child {
    struct loop *loop;
    const struct child_command *command;
    struct pipes pipes;
    pid_t pid;
    int pidfd;
    struct instant end;
    struct fiber_group helpers;
    struct stream *input;
    struct stream *output;
    struct strbuf captured;
    bool is_output_cut;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pair(int fds[2])
{
    close_fd(&fds[0]);
    close_fd(&fds[1]);
}

static bool open_pipes(struct child *child, struct failure *why)
{
    struct pipes *pipes = &child->pipes;

    *pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    if ((!child->command->input_is_fd && pipe2(pipes->input, O_CLOEXEC) < 0) ||
        (!child->command->output_is_fd && pipe2(pipes->output, O_CLOEXEC) < 0) || pipe2(pipes->report, O_CLOEXEC) < 0)
        return failure_system(why, errno, "pipe");
    return true;
}

/* ---- in the child, between fork and exec: system calls only ---- */

NO_RETURN static void report_and_exit(int report_fd, enum stage stage)
{
    struct stage_report report = { errno, stage };

    if (write(report_fd, &report, sizeof report) < 0)
        _exit(CHILD_CANNOT_START);
    _exit(CHILD_CANNOT_START);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool become(const struct child_identity *identity)
{
    if (identity == NULL)
        return true;
    /* Without the right to, only what one is already. */
    if (geteuid() != 0) {
        errno = EPERM;
        return identity->uid == geteuid() && identity->gid == getegid();
    }
    return setgroups(identity->group_count, identity->groups) == 0 &&
           setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
           setresuid(identity->uid, identity->uid, identity->uid) == 0;
}

/* Moves the three descriptors to 0, 1, 2, whatever numbers they have, and makes them survive exec. */
static bool place_descriptors(int input_fd, int output_fd)
{
    int input = fcntl(input_fd, F_DUPFD_CLOEXEC, 3);
    int output = fcntl(output_fd, F_DUPFD_CLOEXEC, 3);

    return input >= 0 && output >= 0 && dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
           dup2(output, STDERR_FILENO) >= 0;
}

/* All of ours close themselves at exec, the report pipe among them; what a library opened carelessly is made to. */
static void close_others_at_exec(void)
{
    (void) syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
}

NO_RETURN static void run_program(const struct child *child)
{
    static const char *const nothing[] = { NULL };
    const struct child_command *command = child->command;
    const char *const *environment = command->environment != NULL ? command->environment : nothing;
    int report = fcntl(child->pipes.report[1], F_DUPFD_CLOEXEC, 3);

    reset_signals();
    setpgid(0, 0);
    if (!place_descriptors(command->input_is_fd ? command->input_fd : child->pipes.input[0],
                           command->output_is_fd ? command->output_fd : child->pipes.output[1]))
        report_and_exit(report, STAGE_IDENTITY);
    if (command->root != NULL && (chroot(command->root) < 0 || chdir("/") < 0))
        report_and_exit(report, STAGE_ROOT);
    if (!become(command->identity))
        report_and_exit(report, STAGE_IDENTITY);
    if (command->directory != NULL && chdir(command->directory) < 0)
        report_and_exit(report, STAGE_DIRECTORY);
    close_others_at_exec();
    environ = (char **) (uintptr_t) environment;
    execvp(command->program != NULL ? command->program : command->argv[0], (char *const *) (uintptr_t) command->argv);
    report_and_exit(report, STAGE_PROGRAM);
}

/* ---- in the parent ---- */

static bool start_program(struct child *child, struct failure *why)
{
    child->pid = fork();
    if (child->pid == 0) {
        errno = 0;
        run_program(child);
    }
    if (child->pid < 0)
        return failure_system(why, errno, "fork");
    /* In both, so that neither depends on who is first. */
    setpgid(child->pid, child->pid);
    if (child->command->pid != NULL)
        *child->command->pid = child->pid;
    close_fd(&child->pipes.input[0]);
    close_fd(&child->pipes.output[1]);
    close_fd(&child->pipes.report[1]);
    child->pidfd = pidfd_open(child->pid, 0);
    return true;
}

static struct duration time_left(const struct child *child)
{
    return instant_since(child->end, loop_now(child->loop));
}

static void feed_input(void *context)
{
    struct child *child = context;
    struct failure why;

    /* A program that does not read all of its input is within its rights. */
    if (!stream_write(child->input, child->command->input, &why) || !stream_flush(child->input, &why)) {
        stream_destroy(&child->input);
        return;
    }
    stream_destroy(&child->input);
}

static void capture_output(void *context)
{
    struct child *child = context;
    struct failure why;
    struct str data;

    while (stream_read_some(child->output, STREAM_READ_MAX, &data, &why)) {
        size_t room = child->command->output_max - child->captured.len;

        if (data.len > room)
            child->is_output_cut = true;
        strbuf_append(&child->captured, str_part(data, 0, room));
        /* One that writes without end must not keep all others, its own time limit among them, from their turn. */
        fiber_yield(child->loop);
    }
}

static bool open_streams(struct child *child, struct failure *why)
{
    struct pipes *pipes = &child->pipes;
    int input = pipes->input[1];
    int output = pipes->output[0];

    pipes->input[1] = pipes->output[0] = -1;
    if (output >= 0 && !stream_create(child->loop, output, child->command->timeout, &child->output, why)) {
        close_fd(&input);
        return false;
    }
    if (child->output != NULL)
        stream_set_deadline(child->output, child->end);
    if (input < 0)
        return true;
    if (!stream_create(child->loop, input, child->command->timeout, &child->input, why))
        return false;
    stream_set_deadline(child->input, child->end);
    return true;
}

static bool fail_at(const struct child *child, const struct stage_report *report, struct failure *why)
{
    const struct child_command *command = child->command;
    const struct child_identity *identity = command->identity;

    switch (report->stage) {
    case STAGE_ROOT:
        return failure_set(why, FAILURE_CONFIGURATION, report->error, "chroot(%s)", command->root);
    case STAGE_DIRECTORY:
        return failure_set(why, FAILURE_CONFIGURATION, report->error,
                           "cannot change directory to \"%s\" for uid=%u gid=%u", command->directory,
                           (unsigned) (identity != NULL ? identity->uid : geteuid()),
                           (unsigned) (identity != NULL ? identity->gid : getegid()));
    case STAGE_IDENTITY:
    case STAGE_PROGRAM:
        break;
    }
    return failure_system(why, report->error, "%s", command->argv[0]);
}

/* True when the program runs; else how far it came, with the errno that it met. */
static bool read_report(struct child *child, struct failure *why)
{
    struct stage_report told;
    struct stream *report;
    struct str data;
    int fd = child->pipes.report[0];
    bool has_failed;

    child->pipes.report[0] = -1;
    if (!stream_create(child->loop, fd, child->command->timeout, &report, why))
        return false;
    has_failed = stream_read_exact(report, sizeof told, &data, NULL);
    if (has_failed)
        memcpy(&told, data.data, sizeof told);
    stream_destroy(&report);
    return !has_failed || fail_at(child, &told, why);
}

static void kill_group(const struct child *child)
{
    if (kill(-child->pid, SIGKILL) < 0)
        (void) kill(child->pid, SIGKILL);
}

/* Where the system gives no descriptor for a process (an old kernel, a filter), it is looked for now and then. */
static bool look_for_end(struct child *child, struct duration timeout)
{
    struct instant end = instant_add(loop_now(child->loop), timeout);
    struct duration pause = milliseconds(1);

    while (instant_is_before(loop_now(child->loop), end)) {
        siginfo_t info = { 0 };

        if (waitid(P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child->pid)
            return true;
        fiber_sleep(child->loop, pause);
        if (pause.us < 50000)
            pause.us *= 2;
    }
    return false;
}

static bool wait_for_end(struct child *child, struct duration timeout)
{
    struct poller *poller;
    bool has_ended;

    if (child->pidfd < 0 || !poller_create(child->loop, child->pidfd, &poller, NULL))
        return look_for_end(child, timeout);
    has_ended = poller_wait(poller, POLLER_READ, timeout, NULL);
    poller_destroy(&poller);
    return has_ended;
}

/* Waits for the program's end; when its time is over, makes it end. */
static bool await_end(struct child *child, int *status_out)
{
    bool is_in_time = wait_for_end(child, time_left(child));

    if (!is_in_time) {
        kill_group(child);
        /* SIGKILL cannot be refused; only a disk that hangs can delay it. */
        while (!wait_for_end(child, seconds(3600)))
            continue;
    }
    while (waitpid(child->pid, status_out, 0) < 0 && errno == EINTR)
        continue;
    if (child->command->pid != NULL)
        *child->command->pid = 0;
    close_fd(&child->pidfd);
    return is_in_time;
}

static void fill_result(struct child *child, bool is_in_time, int status, struct arena *arena,
                        struct child_result *result)
{
    result->end = !is_in_time ? CHILD_TIMED_OUT : WIFSIGNALED(status) ? CHILD_SIGNALED : CHILD_EXITED;
    result->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    result->output = arena_str(arena, strbuf_str(&child->captured));
    result->is_output_cut = child->is_output_cut;
}

static bool run_to_end(struct child *child, int *status_out, bool *is_in_time_out, struct failure *why)
{
    bool is_running;

    if (!open_streams(child, why)) {
        kill_group(child);
        (void) await_end(child, status_out);
        return false;
    }
    if (child->output != NULL)
        fiber_group_start(&child->helpers, capture_output, child);
    if (child->input != NULL)
        fiber_group_start(&child->helpers, feed_input, child);
    is_running = read_report(child, why);
    *is_in_time_out = await_end(child, status_out);
    /* Grandchildren may hold the output open: they get no longer than the program did. */
    if (!fiber_group_wait(&child->helpers, time_left(child), NULL)) {
        if (child->output != NULL)
            stream_abort(child->output);
        if (child->input != NULL)
            stream_abort(child->input);
        while (!fiber_group_wait(&child->helpers, DURATION_FOREVER, NULL))
            continue;
    }
    return is_running;
}

bool child_run(struct loop *loop, const struct child_command *command, struct arena *arena,
               struct child_result *result_out, struct failure *why)
{
    struct child child = { .loop = loop, .command = command, .pidfd = -1 };
    int status = 0;
    bool is_in_time = false;
    bool has_run;

    child.end = instant_add(loop_now(loop), command->timeout);
    fiber_group_init(&child.helpers, loop);
    strbuf_init(&child.captured, command->output_max);
    has_run = open_pipes(&child, why) && start_program(&child, why) && run_to_end(&child, &status, &is_in_time, why);
    if (has_run)
        fill_result(&child, is_in_time, status, arena, result_out);
    stream_destroy(&child.input);
    stream_destroy(&child.output);
    close_pair(child.pipes.input);
    close_pair(child.pipes.output);
    close_pair(child.pipes.report);
    strbuf_done(&child.captured);
    return has_run;
}
