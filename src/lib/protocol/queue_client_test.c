/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/queue_client.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A queue manager in a process of its own, as the client blocks in this one. It serves one connection. */
struct manager {
    struct loop *loop;
    int listen_fd;
    channel_handler *handler;
};

static char path[200];

static void serve(void *context)
{
    struct manager *manager = context;
    struct listener *listener;
    struct failure why;
    int fd;

    if (!listener_create(manager->loop, manager->listen_fd, &listener, &why) ||
        !listener_accept(listener, seconds(60), &fd, NULL, &why))
        _exit(3);
    if (manager->handler != NULL)
        (void) !channel_serve(manager->loop, fd, &queue_protocol, manager->handler, NULL, NULL, &why);
    /* Without an answer the connection goes with the process. */
    _exit(0);
}

static pid_t start_manager(channel_handler *handler)
{
    struct manager manager = { .handler = handler };
    struct failure why;
    pid_t pid;

    snprintf(path, sizeof path, "%s/qmgr", unit_directory());
    (void) unlink(path);
    EXPECT(socket_listen_unix(path, 10, &manager.listen_fd, &why));
    pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        manager.loop = loop_create();
        fiber_run(manager.loop, serve, &manager);
        _exit(4);
    }
    fd_close(&manager.listen_fd);
    return pid;
}

static void end_manager(pid_t pid)
{
    int status;

    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Tells what it was asked: by the count of the ids, and by the first one. */
static void answer(struct call *call, void *context)
{
    struct arena *arena = arena_create();
    struct queue_controlled reply = { .failure = STR("not all of it") };
    const struct queue_control *request;
    struct failure why;
    void *message;

    (void) context;
    if (!call_expect(call, &queue_control_message, arena, seconds(60), &message, &why))
        _exit(5);
    request = message;
    reply.count = request->queue_ids.count + (request->is_all ? 1000 : 0) + 100 * request->operation;
    for (size_t i = 0; i < request->queue_ids.count; i++)
        strlist_add(&reply.missing, arena, request->queue_ids.items[i]);
    if (!call_send(call, &queue_controlled_message, &reply, seconds(60), &why))
        _exit(6);
    arena_destroy(&arena);
}

TEST(a_request_goes_there_and_its_reply_comes_back)
{
    struct arena *arena = arena_create();
    struct queue_control request = { .operation = QUEUE_DELETE };
    const struct queue_controlled *reply = NULL;
    struct failure why;
    pid_t pid = start_manager(answer);

    strlist_add(&request.queue_ids, arena, STR("0123456789AB"));
    strlist_add(&request.queue_ids, arena, STR("BA9876543210"));
    EXPECT(queue_client_control(path, &request, arena, seconds(60), &reply, &why));
    EXPECT_UINT(reply->count, 2 + 100 * QUEUE_DELETE);
    EXPECT_UINT(reply->missing.count, 2);
    EXPECT_STR(reply->missing.items[1], STR("BA9876543210"));
    EXPECT_STR(reply->failure, STR("not all of it"));
    end_manager(pid);
    arena_destroy(&arena);
}

TEST(one_process_may_ask_again_and_again)
{
    struct arena *arena = arena_create();

    for (int i = 0; i < 3; i++) {
        struct queue_control request = { .operation = QUEUE_FLUSH, .is_all = true };
        const struct queue_controlled *reply = NULL;
        struct failure why;
        pid_t pid = start_manager(answer);

        EXPECT(queue_client_control(path, &request, arena, seconds(60), &reply, &why));
        EXPECT_UINT(reply->count, 1000 + 100 * QUEUE_FLUSH);
        end_manager(pid);
    }
    arena_destroy(&arena);
}

static void say_nothing(struct call *call, void *context)
{
    (void) call;
    (void) context;
    _exit(0);
}

static struct failure ask_in_vain(struct duration timeout)
{
    struct arena *arena = arena_create();
    struct queue_control request = { .operation = QUEUE_RESCAN };
    const struct queue_controlled *reply = NULL;
    struct failure why = { .kind = FAILURE_NONE };

    EXPECT_FALSE(queue_client_control(path, &request, arena, timeout, &reply, &why));
    EXPECT(reply == NULL);
    EXPECT(why.text[0] != '\0');
    arena_destroy(&arena);
    return why;
}

TEST(a_manager_that_dies_before_its_answer_is_a_failure_and_not_a_system_that_is_down)
{
    pid_t pid = start_manager(say_nothing);
    struct failure why = ask_in_vain(seconds(60));

    EXPECT_FALSE(queue_client_is_down(&why));
    end_manager(pid);
    /* The socket is still there, and nobody listens. */
    why = ask_in_vain(seconds(60));
    EXPECT_INT(why.error, ECONNREFUSED);
    EXPECT(queue_client_is_down(&why));
    pid = start_manager(NULL);
    why = ask_in_vain(seconds(60));
    EXPECT_FALSE(queue_client_is_down(&why));
    end_manager(pid);
}

TEST(without_a_socket_the_system_is_down)
{
    struct failure why;

    snprintf(path, sizeof path, "%s/nobody", unit_directory());
    why = ask_in_vain(seconds(60));
    EXPECT_INT(why.error, ENOENT);
    EXPECT(queue_client_is_down(&why));
    snprintf(path, sizeof path, "/dev/null/qmgr");
    why = ask_in_vain(seconds(60));
    EXPECT(queue_client_is_down(&why));
}

static void wait_for_the_end(struct call *call, void *context)
{
    struct arena *arena = arena_create();
    const struct message_type *type;
    struct failure why;
    void *message;

    (void) context;
    while (call_receive(call, arena, seconds(60), &type, &message, &why))
        continue;
    arena_destroy(&arena);
}

TEST(a_manager_that_takes_too_long_is_given_up)
{
    pid_t pid = start_manager(wait_for_the_end);
    struct failure why = ask_in_vain(milliseconds(50));

    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    EXPECT_FALSE(queue_client_is_down(&why));
    end_manager(pid);
}
