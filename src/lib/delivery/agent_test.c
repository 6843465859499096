/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/agent.h"

#include "config/settings.h"
#include "daemon/master_protocol.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the agent under test: what it does is written in the recipients' addresses ---- */

static void deliver(struct delivery *delivery, void *context)
{
    const struct delivery_report report = { .dsn = DSN_STATUS(2, 1, 1), .text = STR("as asked"), .is_logged = true };

    (void) context;
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        struct str address = delivery->recipients[i].address;

        if (str_equal(address, STR("sent")))
            delivery_sent(delivery, i, &report);
        else if (str_equal(address, STR("bounced")))
            delivery_bounced(delivery, i, &report);
        else if (str_equal(address, STR("sync")))
            delivery_sync(delivery);
        else if (str_equal(address, STR("hop")))
            delivery_hop_failed(delivery, DSN_STATUS(4, 4, 1), STR("dead"));
        /* Until the test makes the file. */
        while (str_starts_with(address, STR("/")) && !file_exists(arena_c(delivery->arena, address)))
            fiber_sleep(delivery->loop, milliseconds(2));
    }
}

static const struct settings_table no_settings = { .owner = "demo" };

static const struct delivery_program program = {
    .name = "demo",
    .user = DAEMON_AS_MAIL_OWNER,
    .settings = &no_settings,
    .capacity = 7,
    .deliver = deliver,
    .seccomp = "queue",
};

/* The test program started with this variable is the agent. */
#define DEMO_VARIABLE "MERPATI_TEST_SERVICE"

__attribute__((constructor)) static void be_an_agent(int argc, char **argv)
{
    if (environment_get(DEMO_VARIABLE) != NULL)
        _exit(delivery_agent_main(&program, argc, argv));
}

/* ---- its queue manager: the test ---- */

struct scene {
    pid_t pid;
    int master_fd;
    char socket_path[200];
    struct loop *loop;
    struct arena *arena;
    struct channel *channel;
    void (*play)(struct scene *scene);
};

static void start_agent(struct scene *scene, const char *share)
{
    static char *arguments[] = { "demo", "-n", "demo", "-t", "unix", NULL };
    static unsigned number;
    char path[200];
    char text[1000];
    int ends[2];
    int listening;
    struct process_start start = { .path = "/proc/self/exe", .arguments = arguments, .fd_count = 3 };
    struct process_fd fds[3] = { { STDERR_FILENO, STDERR_FILENO } };

    EXPECT_INT(chmod(unit_directory(), 0755), 0);
    snprintf(path, sizeof path, "%s/main.cf", unit_directory());
    snprintf(text, sizeof text,
             "queue_directory = %s\ndata_directory = %s\nmyhostname = host.example.com\nmail_owner = nobody\n"
             "net_owner = daemon\nmap_owner = bin\nsetgid_group = mail\nmaillog_file = /dev/null\n",
             unit_directory(), unit_directory());
    EXPECT(file_replace(path, str_from_c(text), 0644, NULL));
    snprintf(scene->socket_path, sizeof scene->socket_path, "%s/socket%u", unit_directory(), number++);
    EXPECT(socket_listen_unix(scene->socket_path, 10, &listening, NULL));
    EXPECT_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    scene->master_fd = ends[0];
    fds[1] = (struct process_fd){ ends[1], MASTER_STATUS_FD };
    fds[2] = (struct process_fd){ listening, MASTER_LISTEN_FD };
    start.fds = fds;
    EXPECT(environment_set("MAIL_CONFIG", unit_directory(), NULL));
    EXPECT(environment_set(MASTER_VARIABLE_SESSIONS, share, NULL));
    EXPECT(environment_set(DEMO_VARIABLE, "yes", NULL));
    EXPECT(process_start(&start, &scene->pid, NULL));
    close(ends[1]);
    close(listening);
}

static void run_play(void *context)
{
    struct scene *scene = context;

    EXPECT(channel_open(scene->loop, scene->socket_path, &deliver_protocol, seconds(10), &scene->channel, NULL));
    scene->play(scene);
    channel_close(&scene->channel);
}

