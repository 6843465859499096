/* SPDX-License-Identifier: Apache-2.0 */
/* Real processes made with the skeleton, without master: the test forks and holds the other end of their sockets. */
#include "daemon/daemon.h"

#include "daemon/master_protocol.h"
#include "os/directory.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/process.h"
#include "os/system_socket.h"
#include "run/child.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the services ---- */

struct demo_question {
    struct str text;
};

struct demo_answer {
    struct str text;
    uint64_t uid;
};

static const struct message_field demo_question_fields[] = {
    MESSAGE_FIELD(struct demo_question, text, FIELD_STR, 100, "anything"),
};
static const struct message_field demo_answer_fields[] = {
    MESSAGE_FIELD(struct demo_answer, text, FIELD_STR, 200, "the same again"),
    MESSAGE_FIELD(struct demo_answer, uid, FIELD_UINT, UINT32_MAX, "who the service is"),
};
static MESSAGE_TYPE(demo_question);
static MESSAGE_TYPE(demo_answer);
static const struct message_type *const demo_messages[] = { &demo_question_message, &demo_answer_message, NULL };
static const struct protocol demo_protocol = { "demo", 1, demo_messages };

struct service {
    bool is_asleep;
    unsigned triggers;
};

static void *service_start(struct daemon *daemon)
{
    return arena_new(daemon_arena(daemon), struct service);
}

static bool answer(struct daemon_call *call, struct failure *why)
{
    struct service *service = call->context;
    const struct demo_question *question = call->request;
    struct demo_answer reply = { .uid = geteuid() };

    reply.text = arena_printf(call->arena, "%.*s %u%s", STR_ARG(question->text), service->triggers,
                              service->is_asleep ? " at the same time" : "");
    if (str_equal(question->text, STR("slow"))) {
        service->is_asleep = true;
        fiber_sleep(daemon_loop(call->daemon), milliseconds(500));
        service->is_asleep = false;
    }
    return daemon_reply(call, &reply, why);
}

static void take_trigger(void *context, struct str bytes)
{
    struct service *service = context;

    service->triggers += (unsigned) bytes.len;
}

static const struct daemon_operation operations[] = {
    { &demo_question_message, &demo_answer_message, answer },
    { NULL, NULL, NULL },
};

static const struct daemon_program internal_program = {
    .name = "demo",
    .user = DAEMON_AS_MAIL_OWNER,
    .start = service_start,
    .protocol = &demo_protocol,
    .operations = operations,
    .trigger = take_trigger,
    .seccomp = "queue",
};

static void echo_session(struct daemon_session *session)
{
    struct failure why = { 0 };
    struct str line;

    while (daemon_session_read_line(session, 100, &line, &why)) {
        if (!stream_printf(session->stream, &why, "%s in %s says %.*s", session->service,
                           access("/etc/passwd", F_OK) == 0 ? "the open" : "jail", STR_ARG(line)))
            return;
    }
    if (why.kind == FAILURE_STOPPED && stream_write(session->stream, STR("goodbye\n"), &why) &&
        stream_flush(session->stream, &why))
        return;
}

static const struct daemon_program sequential_program = {
    .name = "sequential",
    .shape = DAEMON_SEQUENTIAL,
    .user = DAEMON_AS_NET_OWNER,
    .session = echo_session,
    .seccomp = "network",
};

static const struct daemon_program stream_program = {
    .name = "echo",
    .user = DAEMON_AS_NET_OWNER,
    .session = echo_session,
    .seccomp = "network",
};

static void *fail_to_start(struct daemon *daemon)
{
    daemon_fail(daemon);
    return NULL;
}

/* One call after the other, and none of them counts to max_use. */
static const struct daemon_program turns_program = {
    .name = "turns",
    .shape = DAEMON_SEQUENTIAL,
    .user = DAEMON_AS_MAIL_OWNER,
    .start = service_start,
    .protocol = &demo_protocol,
    .operations = operations,
    .uncounted = &demo_question_message,
    .seccomp = "queue",
};

