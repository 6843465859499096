/* SPDX-License-Identifier: Apache-2.0 */
#include "config/in_force.h"

#include "base/time.h"
#include "os/fd.h"
#include "os/system_socket.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 2 };

static int listener = -1;

static void listen_here(void)
{
    const struct system_socket_access access = { .mode = 0600, .uid = (uid_t) -1, .gid = (gid_t) -1 };

    EXPECT(chdir(unit_directory()) == 0);
    (void) mkdir("pid", 0755);
    EXPECT(system_socket_listen_unix(IN_FORCE_SOCKET, ROOM, &access, &listener, NULL));
}

static bool is_in_force(void)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();

    return in_force_wait(str_from_c(unit_directory()), arena, NULL);
}

static bool took_all_the_time(struct instant begin)
{
    return instant_since(clock_monotonic(), begin).us >= IN_FORCE_SECONDS * 1000000;
}

static void wait_for_asker(void)
{
    struct pollfd poll_fd = { .fd = listener, .events = POLLIN };

    EXPECT_INT(poll(&poll_fd, 1, -1), 1);
}

static void fill_backlog(int *askers, size_t count)
{
    struct failure why = { 0 };
    int fd = -1;

    for (size_t i = 0; i < count; i++)
        EXPECT(system_socket_try_connect_unix(IN_FORCE_SOCKET, &askers[i], NULL));
    EXPECT_FALSE(system_socket_try_connect_unix(IN_FORCE_SOCKET, &fd, &why));
    EXPECT_INT(why.error, EAGAIN);
}

static void close_all(int *askers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fd_close(&askers[i]);
    fd_close(&listener);
}

TEST(where_nothing_runs_all_is_in_force)
{
    struct instant begin = clock_monotonic();

    EXPECT(is_in_force());
    listen_here();
    fd_close(&listener); /* what a killed master leaves: nobody listens */
    EXPECT(is_in_force());
    EXPECT_FALSE(took_all_the_time(begin));
}

static void *ask(void *answer)
{
    *(bool *) answer = is_in_force();
    return NULL;
}

TEST(who_is_never_let_go_is_told_so_with_a_place_and_without_one)
{
    struct instant begin = clock_monotonic();
    int askers[ROOM];
    pthread_t thread;
    bool answer = true;

    listen_here();
    EXPECT_INT(pthread_create(&thread, NULL, ask, &answer), 0);
    wait_for_asker();
    fill_backlog(askers, ROOM);
    EXPECT_FALSE(is_in_force());
    EXPECT(took_all_the_time(begin));
    EXPECT_INT(pthread_join(thread, NULL), 0);
    EXPECT_FALSE(answer);
    close_all(askers, ROOM);
}

/* One after the other, as many as there are. */
static void *let_go(void *unused)
{
    for (size_t count = 0; count < ROOM + 2; count++) {
        int fd;

        wait_for_asker();
        EXPECT(system_socket_try_accept(listener, &fd));
        fd_close(&fd);
    }
    return unused;
}

TEST(a_full_backlog_is_waited_for)
{
    int askers[ROOM + 1];
    pthread_t thread;

    listen_here();
    fill_backlog(askers, ROOM + 1);
    EXPECT_INT(pthread_create(&thread, NULL, let_go, NULL), 0);
    EXPECT(is_in_force());
    EXPECT_INT(pthread_join(thread, NULL), 0);
    close_all(askers, ROOM + 1);
}