static void with_agent(const char *share, void (*play)(struct scene *scene))
{
    struct scene scene = { .play = play };
    struct master_record record = { 0 };
    int status = -1;

    start_agent(&scene, share);
    scene.loop = loop_create();
    scene.arena = arena_create();
    EXPECT_INT(recv(scene.master_fd, &record, sizeof record, 0), sizeof record);
    EXPECT_UINT(record.kind, MASTER_READY);
    fiber_run(scene.loop, run_play, &scene);
    loop_run(scene.loop);
    kill(scene.pid, SIGTERM);
    EXPECT_INT(waitpid(scene.pid, &status, 0), scene.pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fd_close(&scene.master_fd);
    arena_destroy(&scene.arena);
    loop_destroy(&scene.loop);
}

static void *expect_message(struct scene *scene, struct call *call, const struct message_type *type)
{
    void *message = NULL;
    struct failure why = { 0 };

    EXPECT(call_expect(call, type, scene->arena, seconds(30), &message, &why));
    return message;
}

static struct call *send_request(struct scene *scene, const char *const *addresses, size_t count)
{
    struct deliver_recipient recipients[8] = { 0 };
    struct call *call = channel_call(scene->channel);
    struct deliver_request request = {
        .queue_id = STR("ABC"),
        .queue_name = STR("active"),
        .attempt = 3,
        .recipients = { recipients, count },
        .content = STR("A: b\n\n"),
        .size = 6,
        .content_fd = -1,
    };

    for (size_t i = 0; i < count; i++)
        recipients[i] = (struct deliver_recipient){ .index = 100 + i, .address = str_from_c(addresses[i]) };
    EXPECT(call != NULL && call_send(call, &deliver_request_message, &request, seconds(10), NULL));
    return call;
}

static void expect_result(const struct deliver_outcome *outcome, size_t place, uint64_t index, uint64_t status,
                          const char *dsn)
{
    const struct deliver_result *results = outcome->results.items;

    EXPECT(place < outcome->results.count);
    EXPECT_UINT(results[place].index, index);
    EXPECT_UINT(results[place].status, status);
    EXPECT_STR(results[place].dsn, str_from_c(dsn));
}

static void send_recorded(struct call *call, uint64_t number)
{
    struct deliver_recorded recorded = { number };

    EXPECT(call_send(call, &deliver_recorded_message, &recorded, seconds(10), NULL));
}

static struct call *start_census(struct scene *scene, uint64_t generation)
{
    struct deliver_census census = { generation };
    struct call *call = channel_call(scene->channel);

    EXPECT(call != NULL && call_send(call, &deliver_census_message, &census, seconds(10), NULL));
    return call;
}

static const struct deliver_census_reply *expect_census(struct scene *scene, struct call *call, size_t in_hand,
                                                        size_t unrecorded)
{
    const struct deliver_census_reply *reply = expect_message(scene, call, &deliver_census_reply_message);

    EXPECT_UINT(reply->in_hand.count, in_hand);
    EXPECT_UINT(reply->unrecorded.count, unrecorded);
    return reply;
}

/* As a queue manager that has died and come again. */
static void connect_again(struct scene *scene)
{
    channel_close(&scene->channel);
    EXPECT(channel_open(scene->loop, scene->socket_path, &deliver_protocol, seconds(10), &scene->channel, NULL));
}

/* ---- */

static void play_capacity(struct scene *scene)
{
    struct call *call = start_census(scene, 1);

    EXPECT_UINT(expect_census(scene, call, 0, 0)->capacity, 7);
    call_end(&call);
    call = start_census(scene, UINT64_MAX / 4);
    EXPECT_FALSE(expect_census(scene, call, 0, 0)->is_fresh);
    call_end(&call);
    call = start_census(scene, 1);
    EXPECT(expect_census(scene, call, 0, 0)->is_fresh);
    call_end(&call);
}

TEST(a_census_tells_what_the_agent_can_bear_and_its_age)
{
    with_agent("0", play_capacity);
}

static void play_share(struct scene *scene)
{
    struct call *call = start_census(scene, 1);

    EXPECT_UINT(expect_census(scene, call, 0, 0)->capacity, 3);
    call_end(&call);
}

TEST(masters_share_bounds_the_capacity)
{
    with_agent("3", play_share);
}

static void play_outcomes(struct scene *scene)
{
    static const char *const addresses[] = { "sent", "forgotten", "bounced", "sync", "hop" };
    struct call *call = send_request(scene, addresses, ARRAY_COUNT(addresses));
    const struct deliver_outcome *first = expect_message(scene, call, &deliver_outcome_message);
    const struct deliver_outcome *second = expect_message(scene, call, &deliver_outcome_message);
    const struct deliver_done *done = expect_message(scene, call, &deliver_done_message);

    EXPECT_STR(first->queue_id, STR("ABC"));
    EXPECT_UINT(first->attempt, 3);
    EXPECT_UINT(first->number, 1);
    EXPECT_UINT(first->results.count, 2);
    expect_result(first, 0, 100, DELIVER_SENT, "2.1.1");
    expect_result(first, 1, 102, DELIVER_BOUNCED, "5.1.1");
    EXPECT_UINT(second->number, 2);
    EXPECT_UINT(second->results.count, 3);
    expect_result(second, 0, 101, DELIVER_DEFERRED, "4.3.0");
    EXPECT_STR(((const struct deliver_result *) second->results.items)->reason, STR("delivery agent gave no result"));
    EXPECT_STR(done->hop_dsn, STR("4.4.1"));
    EXPECT_STR(done->hop_reason, STR("dead"));
    send_recorded(call, 2);
    call_end(&call);
    call = start_census(scene, 1);
    (void) expect_census(scene, call, 0, 0);
    call_end(&call);
}

TEST(every_recipient_has_an_outcome_and_who_is_forgotten_waits)
{
    with_agent("0", play_outcomes);
}

static void play_unrecorded(struct scene *scene)
{
    static const char *const addresses[] = { "sent", "sync", "bounced" };
    struct call *call = send_request(scene, addresses, ARRAY_COUNT(addresses));
    const struct deliver_census_reply *reply;
    const struct deliver_outcome *kept;

    (void) expect_message(scene, call, &deliver_outcome_message);
    (void) expect_message(scene, call, &deliver_outcome_message);
    (void) expect_message(scene, call, &deliver_done_message);
    call_end(&call);
    connect_again(scene);

    /* Not recorded this time either. */
    call = start_census(scene, 1);
    (void) expect_census(scene, call, 0, 2);
    call_end(&call);
    connect_again(scene);

    call = start_census(scene, 1);
    reply = expect_census(scene, call, 0, 2);
    kept = (const struct deliver_outcome *) reply->unrecorded.items + 1;
    EXPECT_STR(kept->queue_id, STR("ABC"));
    EXPECT_UINT(kept->attempt, 3);
    EXPECT_UINT(kept->number, 2);
    expect_result(kept, 0, 102, DELIVER_BOUNCED, "5.1.1");
    send_recorded(call, 1);
    call_end(&call);
    call = start_census(scene, 1);
    (void) expect_census(scene, call, 0, 0);
    call_end(&call);
}

TEST(an_outcome_is_kept_until_it_is_recorded)
{
    with_agent("0", play_unrecorded);
}

static void play_in_hand(struct scene *scene)
{
    char go[200];
    const char *addresses[] = { "sent", go };
    const struct deliver_census_reply *reply;
    const struct deliver_in_hand *in_hand;
    struct call *call;
    struct call *delivery;

    snprintf(go, sizeof go, "%s/go", unit_directory());
    delivery = send_request(scene, addresses, ARRAY_COUNT(addresses));
    /* Calls are begun in order: when this one is answered, that one is in hand. */
    call = start_census(scene, 1);
    reply = expect_census(scene, call, 1, 0);
    in_hand = reply->in_hand.items;
    EXPECT_STR(in_hand->queue_id, STR("ABC"));
    EXPECT_UINT(in_hand->attempt, 3);
    EXPECT(file_replace(go, STR(""), 0644, NULL));
    EXPECT_UINT(((struct deliver_outcome *) expect_message(scene, delivery, &deliver_outcome_message))->results.count,
                2);
    (void) expect_message(scene, delivery, &deliver_done_message);
    send_recorded(delivery, 1);
    /* The census goes on until it has ended. */
    (void) expect_census(scene, call, 0, 0);
    call_end(&delivery);
    call_end(&call);
}

TEST(a_census_goes_on_until_what_is_in_hand_has_ended)
{
    with_agent("0", play_in_hand);
}

static void play_bad_request(struct scene *scene)
{
    struct deliver_request request = { .queue_id = STR("ABC"), .size = 6, .content_fd = -1 };
    struct deliver_recipient recipient = { .address = STR("sent") };
    static const char *const good[] = { "sent" };
    struct call *call = channel_call(scene->channel);
    void *message;

    request.recipients = (struct records){ &recipient, 1 };
    EXPECT(call_send(call, &deliver_request_message, &request, seconds(10), NULL));
    EXPECT_FALSE(call_expect(call, &deliver_outcome_message, scene->arena, seconds(30), &message, NULL));
    call_end(&call);
    connect_again(scene);
    call = send_request(scene, good, 1);
    (void) expect_message(scene, call, &deliver_outcome_message);
    send_recorded(call, 1);
    call_end(&call);
}

TEST(a_request_that_contradicts_itself_is_refused)
{
    with_agent("0", play_bad_request);
}