static const struct daemon_program failing_program = {
    .name = "failing",
    .user = DAEMON_AS_NET_OWNER,
    .start = fail_to_start,
    .session = echo_session,
    .seccomp = "network",
};

/* ---- the process under test ---- */

struct process {
    const struct daemon_program *program;
    const char *sessions; /* MERPATI_SESSION_LIMIT */
    const char *settings; /* more of main.cf */
    pid_t pid;
    int master_fd;
    char socket_path[200];
    struct loop *loop;
    void (*play)(struct process *process);
};

static void write_main_cf(const char *more)
{
    char path[200];
    char text[1000];

    snprintf(path, sizeof path, "%s/main.cf", unit_directory());
    snprintf(text, sizeof text,
             "queue_directory = %s\ndata_directory = %s\nmyhostname = host.example.com\nmail_owner = nobody\n"
             "net_owner = daemon\nmap_owner = bin\nsetgid_group = mail\nmaillog_file = /dev/null\n%s",
             unit_directory(), unit_directory(), more != NULL ? more : "");
    EXPECT(file_replace(path, str_from_c(text), 0644, NULL));
}

/* The test program started with this variable is the service. */
#define DEMO_VARIABLE "MERPATI_TEST_SERVICE"

__attribute__((constructor)) static void be_a_service(int argc, char **argv)
{
    static const struct daemon_program *const programs[] = { &internal_program, &stream_program, &sequential_program,
                                                             &failing_program, &turns_program };
    const char *name = environment_get(DEMO_VARIABLE);

    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(programs); i++) {
        if (strcmp(name, programs[i]->name) == 0)
            _exit(daemon_run(programs[i], argc, argv));
    }
}

/* By its name: /proc/self/exe would be valgrind, where that runs the test. */
static const char *own_program(void)
{
    static char path[1000];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    EXPECT(len > 0);
    path[len] = '\0';
    return path;
}

static void start_program(struct process *process, int status_fd, int listen_fd)
{
    static char *arguments[] = { "demo", "-n", "service", "-t", "unix", "-o", "ipc_timeout=10s", NULL };
    struct process_fd fds[] = {
        { STDERR_FILENO, STDERR_FILENO },
        { status_fd, MASTER_STATUS_FD },
        { listen_fd, MASTER_LISTEN_FD },
    };
    struct process_start start = {
        .path = own_program(), .arguments = arguments, .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };
    const char *sessions = process->sessions != NULL ? process->sessions : "0";

    EXPECT(environment_set("MAIL_CONFIG", unit_directory(), NULL));
    EXPECT(environment_set(MASTER_VARIABLE_SESSIONS, sessions, NULL));
    EXPECT(environment_set(DEMO_VARIABLE, process->program->name, NULL));
    EXPECT(process_start(&start, &process->pid, NULL));
    EXPECT(environment_set(DEMO_VARIABLE, "", NULL));
}

static void start_process(struct process *process)
{
    static unsigned number;
    int ends[2];
    int listening;

    write_main_cf(process->settings);
    snprintf(process->socket_path, sizeof process->socket_path, "%s/socket%u", unit_directory(), number++);
    EXPECT(socket_listen_unix(process->socket_path, 10, &listening, NULL));
    EXPECT_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    process->master_fd = ends[0];
    start_program(process, ends[1], listening);
    close(ends[1]);
    close(listening);
}

/* Blocks: the process under test is another one. */
static uint32_t next_record(const struct process *process, uint32_t *sessions_out)
{
    struct master_record record = { 0 };

    if (recv(process->master_fd, &record, sizeof record, 0) != sizeof record)
        return 0;
    if (sessions_out != NULL)
        *sessions_out = record.sessions;
    return record.kind;
}

