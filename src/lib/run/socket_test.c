/* SPDX-License-Identifier: Apache-2.0 */
#include "run/socket.h"

#include "os/directory.h"
#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>

static struct loop *loop;

static void in_fiber(void (*play)(void *context))
{
    loop = loop_create();
    fiber_run(loop, play, NULL);
    loop_run(loop);
    loop_destroy(&loop);
}

static struct socket_address address_of(const char *text, uint16_t port)
{
    struct socket_address address = { 0 };

    EXPECT(socket_address_parse(str_from_c(text), port, &address));
    return address;
}

TEST(addresses_are_parsed_and_spelt)
{
    struct socket_address four = address_of("192.0.2.1", 25);
    struct socket_address six = address_of("2001:db8::1", 587);
    struct socket_address mapped = address_of("::ffff:192.0.2.1", 99);
    char text[SOCKET_TEXT_SIZE];

    EXPECT_STR(socket_address_text(&four, text), STR("192.0.2.1"));
    EXPECT_UINT(socket_address_port(&four), 25);
    EXPECT_INT(socket_address_family(&four), AF_INET);
    EXPECT_STR(socket_address_text(&six, text), STR("2001:db8::1"));
    EXPECT_UINT(socket_address_port(&six), 587);
    EXPECT_INT(socket_address_family(&six), AF_INET6);
    EXPECT(socket_address_equal(&four, &mapped));
    EXPECT_FALSE(socket_address_equal(&four, &six));
    EXPECT_FALSE(socket_address_parse(STR("example.com"), 25, &four));
    EXPECT_FALSE(socket_address_parse(STR("[192.0.2.1]"), 25, &four));
}

static void play_inet(void *context)
{
    struct socket_address address = address_of("127.0.0.1", 0);
    struct socket_address local = address_of("127.0.0.2", 0);
    struct socket_address peer;
    struct listener *listener;
    struct failure why;
    char text[SOCKET_TEXT_SIZE];
    int listening, here, there;

    (void) context;
    EXPECT(socket_listen(&address, 10, &listening, &why));
    EXPECT(socket_local_address(listening, &address, &why));
    EXPECT(listener_create(loop, listening, &listener, &why));
    EXPECT_FALSE(listener_accept(listener, milliseconds(5), &there, NULL, &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    EXPECT(socket_connect(loop, &address, &local, seconds(10), &here, &why));
    EXPECT(listener_accept(listener, seconds(10), &there, &peer, &why));
    EXPECT_STR(socket_address_text(&peer, text), STR("127.0.0.2"));
    EXPECT(socket_peer_address(here, &peer, &why));
    EXPECT_UINT(socket_address_port(&peer), socket_address_port(&address));
    EXPECT_INT(fcntl(there, F_GETFD), FD_CLOEXEC);
    listener_abort(listener);
    EXPECT_FALSE(listener_accept(listener, seconds(10), &there, NULL, &why));
    EXPECT_INT(why.kind, FAILURE_STOPPED);
    listener_destroy(&listener);
    fd_close(&listening);
    fd_close(&here);
    fd_close(&there);
    EXPECT_FALSE(socket_connect(loop, &address, NULL, seconds(10), &here, &why));
    EXPECT_INT(why.error, ECONNREFUSED);
}

TEST(a_connection_comes_from_the_address_asked_for)
{
    in_fiber(play_inet);
}

static void play_unix(void *context)
{
    char directory[400];
    char path[420];
    struct listener *listener;
    struct failure why;
    int listening, here, there;
    int length = snprintf(directory, sizeof directory, "%s/", unit_directory());

    (void) context;
    memset(directory + length, 'd', 150);
    directory[length + 150] = '\0';
    EXPECT(directory_create_path(directory, 0700, &why));
    snprintf(path, sizeof path, "%s/socket", directory);
    EXPECT_FALSE(socket_connect_unix(loop, path, seconds(10), &here, &why));
    EXPECT_INT(why.error, ENOENT);
    EXPECT(str_ends_with(str_from_c(why.text), STR("No such file or directory")));
    EXPECT(socket_listen_unix(path, 1, &listening, &why));
    fd_close(&listening);
    EXPECT(socket_listen_unix(path, 1, &listening, &why));
    EXPECT(listener_create(loop, listening, &listener, &why));
    EXPECT(socket_connect_unix(loop, path, seconds(10), &here, &why));
    EXPECT(listener_accept(listener, seconds(10), &there, NULL, &why));
    listener_destroy(&listener);
    fd_close(&here);
    fd_close(&there);
    fd_close(&listening);
}

TEST(unix_paths_may_be_longer_than_an_address_holds)
{
    in_fiber(play_unix);
}

static void play_backlog(void *context)
{
    char path[200];
    struct failure why;
    int listening, fds[50], count;

    (void) context;
    snprintf(path, sizeof path, "%s/full", unit_directory());
    EXPECT(socket_listen_unix(path, 1, &listening, &why));
    for (count = 0; count < 50; count++) {
        if (!socket_connect_unix(loop, path, milliseconds(20), &fds[count], &why))
            break;
    }
    EXPECT(count < 50);
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    while (count > 0)
        fd_close(&fds[--count]);
    fd_close(&listening);
}

TEST(a_full_backlog_is_waited_for_and_times_out)
{
    in_fiber(play_backlog);
}