static void expect_record(const struct process *process, enum master_record_kind kind)
{
    uint32_t got;

    do
        got = next_record(process, NULL);
    while (got != kind && got == MASTER_AVAILABLE);
    EXPECT_UINT(got, kind);
}

static void expect_exit(struct process *process, int expected)
{
    int status = -1;

    EXPECT_INT(waitpid(process->pid, &status, 0), process->pid);
    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), expected);
}

static void run_play(void *context)
{
    struct process *process = context;

    process->play(process);
}

static void with_process(struct process process)
{
    EXPECT_INT(chmod(unit_directory(), 0755), 0);
    start_process(&process);
    process.loop = loop_create();
    expect_record(&process, MASTER_READY);
    fiber_run(process.loop, run_play, &process);
    loop_run(process.loop);
    loop_destroy(&process.loop);
    fd_close(&process.master_fd);
    expect_exit(&process, 0);
}

static struct stream *connect_to(struct process *process)
{
    struct stream *stream = NULL;
    int fd;

    EXPECT(socket_connect_unix(process->loop, process->socket_path, seconds(10), &fd, NULL));
    EXPECT(stream_create(process->loop, fd, seconds(10), &stream, NULL));
    return stream;
}

static void expect_echo(struct stream *stream)
{
    struct str line = STR_EMPTY;

    EXPECT(stream_write(stream, STR("hello\n"), NULL));
    EXPECT(stream_read_line(stream, 100, &line, NULL));
    EXPECT_STR(line,
               privilege_is_root() ? STR("service in jail says hello\n") : STR("service in the open says hello\n"));
}

/* ---- raw streams ---- */

static void play_streams(struct process *process)
{
    struct stream *first = connect_to(process);
    struct stream *second = connect_to(process);

    expect_echo(first);
    expect_echo(second);
    expect_echo(first);
    stream_destroy(&first);
    stream_destroy(&second);
    kill(process->pid, SIGTERM);
    expect_record(process, MASTER_RETIRING);
}

TEST(a_process_serves_many_streams_at_once)
{
    with_process((struct process){ .program = &stream_program, .play = play_streams });
}

static void play_stop(struct process *process)
{
    struct stream *stream = connect_to(process);
    struct str line = STR_EMPTY;

    expect_echo(stream);
    kill(process->pid, SIGTERM);
    EXPECT(stream_read_line(stream, 100, &line, NULL));
    EXPECT_STR(line, STR("goodbye\n"));
    EXPECT_FALSE(stream_fill(stream, NULL));
    EXPECT(stream_is_at_end(stream));
    stream_destroy(&stream);
}

TEST(a_stop_sends_idle_sessions_away)
{
    with_process((struct process){ .program = &stream_program, .play = play_stop });
}

static void play_retire(struct process *process)
{
    struct stream *stream = connect_to(process);

    expect_echo(stream);
    kill(process->pid, SIGHUP);
    expect_record(process, MASTER_RETIRING);
    expect_echo(stream);
    stream_destroy(&stream);
}

TEST(a_retiring_process_lets_sessions_come_to_their_own_end)
{
    with_process((struct process){ .program = &stream_program, .play = play_retire });
}

static void play_limit(struct process *process)
{
    struct stream *first = connect_to(process);
    struct stream *second;

    expect_record(process, MASTER_BUSY);
    second = connect_to(process);
    EXPECT(stream_write(second, STR("hello\n"), NULL) && stream_flush(second, NULL));
    expect_echo(first);
    EXPECT_FALSE(stream_wait_input(second, milliseconds(50), NULL));
    stream_destroy(&first);
    EXPECT(stream_wait_input(second, seconds(10), NULL));
    stream_destroy(&second);
    kill(process->pid, SIGTERM);
}

TEST(a_full_process_accepts_no_more)
{
    with_process((struct process){ .program = &stream_program, .sessions = "1", .play = play_limit });
}

static void play_max_use(struct process *process)
{
    for (int i = 0; i < 3; i++) {
        struct stream *stream = connect_to(process);

        expect_echo(stream);
        stream_destroy(&stream);
    }
}

TEST(after_max_use_a_process_retires)
{
    with_process((struct process){ .program = &sequential_program, .settings = "max_use = 3\n", .play = play_max_use });
}

static void play_nothing(struct process *process)
{
    expect_record(process, MASTER_RETIRING);
}

TEST(an_idle_process_goes)
{
    with_process((struct process){ .program = &stream_program, .settings = "max_idle = 1s\n", .play = play_nothing });
}

static void play_master_dies(struct process *process)
{
    struct stream *stream = connect_to(process);
    struct str line = STR_EMPTY;

    expect_echo(stream);
    fd_close(&process->master_fd);
    EXPECT(stream_read_line(stream, 100, &line, NULL));
    EXPECT_STR(line, STR("goodbye\n"));
    stream_destroy(&stream);
}

TEST(when_master_dies_a_process_stops)
{
    with_process((struct process){ .program = &stream_program, .play = play_master_dies });
}

/* ---- channels and triggers ---- */

static void ask(struct endpoint *endpoint, const char *text, const char *expected)
{
    struct arena *arena = arena_create();
    struct demo_question question = { str_from_c(text) };
    struct failure why = { 0 };
    void *reply = NULL;
    bool is_answered = endpoint_ask(endpoint, &demo_question_message, &question, &demo_answer_message, arena,
                                    seconds(10), &reply, &why);

    if (!is_answered)
        print_error("%s\n", why.text);
    EXPECT(is_answered);
    if (is_answered) {
        const struct demo_answer *answered = reply;
        const struct passwd *nobody = getpwnam("nobody");

        EXPECT_STR(answered->text, str_from_c(expected));
        EXPECT_UINT(answered->uid, privilege_is_root() && nobody != NULL ? nobody->pw_uid : geteuid());
    }
    arena_destroy(&arena);
}

static void play_internal(struct process *process)
{
    struct endpoint *endpoint = endpoint_create(process->loop, process->socket_path, &demo_protocol, seconds(10));
    struct stream *trigger = connect_to(process);

    ask(endpoint, "first", "first 0");
    EXPECT(stream_write(trigger, STR("FI"), NULL) && stream_flush(trigger, NULL));
    /* The close is the answer. */
    EXPECT_FALSE(stream_fill(trigger, NULL));
    EXPECT(stream_is_at_end(trigger));
    stream_destroy(&trigger);
    ask(endpoint, "second", "second 2");
    kill(process->pid, SIGHUP);
    endpoint_destroy(&endpoint);
}

TEST(channels_and_triggers_share_a_socket)
{
    with_process((struct process){ .program = &internal_program, .play = play_internal });
}

static void ask_slowly(void *context)
{
    ask(context, "slow", "slow 0");
}

static bool is_asleep(struct endpoint *endpoint)
{
    struct arena *arena = arena_create();
    struct demo_question question = { STR("look") };
    void *reply = NULL;
    bool is_answered = endpoint_ask(endpoint, &demo_question_message, &question, &demo_answer_message, arena,
                                    seconds(10), &reply, NULL);
    bool result = is_answered && str_ends_with(((const struct demo_answer *) reply)->text, STR("at the same time"));

    arena_destroy(&arena);
    return result;
}

static void play_drain(struct process *process)
{
    struct instant end = instant_add(clock_monotonic(), seconds(10));
    struct endpoint *endpoint = endpoint_create(process->loop, process->socket_path, &demo_protocol, seconds(10));
    struct fiber_group group;

    fiber_group_init(&group, process->loop);
    ask(endpoint, "first", "first 0");
    fiber_group_start(&group, ask_slowly, endpoint);
    while (!is_asleep(endpoint) && instant_is_before(clock_monotonic(), end))
        fiber_yield(process->loop);
    kill(process->pid, SIGTERM);
    EXPECT(fiber_group_wait(&group, seconds(10), NULL));
    endpoint_destroy(&endpoint);
}

static void ask_quickly(void *context)
{
    ask(context, "quick", "quick 0");
}

static void play_turns(struct process *process)
{
    struct endpoint *endpoint = endpoint_create(process->loop, process->socket_path, &demo_protocol, seconds(10));
    struct fiber_group group;

    fiber_group_init(&group, process->loop);
    ask(endpoint, "first", "first 0");
    fiber_group_start(&group, ask_slowly, endpoint);
    fiber_group_start(&group, ask_quickly, endpoint);
    EXPECT(fiber_group_wait(&group, seconds(10), NULL));
    ask(endpoint, "last", "last 0");
    endpoint_destroy(&endpoint);
    kill(process->pid, SIGTERM);
}

TEST(a_sequential_service_takes_one_call_after_the_other_and_only_some_count_to_max_use)
{
    with_process((struct process){ .program = &turns_program, .settings = "max_use = 1\n", .play = play_turns });
}

static void play_leave_port(struct process *process)
{
    struct stream *stream = connect_to(process);
    struct instant end = instant_add(loop_now(process->loop), seconds(10));
    bool is_open = true;
    int fd = -1;

    expect_echo(stream);
    kill(process->pid, SIGHUP);
    expect_record(process, MASTER_RETIRING);
    while (is_open && instant_is_before(loop_now(process->loop), end)) {
        is_open = system_socket_try_connect_unix(process->socket_path, &fd, NULL);
        fd_close(&fd);
        fiber_yield(process->loop);
    }
    EXPECT_FALSE(is_open);
    expect_echo(stream);
    stream_destroy(&stream);
}

TEST(a_retiring_process_leaves_its_socket_to_others_while_a_session_goes_on)
{
    with_process((struct process){ .program = &stream_program, .play = play_leave_port });
}

TEST(a_call_in_hand_is_finished_before_the_end)
{
    with_process((struct process){ .program = &internal_program, .play = play_drain });
}

static void play_standalone(void *context)
{
    const char *const argv[] = { own_program(), "-S", NULL };
    struct process *process = context;
    struct arena *arena = arena_create();
    const char *environment[] = { arena_c(arena, arena_printf(arena, "MAIL_CONFIG=%s", unit_directory())),
                                  DEMO_VARIABLE "=echo", NULL };
    struct child_command command = {
        .argv = argv, .environment = environment, .input = STR("one\ntwo\n"), .output_max = 1000, .timeout = seconds(20)
    };
    struct child_result result = { 0 };

    EXPECT(child_run(process->loop, &command, arena, &result, NULL));
    EXPECT_STR(result.output, STR("echo in the open says one\necho in the open says two\n"));
    EXPECT_INT(result.end, CHILD_EXITED);
    EXPECT_INT(result.status, 0);
    arena_destroy(&arena);
}

TEST(alone_a_process_serves_its_standard_input)
{
    struct process process = { .loop = loop_create() };

    write_main_cf(NULL);
    fiber_run(process.loop, play_standalone, &process);
    loop_destroy(&process.loop);
}

TEST(a_bad_main_cf_stops_the_start)
{
    struct process process = { .program = &internal_program, .settings = "max_use = many\n" };

    start_process(&process);
    EXPECT_UINT(next_record(&process, NULL), 0);
    fd_close(&process.master_fd);
    expect_exit(&process, 1);
}

TEST(a_start_that_fails_is_a_failure_and_no_readiness)
{
    struct process process = { .program = &failing_program };
    uint32_t record;

    start_process(&process);
    while ((record = next_record(&process, NULL)) != 0)
        EXPECT(record != MASTER_READY);
    fd_close(&process.master_fd);
    expect_exit(&process, 1);
}
